//! Reputation: how a record decays, what is added to it, and the score that it amounts to.
//!
//! With the counts `a` accepted, `r` rejected, `b` absent and `s` slashed, halved with every period, the score is
//!
//! ```text
//!   1,000 · (a + 4) / (a + r + b + 16 s + 8),   rounded down
//! ```
//!
//! An account without a record has 500. What is good never lowers a score, and what is bad never raises it; both fade, so an account
//! that does nothing comes back to 500.

use decentralml_types::{BlockNumber, Conduct, reputation::Record};

/// The score of an account without a record.
pub const NEUTRAL: u16 = 500;
/// The highest score. None reaches it.
pub const MAX_SCORE: u16 = 1_000;
/// One, as counts are kept: nine periods after it was counted nothing of it is left.
pub const ONE: u32 = 256;
/// A count is never higher, so that none overflows and none takes longer than 32 periods to fade.
pub const MAX_COUNT: u32 = 1 << 24;

/// What a score counts as known of an account before it has done anything, good and bad alike.
const PRIOR: u64 = 4;
/// As many rejected updates weigh as much as one slash.
const SLASH: u64 = 16;

/// The number of the period that a block is in. Where periods have no blocks, nothing ever decays.
pub const fn period(now: BlockNumber, blocks: BlockNumber) -> u32 {
    match now.checked_div(blocks) {
        Some(period) => period,
        None => 0,
    }
}

/// A record as it is in `period`: halved, rounding down, for every period since it last changed.
pub fn decayed(record: Record, period: u32) -> Record {
    let halvings = period.saturating_sub(record.period);
    let fade = |count: u32| count.checked_shr(halvings).unwrap_or(0);
    Record {
        accepted: fade(record.accepted),
        rejected: fade(record.rejected),
        absent: fade(record.absent),
        slashed: fade(record.slashed),
        period: record.period.max(period),
    }
}

/// A record with one more entry, made in `period`.
pub fn noted(record: Record, conduct: Conduct, period: u32) -> Record {
    let mut record = decayed(record, period);
    let count = match conduct {
        Conduct::Accepted => &mut record.accepted,
        Conduct::Rejected => &mut record.rejected,
        Conduct::Absent => &mut record.absent,
        Conduct::Slashed => &mut record.slashed,
    };
    *count = count.saturating_add(ONE).min(MAX_COUNT);
    record
}

/// What a record amounts to in `period`, from 0 to [`MAX_SCORE`].
pub fn score(record: Record, period: u32) -> u16 {
    let Record { accepted, rejected, absent, slashed, .. } = decayed(record, period);
    let prior = PRIOR * u64::from(ONE);
    let good = u64::from(accepted) + prior;
    let bad = u64::from(rejected) + u64::from(absent) + SLASH * u64::from(slashed) + prior;
    // A part of `good + bad`, so it fits.
    (u64::from(MAX_SCORE) * good / (good + bad)) as u16
}

/// Whether a record tells nothing any more in `period`.
pub fn is_blank(record: Record, period: u32) -> bool {
    let Record { accepted, rejected, absent, slashed, .. } = decayed(record, period);
    accepted | rejected | absent | slashed == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONDUCTS: [Conduct; 4] =
        [Conduct::Accepted, Conduct::Rejected, Conduct::Absent, Conduct::Slashed];

    fn times(conduct: Conduct, count: u32) -> Record {
        (0..count).fold(Record::default(), |record, _| noted(record, conduct, 0))
    }

    #[test]
    fn an_account_without_a_record_is_neutral() {
        assert_eq!(score(Record::default(), 0), NEUTRAL);
        assert_eq!(score(Record::default(), u32::MAX), NEUTRAL);
    }

    #[test]
    fn scores_are_those_of_the_formula() {
        assert_eq!(score(times(Conduct::Accepted, 8), 0), 750);
        assert_eq!(score(times(Conduct::Rejected, 8), 0), 250);
        assert_eq!(score(times(Conduct::Absent, 8), 0), 250);
        assert_eq!(score(times(Conduct::Slashed, 1), 0), 166);
        let long = noted(times(Conduct::Accepted, 100), Conduct::Slashed, 0);
        assert_eq!(score(long, 0), 838);
    }

    #[test]
    fn every_period_halves_a_record_until_nothing_is_left() {
        let record = noted(times(Conduct::Accepted, 8), Conduct::Slashed, 0);
        assert_eq!(decayed(record, 1).accepted, 4 * ONE);
        assert_eq!(decayed(record, 1).slashed, ONE / 2);
        assert_eq!(decayed(record, 3).accepted, ONE);
        let slash = times(Conduct::Slashed, 1);
        assert!(!is_blank(slash, 8));
        assert!(is_blank(slash, 9));
        assert_eq!(score(slash, 9), NEUTRAL);
        assert!(is_blank(record, u32::MAX), "no shift is too long");
    }

    #[test]
    fn counts_stop_at_their_limit() {
        let full = Record { slashed: MAX_COUNT, accepted: MAX_COUNT, ..Record::default() };
        assert_eq!(noted(full, Conduct::Slashed, 0).slashed, MAX_COUNT);
        let above = Record { accepted: u32::MAX, slashed: u32::MAX, ..Record::default() };
        assert!(score(above, 0) < NEUTRAL, "and nothing overflows");
    }

    #[test]
    fn a_block_is_in_the_period_that_has_begun() {
        assert_eq!((period(0, 10), period(9, 10), period(10, 10)), (0, 0, 1));
        assert_eq!(period(9, 0), 0);
    }

    proptest! {
        #[test]
        fn good_conduct_never_lowers_a_score_and_bad_conduct_never_raises_it(
            accepted in 0..=MAX_COUNT, rejected in 0..=MAX_COUNT, absent in 0..=MAX_COUNT,
            slashed in 0..=MAX_COUNT, now in 0u32..40,
        ) {
            let record = Record { accepted, rejected, absent, slashed, period: 0 };
            let before = score(record, now);
            prop_assert!(before < MAX_SCORE);
            for conduct in CONDUCTS {
                let after = score(noted(record, conduct, now), now);
                match conduct {
                    Conduct::Accepted => prop_assert!(after >= before),
                    _ => prop_assert!(after <= before),
                }
            }
        }

        #[test]
        fn it_makes_no_difference_how_often_a_record_is_looked_at(
            accepted in 0..=MAX_COUNT, slashed in 0..=MAX_COUNT, first in 0u32..20, then in 0u32..20,
        ) {
            let record = Record { accepted, slashed, ..Record::default() };
            prop_assert_eq!(decayed(decayed(record, first), first + then), decayed(record, first + then));
        }
    }
}
