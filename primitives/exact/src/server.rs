//! What a server makes of a round's change, weight by weight.
//!
//! Each operation is one IEEE 754 operation in `f64` (product, sum, difference, quotient, root), in the order in which it is
//! written, none fused with another; what is kept is rounded to `f32` once. So all machines get the same bytes.
//!
//! Slices belong to the same weights and have the same length: what is beyond the shortest is left alone.

use core::cmp::Ordering;

#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// The numbers of an adaptive server optimizer: `m ← beta1 · m + (1 − beta1) · change`, and the step is
/// `rate · m / (√v + tau)`. Moments start at zero, `v` at `tau²`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct Adaptive {
    /// The server's learning rate.
    pub rate: f64,
    /// What remains of the first moment in a round, in `[0, 1)`.
    pub beta1: f64,
    /// What remains of the second moment in a round, in `[0, 1)`; Adagrad does not use it.
    pub beta2: f64,
    /// The smallest denominator, positive.
    pub tau: f64,
}

/// What becomes of the second moment of an adaptive optimizer (Reddi et al. 2021).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// `v ← v + change²`.
    Adagrad,
    /// `v ← beta2 · v + (1 − beta2) · change²`, without bias correction.
    Adam,
    /// `v ← v − (1 − beta2) · change² · sign(v − change²)`.
    Yogi,
}

/// Adds `rate · change`; at a rate of 1, federated averaging (McMahan et al. 2017).
pub fn averaged(weights: &mut [f32], change: &[f64], rate: f64) {
    for (w, change) in weights.iter_mut().zip(change) {
        *w = add(*w, rate * change);
    }
}

/// With momentum: `m ← momentum · m + change`, the step is `rate · m` (Hsu et al. 2019).
pub fn with_momentum(
    weights: &mut [f32],
    change: &[f64],
    first: &mut [f32],
    rate: f64,
    momentum: f64,
) {
    for ((w, change), m) in weights.iter_mut().zip(change).zip(first) {
        *m = (momentum * f64::from(*m) + change) as f32;
        *w = add(*w, rate * f64::from(*m));
    }
}

/// With Nesterov's momentum: `m ← momentum · m + change`, the step is `rate · (change + momentum · m)`
/// (DiLoCo, Douillard et al. 2023).
pub fn with_nesterov(
    weights: &mut [f32],
    change: &[f64],
    first: &mut [f32],
    rate: f64,
    momentum: f64,
) {
    for ((w, change), m) in weights.iter_mut().zip(change).zip(first) {
        *m = (momentum * f64::from(*m) + change) as f32;
        let ahead = change + momentum * f64::from(*m);
        *w = add(*w, rate * ahead);
    }
}

/// With two moments, `first` and `second`.
pub fn adapted(
    weights: &mut [f32],
    change: &[f64],
    first: &mut [f32],
    second: &mut [f32],
    numbers: Adaptive,
    kind: Second,
) {
    let Adaptive { rate, beta1, beta2, tau } = numbers;
    let (rest1, rest2) = (1.0 - beta1, 1.0 - beta2);
    for (((w, change), m), v) in weights.iter_mut().zip(change).zip(first).zip(second) {
        *m = (beta1 * f64::from(*m) + rest1 * change) as f32;
        let (old, square) = (f64::from(*v), change * change);
        let new = match (kind, old.partial_cmp(&square)) {
            (Second::Adagrad, _) => old + square,
            (Second::Adam, _) => beta2 * old + rest2 * square,
            (Second::Yogi, Some(Ordering::Greater)) => old - rest2 * square,
            (Second::Yogi, Some(Ordering::Less)) => old + rest2 * square,
            // Where both are equal, the sign is zero and nothing changes.
            (Second::Yogi, _) => old,
        };
        *v = new as f32;
        let step = rate * f64::from(*m);
        // The standard library's root would be the same, and is not there without an operating system.
        *w = add(*w, step / (libm::sqrt(f64::from(*v)) + tau));
    }
}

fn add(w: f32, step: f64) -> f32 {
    (f64::from(w) + step) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NUMBERS: Adaptive = Adaptive { rate: 1.0, beta1: 0.0, beta2: 0.75, tau: 1.0 };

    /// One step of one weight from `w = 1`, `m = 0`, and this `v`.
    fn step(v: f32, change: f64, kind: Second) -> (f32, f32) {
        let (mut w, mut first, mut second) = ([1.0], [0.0], [v]);
        adapted(&mut w, &[change], &mut first, &mut second, NUMBERS, kind);
        (w[0], second[0])
    }

    #[test]
    fn second_moments_are_those_by_hand() {
        for (v, change, kind, moved, second) in [
            (5.0, 2.0, Second::Adagrad, 2.0 / 4.0, 9.0),
            (4.0, 4.0, Second::Adam, 4.0 / (7_f64.sqrt() + 1.0), 7.0),
            (5.0, 2.0, Second::Yogi, 2.0 / 3.0, 4.0),
            (3.0, 2.0, Second::Yogi, 2.0 / 3.0, 4.0),
            (4.0, 2.0, Second::Yogi, 2.0 / 3.0, 4.0),
        ] {
            let expected = ((1.0 + moved) as f32, second);
            assert_eq!(step(v, change, kind), expected, "{kind:?} of {v}");
        }
    }

    #[test]
    fn momentum_looks_back_and_nesterov_ahead() {
        let (mut w, mut m) = ([0.0; 2], [4.0; 2]);
        with_momentum(&mut w, &[2.0, -2.0], &mut m, 0.5, 0.5);
        assert_eq!((w, m), ([2.0, 0.0], [4.0, 0.0]));
        let (mut w, mut m) = ([0.0; 2], [4.0; 2]);
        with_nesterov(&mut w, &[2.0, -2.0], &mut m, 0.5, 0.5);
        assert_eq!((w, m), ([2.0, -1.0], [4.0, 0.0]));
        averaged(&mut w, &[4.0], 0.25);
        assert_eq!(w, [3.0, -1.0], "of the second, nothing is known");
    }

    proptest! {
        #[test]
        fn the_root_is_the_processors(v in prop::num::f32::POSITIVE | prop::num::f32::SUBNORMAL) {
            prop_assert_eq!(libm::sqrt(v.into()).to_bits(), f64::from(v).sqrt().to_bits());
        }
    }
}
