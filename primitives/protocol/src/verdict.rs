//! What many opinions on one update amount to, and whether it is accepted.
//!
//! Scores are contributions (`docs/protocol.md` derives them). One round says little on data that is not identically
//! distributed, so whether an update enters is judged by the sum of its trainer's scores in the task, the *running score*. It is
//! bounded both ways, so that neither a good past can be spent on long attacks nor a bad committee ruins a trainer for good; and a
//! single round can be too bad for any past. What an accepted update earns is what it is worth in its own round: a past that were
//! paid again and again would pay those who stop working.

use decentralml_types::{Fault, Opinion, Outcome, Score, limits::MAX_SCORE};

/// The magnitude of the running score is at most this many moving averages of a round's total, in percent.
pub const CAP_PERCENT: u64 = 100;
/// An update that scores below this share of the round's total, negatively, is rejected whatever its past, in percent.
pub const FLOOR_PERCENT: u64 = 60;
/// What a new round weighs in the moving average, in percent.
pub const TREND_PERCENT: u64 = 30;

/// What a committee found about one update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The median of its scores; 0 where half of the seats say something else than the other half, which changes nothing.
    Score(Score),
    /// The median is 0 by itself, or most seats have no score for it and agree on no reason: it is worth as much as an empty one.
    Nothing,
    /// Most seats could not get or read it.
    Fault(Fault),
    /// Most seats have it as a copy of an earlier one.
    Copied,
}

/// The finding of the seats that opened. `None` where there are none. Reorders `opinions`.
///
/// More than half of the seats must report a fault for it to be one; the more frequent kind names it, `Malformed` where both
/// are equally frequent. More than half must call it a copy for it to be one: faults do not count towards that, nor copies towards
/// a fault, as the one costs the bond and the other does not. Otherwise the finding is the median, a report of a fault or of a copy
/// counting below every score. Of an even number there are two in the middle: the one nearer to zero counts, and 0 where their
/// signs differ. What is no score is 0 in the middle. Where all that is in the middle is 0, most seats grant the update nothing.
/// So with fewer than half of the seats hostile, faults and copies are neither invented nor denied, and medians lie within what
/// honest seats span; with exactly half, a median lies between 0 and what some honest seat found, and a fault or a copy is at
/// worst forgiven.
pub fn finding(opinions: &mut [Opinion]) -> Option<Finding> {
    if opinions.is_empty() {
        return None;
    }
    let count = |kind| opinions.iter().filter(|opinion| **opinion == kind).count();
    let (unavailable, malformed) = (count(Opinion::Unavailable), count(Opinion::Malformed));
    if (unavailable + malformed) * 2 > opinions.len() {
        let fault = if unavailable > malformed { Fault::Unavailable } else { Fault::Malformed };
        return Some(Finding::Fault(fault));
    }
    if count(Opinion::Copied) * 2 > opinions.len() {
        return Some(Finding::Copied);
    }
    let score = |opinion: &Opinion| match opinion {
        Opinion::Score(score) => Some(*score),
        Opinion::Unavailable | Opinion::Malformed | Opinion::Copied => None,
    };
    let is_even = opinions.len().is_multiple_of(2);
    let (below, median, _) = opinions.select_nth_unstable_by_key(opinions.len() / 2, score);
    let upper = score(median).unwrap_or(0);
    let lower = match is_even {
        true => below.iter().map(score).max().flatten().unwrap_or(0),
        false => upper,
    };
    Some(match (lower, upper) {
        (0, 0) => Finding::Nothing,
        _ => Finding::Score(nearer_to_zero(lower, upper)),
    })
}

impl Finding {
    /// What it adds to the running score.
    pub fn score(self) -> Score {
        match self {
            Self::Score(score) => score,
            Self::Nothing | Self::Fault(_) | Self::Copied => 0,
        }
    }
}

/// What both of two scores grant: the one nearer to zero, 0 where their signs differ.
fn nearer_to_zero(one: Score, other: Score) -> Score {
    match (one.signum(), other.signum()) {
        (1, 1) => one.min(other),
        (-1, -1) => one.max(other),
        _ => 0,
    }
}

/// Whether a score is one that a committee may open: at most [`MAX_SCORE`] in magnitude.
pub fn in_range(opinion: &Opinion) -> bool {
    match opinion {
        Opinion::Score(score) => score.unsigned_abs() <= MAX_SCORE.unsigned_abs(),
        Opinion::Unavailable | Opinion::Malformed | Opinion::Copied => true,
    }
}

