//! How often something may fail.

use std::collections::BTreeMap;

use decentralml_types::{BlockNumber, CommitteeNumber, Phase, RoundNumber};

/// Failures of one step after which it is given up; until then a later block tries again.
pub(crate) const LIMIT: u32 = 40;
/// As how many failures a refusal by the chain counts: it cost a fee, and the next attempt will hardly fare better.
pub(crate) const REFUSAL: u32 = 10;
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

    /// Notes a failure that counts as `weight` and says how many are left.
    pub(crate) fn failed(&mut self, step: Step, weight: u32) -> u32 {
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

    #[test]
    fn a_step_is_given_up_after_its_failures_and_others_are_not() {
        let mut tries = Tries::default();
        let training = Step::Act(1, Phase::Training, 0);
        for left in (0..LIMIT).rev() {
            assert!(tries.permit(training));
            assert_eq!(tries.failed(training, 1), left);
        }
        assert!(!tries.permit(training));
        assert!(tries.permit(Step::Act(1, Phase::Revealing, 0)));
        assert!(tries.permit(Step::Act(2, Phase::Training, 0)));
    }

    #[test]
    fn what_the_chain_refuses_is_soon_given_up() {
        let mut tries = Tries::default();
        let attempts = (0..LIMIT).take_while(|_| {
            let permitted = tries.permit(Step::Leave);
            tries.failed(Step::Leave, REFUSAL);
            permitted
        });
        assert_eq!(attempts.count(), 4);
    }

    #[test]
    fn a_success_and_a_new_round_start_the_count_anew() {
        let mut tries = Tries::default();
        for _ in 0..LIMIT {
            tries.failed(Step::Enroll, 1);
            tries.failed(Step::Act(1, Phase::Training, 0), 1);
        }
        tries.succeeded(Step::Enroll);
        assert!(tries.permit(Step::Enroll));
        tries.forget_before(2);
        assert!(tries.permit(Step::Act(1, Phase::Training, 0)));
    }
}
