//! Medians and trimmed means of many weights at once.
//!
//! The value of a rank is found bit by bit, from the highest: the largest number below which there are
//! at most `rank` values. That takes as many passes over a weight's values as they have bits, without
//! a branch, in all lanes of a vector register at once.

mod lanes;

use decentralml_exact::EXTRA_BITS;
use pulp::{Arch, WithSimd};

use super::{rows::Cell, sums::divide};
use lanes::Lane;

/// What is wanted of each weight's values.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Median,
    /// Without so many at each end; twice that is less than their number.
    Trimmed(usize),
}

/// Weights that are worked on at a time.
pub(super) const LANES: usize = 64;

/// The median or trimmed mean of every weight, in units of `2^-(f + EXTRA_BITS)`.
///
/// `rows`: `[updates]`, each with `out.len()` integers; there is at least one.
pub(super) fn columns<C: Select>(rows: &[&[C]], wanted: Wanted, out: &mut [f64]) {
    Arch::new().dispatch(Columns { rows, wanted, out });
}

struct Columns<'a, C> {
    rows: &'a [&'a [C]],
    wanted: Wanted,
    out: &'a mut [f64],
}

impl<C: Select> WithSimd for Columns<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        C::select(self.rows, self.wanted, self.out);
    }
}

/// Integers of a file in lanes: counts of values are kept in lanes as wide as the values.
pub(super) trait Select: Cell {
    fn select(rows: &[&[Self]], wanted: Wanted, out: &mut [f64]);
}

impl Select for i8 {
    #[inline(always)]
    fn select(rows: &[&[Self]], wanted: Wanted, out: &mut [f64]) {
        match rows.len() {
            0..128 => work::<Self, i8>(rows, wanted, out),
            128..32_768 => work::<Self, i16>(rows, wanted, out),
            _ => work::<Self, i32>(rows, wanted, out),
        }
    }
}

impl Select for i16 {
    #[inline(always)]
    fn select(rows: &[&[Self]], wanted: Wanted, out: &mut [f64]) {
        match rows.len() {
            0..32_768 => work::<Self, i16>(rows, wanted, out),
            _ => work::<Self, i32>(rows, wanted, out),
        }
    }
}

impl Select for i32 {
    #[inline(always)]
    fn select(rows: &[&[Self]], wanted: Wanted, out: &mut [f64]) {
        work::<Self, i32>(rows, wanted, out);
    }
}

#[inline(always)]
fn work<C: Cell, T: Lane>(rows: &[&[C]], wanted: Wanted, out: &mut [f64]) {
    let count = rows.len();
    let (ranks, trim) = match wanted {
        Wanted::Median => ([count.saturating_sub(1) / 2, count / 2], None),
        Wanted::Trimmed(k) => ([k, count.saturating_sub(1 + k)], Some(k)),
    };
    let mut tile = vec![[T::default(); LANES]; count];
    for (index, out) in out.chunks_mut(LANES).enumerate() {
        let mut magnitudes = [T::default(); LANES];
        for (lanes, row) in tile.iter_mut().zip(rows) {
            let cells = row.get(index * LANES..).unwrap_or_default();
            if let Some(cells) = cells.first_chunk::<LANES>() {
                for (lane, cell) in lanes.iter_mut().zip(cells) {
                    *lane = T::cut((*cell).into());
                }
            } else {
                for (lane, cell) in lanes.iter_mut().zip(cells) {
                    *lane = T::cut((*cell).into());
                }
            }
            for (all, lane) in magnitudes.iter_mut().zip(lanes) {
                *all = *all | lane.magnitude();
            }
        }
        let largest = magnitudes.iter().fold(0, |all, magnitude| all | magnitude.wide());
        let bits = 32 - largest.leading_zeros();
        let [low, high] = T::search(&tile, bits, ranks);
        match trim {
            None => {
                for (out, (low, high)) in out.iter_mut().zip(low.iter().zip(&high)) {
                    // A sum of 33 bits: the quotient by two is exact.
                    let twice = f64::from(low.wide()) + f64::from(high.wide());
                    *out = twice * (1_u32 << (EXTRA_BITS - 1)) as f64;
                }
            }
            Some(k) => {
                let kept = count.saturating_sub(2 * k) as u64;
                let sums = clamped(&tile, &low, &high);
                let ends = low.iter().zip(&high);
                for (out, (sum, (low, high))) in out.iter_mut().zip(sums.iter().zip(ends)) {
                    // The values beyond the ranks were counted as those at the ranks.
                    let ends = i64::from(low.wide()) + i64::from(high.wide());
                    *out = divide(sum - ends * k as i64, kept);
                }
            }
        }
    }
}

/// The sum of each lane's values, those outside of `low..=high` counted as the nearer end.
#[inline(always)]
fn clamped<T: Lane>(tile: &[[T; LANES]], low: &[T; LANES], high: &[T; LANES]) -> [i64; LANES] {
    let mut sums = [0_i64; LANES];
    if size_of::<T>() == 1 && tile.len() < 1 << 8 {
        let mut short = [0_i16; LANES];
        for lanes in tile {
            let ends = low.iter().zip(high);
            for (sum, (value, (low, high))) in short.iter_mut().zip(lanes.iter().zip(ends)) {
                *sum += (*value).max(*low).min(*high).wide() as i16;
            }
        }
        sums.iter_mut().zip(short).for_each(|(sum, short)| *sum = i64::from(short));
        return sums;
    }
    let narrow = size_of::<T>() < 4 && tile.len() < 1 << 15;
    if narrow {
        let mut short = [0_i32; LANES];
        for lanes in tile {
            for (sum, (value, (low, high))) in
                short.iter_mut().zip(lanes.iter().zip(low.iter().zip(high)))
            {
                *sum += (*value).max(*low).min(*high).wide();
            }
        }
        sums.iter_mut().zip(short).for_each(|(sum, short)| *sum = i64::from(short));
        return sums;
    }
    for lanes in tile {
        for (sum, (value, (low, high))) in
            sums.iter_mut().zip(lanes.iter().zip(low.iter().zip(high)))
        {
            *sum += i64::from((*value).max(*low).min(*high).wide());
        }
    }
    sums
}

#[cfg(test)]
#[path = "select/tests.rs"]
mod tests;
