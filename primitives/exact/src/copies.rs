//! Which updates are copies of others.

use alloc::vec::Vec;

use crate::Distances;

/// One, in the millionths in which cosines are given.
const ONE: u128 = 1_000_000;

impl Distances {
    /// Whether two updates are equal, or the cosine between them is above `cosine` millionths. One of zeros is near nothing.
    ///
    /// Exact: with `2ab = |a|² + |b|² − |a − b|²`, the cosine is above `c` millionths where `ab > 0` and
    /// `(10^6 · 2ab)² > (2c · |a|²) · (2c · |b|²)`. Norms and distances are below 2^96 ([`Distances::BOUND`]) and `c` is at most
    /// 10^6 < 2^20, so each factor is below 2^20 · 2^97: it fits 128 bits, and the products fit 256.
    pub fn are_near(&self, i: usize, j: usize, cosine: u32) -> bool {
        let (a, b, apart) = (self.norm_squared(i), self.norm_squared(j), self.squared(i, j));
        if a == 0 || b == 0 {
            return false;
        }
        if apart == 0 {
            return true;
        }
        let Some(twice) = (a + b).checked_sub(apart) else { return false };
        let factor = 2 * u128::from(cosine).min(ONE);
        let (low, high) = (ONE * twice).carrying_mul(ONE * twice, 0);
        let (least_low, least_high) = (factor * a).carrying_mul(factor * b, 0);
        (high, low) > (least_high, least_low)
    }
}

/// Which updates are copies: those that are [near](Distances::are_near) one with a lower number, be it a copy itself.
///
/// `numbers`: when each was committed to, in the order of the updates; no two are alike. One without a number is no copy.
pub fn copies(distances: &Distances, numbers: &[u32], cosine: u32) -> Vec<bool> {
    let is_copy = |(later, number): (usize, &u32)| {
        let earlier = numbers.iter().enumerate().filter(|(_, other)| *other < number);
        let mut earlier = earlier.map(|(index, _)| index);
        earlier.any(|earlier| distances.are_near(earlier, later, cosine))
    };
    numbers.iter().enumerate().map(is_copy).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::MAX_LENGTH;
    use proptest::prelude::*;
    use std::vec;

    fn distances(updates: &[&[i32]]) -> Distances {
        let mut distances = Distances::new(updates.len()).unwrap();
        distances.add(updates).unwrap();
        distances
    }

    #[test]
    fn equal_and_longer_ones_are_near_and_what_points_elsewhere_is_not() {
        let all = distances(&[&[3, 4], &[3, 4], &[6, 8], &[-3, -4], &[4, 3], &[0, 0], &[0, 0]]);
        // 24 / 25 between the first and the fifth.
        for (other, cosine, near) in [
            (1, 1_000_000, true),
            (2, 999_999, true),
            (2, 1_000_000, false),
            (3, 500_000, false),
            (4, 960_000, false),
            (4, 959_999, true),
            (5, 500_000, false),
        ] {
            assert_eq!(all.are_near(0, other, cosine), near, "{other} at {cosine}");
            assert_eq!(all.are_near(other, 0, cosine), near, "{other} at {cosine}");
        }
        assert!(!all.are_near(5, 6, 500_000), "zeros are near nothing");
        assert!(!all.are_near(0, 7, 500_000), "what is not there is near nothing");
    }

    #[test]
    fn the_earlier_commitment_keeps_its_worth_whatever_the_order_of_the_reveals() {
        let all = distances(&[&[3, 4], &[1, -1], &[3, 4], &[30, 41], &[0, 0], &[0, 0]]);
        let found = |numbers: &[u32], cosine| copies(&all, numbers, cosine);
        let third_and_fourth = [false, false, true, true, false, false];
        assert_eq!(found(&[0, 1, 2, 3, 4, 5], 999_000), third_and_fourth);
        assert!(!found(&[0, 1, 2, 3, 4, 5], 1_000_000)[3]);
        assert_eq!(found(&[5, 4, 3, 2, 1, 0], 999_000), [true, false, true, false, false, false]);
        assert_eq!(found(&[2, 4, 0, 1, 3, 5], 999_000), [true, false, false, true, false, false]);
    }

    #[test]
    fn the_longest_updates_overflow_nothing() {
        // As norms of the longest updates would be.
        let most = u128::from(u32::MAX / 2).pow(2) * u128::from(MAX_LENGTH);
        let all = Distances::known(vec![most, most, most], |i, j| match (i, j) {
            (0, 1) => 0,
            (0, 2) => 1,
            _ => Distances::BOUND - 1,
        })
        .unwrap();
        assert!(all.are_near(0, 1, 1_000_000) && all.are_near(0, 2, 999_999));
        assert!(!all.are_near(0, 2, 1_000_000) && !all.are_near(1, 2, 500_000));
    }

    /// The product of numbers of any size, in digits of 32 bits from the lowest on.
    fn product(factors: &[u128]) -> Vec<u64> {
        let mut product = vec![1_u64];
        for factor in factors {
            let mut longer = vec![0_u64; product.len() + 5];
            for (i, digit) in product.iter().enumerate() {
                for j in 0..4 {
                    let part = *digit * ((factor >> (32 * j)) as u64 & 0xffff_ffff);
                    longer[i + j] += part & 0xffff_ffff;
                    longer[i + j + 1] += part >> 32;
                }
            }
            for at in 0..longer.len() - 1 {
                longer[at + 1] += longer[at] >> 32;
                longer[at] &= 0xffff_ffff;
            }
            product = longer;
        }
        product.resize(40, 0);
        product.reverse();
        product
    }

    fn weight() -> impl Strategy<Value = i32> {
        prop_oneof![any::<i32>(), -3..4, Just(i32::MAX), Just(i32::MIN)]
    }

    proptest! {
        #[test]
        fn cosines_are_compared_as_integers_of_any_size_compare_them(
            pairs in prop::collection::vec((weight(), weight(), -4..5), 1..9),
            alike in any::<bool>(),
            cosine in 1_u32..=1_000_000,
        ) {
            let a: Vec<i32> = pairs.iter().map(|pair| pair.0).collect();
            let noisy = |pair: &(i32, i32, i32)| pair.0.saturating_add(pair.2);
            let b: Vec<i32> = pairs.iter().map(|pair| if alike { noisy(pair) } else { pair.1 }).collect();
            let dot = |a: &[i32], b: &[i32]| -> i128 {
                a.iter().zip(b).map(|(a, b)| i128::from(*a) * i128::from(*b)).sum()
            };
            let (ab, aa, bb) = (dot(&a, &b), dot(&a, &a).unsigned_abs(), dot(&b, &b).unsigned_abs());
            let size = ab.unsigned_abs();
            let above = ab > 0
                && product(&[size, size, 10_u128.pow(12)]) > product(&[aa, bb, cosine.into(), cosine.into()]);
            let expected = aa > 0 && bb > 0 && (a == b || above);
            prop_assert_eq!(distances(&[&a, &b]).are_near(0, 1, cosine), expected);
            prop_assert_eq!(distances(&[&a, &b]).are_near(1, 0, cosine), expected);
        }
    }
}
