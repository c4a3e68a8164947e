//! When a phase ends, and what follows.
//!
//! ```text
//!  Training ─► Revealing ─► Scoring ─► Verdict ─► Tallying ─► Aggregating ─► Settled
//!      │           │           ▲  │        │          │             │
//!      │           │           └──┴─redraw─┴──────────┼─────────────┤   once
//!      └───────────┴──────────────┴────────┴──────────┴─────────────┴──► Void
//! ```

use decentralml_types::{BlockNumber, CommitteeNumber, Failure, Phase};

/// Committees after the first that a round may draw.
pub const MAX_REDRAWS: CommitteeNumber = 1;

/// Blocks from the opening of a draw until its seed can be read. Phases that begin with a draw get them on top.
pub const SEED_DELAY: BlockNumber = 2;

/// Who has acted in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acts {
    /// Those who can act.
    pub expected: u32,
    /// Those who have.
    pub acted: u32,
    /// Those without whom the phase fails.
    pub needed: u32,
}

/// What happens to a round now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: somebody can still act, and there is time.
    Wait,
    /// The next phase begins.
    Enter(Phase),
    /// Another committee is drawn, and scoring begins anew.
    Redraw(Failure),
    /// The round is over without a model.
    Void(Failure),
}

/// The step out of [`Phase::Training`], [`Phase::Revealing`], [`Phase::Scoring`] or [`Phase::Verdict`]. `due` says that the
/// phase's deadline has passed. Other phases wait: [`tallied`] and [`aggregating`] end them.
pub fn step(phase: Phase, acts: Acts, due: bool, committee: CommitteeNumber) -> Step {
    let complete = acts.acted >= acts.expected;
    if !complete && !due {
        return Step::Wait;
    }
    let enough = acts.acted >= acts.needed;
    match phase {
        Phase::Training if enough => Step::Enter(Phase::Revealing),
        Phase::Training if due => Step::Void(Failure::TooFewCommitments),
        Phase::Revealing if enough => Step::Enter(Phase::Scoring),
        Phase::Revealing => Step::Void(Failure::TooFewReveals),
        Phase::Scoring if enough => Step::Enter(Phase::Verdict),
        Phase::Scoring if due => committee_failed(committee, Failure::TooFewScores),
        // A draw of fewer than are needed is complete at once; it still gets its time, lest a task burns its retries in a few
        // blocks, and by calls that do not weigh it.
        Phase::Training | Phase::Scoring => Step::Wait,
        Phase::Verdict if enough => Step::Enter(Phase::Tallying),
        Phase::Verdict => committee_failed(committee, Failure::TooFewOpenings),
        Phase::Tallying | Phase::Aggregating | Phase::Settled | Phase::Void => Step::Wait,
    }
}

/// The step out of [`Phase::Tallying`], once all scores are counted.
pub fn tallied(accepted: u32) -> Step {
    if accepted > 0 {
        Step::Enter(Phase::Aggregating)
    } else {
        Step::Void(Failure::NothingAccepted)
    }
}

/// The step out of [`Phase::Aggregating`]: `agreeing` seats stand behind the leading CID, `attested` in all have spoken,
/// `seats` can.
pub fn aggregating(
    agreeing: u32,
    attested: u32,
    seats: u32,
    quorum: u32,
    due: bool,
    committee: CommitteeNumber,
) -> Step {
    if agreeing >= quorum {
        return Step::Enter(Phase::Settled);
    }
    let hopeless = agreeing.saturating_add(seats.saturating_sub(attested)) < quorum;
    if hopeless || due { committee_failed(committee, Failure::NoAgreement) } else { Step::Wait }
}

fn committee_failed(committee: CommitteeNumber, failure: Failure) -> Step {
    if committee < MAX_REDRAWS { Step::Redraw(failure) } else { Step::Void(failure) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORKING: [Phase; 4] = [Phase::Training, Phase::Revealing, Phase::Scoring, Phase::Verdict];

    proptest! {
        #[test]
        fn phases_never_go_back(
            phase in 0usize..4, expected in 0u32..300, acted in 0u32..300, needed in 0u32..300, due: bool,
            committee in 0u8..3,
        ) {
            let phase = WORKING[phase];
            if let Step::Enter(next) = step(phase, Acts { expected, acted, needed }, due, committee) {
                prop_assert!(next > phase);
                prop_assert!(acted >= needed);
            }
        }

        #[test]
        fn a_phase_always_ends_at_its_deadline(
            phase in 0usize..4, expected in 0u32..300, acted in 0u32..300, needed in 0u32..300, committee in 0u8..3,
        ) {
            let acts = Acts { expected, acted, needed };
            prop_assert_ne!(step(WORKING[phase], acts, true, committee), Step::Wait);
        }

        #[test]
        fn a_committee_is_redrawn_once(
            phase in 2usize..4, expected in 0u32..300, acted in 0u32..300, needed in 0u32..300, due: bool,
        ) {
            let second = step(WORKING[phase], Acts { expected, acted, needed }, due, MAX_REDRAWS);
            prop_assert!(!matches!(second, Step::Redraw(_)));
        }

        #[test]
        fn an_aggregate_stands_only_with_its_quorum(
            agreeing in 0u32..32, others in 0u32..32, absent in 0u32..32, quorum in 1u32..32, due: bool,
        ) {
            let attested = agreeing + others;
            let step = aggregating(agreeing, attested, attested + absent, quorum, due, 0);
            prop_assert_eq!(step == Step::Enter(Phase::Settled), agreeing >= quorum);
            prop_assert!(!due || step != Step::Wait);
        }
    }

    #[test]
    fn everybody_having_acted_ends_a_phase_early() {
        let acts = |acted| Acts { expected: 6, acted, needed: 3 };
        assert_eq!(step(Phase::Training, acts(5), false, 0), Step::Wait);
        assert_eq!(step(Phase::Training, acts(6), false, 0), Step::Enter(Phase::Revealing));
        assert_eq!(step(Phase::Training, acts(5), true, 0), Step::Enter(Phase::Revealing));
        assert_eq!(step(Phase::Training, acts(2), true, 0), Step::Void(Failure::TooFewCommitments));
    }

    #[test]
    fn seats_that_cannot_agree_any_more_are_not_waited_for() {
        assert_eq!(aggregating(1, 2, 3, 2, false, 0), Step::Wait);
        assert_eq!(aggregating(1, 3, 3, 2, false, 0), Step::Redraw(Failure::NoAgreement));
        assert_eq!(aggregating(1, 3, 3, 2, false, 1), Step::Void(Failure::NoAgreement));
    }
}
