//! One task from enrollment to the last claim.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

use decentralml_sdk::{Round, Row, Task, View};
use decentralml_types::{BlockNumber, Phase, RoundNumber, TaskId};
use tokio::task::JoinSet;

use crate::{
    advance,
    answers::Answers,
    claim::{self, AtRisk, Open},
    enroll,
    error::WorkerError,
    pins,
    tries::{AGAIN, Step, Tries},
    work::{Moment, Part, Work, is_late, leaves_time},
};

/// How a session came to its end.
pub(crate) struct Ended {
    pub(crate) task: TaskId,
    /// Why the account took no part; `None` where it did, and nothing is left to do.
    pub(crate) refusal: Option<WorkerError>,
}

/// A task from enrollment to the last claim.
pub(crate) struct Session<P: Part> {
    work: Arc<Work>,
    part: Arc<P>,
    task: TaskId,
    memory: P::Memory,
    tries: Tries,
    enrolling: enroll::Pace,
    /// Rounds in which something of this account may not be settled for good; `None` until the chain was asked.
    unsettled: Option<BTreeSet<RoundNumber>>,
    /// Claims under way, beside the steps of the live round, with the first round that they are for.
    claims: JoinSet<(RoundNumber, Result<(), WorkerError>)>,
    answers: Answers,
    /// Best heights before which a round is not claimed again: a fork may undo a claim, and the pool redo it.
    claimed: BTreeMap<RoundNumber, BlockNumber>,
    /// What is owed was tried to be collected.
    collected: bool,
    /// Something that was pinned may be needed no more.
    untidy: bool,
    /// Best heights before which a settled round's next model is not tried again.
    attempted: BTreeMap<RoundNumber, BlockNumber>,
}

impl<P: Part> Session<P> {
    pub(crate) fn new(work: Arc<Work>, part: Arc<P>, task: TaskId) -> Self {
        Self {
            work,
            part,
            task,
            memory: P::Memory::default(),
            tries: Tries::default(),
            enrolling: enroll::Pace::default(),
            unsettled: None,
            claims: JoinSet::new(),
            answers: Answers::default(),
            claimed: BTreeMap::new(),
            collected: false,
            untidy: true,
            attempted: BTreeMap::new(),
        }
    }

    /// Goes through the task's rounds until there is nothing left to do, or the task turns out not to suit.
    pub(crate) async fn run(mut self) -> Ended {
        let refusal = self.work_through().await;
        Ended { task: self.task, refusal }
    }

