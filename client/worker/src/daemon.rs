//! The frame of both daemons: blocks come in, and one session for each task goes through its rounds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicU32},
};

use decentralml_sdk::{Blocks, Chain, Round, Task, View};
use decentralml_storage::Storage;
use decentralml_types::{Phase, RoundNumber, TaskId};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};

use crate::{
    advance, claim,
    common::Common,
    enroll,
    error::WorkerError,
    session::{Moment, Part, Work, is_late},
    shutdown::Shutdown,
    state::State,
    tries::{Step, Tries},
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
            if self.next_task <= id
                && let Some(task) = view.task(id).await?
            {
                if let Some(reason) = self.unfit(view, &task).await? {
                    return Err(WorkerError::Unfit { task: id, reason });
                }
                self.next_task = id.saturating_add(1);
                self.start(id);
            }
            return Ok(());
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
                    if *failures < crate::tries::LIMIT {
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
        let session = Session {
            work: self.work.clone(),
            part: self.part.clone(),
            task,
            memory: P::Memory::default(),
            tries: Tries::default(),
            unsettled: None,
            claims: JoinSet::new(),
            claimed: BTreeMap::new(),
        };
        self.sessions.spawn(session.run());
    }
}

/// A task from enrollment to the last claim.
struct Session<P: Part> {
    work: Arc<Work>,
    part: Arc<P>,
    task: TaskId,
    memory: P::Memory,
    tries: Tries,
    /// Rounds in which something of this account may be open; `None` until the chain was asked.
    unsettled: Option<BTreeSet<RoundNumber>>,
    /// Claims under way, beside the steps of the live round, with the first round that they are for.
    claims: JoinSet<(RoundNumber, Result<(), WorkerError>)>,
    /// Finalized heights before which a round is not claimed again: the last claim takes a while to be final.
    claimed: BTreeMap<RoundNumber, u32>,
}

/// Finalized blocks after which a claim that had no effect is repeated.
const CLAIM_AGAIN: u32 = 20;

impl<P: Part> Session<P> {
    async fn run(mut self) -> TaskId {
        let mut best = self.work.best.clone();
        let mut finalized = self.work.finalized.clone();
        loop {
            let view = best.borrow_and_update().clone();
            // A block that does not have what was sent last would have it sent again.
            if self.work.is_current(&view) {
                self.live(&view).await;
            }
            let view = finalized.borrow_and_update().clone();
            if self.settle(&view).await {
                return self.task;
            }
            tokio::select! {
                changed = best.changed() => if changed.is_err() { return self.task },
                changed = finalized.changed() => if changed.is_err() { return self.task },
            }
        }
    }

    /// Takes part at the best block.
    async fn live(&mut self, view: &View) {
        let task = match view.task(self.task).await {
            Ok(Some(task)) if !task.status.is_final() => task,
            Ok(_) => return,
            Err(error) => {
                tracing::debug!(task = self.task, %error, "the task could not be read");
                return;
            }
        };
        if !self.tries.permit(Step::Enroll) {
            return;
        }
        let enrolled = enroll::step(&self.work, view, &task).await;
        if self.note(Step::Enroll, enrolled).is_none() {
            return;
        }
        let round = match task.current {
            Some(number) => view.round(task.id, number).await,
            None => Ok(None),
        };
        let round = match round {
            Ok(round) => round.filter(|round| !round.phase.is_final()),
            Err(error) => {
                tracing::debug!(task = self.task, %error, "the round could not be read");
                return;
            }
        };
        if self.push(view, &task, round.as_ref()).await {
            return;
        }
        let Some(round) = round else { return };
        self.tries.forget_before(round.number);
        if let Some(unsettled) = &mut self.unsettled {
            unsettled.insert(round.number);
        }
        if is_late(view.number(), round.deadline) {
            return;
        }
        let moment = Moment { view: view.clone(), task, round };
        let (number, phase, committee) = moment.phase();
        let step = Step::Act(number, phase, committee);
        if self.tries.permit(step) {
            let acted = self.part.act(&self.work, &mut self.memory, &moment).await;
            self.note(step, acted);
        }
    }

