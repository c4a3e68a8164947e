//! Gold results: when what is known of an update counts, and which scores are wrong about it.
//!
//! A sponsor that knows what an update is worth, as it has made it, announces that before anybody has seen the update, hidden behind a
//! hash, and shows it once the round is over (`docs/protocol.md`, *Gold results*). Its word alone proves nothing: it counts only where
//! the committee's median says the same, clearly, and then against seats that clearly said the opposite. Who is right by that and who
//! is not does not depend on the seat itself: a seat on the wrong side draws the median to its own side.

use crate::{payout::SLACK, verdict::Finding};
use decentralml_types::{BlockNumber, Label, Opinion, Score};

/// How far from 0 a score must be to be clearly of its sign, in percent of the round's total of scores, beside the slack that machines
/// have.
const CLEAR_PERCENT: u64 = 2;
/// About how many gold results of one round a seat may not be wrong: about a single one anybody can be.
pub const MISSES: u8 = 2;

/// Whether what the committee found says clearly what the label does. A blank one says nothing, and of updates that are faulty or
/// copies nothing is known but that.
pub fn confirms(label: Label, found: Finding, total: u64) -> bool {
    matches!(found, Finding::Score(score) if is_clear(label, score, total))
}

/// Whether an opinion on a gold result that is confirmed is clearly the opposite of what is known. Who could not have or read an update,
/// or takes it for a copy, has said nothing of its worth.
pub fn misses(label: Label, said: Opinion, total: u64) -> bool {
    let opposite = match label {
        Label::Good => Label::Bad,
        Label::Bad => Label::Good,
        Label::Blank => return false,
    };
    matches!(said, Opinion::Score(score) if is_clear(opposite, score, total))
}

/// Whether a score is clearly that of a good or of a bad update.
fn is_clear(label: Label, score: Score, total: u64) -> bool {
    let of_its_sign = match label {
        Label::Good => score > 0,
        Label::Bad => score < 0,
        Label::Blank => false,
    };
    of_its_sign && score.unsigned_abs() > clear(total)
}

/// What a score has to exceed in magnitude to say something clearly, in micro-nats: so little that honest machines never differ by it.
pub const fn clear(total: u64) -> u64 {
    (total / 100).saturating_mul(CLEAR_PERCENT).saturating_add(SLACK)
}

/// In the place of gold results that a seat has missed: it had no score for an update for which the committee found one, so its scores of
/// all other updates are of other coalitions than those of the others.
pub const UNMEASURED: u8 = u8::MAX;

/// Blocks in which the gold results of a round can be revealed once it is over. Few, as nobody is settled meanwhile, and who has
/// something at risk cannot act in the next round.
pub const WINDOW: BlockNumber = 10;

/// The last block in which the gold results of a round that ended at `ended` can be revealed.
pub const fn deadline(ended: BlockNumber) -> BlockNumber {
    ended.saturating_add(WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::finding;
    use decentralml_types::{Fault, limits::MAX_SCORE};
    use proptest::prelude::*;

    const LABELS: [Label; 3] = [Label::Good, Label::Bad, Label::Blank];

    fn score() -> impl Strategy<Value = Score> {
        prop_oneof![-MAX_SCORE..=MAX_SCORE, -100i64..=100]
    }

    proptest! {
        #[test]
        fn whoever_says_what_the_committee_found_never_misses(found in score(), said in score(), total: u64) {
            for label in LABELS {
                if confirms(label, Finding::Score(found), total) && said.signum() == found.signum() {
                    prop_assert!(!misses(label, Opinion::Score(said), total));
                }
            }
        }

        #[test]
        fn both_labels_are_treated_alike(score in score(), total: u64) {
            let (found, said) = (Finding::Score(score), Opinion::Score(score));
            let mirrored = (Finding::Score(-score), Opinion::Score(-score));
            prop_assert_eq!(confirms(Label::Good, found, total), confirms(Label::Bad, mirrored.0, total));
            prop_assert_eq!(misses(Label::Good, said, total), misses(Label::Bad, mirrored.1, total));
        }

        #[test]
        fn a_seat_that_misses_is_one_of_fewer_than_half(scores in prop::collection::vec(score(), 1..31), total: u64) {
            let mut opinions: Vec<_> = scores.into_iter().map(Opinion::Score).collect();
            let Some(found) = finding(&mut opinions) else { return Ok(()) };
            for label in LABELS {
                if confirms(label, found, total) {
                    let missed = opinions.iter().filter(|said| misses(label, **said, total)).count();
                    prop_assert!(missed * 2 < opinions.len());
                }
            }
        }
    }

    #[test]
    fn only_what_is_clear_counts() {
        // Two percent of 1,000, and the slack.
        assert_eq!((clear(1_000), clear(0), clear(u64::MAX) < u64::MAX), (120, 100, true));
        for (score, clear) in [(121, true), (120, false), (0, false), (-120, false), (-121, false)]
        {
            assert_eq!(confirms(Label::Good, Finding::Score(score), 1_000), clear, "{score}");
            assert_eq!(misses(Label::Bad, Opinion::Score(score), 1_000), clear, "{score}");
        }
        assert!(confirms(Label::Bad, Finding::Score(-121), 1_000));
        assert!(misses(Label::Good, Opinion::Score(-121), 1_000));
        assert!(confirms(Label::Bad, Finding::Score(Score::MIN), 0));
        // Where everything does harm there is no total, and machines still differ by rounding.
        assert!(!confirms(Label::Bad, Finding::Score(-100), 0));
    }

    #[test]
    fn who_gives_no_score_misses_nothing_and_faults_and_blanks_confirm_nothing() {
        for label in LABELS {
            for said in
                [Opinion::Unavailable, Opinion::Malformed, Opinion::Copied, Opinion::Score(0)]
            {
                assert!(!misses(label, said, 0));
            }
            for found in [Finding::Fault(Fault::Malformed), Finding::Nothing, Finding::Copied] {
                assert!(!confirms(label, found, 0));
            }
        }
        let far = Score::MAX;
        assert!(!confirms(Label::Blank, Finding::Score(far), 0));
        assert!(
            !misses(Label::Blank, Opinion::Score(far), 0)
                && !misses(Label::Blank, Opinion::Score(-far), 0)
        );
    }
}
