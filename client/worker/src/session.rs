//! One task from enrollment to the last claim.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use decentralml_sdk::{Round, Task, View};
use decentralml_types::{Phase, RoundNumber, TaskId};
use tokio::task::JoinSet;

use crate::{
    advance, claim, enroll,
    error::WorkerError,
    tries::{REFUSAL, Step, Tries},
    work::{Moment, Part, Work, is_late},
};

/// A task from enrollment to the last claim.
pub(crate) struct Session<P: Part> {
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
    pub(crate) fn new(work: Arc<Work>, part: Arc<P>, task: TaskId) -> Self {
        Self {
            work,
            part,
            task,
            memory: P::Memory::default(),
            tries: Tries::default(),
            unsettled: None,
            claims: JoinSet::new(),
            claimed: BTreeMap::new(),
        }
    }

    /// Goes through the task's rounds until there is nothing left to do. Returns the task.
    pub(crate) async fn run(mut self) -> TaskId {
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
                let weight = if error.is_refusal() { REFUSAL } else { 1 };
                match self.tries.failed(step, weight) {
                    0 => tracing::error!(task = self.task, ?step, %error, "failed and is given up"),
                    left => tracing::warn!(task = self.task, ?step, %error, left, "failed"),
                }
                None
            }
        }
    }
}
