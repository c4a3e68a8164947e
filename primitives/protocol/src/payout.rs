//! Who gets how much: trainers by weight, seats by how near their scores are to the medians.

use crate::verdict::Finding;
use decentralml_types::{Balance, Opinion};

/// What a seat may be off for every update before that costs it more than it would have to, in micro-nats: a hundred times what
/// machines differ by that round in other orders.
pub const SLACK: u64 = 100;

/// What an accepted update of `weight` earns of a pot, where the weights of all accepted updates sum to `total`. Rounds
/// down: what is lost stays in escrow, so payouts never exceed the pot.
pub fn share(pot: Balance, weight: u64, total: u128) -> Balance {
    let weight = u128::from(weight);
    if total == 0 {
        return 0;
    }
    let weight = weight.min(total);
    // pot · weight / total without overflow: split the pot by the total first.
    let (whole, rest) = (pot / total, pot % total);
    let part = match rest.checked_mul(weight) {
        Some(product) => product / total,
        // Only for totals past 2^64 and pots past 2^64 at once: lose precision downward rather than overflow.
        None => (rest >> 64) * weight / ((total >> 64) + 1),
    };
    whole.saturating_mul(weight).saturating_add(part)
}

/// How far one opinion is from what the committee found, in micro-nats. Where one of the two is no score, it counts as 0: who could
/// not read what others could is as far off as an update that was taken for an empty one.
pub fn distance(opinion: Opinion, found: Finding) -> u64 {
    let said = match opinion {
        Opinion::Score(score) => score,
        Opinion::Unavailable | Opinion::Malformed | Opinion::Copied => 0,
    };
    said.abs_diff(found.score())
}

/// How near a seat is to the medians, and how near it can be at most: `total`, what the round's updates are
/// worth together, with [`SLACK`] for each of the `updates`, is what the sum of its `distance`s is taken from.
pub fn nearness(distance: u64, total: u64, updates: u32) -> (u64, u64) {
    let most = total.saturating_add(SLACK.saturating_mul(updates.into()));
    (most.saturating_sub(distance), most)
}

/// What a seat gets of its fee: the share that its [`nearness`] is of the most there can be. All of it where its scores are the
/// medians; next to nothing where it says that all updates are worth nothing, and so for numbers that are made up. Rounds down: what
/// is lost stays in escrow.
pub fn fee(fee: Balance, distance: u64, total: u64, updates: u32) -> Balance {
    let (near, most) = nearness(distance, total, updates);
    share(fee, near, most.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_types::Fault;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nobody_gets_more_than_a_fee_nor_more_for_being_farther_off(
            whole: Balance, distance: u64, more: u64, total: u64, updates in 0u32..=256,
        ) {
            let paid = fee(whole, distance, total, updates);
            prop_assert!(paid <= whole);
            prop_assert!(fee(whole, distance.saturating_add(more), total, updates) <= paid);
        }

        #[test]
        fn payouts_never_exceed_the_pot(pot: Balance, weights in prop::collection::vec(any::<u64>(), 1..256)) {
            let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
            let mut left = pot;
            for weight in weights {
                let paid = share(pot, weight, total);
                prop_assert!(paid <= left);
                left -= paid;
            }
        }

        #[test]
        fn little_is_lost_to_rounding(pot in 0u128..1 << 63, weights in prop::collection::vec(1u64..1 << 40, 1..256)) {
            let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
            let paid: Balance = weights.iter().map(|&weight| share(pot, weight, total)).sum();
            prop_assert!(pot - paid < weights.len() as u128);
        }
    }

    #[test]
    fn a_fee_falls_with_the_distance_from_the_medians() {
        let medians = [400i64, -100, 300, 0].map(|score| score * 1_000);
        let total = medians.iter().copied().map(crate::verdict::worth).sum();
        let paid = |said: [Opinion; 4]| {
            let pairs = said.into_iter().zip(medians);
            let far = pairs.map(|(said, median)| distance(said, Finding::Score(median))).sum();
            fee(1_000_000, far, total, 4)
        };
        let scores = |factor: i64| medians.map(|score| Opinion::Score(score * factor / 10));
        assert_eq!(paid(scores(10)), 1_000_000);
        assert_eq!(paid(medians.map(|score| Opinion::Score(score + 1))), 999_994);
        // 300,400 of 700,400: what harms is no part of the whole, and being wrong about it costs as much.
        assert_eq!(paid(scores(5)), 428_897);
        assert_eq!(paid(scores(0)), 0);
        assert_eq!(paid([Opinion::Unavailable; 4]), 0);
        assert_eq!(paid(scores(-10)), 0);
        assert_eq!(
            paid([
                Opinion::Score(i64::MAX),
                Opinion::Malformed,
                Opinion::Malformed,
                Opinion::Malformed
            ]),
            0
        );
    }

    /// What a seat gets of its fee that calls all updates worthless, in permille, where the medians of so many updates are each so large.
    fn idle(updates: u32, median: u64) -> Balance {
        let total = median * u64::from(updates);
        fee(1_000, total, total, updates)
    }

    #[test]
    fn a_seat_that_calls_everything_worthless_gets_more_the_less_updates_are_worth() {
        // From early rounds of the example to ones in which a model hardly moves any more.
        let paid = [100_000, 10_000, 900, 300, 100, 10, 0].map(|median| idle(20, median));
        assert_eq!(paid, [0, 9, 100, 250, 500, 909, 1_000]);
        // By how many there are nothing changes.
        assert_eq!([1, 5, 256].map(|updates| idle(updates, 900)), [100; 3]);
        let assumed = Balance::from(crate::payoff::MADE_UP_PERCENT) * 10;
        assert!(idle(20, 900) <= assumed && idle(20, 890) > assumed);
    }

    #[test]
    fn who_agrees_that_an_update_is_faulty_is_not_far_off() {
        let found = Finding::Fault(Fault::Malformed);
        assert_eq!(distance(Opinion::Malformed, found), 0);
        assert_eq!(distance(Opinion::Unavailable, found), 0);
        assert_eq!(distance(Opinion::Score(-7), found), 7);
        assert_eq!(fee(90, 0, 0, 1), 90, "a round of which nothing is worth anything");
        assert_eq!(fee(90, 0, 0, 0), 0, "no committee judges a round without updates");
    }

    #[test]
    fn pay_is_in_proportion() {
        assert_eq!([1, 2, 3].map(|weight| share(600, weight, 6)), [100, 200, 300]);
        assert_eq!(share(600, 5, 0), 0);
    }
}
