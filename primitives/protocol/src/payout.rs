//! Who gets how much: rewards by weight, slashes by fault.

use decentralml_types::{Balance, Fault};

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

/// What a fault costs, in percent of what is at risk in the task.
///
/// A reveal can be withheld, so silence costs no less than the worst that revealing can.
pub const fn slash_percent(fault: Fault) -> u8 {
    match fault {
        Fault::NotRevealed | Fault::NotOpened | Fault::Unavailable | Fault::Malformed => 100,
    }
}

/// What a fault costs an account that has `bond` at risk in the task. Rounds down.
pub const fn slash_amount(fault: Fault, bond: Balance) -> Balance {
    bond / 100 * slash_percent(fault) as Balance
        + bond % 100 * slash_percent(fault) as Balance / 100
}

/// Whether half of a slash goes to the task. What only a committee's opinion says does not: the sponsor, who gets what a task
/// does not spend, chooses the terms under which committees judge, and must not gain from a false verdict.
pub const fn harms_task(fault: Fault) -> bool {
    match fault {
        Fault::NotRevealed | Fault::NotOpened => true,
        Fault::Unavailable | Fault::Malformed => false,
    }
}

/// Where slashed funds go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlashSplit {
    /// To the task that was harmed.
    pub to_harmed: Balance,
    /// To the treasury.
    pub to_treasury: Balance,
}

/// Half to the harmed side, the rest to the treasury: nobody gains the whole of what another loses.
pub const fn split_slash(amount: Balance) -> SlashSplit {
    let to_harmed = amount / 2;
    SlashSplit { to_harmed, to_treasury: amount - to_harmed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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

        #[test]
        fn a_slash_is_split_without_rest(amount: Balance) {
            let split = split_slash(amount);
            prop_assert_eq!(split.to_harmed + split.to_treasury, amount);
            prop_assert!(split.to_harmed <= split.to_treasury);
        }

        #[test]
        fn a_slash_is_at_most_the_bond(bond: Balance) {
            for fault in [Fault::NotRevealed, Fault::NotOpened, Fault::Unavailable, Fault::Malformed] {
                prop_assert!(slash_amount(fault, bond) <= bond);
            }
        }
    }

    #[test]
    fn pay_is_in_proportion() {
        assert_eq!([1, 2, 3].map(|weight| share(600, weight, 6)), [100, 200, 300]);
        assert_eq!(share(600, 5, 0), 0);
    }
}