/// The running score after a round, given the moving average of totals, this round's included.
pub fn running(previous: Score, score: Score, trend: u64) -> Score {
    let cap = u128::from(trend) * u128::from(CAP_PERCENT) / 100;
    let cap = Score::try_from(cap).unwrap_or(Score::MAX);
    previous.saturating_add(score).clamp(-cap, cap)
}

/// What an update adds to its round's total, which is the scale of floor, cap and fees, and what it weighs in the round's pay: what
/// it is worth, and nothing where it does harm. Otherwise one that is as harmful as can be, and rejected at no cost, would lift floor and cap for the next ones.
pub fn worth(score: Score) -> u64 {
    u64::try_from(score).unwrap_or(0)
}

/// Whether an update is accepted, from its trainer's running score (this round included), its own score, and the round's
/// total. Its weight is what it is [`worth`], which may be nothing.
pub fn outcome(running: Score, score: Score, total: u64) -> Outcome {
    let floor = u128::from(total) * u128::from(FLOOR_PERCENT) / 100;
    let too_bad = score < 0 && u128::from(score.unsigned_abs()) > floor;
    match running > 0 && !too_bad {
        true => Outcome::Accepted { weight: worth(score) },
        false => Outcome::Rejected,
    }
}

/// The moving average of the rounds' totals; the first round is its own average.
pub fn trend(previous: Option<u64>, total: u64) -> u64 {
    let Some(previous) = previous else { return total };
    let old = u128::from(previous) * u128::from(100 - TREND_PERCENT);
    let new = u128::from(total) * u128::from(TREND_PERCENT);
    // A weighted average of two numbers is not larger than both.
    ((old + new) / 100) as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn opinion() -> impl Strategy<Value = Opinion> {
        prop_oneof![
            6 => any::<Score>().prop_map(Opinion::Score),
            1 => Just(Opinion::Unavailable),
            1 => Just(Opinion::Malformed),
            1 => Just(Opinion::Copied),
        ]
    }

    /// What is said of an update that is no score.
    fn refusal() -> impl Strategy<Value = Opinion> {
        prop_oneof![Just(Opinion::Unavailable), Just(Opinion::Malformed), Just(Opinion::Copied)]
    }

    proptest! {
        #[test]
        fn a_hostile_minority_cannot_leave_the_span_of_the_honest(
            honest in prop::collection::vec(any::<Score>(), 1..31),
            lies in prop::collection::vec(opinion(), 0..31),
        ) {
            let lies = &lies[..lies.len().min(honest.len() - 1)];
            let (low, high) = (*honest.iter().min().unwrap(), *honest.iter().max().unwrap());
            let mut opinions: Vec<_> = honest.iter().copied().map(Opinion::Score).chain(lies.iter().copied()).collect();
            let found = finding(&mut opinions).unwrap();
            prop_assert!(matches!(found, Finding::Score(_) | Finding::Nothing), "a minority made {found:?}");
            prop_assert!((low..=high).contains(&found.score()));
        }

        #[test]
        fn a_hostile_minority_cannot_clear_a_faulty_update(
            honest in 1usize..31, lies in prop::collection::vec(any::<Score>(), 0..31),
        ) {
            let lies = lies.into_iter().take(honest - 1).map(Opinion::Score);
            let mut opinions: Vec<_> = core::iter::repeat_n(Opinion::Malformed, honest).chain(lies).collect();
            prop_assert_eq!(finding(&mut opinions), Some(Finding::Fault(Fault::Malformed)));
        }

        #[test]
        fn a_hostile_minority_cannot_clear_a_copy_nor_make_a_fault_of_it(
            honest in 1usize..31, lies in prop::collection::vec(opinion(), 0..31),
        ) {
            let lies = lies.into_iter().take(honest - 1);
            let mut opinions: Vec<_> = core::iter::repeat_n(Opinion::Copied, honest).chain(lies).collect();
            prop_assert_eq!(finding(&mut opinions), Some(Finding::Copied));
        }

        #[test]
        fn faults_and_copies_need_more_than_half_of_the_seats_to_say_just_that(
            opinions in prop::collection::vec(opinion(), 1..31),
        ) {
            let said = |kinds: &[Opinion]| opinions.iter().filter(|said| kinds.contains(said)).count();
            let faulty = said(&[Opinion::Unavailable, Opinion::Malformed]) * 2 > opinions.len();
            let copied = said(&[Opinion::Copied]) * 2 > opinions.len();
            let found = finding(&mut opinions.clone()).unwrap();
            prop_assert_eq!(matches!(found, Finding::Fault(_)), faulty);
            prop_assert_eq!(found == Finding::Copied, copied);
        }

        #[test]
        fn where_most_refuse_and_agree_on_no_reason_nothing_is_granted(
            refusals in prop::collection::vec(refusal(), 1..31),
            lies in prop::collection::vec(any::<Score>(), 0..31),
        ) {
            let lies = lies.into_iter().take(refusals.len() - 1).map(Opinion::Score);
            let mut opinions: Vec<_> = refusals.into_iter().chain(lies).collect();
            let found = finding(&mut opinions).unwrap();
            prop_assert!(!matches!(found, Finding::Score(_)), "most refused, and {found:?}");
        }

        #[test]
        fn a_hostile_half_takes_away_and_gives_nothing(
            honest in prop::collection::vec(any::<Score>(), 1..16),
            lies in prop::collection::vec(opinion(), 16),
        ) {
            let (low, high) = (*honest.iter().min().unwrap(), *honest.iter().max().unwrap());
            let lies = lies.into_iter().take(honest.len());
            let mut opinions: Vec<_> = honest.iter().copied().map(Opinion::Score).chain(lies).collect();
            let found = finding(&mut opinions).unwrap();
            prop_assert!(matches!(found, Finding::Score(_) | Finding::Nothing), "half made {found:?}");
            prop_assert!((low.min(0)..=high.max(0)).contains(&found.score()));
        }

        #[test]
        fn the_order_of_seats_does_not_matter(opinions in prop::collection::vec(opinion(), 0..31), by in 0usize..31) {
            let (mut one, mut other) = (opinions.clone(), opinions);
            if !other.is_empty() {
                let by = by % other.len();
                other.rotate_left(by);
            }
            prop_assert_eq!(finding(&mut one), finding(&mut other));
        }

        #[test]
        fn only_a_positive_running_score_is_accepted(running: Score, score: Score, total: u64) {
            match outcome(running, score, total) {
                Outcome::Accepted { weight } => {
                    prop_assert!(running > 0);
                    prop_assert_eq!(weight, score.max(0) as u64);
                },
                Outcome::Rejected => {},
                Outcome::Faulty(_) | Outcome::Copied => prop_assert!(false, "a score was found"),
            }
        }

        #[test]
        fn the_trend_stays_between_its_parts(previous: u64, total: u64) {
            let trend = trend(Some(previous), total);
            prop_assert!(trend >= previous.min(total).saturating_sub(1) && trend <= previous.max(total));
        }
    }

    #[test]
    fn a_tie_of_faults_and_scores_changes_nothing() {
        for score in [Score::MIN, -5, 0, 5, Score::MAX] {
            let mut opinions = [Opinion::Unavailable, Opinion::Score(score)];
            assert_eq!(finding(&mut opinions).unwrap().score(), 0);
        }
        let mut opinions =
            [Opinion::Score(7), Opinion::Malformed, Opinion::Score(-7), Opinion::Unavailable];
        assert_eq!(finding(&mut opinions), Some(Finding::Score(0)));
    }

    #[test]
    fn of_two_middle_scores_the_nearer_to_zero_counts() {
        for (one, other, median) in
            [(3, 8, 3), (-3, -8, -3), (-3, 8, 0), (0, 8, 0), (-3, 0, 0), (Score::MIN, 5, 0)]
        {
            for mut opinions in [[one, other], [other, one]].map(|pair| pair.map(Opinion::Score)) {
                assert_eq!(finding(&mut opinions), Some(Finding::Score(median)));
            }
        }
        let mut four = [9, Score::MIN, 4, 6].map(Opinion::Score);
        assert_eq!(finding(&mut four), Some(Finding::Score(4)));
        // A fault is below every score: of these the middle ones are -7 and 2, and -7 and -5.
        for (third, median) in [(2, 0), (-5, -5)] {
            let mut mixed =
                [Opinion::Score(third), Opinion::Malformed, Opinion::Score(-7), Opinion::Score(5)];
            assert_eq!(finding(&mut mixed), Some(Finding::Score(median)));
        }
    }

    #[test]
    fn scores_have_a_bound() {
        assert!(in_range(&Opinion::Score(MAX_SCORE)) && in_range(&Opinion::Score(-MAX_SCORE)));
        assert!(
            !in_range(&Opinion::Score(MAX_SCORE + 1)) && !in_range(&Opinion::Score(Score::MIN))
        );
        for other in [Opinion::Unavailable, Opinion::Malformed, Opinion::Copied] {
            assert!(in_range(&other));
        }
    }

    #[test]
    fn most_seats_that_grant_nothing_reject_whatever_the_past_and_half_of_them_do_not() {
        use Opinion::{Copied, Malformed, Score, Unavailable};
        for (opinions, found) in [
            (&mut [Score(0)][..], Finding::Nothing),
            (&mut [Score(0), Score(0), Score(9)], Finding::Nothing),
            (&mut [Score(-9), Score(0), Score(9)], Finding::Nothing),
            (&mut [Unavailable, Copied, Score(9)], Finding::Nothing),
            (&mut [Score(0), Copied], Finding::Nothing),
            (&mut [Malformed, Copied, Copied, Score(9)], Finding::Nothing),
            (&mut [Score(0), Score(9)], Finding::Score(0)),
            (&mut [Score(-9), Score(9)], Finding::Score(0)),
            (&mut [Copied, Score(9)], Finding::Score(0)),
        ] {
            assert_eq!(finding(opinions), Some(found), "{opinions:?}");
        }
        assert_eq!(running(900, 0, 1_000), 900);
        assert_eq!(outcome(900, 0, 1_000), Outcome::Accepted { weight: 0 });
    }

    #[test]
    fn a_terrible_round_is_rejected_whatever_the_past() {
        assert_eq!(outcome(900, -600, 1_000), Outcome::Accepted { weight: 0 });
        assert_eq!(outcome(900, -601, 1_000), Outcome::Rejected);
    }

    #[test]
    fn attack_who_has_earned_a_past_and_stops_working_is_accepted_and_not_paid_for_it() {
        let [worker, idler] = [50, 1].map(|score| outcome(900, score, 1_000));
        assert_eq!(worker, Outcome::Accepted { weight: 50 });
        assert_eq!(idler, Outcome::Accepted { weight: 1 });
    }

    /// Two sleepers and one that is sacrificed for them: with the magnitudes of all scores the floor would be below both.
    #[test]
    fn attack_an_update_that_is_sacrificed_lifts_neither_floor_nor_cap() {
        let scores = [100, 80, 120, -150, -170, -100_000];
        let total = |scores: &[Score]| scores.iter().copied().map(worth).sum::<u64>();
        assert_eq!(total(&scores), total(&scores[..3]));
        assert_eq!(total(&scores), 300);
        // 60 % of 300.
        for (score, accepted) in [(-170, true), (-181, false)] {
            let outcome = outcome(900, score, total(&scores));
            assert_eq!(matches!(outcome, Outcome::Accepted { .. }), accepted, "{score}");
        }
        assert_eq!(running(0, 5_000, trend(None, total(&scores))), 300);
        assert_eq!(outcome(900, -1, 0), Outcome::Rejected, "a round in which all do harm");
    }

    #[test]
    fn a_past_is_worth_at_most_one_average_round_for_better_and_for_worse() {
        assert_eq!(running(990, 500, 1_000), 1_000);
        assert_eq!(running(-990, -500, 1_000), -1_000);
        assert_eq!(running(-1_000, 500, 1_000), -500);
        assert_eq!(running(Score::MIN, -1, 0), 0);
        assert_eq!(running(Score::MIN, -1, u64::MAX), -Score::MAX);
    }

    #[test]
    fn a_debt_shrinks_with_what_rounds_are_about() {
        // After lies of any size the moving average, and with it the debt, falls to what honest rounds say.
        let (mut standing, mut average) = (-MAX_SCORE, MAX_SCORE as u64);
        let rounds = (0..100).take_while(|_| {
            average = trend(Some(average), 1_000);
            standing = running(standing, 400, average);
            standing <= 0
        });
        assert!(rounds.count() < 80);
    }
}