    /// Advances the task where it is due. Says whether it did.
    async fn push(&mut self, view: &View, task: &Task, round: Option<&Round>) -> bool {
        let step = match round {
            Some(round) => Step::Advance(round.number, round.phase, round.committee),
            None => Step::Advance(task.current.unwrap_or(0), Phase::Void, 0),
        };
        if !self.tries.permit(step) {
            return false;
        }
        let account = self.work.account();
        let advanced = async {
            let enrollment = view.enrollment(task.id, P::ROLE, &account).await?;
            let Some(enrollment) = enrollment else { return Ok(false) };
            advance::step(&self.work, view, task, round, enrollment.slot).await
        };
        let advanced = advanced.await;
        self.note(step, advanced).unwrap_or(false)
    }

    /// Claims what is final. Says whether nothing will ever be left to do.
    async fn settle(&mut self, finalized: &View) -> bool {
        match self.try_settle(finalized).await {
            Ok(done) => done,
            Err(error) => {
                tracing::debug!(task = self.task, %error, "claims could not be looked up");
                false
            }
        }
    }

    async fn try_settle(&mut self, finalized: &View) -> Result<bool, WorkerError> {
        let unsettled = match self.unsettled.take() {
            Some(unsettled) => unsettled,
            None => {
                let rounds = finalized.rounds(self.task).await?;
                rounds.into_iter().map(|round| round.number).collect()
            }
        };
        let unsettled = self.unsettled.insert(unsettled);
        let open = claim::look(&self.work, finalized, self.task, unsettled).await?;
        for round in open.settled {
            unsettled.remove(&round);
            self.claimed.remove(&round);
            self.part.settled(&self.work, self.task, round)?;
        }
        let now = finalized.number();
        let mut rows = open.rows;
        rows.retain(|row| {
            let waits = self.claimed.get(&row.round).is_some_and(|until| now < *until);
            !waits && self.tries.permit(Step::Claim(row.round))
        });
        while let Some(ended) = self.claims.try_join_next() {
            let (round, result) = ended.map_err(|_| WorkerError::Aborted)?;
            if self.note(Step::Claim(round), result).is_none() {
                self.claimed.clear();
            }
        }
        if let Some(first) = rows.first().map(|row| row.round)
            && self.claims.is_empty()
        {
            let until = now.saturating_add(CLAIM_AGAIN);
            self.claimed.extend(rows.iter().map(|row| (row.round, until)));
            let work = self.work.clone();
            self.claims.spawn(async move { (first, claim::settle(&work, &rows).await) });
        }
        self.leave_if_over(finalized).await
    }

    /// Once a task is over and everything settled, frees the bond. Says whether that is done.
    async fn leave_if_over(&mut self, finalized: &View) -> Result<bool, WorkerError> {
        if self.unsettled.as_ref().is_none_or(|unsettled| !unsettled.is_empty()) {
            return Ok(false);
        }
        let over = |task: Option<Task>| task.is_none_or(|task| task.status.is_final());
        let best = self.work.best.borrow().clone();
        // A new task is unknown to the finalized chain; one that is over is over on both.
        if !over(best.task(self.task).await?) || !over(finalized.task(self.task).await?) {
            return Ok(false);
        }
        let account = self.work.account();
        match best.enrollment(self.task, P::ROLE, &account).await? {
            None => Ok(true),
            Some(enrollment) if enrollment.open_rows > 0 => Ok(false),
            Some(_) if !self.tries.permit(Step::Leave) => Ok(true),
            Some(_) => {
                let left = enroll::leave(&self.work, self.task).await;
                Ok(self.note(Step::Leave, left).is_some())
            }
        }
    }

    /// Logs and counts a failure.
    fn note<T>(&mut self, step: Step, result: Result<T, WorkerError>) -> Option<T> {
        match result {
            Ok(value) => {
                self.tries.succeeded(step);
                Some(value)
            }
            Err(error) => {
                match self.tries.failed(step) {
                    0 => tracing::error!(task = self.task, ?step, %error, "failed and is given up"),
                    left => tracing::warn!(task = self.task, ?step, %error, left, "failed"),
                }
                None
            }
        }
    }
}
