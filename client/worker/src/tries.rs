//! How often something may fail.

use std::collections::BTreeMap;

use decentralml_types::{BlockNumber, CommitteeNumber, Phase, RoundNumber};

use crate::error::WorkerError;

/// Failures of one step after which it is given up; until then a later block tries again.
pub(crate) const LIMIT: u32 = 40;
/// As how many failures a refusal by the chain counts: it cost a fee, and the next attempt will hardly fare better.
const REFUSAL: u32 = 10;
/// Blocks after which something is tried again that had no effect, or that others may make possible.
pub(crate) const AGAIN: BlockNumber = 20;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Taking part.
    Enroll,
    /// This role's part in a phase.
    Act(RoundNumber, Phase, CommitteeNumber),
    /// Moving the round on.
    Advance(RoundNumber, Phase, CommitteeNumber),
    /// Being paid for a round.
    Claim(RoundNumber),
    /// What may still be done in a settled round.
    CatchUp(RoundNumber),
    /// Taking part no more.
    Leave,
}

/// Counts failures of each step.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    failures: BTreeMap<Step, u32>,
}

impl Tries {
    /// Whether the step may be tried.
    pub(crate) fn permit(&self, step: Step) -> bool {
        self.failures.get(&step).copied().unwrap_or(0) < LIMIT
    }

    /// Notes a failure and says how many are left.
    pub(crate) fn failed(&mut self, step: Step, error: &WorkerError) -> u32 {
        let weight = match error {
            error if error.is_certain() => LIMIT,
            error if error.is_refusal() => REFUSAL,
            _ => 1,
        };
        let count = self.failures.entry(step).or_default();
        *count = count.saturating_add(weight);
        LIMIT.saturating_sub(*count)
    }

    /// Notes a success.
    pub(crate) fn succeeded(&mut self, step: Step) {
        self.failures.remove(&step);
    }

    /// Forgets rounds before `round`, whose phases do not come again.
    pub(crate) fn forget_before(&mut self, round: RoundNumber) {
        self.failures.retain(|step, _| match step {
            Step::Act(number, ..) | Step::Advance(number, ..) => *number >= round,
            _ => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_learning::TrainError;
    use decentralml_sdk::SubmitError;

    #[test]
    fn a_step_is_given_up_after_its_failures_and_others_are_not() {
        let mut tries = Tries::default();
        let training = Step::Act(1, Phase::Training, 0);
        for left in (0..LIMIT).rev() {
            assert!(tries.permit(training));
            assert_eq!(tries.failed(training, &WorkerError::Aborted), left);
        }
        assert!(!tries.permit(training));
        assert!(tries.permit(Step::Act(1, Phase::Revealing, 0)));
        assert!(tries.permit(Step::Act(2, Phase::Training, 0)));
    }

    #[test]
    fn what_the_chain_refuses_is_soon_given_up() {
        let mut tries = Tries::default();
        let refused = WorkerError::Submit(SubmitError::Dispatch("no".into()));
        let attempts = (0..LIMIT).take_while(|_| {
            let permitted = tries.permit(Step::Leave);
            tries.failed(Step::Leave, &refused);
            permitted
        });
        assert_eq!(attempts.count(), 4);
    }

    #[test]
    fn a_success_and_a_new_round_start_the_count_anew() {
        let mut tries = Tries::default();
        for _ in 0..LIMIT {
            tries.failed(Step::Enroll, &WorkerError::Aborted);
            tries.failed(Step::Act(1, Phase::Training, 0), &WorkerError::Aborted);
        }
        tries.succeeded(Step::Enroll);
        assert!(tries.permit(Step::Enroll));
        tries.forget_before(2);
        assert!(tries.permit(Step::Act(1, Phase::Training, 0)));
    }

    #[test]
    fn training_that_diverges_is_not_repeated_in_its_round() {
        let mut tries = Tries::default();
        let training = |round| Step::Act(round, Phase::Training, 0);
        let diverged = WorkerError::Train(TrainError::Diverged { epoch: 0 });
        assert_eq!(tries.failed(training(1), &diverged), 0);
        assert!(!tries.permit(training(1)));
        assert!(tries.permit(training(2)), "another model may do better");
        let too_long = WorkerError::UpdateTooLong { found: 9, allowed: 8 };
        assert_eq!(tries.failed(training(2), &too_long), 0);
        let stopped = WorkerError::Train(TrainError::Stopped);
        assert_eq!(tries.failed(training(3), &stopped), LIMIT - 1);
    }

    #[test]
    fn a_card_that_failed_is_tried_again_in_the_same_round() {
        let mut tries = Tries::default();
        let training = Step::Act(1, Phase::Training, 0);
        let out_of_memory = TrainError::Device { problem: "out of memory".into() };
        let out_of_memory = WorkerError::Train(out_of_memory);
        assert_eq!(tries.failed(training, &out_of_memory), LIMIT - 1);
        assert!(tries.permit(training), "another program may free its memory");
    }
}
