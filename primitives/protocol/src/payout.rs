//! Who gets how much of a reward: by weight.

use decentralml_types::Balance;

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
    }

    #[test]
    fn pay_is_in_proportion() {
        assert_eq!([1, 2, 3].map(|weight| share(600, weight, 6)), [100, 200, 300]);
        assert_eq!(share(600, 5, 0), 0);
    }
}