    /// Returns why the account takes no part, if it does not.
    async fn work_through(&mut self) -> Option<WorkerError> {
        let mut best = self.work.best.clone();
        let mut finalized = self.work.finalized.clone();
        loop {
            let view = best.borrow_and_update().clone();
            // A block that does not have what was sent last would have it sent again.
            if self.work.is_current(&view) {
                match self.look(&view).await {
                    Ok(open) => {
                        let rounds = self.unsettled.iter().flatten().copied().collect();
                        self.answers.step(&self.work, &self.part, &view, self.task, rounds);
                        self.note_due(&view, &open.due).await;
                        self.claim(&view, &open.due);
                        if let Some(refusal) = self.live(&view, &open.at_risk).await {
                            return Some(refusal);
                        }
                        self.catch_up(&open.silent).await;
                    }
                    Err(error) => {
                        tracing::debug!(task = self.task, %error, "open rows could not be read");
                    }
                }
            }
            let view = finalized.borrow_and_update().clone();
            match self.finish(&view).await {
                Ok(true) => return None,
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(task = self.task, %error, "settled rows could not be read");
                }
            }
            tokio::select! {
                changed = best.changed() => if changed.is_err() { return None },
                changed = finalized.changed() => if changed.is_err() { return None },
            }
        }
    }

    /// What of this account is open at the best block.
    async fn look(&mut self, view: &View) -> Result<Open, WorkerError> {
        let unsettled = match self.unsettled.take() {
            Some(unsettled) => unsettled,
            None => {
                let mut unsettled = claim::unsettled(&self.work, self.task).await?;
                // A process that was killed may have left records of others.
                unsettled.extend(self.work.state.rounds(self.task));
                unsettled
            }
        };
        let unsettled = self.unsettled.insert(unsettled);
        claim::look(&self.work, view, self.task, unsettled).await
    }

    /// Has noted what the chain forgets with the claims. No claim waits for what cannot be noted.
    async fn note_due(&mut self, view: &View, due: &[Row]) {
        for row in due {
            if let Err(error) = self.part.due(&self.work, view, row).await {
                let Row { task, round, .. } = row;
                tracing::warn!(task, round, %error, "what became of the round is not noted");
            }
        }
    }

    /// Claims what is due, beside whatever else is done. Claims enter the pool before a commitment that needs them does.
    fn claim(&mut self, view: &View, due: &[Row]) {
        while let Some(ended) = self.claims.try_join_next() {
            let (round, result) = match ended {
                Ok(ended) => ended,
                Err(error) => {
                    tracing::error!(task = self.task, %error, "a claim was aborted");
                    continue;
                }
            };
            if self.note(Step::Claim(round), result).is_none() {
                self.claimed.clear();
            }
        }
        let now = view.number();
        let may = |row: &&Row| {
            let waits = self.claimed.get(&row.round).is_some_and(|until| now < *until);
            !waits && self.tries.permit(Step::Claim(row.round))
        };
        let rows: Vec<Row> = due.iter().filter(may).copied().collect();
        if let Some(first) = rows.first().map(|row| row.round)
            && self.claims.is_empty()
        {
            let until = now.saturating_add(AGAIN);
            self.claimed.extend(rows.iter().map(|row| (row.round, until)));
            let work = self.work.clone();
            self.claims.spawn(async move { (first, claim::settle(&work, &rows).await) });
        }
    }

    /// Whether commitments have to be settled before one is made in this round. Those whose claims were given up are not waited
    /// for: the chain decides.
    fn is_blocked(&self, round: &Round, at_risk: &[AtRisk]) -> bool {
        let in_the_way = claim::in_the_way(P::ROLE, round, at_risk);
        let waits_for =
            in_the_way.iter().find(|(number, _)| self.tries.permit(Step::Claim(*number)));
        if let Some((earlier, _)) = waits_for {
            tracing::debug!(task = self.task, round = round.number, earlier, "waits for a claim");
        }
        waits_for.is_some()
    }

    /// Takes part at the best block. Returns why it does not, where it never will.
    async fn live(&mut self, view: &View, at_risk: &[AtRisk]) -> Option<WorkerError> {
        let task = match view.task(self.task).await {
            Ok(Some(task)) if !task.status.is_final() => task,
            Ok(_) => return None,
            Err(error) => {
                tracing::debug!(task = self.task, %error, "the task could not be read");
                return None;
            }
        };
        let now = view.number();
        if !self.enrolling.is_due(now) || !self.tries.permit(Step::Enroll) {
            return None;
        }
        let models = P::models(&mut self.memory);
        let enrolled = enroll::step(&self.work, &*self.part, models, view, &task).await;
        match enrolled {
            Ok(false) => return self.refusal().await,
            Err(error) if self.enrolling.put_off(now, &error) => {
                match self.enrolling.is_news(&error) {
                    true => tracing::warn!(
                        task = task.id, %error, "cannot enroll yet, asks again every {AGAIN} blocks"
                    ),
                    false => tracing::debug!(task = task.id, %error, "still cannot enroll"),
                }
                return None;
            }
            enrolled => self.note(Step::Enroll, enrolled)?,
        };
        self.play(view, task, at_risk).await;
        None
    }

    /// Why the account never takes part: as the finalized chain tells, since a fork may have another task in this one's place.
    async fn refusal(&mut self) -> Option<WorkerError> {
        let finalized = self.work.finalized.borrow().clone();
        let models = P::models(&mut self.memory);
        let refusal = async {
            let Some(task) = finalized.task(self.task).await? else { return Ok(None) };
            enroll::refusal(&self.work, &*self.part, models, &finalized, &task).await
        };
        refusal.await.unwrap_or_else(|error| {
            tracing::debug!(task = self.task, %error, "the task could not be read");
            None
        })
    }

    /// Does at the best block what an account does that is enrolled.
    async fn play(&mut self, view: &View, task: Task, at_risk: &[AtRisk]) {
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
        if is_late(view.number(), round.deadline) || self.is_blocked(&round, at_risk) {
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

    /// Does in a settled round what may still be done there, unless a live round needs this account.
    async fn catch_up(&mut self, silent: &[Round]) {
        for round in silent {
            let view = self.work.best.borrow().clone();
            let (step, now) = (Step::CatchUp(round.number), view.number());
            let waits = self.attempted.get(&round.number).is_some_and(|until| now < *until);
            if waits || !self.tries.permit(step) {
                continue;
            }
            let moment = async {
                let Some(task) = view.task(self.task).await? else { return Ok(None) };
                let live = match task.current {
                    Some(number) => view.round(task.id, number).await?,
                    None => None,
                };
                let is_free = live.is_none_or(|live| leaves_time(&live));
                let moment = || Moment { view: view.clone(), task, round: round.clone() };
                Ok::<_, WorkerError>(is_free.then(moment))
            };
            let moment = match moment.await {
                Ok(Some(moment)) => moment,
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!(task = self.task, %error, "the task could not be read");
                    return;
                }
            };
            self.attempted.insert(round.number, now.saturating_add(AGAIN));
            let done = self.part.catch_up(&self.work, &mut self.memory, &moment).await;
            self.note(step, done);
        }
    }

    /// Forgets what is settled on the finalized chain. Says whether nothing will ever be left to do.
    async fn finish(&mut self, finalized: &View) -> Result<bool, WorkerError> {
        let Some(unsettled) = &mut self.unsettled else { return Ok(false) };
        for round in claim::settled(&self.work, finalized, self.task, unsettled).await? {
            self.part.settled(&self.work, finalized, self.task, round).await?;
            unsettled.remove(&round);
            self.untidy = true;
            self.attempted.remove(&round);
            if self.claimed.remove(&round).is_some() {
                tracing::info!(task = self.task, round, "settled for good");
            }
        }
        let over = self.leave_if_over(finalized).await?;
        if over {
            self.work.state.forget(self.task);
        }
        if self.untidy || over {
            let open = self.unsettled.clone().unwrap_or_default();
            match pins::tidy(&self.work, self.task, &open, finalized, over).await {
                Ok(()) => self.untidy = false,
                Err(error) => tracing::debug!(task = self.task, %error, "pins are left for now"),
            }
        }
        Ok(over)
    }

    /// Once a task is over and everything settled, frees the bond. Says whether that is done.
    async fn leave_if_over(&mut self, finalized: &View) -> Result<bool, WorkerError> {
        if self.unsettled.as_ref().is_none_or(|unsettled| !unsettled.is_empty()) {
            return Ok(false);
        }
        let best = self.work.best.borrow().clone();
        // A fork may end or drop a task that lives on; one that is over is over on both.
        if !claim::is_over(finalized, self.task).await? || !claim::is_over(&best, self.task).await?
        {
            return Ok(false);
        }
        // Once: no payment follows that would bring it along, and to ask at every block changes nothing.
        if !mem::replace(&mut self.collected, true)
            && let Err(error) = claim::collect(&self.work, &best, self.task).await
        {
            tracing::warn!(task = self.task, %error, "what is owed was not collected");
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
                match self.tries.failed(step, &error) {
                    0 => tracing::error!(task = self.task, ?step, %error, "failed and is given up"),
                    left => tracing::warn!(task = self.task, ?step, %error, left, "failed"),
                }
                None
            }
        }
    }
}
