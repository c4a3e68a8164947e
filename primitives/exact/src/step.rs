use crate::encoding::power_of_two;

/// An aggregate has this many more fraction bits than an update, so that a mean over many updates
/// does not lose what lies below one unit.
pub const EXTRA_BITS: u8 = 16;

/// The most fraction bits an encoding may have.
pub const MAX_FRACTION_BITS: u8 = 30;

/// The change of a weight that an aggregate stands for, `aggregate · 2^-(f + EXTRA_BITS)`.
///
/// Exact: an aggregate of valid updates has at most 47 bits, a power of two changes the exponent.
pub fn decode_mean(aggregate: i64, fraction_bits: u8) -> f64 {
    aggregate as f64 / power_of_two(fraction_bits.min(MAX_FRACTION_BITS) + EXTRA_BITS)
}

/// The next weight: `w + aggregate · 2^-(f + EXTRA_BITS)`.
///
/// The operations, in this order: the aggregate to `f64` and its scaling (both exact), the weight to
/// `f64` (exact), one `f64` addition, one rounding to `f32`. The result may be infinite where `w` is
/// next to the largest `f32`: the caller refuses such a model.
pub fn apply(w: f32, aggregate: i64, fraction_bits: u8) -> f32 {
    (f64::from(w) + decode_mean(aggregate, fraction_bits)) as f32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Encoding, mean};
    use proptest::prelude::*;

    #[test]
    fn a_step_of_zero_leaves_the_weight_as_it_is() {
        for w in [0.0, -0.25, f32::MIN_POSITIVE, f32::MAX] {
            assert_eq!(apply(w, 0, 12), w);
        }
    }

    #[test]
    fn fractions_of_a_unit_survive() {
        let mut aggregate = [0];
        mean(&[&[1], &[0], &[0], &[0]], None, &mut aggregate).unwrap();
        assert_eq!(apply(0.0, aggregate[0], 10), 0.25 / 1024.0);
    }

    proptest! {
        #[test]
        fn the_step_is_within_one_rounding_of_the_true_sum(
            w in -100.0..100.0_f32,
            q in -1_000_000..1_000_000_i32,
            f in 0..=MAX_FRACTION_BITS,
        ) {
            let encoding = Encoding::new(32, f, i32::MAX).unwrap();
            let mut aggregate = [0];
            mean(&[&[q]], None, &mut aggregate).unwrap();
            prop_assert_eq!(decode_mean(aggregate[0], f), encoding.decode(q));
            let truth = f64::from(w) + encoding.decode(q);
            let next = apply(w, aggregate[0], f);
            prop_assert!((f64::from(next) - truth).abs() <= truth.abs() * f64::from(f32::EPSILON));
        }
    }
}
