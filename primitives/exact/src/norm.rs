use crate::Error;

/// The squared Euclidean norm of an update, in units of `2^-2f`. Never overflows for fewer than
/// 2^64 weights.
pub fn norm_squared(update: &[i32]) -> u128 {
    update.iter().map(|&q| u128::from(u64::from(q.unsigned_abs()).pow(2))).sum()
}

/// The Euclidean norm of an update, rounded up, in units of `2^-f`.
pub fn norm(update: &[i32]) -> u128 {
    let squared = norm_squared(update);
    let root = squared.isqrt();
    if root * root < squared { root + 1 } else { root }
}

/// Shrinks an update to a norm of at most `bound`, in units of `2^-f`.
///
/// Each integer is multiplied by the ratio `bound / norm` and cut towards zero, which guarantees
/// the bound where rounding to the nearest would not. An update within the bound stays as it is.
/// Fails with [`Error::Clip`] for a bound of zero: that is no bound but a rejection.
pub fn clip_norm(update: &mut [i32], bound: u64) -> Result<(), Error> {
    if bound == 0 {
        return Err(Error::Clip { clip: 0, max: i32::MAX });
    }
    clip_to(update, norm(update), bound);
    Ok(())
}

/// Shrinks a part of an update whose `norm` as a whole is known, rounded up, to its part of the update
/// that [`clip_norm`] gives for a positive `bound`.
pub fn clip_to(part: &mut [i32], norm: u128, bound: u64) {
    if norm <= u128::from(bound) {
        return;
    }
    for q in part {
        let magnitude = u128::from(q.unsigned_abs()) * u128::from(bound) / norm;
        // The magnitude has only become smaller, so it still fits.
        *q = i32::try_from(magnitude).unwrap_or(i32::MAX) * q.signum();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn the_norm_is_rounded_up() {
        assert_eq!(norm(&[3, -4]), 5);
        assert_eq!(norm(&[1, 1]), 2);
        assert_eq!(norm(&[]), 0);
        assert_eq!(norm_squared(&[i32::MIN; 4]), 1 << 64);
    }

    #[test]
    fn a_bound_of_zero_is_refused() {
        assert!(clip_norm(&mut [1], 0).is_err());
    }

    proptest! {
        #[test]
        fn a_clipped_update_respects_the_bound_and_keeps_its_signs(
            update in prop::collection::vec(any::<i32>(), 0..50),
            bound in 1..u64::from(u32::MAX),
        ) {
            let mut update: Vec<i32> = update.into_iter().map(|q| q.max(-i32::MAX)).collect();
            let before = update.clone();
            clip_norm(&mut update, bound).unwrap();
            prop_assert!(norm_squared(&update) <= u128::from(bound).pow(2));
            for (new, old) in update.iter().zip(&before) {
                prop_assert!(new.abs() <= old.abs() && new.signum() * old.signum() >= 0);
            }
            let once = update.clone();
            clip_norm(&mut update, bound).unwrap();
            prop_assert_eq!(once, update);
        }

        #[test]
        fn scaling_update_and_bound_scales_what_is_left_and_their_order_does_not_matter(
            update in prop::collection::vec(-10_000..10_000_i32, 1..50),
            bound in 1..20_000_u64,
            factor in 1..100_i32,
        ) {
            let mut large: Vec<i32> = update.iter().map(|q| q * factor).collect();
            let mut turned: Vec<i32> = update.iter().rev().copied().collect();
            let mut small = update;
            clip_norm(&mut small, bound).unwrap();
            clip_norm(&mut large, bound * u64::from(factor.unsigned_abs())).unwrap();
            clip_norm(&mut turned, bound).unwrap();
            turned.reverse();
            prop_assert_eq!(&turned, &small);
            for (small, large) in small.iter().zip(large) {
                // Each is cut towards zero, and so is the ratio.
                prop_assert!((small * factor - large).abs() <= 2 * factor, "{} {}", small, large);
            }
        }
    }
}
