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
//! Where the server does more than to add the aggregate, it goes by the steps of [`server`].
//!
//! The plain rules are coordinate-wise: a caller may hand in one chunk of every update after the
//! other, so that no more than one model plus one chunk per update has to be in memory. The rules of
//! [`robust`] look at updates as a whole, and do so in two passes over such chunks: a
//! [`Survey`](robust::Survey) of the distances between the updates, then the [`Plan`](robust::Plan) that
//! follows from it. Krum chooses updates by the distances; the geometric median and centered clipping
//! are [blends](Blend) of the updates, and how far an update lies from a blend follows from the
//! distances as well. None of them ever holds a model.
//!
//! Whatever the order in which the updates are handed in, the result is the same: sums do not depend
//! on it, and where one of two updates has to be preferred, their [canonical order](Order) decides.
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

mod blend;
mod choose;
mod columns;
mod copies;
mod distances;
mod encoding;
mod error;
pub mod golden;
mod mix;
mod norm;
mod order;
pub mod robust;
mod rules;
pub mod server;
mod step;

pub use blend::{Blend, MAX_STEPS, centered_clipping, geometric_median};
pub use choose::krum;
pub use columns::ColumnRule;
pub use copies::copies;
pub use distances::{Distances, MAX_LENGTH, MAX_UPDATES};
pub use encoding::Encoding;
pub use error::Error;
pub use mix::{MAX_BUCKET, Mix};
pub use norm::{clip_norm, clip_to, norm, norm_squared};
pub use order::Order;
pub use rules::{MAX_TOTAL_WEIGHT, Sum, fixed_point_mean, mean, median, trimmed_mean};
pub use server::Adaptive;
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

/// Refuses a number of updates that has no distances.
fn check_count(updates: usize) -> Result<(), Error> {
    match updates {
        0 => Err(Error::Empty),
        1..=MAX_UPDATES => Ok(()),
        found => Err(Error::Updates { found, max: MAX_UPDATES }),
    }
}

/// The length that all of `updates` rows have.
fn check_rows(rows: &[&[i32]], updates: usize) -> Result<usize, Error> {
    if rows.len() != updates {
        return Err(Error::Length { expected: updates, found: rows.len() });
    }
    let expected = rows.first().map_or(0, |row| row.len());
    match rows.iter().find(|row| row.len() != expected) {
        Some(row) => Err(Error::Length { expected, found: row.len() }),
        None => Ok(expected),
    }
}

/// Whether there are `updates` rows as long as the output.
fn check_shape(rows: &[&[i32]], updates: usize, expected: usize) -> Result<(), Error> {
    match check_rows(rows, updates)? {
        found if found != expected => Err(Error::Length { expected, found }),
        _ => Ok(()),
    }
}

/// Whether `updates ≥ factor · hostile + more`.
fn check_hostile(updates: usize, hostile: usize, factor: usize, more: usize) -> Result<(), Error> {
    let needed = hostile.saturating_mul(factor).saturating_add(more);
    if updates >= needed { Ok(()) } else { Err(Error::Hostile { hostile, updates, needed }) }
}
