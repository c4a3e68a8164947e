//! Moving a task on where nobody's action does: a deadline has passed, scores are to be counted, a lifetime is over.

use decentralml_sdk::{Round, Task, View, call};
use decentralml_types::{BlockNumber, Role, TaskStatus};

use crate::{error::WorkerError, work::Work};

/// Blocks over which the participants spread their attempts: an attempt that comes too late costs a fee.
const SPREAD: u32 = 16;
/// Blocks by which trainers, who are many, wait for the evaluators.
const TRAINERS_WAIT: u32 = 4;

/// Advances the task where it is due and this account's turn. Says whether it did: then the block at hand is out of date.
pub(crate) async fn step(
    work: &Work,
    view: &View,
    task: &Task,
    round: Option<&Round>,
    slot: u32,
) -> Result<bool, WorkerError> {
    let Some(since) = due_since(task, round) else { return Ok(false) };
    if !is_turn(since, view.number(), first_turn(work.role, slot)) || !can_start(view, task).await?
    {
        return Ok(false);
    }
    let moved = work
        .submit_once(
            call::advance(task.id),
            &[("Tasks", "NothingToAdvance"), ("Tasks", "UnknownTask")],
        )
        .await?;
    if moved {
        tracing::info!(task = task.id, phase = ?round.map(|round| round.phase), "advanced");
    }
    Ok(moved)
}

/// The block from which the task can be advanced by anybody; `None` where only its participants move it.
fn due_since(task: &Task, live: Option<&Round>) -> Option<BlockNumber> {
    if task.status.is_final() {
        return None;
    }
    let deadlines = &task.spec.deadlines;
    let expiry = task.created_at.saturating_add(deadlines.lifetime);
    let step = match live {
        // Counting scores waits for nobody: its deadline is the block in which it began.
        Some(round) if !round.phase.is_final() => Some(round.deadline),
        _ if task.status == TaskStatus::Enrolling => {
            Some(task.enrolling_since.saturating_add(deadlines.enrolling))
        }
        _ => None,
    };
    Some(step.map_or(expiry, |step| step.min(expiry)))
}

/// How many blocks a participant waits at first, by its slot among those enrolled in its role.
fn first_turn(role: Role, slot: u32) -> u32 {
    match role {
        Role::Evaluator => slot % SPREAD,
        Role::Trainer | Role::Validator => slot % SPREAD + TRAINERS_WAIT,
    }
}

/// Whether it is the participant's turn: `first` blocks after it became due, and every [`SPREAD`] blocks from then on.
fn is_turn(since: BlockNumber, now: BlockNumber, first: u32) -> bool {
    let first = since.saturating_add(first);
    now >= first && (now - first).is_multiple_of(SPREAD)
}

/// A task that still enrolls can only be advanced once enough are enrolled.
async fn can_start(view: &View, task: &Task) -> Result<bool, WorkerError> {
    let expired = view.number() >= task.created_at.saturating_add(task.spec.deadlines.lifetime);
    if task.status != TaskStatus::Enrolling || expired {
        return Ok(true);
    }
    let trainers = view.enrolled(task.id, Role::Trainer).await?;
    let evaluators = view.enrolled(task.id, Role::Evaluator).await?;
    Ok(trainers >= task.spec.trainers.min.into() && evaluators >= task.spec.committee.quorum.into())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{claim::tests::round, convert::tests::task_spec};
    use decentralml_sdk::{AccountId, Money};
    use decentralml_types::Phase;

    pub(crate) fn task(status: TaskStatus) -> Task {
        Task {
            id: 0,
            sponsor: AccountId::from([0; 32]),
            spec: task_spec(),
            penalties: decentralml_protocol::slashing::TABLE,
            status,
            money: Money::default(),
            deposit: 0,
            created_at: 100,
            ended_at: None,
            enrolling_since: 100,
            settled_rounds: 0,
            failed_in_a_row: 0,
            model: None,
            metric: None,
            state: None,
            current: None,
        }
    }

    #[test]
    fn a_task_is_due_at_its_deadlines_and_never_once_it_is_over() {
        assert_eq!(due_since(&task(TaskStatus::Enrolling), None), Some(110));
        let training = round(Phase::Training, 150);
        assert_eq!(due_since(&task(TaskStatus::Running), Some(&training)), Some(150));
        // A round that would outlive its task is ended by the task's lifetime.
        let late = round(Phase::Scoring, 2_000);
        assert_eq!(due_since(&task(TaskStatus::Running), Some(&late)), Some(1_100));
        assert_eq!(due_since(&task(TaskStatus::Paused), None), Some(1_100));
        assert_eq!(due_since(&task(TaskStatus::Cancelled), None), None);
    }

    #[test]
    fn a_task_that_enrolls_again_is_due_when_its_new_time_is_over() {
        let again = Task { enrolling_since: 400, current: Some(1), ..task(TaskStatus::Enrolling) };
        let over = round(Phase::Void, 300);
        assert_eq!(due_since(&again, None), Some(410));
        assert_eq!(due_since(&again, Some(&over)), Some(410));
        let late = Task { enrolling_since: 1_095, ..again };
        assert_eq!(due_since(&late, None), Some(1_100));
    }

    #[test]
    fn few_participants_never_try_in_the_same_block_and_everybody_gets_a_turn() {
        let everybody = (0..4).map(|slot| (Role::Evaluator, slot));
        let everybody: Vec<_> =
            everybody.chain((0..12).map(|slot| (Role::Trainer, slot))).collect();
        for now in 10..10 + SPREAD {
            let turn = |(role, slot): &&(Role, u32)| is_turn(10, now, first_turn(*role, *slot));
            assert_eq!(everybody.iter().filter(turn).count(), 1, "block {now}");
        }
        assert!(!is_turn(10, 9, 0));
        assert!(is_turn(10, 10 + SPREAD, 0));
    }
}
