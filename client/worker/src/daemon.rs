//! The frame of both daemons: blocks come in, and one session for each task goes through its rounds.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use decentralml_sdk::{Chain, ReadError, View};
use decentralml_storage::{
    Storage, Store, StoreOptions,
    host::{HandSettings, HostClient},
};
use decentralml_types::{TaskId, TaskStatus};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::Instant,
};

use crate::{
    claim,
    common::Common,
    enroll,
    error::WorkerError,
    feed::Feed,
    hosting::{self, Blocks, Hosting},
    pins::Pins,
    session::{Ended, Session},
    shutdown::{self, Shutdown},
    sources::Sources,
    state::State,
    tries,
    work::{Part, Work},
};

/// Runs a role until it is told to end.
pub(crate) async fn run<P: Part>(
    common: Common,
    part: P,
    attacker: bool,
    mut shutdown: Shutdown,
) -> Result<(), WorkerError> {
    let (work, feed, hosting) = tokio::select! {
        () = shutdown.wait() => return Ok(()),
        ready = set_up::<P>(&common, attacker) => ready?,
    };
    let mut daemon = Daemon {
        work,
        part: Arc::new(part),
        only: common.task,
        since: Instant::now(),
        has_said: false,
        next_task: 0,
        sessions: JoinSet::new(),
        waiting: BTreeMap::new(),
    };
    // Dropped at the end, which ends the host.
    let (ending, mut ended) = shutdown::channel();
    let hosting = hosting.map(|host| tokio::spawn(host.run(async move { ended.wait().await })));
    let result = tokio::select! {
        () = shutdown.wait() => Ok(()),
        error = feed.run() => Err(error),
        result = daemon.serve(common.exit_when_done) => result,
    };
    // Sessions hold nothing that has to be finished: what they are doing is on disk or on chain.
    daemon.sessions.shutdown().await;
    drop(ending);
    if let Some(hosting) = hosting
        && let Err(error) = hosting.await
    {
        tracing::error!(%error, "the host failed");
    }
    tracing::info!("ended");
    result
}

/// Connects to everything and opens the records.
async fn set_up<P: Part>(
    common: &Common,
    attacker: bool,
) -> Result<(Arc<Work>, Feed, Option<Hosting>), WorkerError> {
    let chain = Chain::connect(&common.chain).await?;
    if !chain.is_development() {
        if attacker {
            return Err(WorkerError::DevelopmentOnly(
                "a conduct other than `honest` is for tests:",
            ));
        }
        if common.signer.is_development() {
            return Err(WorkerError::DevelopmentOnly("the key is publicly known: it is accepted"));
        }
    }
    let token = common.storage_token.as_ref();
    let storage = Storage::connect_as(&common.storage, token, Default::default()).await?;
    let account = common.signer.account();
    let state = State::open(&common.state, account, P::ROLE, chain.genesis())?;
    let own_store = open_own_store(common).await;
    let storage = match &own_store {
        Some(store) => storage.with_cache(store.clone()),
        None => storage,
    };
    let (best_sender, best) = watch::channel(chain.best().await?);
    let (finalized_sender, finalized) = watch::channel(chain.finalized().await?);
    let feed = Feed {
        url: common.chain.clone(),
        best: (chain.best_blocks().await?, best_sender),
        finalized: (chain.finalized_blocks().await?, finalized_sender),
    };
    let hosting = match &common.host {
        Some(settings) => {
            let blocks = Blocks { best: best.clone(), finalized: finalized.clone() };
            let hosting = Hosting::bind(&chain, account, &common.state, settings, blocks).await?;
            hosting::announce(&chain, &common.signer, &settings.announce).await?;
            Some(hosting)
        }
        None => None,
    };
    let own_url = hosting.as_ref().and_then(Hosting::local_url);
    let given: Vec<_> = own_url.into_iter().chain(common.sources.iter().cloned()).collect();
    let storage = if given.is_empty() { storage } else { storage.with_sources(&given) };
    let private = common.allow_private_hosts || chain.is_development();
    tracing::info!(%account, role = ?P::ROLE, chain = chain.name(), "works");
    let work = Work {
        chain,
        pins: Pins::new(storage.clone()).with_host(hosting.as_ref().map(Hosting::shelf)),
        storage,
        own_store,
        sources: Sources::new(given, private),
        hands: HostClient::new(HandSettings::default()),
        uploads: common.uploads.clone(),
        signer: common.signer.clone(),
        role: P::ROLE,
        max_bond: common.max_bond,
        weight: common.weight,
        only: common.task,
        state,
        best,
        finalized,
        bonding: Mutex::default(),
        included: AtomicU32::new(0),
    };
    Ok((Arc::new(work), feed, hosting))
}

