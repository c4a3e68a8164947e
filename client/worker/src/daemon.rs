//! The frame of both daemons: blocks come in, and one session for each task goes through its rounds.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU32},
};

use decentralml_sdk::{Blocks, Chain, Task, View};
use decentralml_storage::Storage;
use decentralml_types::TaskId;
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};

use crate::{
    common::Common,
    error::WorkerError,
    session::Session,
    shutdown::Shutdown,
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
    let (work, feed) = tokio::select! {
        () = shutdown.wait() => return Ok(()),
        ready = set_up::<P>(&common, attacker) => ready?,
    };
    if let Some(task) = common.task {
        tracing::info!(task, "waits for the task, if it is not there yet");
    }
    let mut daemon = Daemon {
        work,
        part: Arc::new(part),
        only: common.task,
        next_task: 0,
        sessions: JoinSet::new(),
        waiting: BTreeMap::new(),
    };
    let result = tokio::select! {
        () = shutdown.wait() => Ok(()),
        () = feed.run() => Ok(()),
        result = daemon.serve(common.exit_when_done) => result,
    };
    // Sessions hold nothing that has to be finished: what they are doing is on disk or on chain.
    daemon.sessions.shutdown().await;
    tracing::info!("ended");
    result
}

/// Connects to everything and opens the records.
async fn set_up<P: Part>(
    common: &Common,
    attacker: bool,
) -> Result<(Arc<Work>, Feed), WorkerError> {
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
    let storage = Storage::connect(&common.storage).await?;
    let account = common.signer.account();
    let state = State::open(&common.state, account, P::ROLE, chain.genesis())?;
    let (best_sender, best) = watch::channel(chain.best().await?);
    let (finalized_sender, finalized) = watch::channel(chain.finalized().await?);
    let feed = Feed {
        best: (chain.best_blocks().await?, best_sender),
        finalized: (chain.finalized_blocks().await?, finalized_sender),
    };
    tracing::info!(%account, role = ?P::ROLE, chain = chain.name(), "works");
    let work = Work {
        chain,
        storage,
        signer: common.signer.clone(),
        role: P::ROLE,
        max_bond: common.max_bond,
        state,
        best,
        finalized,
        bonding: Mutex::new(()),
        included: AtomicU32::new(0),
    };
    Ok((Arc::new(work), feed))
}

/// Passes blocks on.
struct Feed {
    best: (Blocks, watch::Sender<View>),
    finalized: (Blocks, watch::Sender<View>),
}

impl Feed {
    /// Never ends: a node that is out of reach is waited for.
    async fn run(self) {
        futures::future::join(pass(self.best), pass(self.finalized)).await;
    }
}

async fn pass((mut blocks, sender): (Blocks, watch::Sender<View>)) {
    loop {
        match blocks.next().await {
            Ok(view) => drop(sender.send_replace(view)),
            Err(error) => tracing::warn!(%error, "no blocks: waiting for the node"),
        }
    }
}

struct Daemon<P: Part> {
    work: Arc<Work>,
    part: Arc<P>,
    only: Option<TaskId>,
    /// Tasks below have been looked at.
    next_task: TaskId,
    sessions: JoinSet<TaskId>,
    /// Failures to look at a task.
    waiting: BTreeMap<TaskId, u32>,
}

impl<P: Part> Daemon<P> {
    /// Starts a session for each task that suits, as they appear. Ends where one task was asked for and it is done.
    async fn serve(&mut self, exit_when_done: bool) -> Result<(), WorkerError> {
        let mut best = self.work.best.clone();
        loop {
            let view = best.borrow_and_update().clone();
            match self.discover(&view).await {
                Ok(()) => {}
                Err(error @ WorkerError::Unfit { .. }) => return Err(error),
                Err(error) => tracing::warn!(%error, "tasks could not be read"),
            }
            tokio::select! {
                changed = best.changed() => if changed.is_err() { return Ok(()) },
                Some(ended) = self.sessions.join_next() => match ended {
                    Ok(task) if exit_when_done && self.only == Some(task) => return Ok(()),
                    Ok(task) => tracing::info!(task, "done with the task"),
                    Err(error) => tracing::error!(%error, "a session failed"),
                },
            }
        }
    }

    async fn discover(&mut self, view: &View) -> Result<(), WorkerError> {
        if let Some(id) = self.only {
            return self.find(view, id).await;
        }
        let next = view.next_task().await?;
        while self.next_task < next {
            let id = self.next_task;
            match view.task(id).await {
                Ok(Some(task)) => match self.unfit(view, &task).await? {
                    None => self.start(id),
                    Some(reason) => tracing::info!(task = id, %reason, "takes no part"),
                },
                Ok(None) => {}
                Err(error) => {
                    let failures = self.waiting.entry(id).or_default();
                    *failures += 1;
                    if *failures < tries::LIMIT {
                        return Err(error.into());
                    }
                    tracing::error!(task = id, %error, "the task is passed over");
                }
            }
            self.waiting.remove(&id);
            self.next_task = id.saturating_add(1);
        }
        Ok(())
    }

    /// Starts the session of the one task that was asked for, once it is there. One that is over, or gone, has a session too: it
    /// settles what is open, and ends.
    async fn find(&mut self, view: &View, id: TaskId) -> Result<(), WorkerError> {
        if self.next_task > id {
            return Ok(());
        }
        match view.task(id).await? {
            Some(task) if !task.status.is_final() => {
                if let Some(reason) = self.unfit(view, &task).await? {
                    return Err(WorkerError::Unfit { task: id, reason });
                }
            }
            Some(_) => {}
            None if id < view.next_task().await? => {}
            None => return Ok(()),
        }
        self.next_task = id.saturating_add(1);
        self.start(id);
        Ok(())
    }

    /// Why to take no part; `None` where the task suits, or the account is in it already.
    async fn unfit(&self, view: &View, task: &Task) -> Result<Option<String>, WorkerError> {
        let account = self.work.account();
        if view.enrollment(task.id, P::ROLE, &account).await?.is_some() {
            return Ok(None);
        }
        Ok(if task.status.is_final() {
            Some("it is over".into())
        } else if task.sponsor == account {
            Some("the account is its sponsor".into())
        } else if let Err(error) = decentralml_protocol::spec::check(&task.spec) {
            Some(error.to_string())
        } else {
            self.part.unfit(task)
        })
    }

    fn start(&mut self, task: TaskId) {
        let session = Session::new(self.work.clone(), self.part.clone(), task);
        self.sessions.spawn(session.run());
    }
}
