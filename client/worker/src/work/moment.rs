//! A task and its round at a block, which may be replaced.

use std::time::Duration;

use decentralml_sdk::{Anchor, ReadError, Round, Task, View};
use decentralml_types::{BlockNumber, CommitteeNumber, Hash, Phase, RoundNumber};

use super::Work;
use crate::{error::WorkerError, origin, pins::Purpose, state::What};

/// A task and its live round at a block.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) view: View,
    pub(crate) task: Task,
    pub(crate) round: Round,
}

impl Moment {
    pub(crate) fn phase(&self) -> (RoundNumber, Phase, CommitteeNumber) {
        (self.round.number, self.round.phase, self.round.committee)
    }

    /// See [`origin::of_round`].
    pub(crate) fn origin(&self, work: &Work) -> Hash {
        origin::of_round(&work.chain.genesis(), &self.task, &self.round)
    }

    /// For what something that is made in the round is pinned.
    pub(crate) fn purpose(&self, what: What) -> Purpose {
        Purpose { task: self.task.id, round: self.round.number, what }
    }

    /// The same phase at the best block; `None` where that block is in another.
    pub(crate) async fn latest(&self, work: &Work) -> Result<Option<Self>, ReadError> {
        let view = work.best.borrow().clone();
        self.again(view).await
    }

    /// The same phase at the last finalized block. What is asked for there, every fork asks for: a commitment is better bound to
    /// that block than to the best one, which may be replaced by one that differs in nothing that matters. `None` where that block
    /// is in another phase, cannot be read, or is so old that what is bound to it would not live long.
    pub(crate) async fn finalized(&self, work: &Work) -> Option<Self> {
        let view = work.finalized.borrow().clone();
        if !is_recent(view.number(), work.best.borrow().number()) {
            return None;
        }
        self.again(view).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the finalized round could not be read");
            None
        })
    }

    async fn again(&self, view: View) -> Result<Option<Self>, ReadError> {
        let task = view.task(self.task.id).await?;
        let round = view.round(self.task.id, self.round.number).await?;
        let latest = task.zip(round).map(|(task, round)| Self { view, task, round });
        Ok(latest.filter(|latest| latest.phase() == self.phase()))
    }

    /// Whether a transaction that is sent now comes after the phase's deadline, and would fail at its sender's cost.
    pub(crate) fn is_too_late(&self, work: &Work) -> bool {
        let late = is_late(work.best.borrow().number(), self.round.deadline);
        if late {
            tracing::warn!(
                task = self.task.id, round = self.round.number, phase = ?self.round.phase,
                "the deadline has passed"
            );
        }
        late
    }

    /// How long the phase lasts at least from this block on.
    pub(crate) async fn time_left(&self) -> Result<Duration, WorkerError> {
        let blocks = self.round.deadline.saturating_sub(self.view.number());
        Ok(self.view.block_time().await?.saturating_mul(blocks))
    }
}

/// Whether a transaction that is bound to a block lives for at least half of its time after block `now`.
fn is_recent(block: BlockNumber, now: BlockNumber) -> bool {
    now.saturating_sub(block) <= Anchor::LIFETIME / 2
}

/// Whether what is sent at block `now` is included past the deadline: the next block is the first that can contain it.
pub(crate) fn is_late(now: BlockNumber, deadline: BlockNumber) -> bool {
    now.saturating_add(1) >= deadline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_bound_to_a_finalized_block_of_long_ago() {
        assert!(is_recent(100, 100) && is_recent(101, 100));
        assert!(is_recent(100, 132) && !is_recent(100, 133));
    }
}
