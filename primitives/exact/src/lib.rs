//! Exact arithmetic for federated updates: the integer encoding of a weight's change, the rules
//! that aggregate encoded updates, and the step that turns an aggregate into the next model.
//!
//! ```text
//!  trained − base ──encode──► q: i32 ──mean | median | trimmed mean──► m: i64 ──apply──► next weight
//!       f64                units of 2^-f                       units of 2^-(f+16)          f32
//! ```
//!
//! Every seat of a committee recomputes the next model and has to arrive at the same bytes. Hence:
//! sums are integers and do not depend on the order of the updates; every division rounds half to
//! even; the few floating-point operations are single IEEE 754 operations (conversion, exact
//! scaling by a power of two, one addition, one rounding to `f32`) in a fixed order. Rust neither
//! fuses nor reorders them, natively or in WebAssembly, so both give equal results: see [`golden`].
//!
//! The rules are coordinate-wise: a caller may hand in one chunk of every update after the other,
//! so that no more than one model plus one chunk per update has to be in memory.
//!
//! ```
//! use decentralml_exact::{Encoding, apply, median};
//!
//! let encoding = Encoding::new(16, 12, 8_191)?;
//! let update = [encoding.encode(0.25)?, encoding.encode(-0.5)?];
//! let mut aggregate = [0; 2];
//! median(&[&update], &mut aggregate)?;
//! assert_eq!(apply(1.0, aggregate[0], encoding.fraction_bits()), 1.25);
//! # Ok::<(), decentralml_exact::Error>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod encoding;
mod error;
pub mod golden;
mod norm;
mod rules;
mod step;

pub use encoding::Encoding;
pub use error::Error;
pub use norm::{clip_norm, norm, norm_squared};
pub use rules::{MAX_TOTAL_WEIGHT, Sum, fixed_point_mean, mean, median, trimmed_mean};
pub use step::{EXTRA_BITS, MAX_FRACTION_BITS, apply, decode_mean};

/// Divides `numerator` by `denominator` and rounds to the nearest integer, ties to the even one.
///
/// `denominator` must be positive; zero is treated as one, so that the function is total.
pub fn divide_half_even(numerator: i128, denominator: u64) -> i128 {
    let denominator = i128::from(denominator.max(1));
    let quotient = numerator.div_euclid(denominator);
    let twice = numerator.rem_euclid(denominator) * 2;
    let round_up = twice > denominator || (twice == denominator && quotient % 2 != 0);
    quotient + i128::from(round_up)
}
