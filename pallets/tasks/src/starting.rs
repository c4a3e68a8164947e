//! When a round starts, what it takes, and what happens where it cannot.

use crate::{Config, Event, Pallet, PauseReason, Round, Rounds, SEED_DELAY, TaskOf};
use decentralml_traits::{Draw, Roster};
use decentralml_types::{Phase, Role, TaskId, TaskSpec, TaskStatus, spec::InitialModel};
use frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// Starts a round in a task that enrolls, where it is ready for it. Says whether anything moved.
    pub(crate) fn start_if_ready(task: TaskId, row: &mut TaskOf<T>) -> bool {
        if !Self::is_ready(task, row) {
            return false;
        }
        if let Err(reason) = Self::start_round(task, row) {
            Self::halt(task, row, reason);
        }
        true
    }

    /// Goes on where no round is live: with the next one or, where too few are enrolled for it, with waiting for them. The error
    /// says what speaks against it; then nothing is done.
    pub(crate) fn next_round(task: TaskId, row: &mut TaskOf<T>) -> Result<(), PauseReason> {
        if row.current.unwrap_or_default() >= row.spec.attempts() {
            return Err(PauseReason::AttemptsExhausted);
        }
        // Asked before the failures are counted: whoever enrolls and leaves makes rounds fail, and must not pause the task by it.
        if !Self::has_minimum(task, &row.spec) {
            Self::reopen_enrollment(task, row);
            return Ok(());
        }
        if row.failed_in_a_row > u16::from(row.spec.max_retries) {
            return Err(PauseReason::RetriesExhausted);
        }
        Self::start_round(task, row)
    }

    /// Whether round 1 has the minimum, and others have time left to make it complete.
    pub(crate) fn may_complete(task: TaskId, row: &TaskOf<T>) -> bool {
        Self::has_minimum(task, &row.spec) && !Self::is_ready(task, row)
    }

    /// Whether everybody who would be drawn is enrolled, or the minimum is and the time to enroll is over.
    fn is_ready(task: TaskId, row: &TaskOf<T>) -> bool {
        let spec = &row.spec;
        let waited = Self::now() >= row.enrolling_since.saturating_add(spec.deadlines.enrolling);
        Self::has_enrolled(task, spec.trainers.max, spec.committee.seats)
            || waited && Self::has_minimum(task, spec)
    }

    /// Waits for more to enroll. Those who are to come are not to blame for rounds that failed before.
    fn reopen_enrollment(task: TaskId, row: &mut TaskOf<T>) {
        let now = Self::now();
        row.status = TaskStatus::Enrolling;
        row.enrolling_since = now;
        row.failed_in_a_row = 0;
        let deadline = row.deadline(now, row.spec.deadlines.enrolling);
        Self::deposit_event(Event::EnrollmentReopened { task, deadline });
    }

    /// Starts the next round: pays for its free calls, sets aside what it may owe, and draws its trainers. All of it, or nothing
    /// where the funds do not suffice. Attempts are left, as the callers see to it.
    fn start_round(task: TaskId, row: &mut TaskOf<T>) -> Result<(), PauseReason> {
        let spec = &row.spec;
        // What does not fit into the type is more than anybody has.
        let charge = spec.round_charge(T::CallPrice::get()).ok_or(PauseReason::OutOfFunds)?;
        let pay = spec.round_pay().ok_or(PauseReason::OutOfFunds)?;
        let money = row.money.start_round(charge, pay).ok_or(PauseReason::OutOfFunds)?;
        if !Self::is_backed(task, spec.terms.asset, money.committed()) {
            return Err(PauseReason::AssetUnavailable);
        }
        row.money = money;

        let number = row.current.map_or(1, |last| last.saturating_add(1));
        Self::charge(task, charge);
        Self::deposit_event(Event::RoundCharged { task, round: number, amount: charge });
        let places = T::Roster::open_draw(task, number, Draw::Trainers, spec.trainers.max.into());
        let now = Self::now();
        let deadline = row.deadline(now, spec.deadlines.training.saturating_add(SEED_DELAY));
        let base = match (row.model, &spec.initial) {
            (Some((_, cid)), _) => Some(cid),
            (None, InitialModel::Weights(cid)) => Some(*cid),
            (None, InitialModel::Seed(_)) => None,
        };
        row.status = TaskStatus::Running;
        row.current = Some(number);
        let round = Round {
            phase: Phase::Training,
            deadline,
            started_at: now,
            base,
            state: row.state,
            sealed: spec.custody.sealed,
            committee: 0,
            places,
            seats: 0,
            updates: 0,
            accepted: 0,
            pot: pay,
            open_rows: 0,
            ended_at: None,
            failure: None,
            model: None,
        };
        Rounds::<T>::insert(task, number, round);
        Self::deposit_event(Event::RoundStarted { task, round: number, places, base, deadline });
        Ok(())
    }

    /// Whether enough are enrolled for a round to succeed.
    fn has_minimum(task: TaskId, spec: &TaskSpec) -> bool {
        Self::has_enrolled(task, spec.trainers.min, spec.committee.quorum)
    }

    fn has_enrolled(task: TaskId, trainers: u16, evaluators: u8) -> bool {
        T::Roster::enrolled(task, Role::Trainer) >= trainers.into()
            && T::Roster::enrolled(task, Role::Evaluator) >= evaluators.into()
    }
}
