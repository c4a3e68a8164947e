//! How long what is going on may last, and how often it may be tried.

use decentralml_sdk::{Round, Task};
use decentralml_types::{BlockNumber, Phase, TaskStatus};
use serde::Serialize;
use std::time::Duration;

use crate::{output::count, units::duration};

/// How long something lasts yet, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Until the deadline.
    pub blocks: BlockNumber,
    /// What that takes if no block is late, rounded up.
    pub seconds: u64,
}

/// Rounds that were begun, of which each is an attempt, and those that may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Attempts {
    pub used: u32,
    /// In the task's life, however often it is resumed.
    pub allowed: u32,
    /// Failures since the last round that gave a model.
    pub failed_in_a_row: u32,
    /// So many of them pause the task.
    pub pauses_at: u32,
}

impl Attempts {
    /// What the task has used and may use.
    pub fn of(task: &Task) -> Self {
        Self {
            used: task.current.unwrap_or(0),
            allowed: task.spec.attempts(),
            failed_in_a_row: task.failed_in_a_row,
            pauses_at: u32::from(task.spec.max_retries).saturating_add(1),
        }
    }

    /// `3 of 60 used`, and what has failed of late.
    pub fn sentence(&self) -> String {
        let used = format!("{} of {} used", self.used, self.allowed);
        match self.failed_in_a_row {
            0 => used,
            failed => {
                format!("{used}, {failed} failed in a row ({} pause the task)", self.pauses_at)
            }
        }
    }
}

impl Left {
    /// Until a deadline, from the block `now`.
    pub fn until(deadline: BlockNumber, now: BlockNumber, block_time: Duration) -> Self {
        let blocks = deadline.saturating_sub(now);
        let time = block_time.saturating_mul(blocks);
        let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
        Self { blocks, seconds }
    }

    /// `10 blocks (1 min)`.
    pub fn sentence(self) -> String {
        let time = duration(Duration::from_secs(self.seconds));
        format!("{} ({time})", count(self.blocks, "block"))
    }
}

/// The block at which a live phase, or the time to enroll, is over.
pub fn deadline(task: &Task, round: Option<&Round>) -> Option<BlockNumber> {
    match (task.status, round) {
        (TaskStatus::Enrolling, _) => {
            let (since, deadlines) = (task.enrolling_since, &task.spec.deadlines);
            let end = task.created_at.saturating_add(deadlines.lifetime);
            Some(since.saturating_add(deadlines.enrolling).min(end))
        }
        // A round that lives goes on while its task is paused. Counting waits for nobody.
        (TaskStatus::Running | TaskStatus::Paused, Some(round)) => {
            let waits = !round.phase.is_final() && round.phase != Phase::Tallying;
            waits.then_some(round.deadline)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::task::progress::tests::progress;

    #[test]
    fn time_left_is_that_of_the_chains_blocks_rounded_up() {
        let left = |time| Left::until(103, 100, Duration::from_millis(time));
        assert_eq!(left(1_000), Left { blocks: 3, seconds: 3 });
        assert_eq!(left(500), Left { blocks: 3, seconds: 2 });
        assert_eq!(left(6_000).sentence(), "3 blocks (18 s)");
        assert_eq!(Left::until(101, 100, Duration::from_secs(1)).sentence(), "1 block (1 s)");
    }

    #[test]
    fn attempts_are_counted_and_failures_only_where_there_are_any() {
        let mut attempts = progress(TaskStatus::Running, Some(Phase::Training)).attempts;
        assert_eq!(attempts.sentence(), "3 of 60 used");
        attempts.failed_in_a_row = 2;
        assert_eq!(attempts.sentence(), "3 of 60 used, 2 failed in a row (4 pause the task)");
        assert_eq!(progress(TaskStatus::Enrolling, None).attempts.sentence(), "0 of 60 used");
    }
}