/// The daemon's own store, if it is to have one, to stand before the one that all share. It is a help only: without it, everything
/// is fetched again after a restart.
async fn open_own_store(common: &Common) -> Option<Arc<Store>> {
    let max_bytes = common.own_store?;
    let folder = common.state.join("store");
    let open = move || Store::open_with(folder, StoreOptions { max_bytes: Some(max_bytes) });
    match tokio::task::spawn_blocking(open).await {
        Ok(Ok(store)) => Some(Arc::new(store)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "works without a store of its own");
            None
        }
        // The process is about to end.
        Err(_) => None,
    }
}

/// How long the one task that was asked for may take to appear: a node that has just started may be some blocks behind the one
/// on which it was created.
const VISIBLE: Duration = Duration::from_secs(60);

/// What to do about the one task that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Take part, or settle what is open and end.
    Start,
    /// Look again at the next block.
    Wait,
    /// It will not appear.
    Unknown,
    /// It is over, in these words.
    Over(&'static str),
}

/// Decides it from what is known: the task's status, `None` where there is none; whether the account is enrolled; whether a task
/// of that number was ever created; and how long it was waited for.
fn asked(status: Option<TaskStatus>, enrolled: bool, created: bool, waited: Duration) -> Asked {
    match status {
        Some(TaskStatus::Enrolling | TaskStatus::Running | TaskStatus::Paused) => Asked::Start,
        // What is open is settled, and the bond is freed.
        Some(_) if enrolled => Asked::Start,
        Some(TaskStatus::Completed) => Asked::Over("completed"),
        Some(TaskStatus::Cancelled) => Asked::Over("cancelled by its sponsor"),
        Some(TaskStatus::Expired) => Asked::Over("its lifetime has ended"),
        // Nothing of anybody is left in a task whose records were removed.
        None if created => Asked::Over("its records were removed"),
        None if waited < VISIBLE => Asked::Wait,
        None => Asked::Unknown,
    }
}

/// Decides it from what the best block says and what the finalized one does: that a task is over is believed to the latter only,
/// as a fork may undo it.
fn for_good(best: Asked, finalized: Asked) -> Asked {
    match (best, finalized) {
        (Asked::Over(_), Asked::Over(status)) => Asked::Over(status),
        (Asked::Over(_), _) => Asked::Wait,
        (best, _) => best,
    }
}

/// Says so in the log: loudly where the settings are the reason.
fn takes_no_part(task: TaskId, error: &WorkerError) {
    match error {
        WorkerError::Unfit { reason, .. } => tracing::info!(task, %reason, "takes no part"),
        error => tracing::warn!(task, reason = %error, "takes no part"),
    }
}

/// Forgets what is left of tasks that ended while no daemon ran. What cannot be read now waits for the next start.
async fn sweep<P: Part>(work: Arc<Work>) {
    let finalized = work.finalized.borrow().clone();
    for task in work.state.tasks() {
        match is_left::<P>(&work, &finalized, task).await {
            Ok(true) => work.state.forget(task),
            Ok(false) => {}
            Err(error) => tracing::debug!(task, %error, "the task could not be read"),
        }
    }
}

/// Whether a task is over for good, with nothing of the account in it.
async fn is_left<P: Part>(work: &Work, finalized: &View, id: TaskId) -> Result<bool, WorkerError> {
    let enrolled = finalized.enrollment(id, P::ROLE, &work.account()).await?.is_some();
    Ok(!enrolled && claim::is_over(finalized, id).await?)
}

/// Does something beside the work, which waits for it neither to begin nor to end: what is not done by then is left.
async fn beside<T>(work: impl Future<Output = T>, aside: impl Future<Output = ()>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        result = &mut work => result,
        () = aside => work.await,
    }
}

struct Daemon<P: Part> {
    work: Arc<Work>,
    part: Arc<P>,
    only: Option<TaskId>,
    /// When it began to look for tasks.
    since: Instant,
    /// Whether it has said that it waits for the one task.
    has_said: bool,
    /// Tasks below have been looked at.
    next_task: TaskId,
    sessions: JoinSet<Ended>,
    /// Failures to look at a task.
    waiting: BTreeMap<TaskId, u32>,
}

impl<P: Part> Daemon<P> {
    async fn serve(&mut self, exit_when_done: bool) -> Result<(), WorkerError> {
        let swept = sweep::<P>(self.work.clone());
        beside(self.take_part(exit_when_done), swept).await
    }

