//! What the other pallets ask about tasks and rounds, and how they tell that somebody has acted.

use crate::{Config, Pallet, Rounds, Task, TaskOf, Tasks};
use decentralml_traits::{Clock, RoundView, Tariff};
use decentralml_types::{BlockNumber, Penalties, Phase, RoundNumber, TaskId, TaskSpec, TaskStatus};
use sp_runtime::traits::BlockNumberProvider;

impl<AccountId> Task<AccountId> {
    /// Where the task stands at block `now`: a lifetime that is over counts before anybody has noticed.
    pub fn status_at(&self, now: BlockNumber) -> TaskStatus {
        if !self.status.is_final() && self.is_expired(now) {
            TaskStatus::Expired
        } else {
            self.status
        }
    }

    /// Whether the lifetime is over at block `now`.
    pub(crate) fn is_expired(&self, now: BlockNumber) -> bool {
        now >= self.expires_at()
    }

    /// The deadline of what begins at block `now` and takes so many blocks: nobody is waited for after the lifetime.
    pub(crate) fn deadline(&self, now: BlockNumber, blocks: BlockNumber) -> BlockNumber {
        now.saturating_add(blocks).min(self.expires_at())
    }

    /// The first block after the lifetime.
    fn expires_at(&self) -> BlockNumber {
        self.created_at.saturating_add(self.spec.deadlines.lifetime)
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }

    pub(crate) fn status_now(task: &TaskOf<T>) -> TaskStatus {
        task.status_at(Self::now())
    }
}

impl<T: Config> Clock<T::AccountId> for Pallet<T> {
    fn spec(task: TaskId) -> Option<TaskSpec> {
        Tasks::<T>::get(task).map(|task| task.spec)
    }

    fn sponsor(task: TaskId) -> Option<T::AccountId> {
        Tasks::<T>::get(task).map(|task| task.sponsor)
    }

    fn status(task: TaskId) -> Option<TaskStatus> {
        Tasks::<T>::get(task).map(|task| Self::status_now(&task))
    }

    fn current(task: TaskId) -> Option<(RoundNumber, Phase)> {
        let number = Tasks::<T>::get(task)?.current?;
        Rounds::<T>::get(task, number).map(|round| (number, round.phase))
    }

    fn round(task: TaskId, round: RoundNumber) -> Option<RoundView> {
        let round = Rounds::<T>::get(task, round)?;
        let claims_expired = match round.ended_at {
            Some(_) => Self::now() > round.deadline,
            None => false,
        };
        Some(RoundView {
            phase: round.phase,
            base: round.base,
            sealed: round.sealed,
            committee: round.committee,
            failure: round.failure,
            due: !round.phase.is_final() && Self::now() >= round.deadline,
            claims_expired,
            ended_at: round.ended_at,
        })
    }

    fn acted(task: TaskId) -> bool {
        // What comes after the lifetime moves nothing: only `advance` ends the task then.
        if let Some(mut row) = Tasks::<T>::get(task)
            && !Self::status_now(&row).is_final()
            && Self::step(task, &mut row, false)
        {
            Tasks::<T>::insert(task, row);
            return true;
        }
        false
    }
}

impl<T: Config> Tariff for Pallet<T> {
    fn penalties(task: TaskId) -> Option<Penalties> {
        Tasks::<T>::get(task).map(|task| task.penalties)
    }
}