    /// Starts a session for each task that may suit, as they appear. Ends where one task was asked for and it is done.
    async fn take_part(&mut self, exit_when_done: bool) -> Result<(), WorkerError> {
        let mut best = self.work.best.clone();
        let mut finalized = self.work.finalized.clone();
        loop {
            finalized.mark_unchanged();
            let view = best.borrow_and_update().clone();
            match self.discover(&view).await {
                Ok(()) => {}
                Err(error) if error.is_about_the_task() => return Err(error),
                Err(error) => tracing::warn!(%error, "tasks could not be read"),
            }
            tokio::select! {
                changed = best.changed() => if changed.is_err() { return Ok(()) },
                // What is asked for may be over only there.
                changed = finalized.changed(), if self.is_waiting() => {
                    if changed.is_err() { return Ok(()) }
                }
                // A chain that stands still has no new block to tell that the time is over.
                () = tokio::time::sleep(VISIBLE), if self.is_waiting() => {}
                Some(ended) = self.sessions.join_next() => match ended {
                    Ok(Ended { task, refusal: Some(error) }) if self.only == Some(task) => {
                        return Err(error);
                    }
                    Ok(Ended { task, refusal: Some(error) }) => takes_no_part(task, &error),
                    Ok(Ended { task, .. }) if exit_when_done && self.only == Some(task) => {
                        return Ok(());
                    }
                    Ok(Ended { task, .. }) => tracing::info!(task, "done with the task"),
                    Err(error) => tracing::error!(%error, "a session failed"),
                },
            }
        }
    }

    async fn discover(&mut self, view: &View) -> Result<(), WorkerError> {
        if let Some(id) = self.only {
            return self.find(view, id).await;
        }
        let finalized = self.work.finalized.borrow().clone();
        let next = view.next_task().await?;
        while self.next_task < next {
            let id = self.next_task;
            match self.is_closed(&finalized, id).await {
                Ok(true) => {}
                Ok(false) => self.start(id),
                Err(error) => {
                    let failures = self.waiting.entry(id).or_default();
                    *failures += 1;
                    if *failures < tries::LIMIT {
                        return Err(error);
                    }
                    tracing::error!(task = id, %error, "the task is passed over");
                }
            }
            self.waiting.remove(&id);
            self.next_task = id.saturating_add(1);
        }
        Ok(())
    }

    /// Starts the session of the one task that was asked for, once it is there.
    async fn find(&mut self, view: &View, id: TaskId) -> Result<(), WorkerError> {
        if self.next_task > id {
            return Ok(());
        }
        let finalized = self.work.finalized.borrow().clone();
        let (best, finalized) = (self.ask(view, id).await?, self.ask(&finalized, id).await?);
        match for_good(best, finalized) {
            Asked::Wait => {
                match best {
                    _ if std::mem::replace(&mut self.has_said, true) => {}
                    Asked::Over(_) => {
                        tracing::info!(task = id, "waits until it is final that the task is over")
                    }
                    _ => tracing::info!(task = id, "the task is not there yet: waits for it"),
                }
                return Ok(());
            }
            Asked::Unknown => return Err(WorkerError::UnknownTask { task: id }),
            Asked::Over(status) => return Err(WorkerError::TaskOver { task: id, status }),
            Asked::Start => {}
        }
        self.next_task = id.saturating_add(1);
        self.start(id);
        Ok(())
    }

    /// What a block says about the one task that was asked for.
    async fn ask(&self, view: &View, id: TaskId) -> Result<Asked, ReadError> {
        let status = view.task(id).await?.map(|task| task.status);
        let enrolled = view.enrollment(id, P::ROLE, &self.work.account()).await?.is_some();
        Ok(asked(status, enrolled, id < view.next_task().await?, self.since.elapsed()))
    }

    /// Whether there is nothing to do for the account in a task, and never will be. Only the finalized chain tells: a fork may have
    /// another task in this one's place. Whatever it does not tell is for a session to find out.
    async fn is_closed(&self, finalized: &View, id: TaskId) -> Result<bool, WorkerError> {
        // A process that was killed has left pins: a session lets go of them.
        if self.work.state.ledger()?.iter().any(|kept| kept.task == id) {
            return Ok(false);
        }
        let Some(task) = finalized.task(id).await? else {
            return Ok(claim::is_over(finalized, id).await?);
        };
        if finalized.enrollment(id, P::ROLE, &self.work.account()).await?.is_some() {
            return Ok(false);
        }
        let objection = enroll::objection(&self.work, &*self.part, finalized, &task).await?;
        if let Some(error) = &objection {
            takes_no_part(id, error);
        }
        Ok(objection.is_some())
    }

    /// Whether the one task that was asked for is not there yet.
    fn is_waiting(&self) -> bool {
        self.only.is_some_and(|id| self.next_task <= id)
    }

    fn start(&mut self, task: TaskId) {
        let session = Session::new(self.work.clone(), self.part.clone(), task);
        self.sessions.spawn(session.run());
    }
}

#[cfg(test)]
mod tests;
