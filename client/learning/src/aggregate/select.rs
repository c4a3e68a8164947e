//! Medians and trimmed means of many weights at once.
//!
//! The value of a rank is found bit by bit, from the highest: the largest number below which there are
//! at most `rank` values. That takes as many passes over a weight's values as they have bits, without
//! a branch, in all lanes of a vector register at once.

mod digits;
mod lanes;

use decentralml_exact::EXTRA_BITS;
use pulp::{Arch, WithSimd};

use super::{rows::Cell, sums::divide};
use digits::Planes;
pub(super) use lanes::Lanes;

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
pub(super) fn columns<C: Cell>(rows: &[&[C]], wanted: Wanted, out: &mut [f64]) {
    Arch::new().dispatch(Columns { rows, wanted, out });
}

struct Columns<'a, C> {
    rows: &'a [&'a [C]],
    wanted: Wanted,
    out: &'a mut [f64],
}

impl<C: Cell> WithSimd for Columns<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        work(self.rows, self.wanted, self.out);
    }
}

#[inline(always)]
fn work<C: Cell>(rows: &[&[C]], wanted: Wanted, out: &mut [f64]) {
    let count = rows.len();
    let (ranks, trim) = match wanted {
        Wanted::Median => ([count.saturating_sub(1) / 2, count / 2], None),
        Wanted::Trimmed(k) => ([k, count.saturating_sub(1 + k)], Some(k)),
    };
    let mut tile = vec![[C::zeroed(); LANES]; count];
    let mut planes = Planes::new(count);
    for (index, out) in out.chunks_mut(LANES).enumerate() {
        for (lanes, row) in tile.iter_mut().zip(rows) {
            let cells = row.get(index * LANES..).unwrap_or_default();
            match cells.first_chunk() {
                Some(cells) => *lanes = *cells,
                None => lanes.iter_mut().zip(cells).for_each(|(lane, cell)| *lane = *cell),
            }
        }
        planes.fill(&tile);
        let low = planes.find(ranks[0]);
        let high = match ranks[1] - ranks[0] {
            0 => low,
            1 => next(&tile, &low, ranks[1]),
            _ => planes.find(ranks[1]),
        };
        match trim {
            None => {
                for (out, (low, high)) in out.iter_mut().zip(low.iter().zip(&high)) {
                    // A sum of 33 bits: the quotient by two is exact.
                    let twice = f64::from(*low) + f64::from(*high);
                    *out = twice * (1_u32 << (EXTRA_BITS - 1)) as f64;
                }
            }
            Some(k) => {
                let kept = count.saturating_sub(2 * k) as u64;
                let sums = C::clamped(&tile, &low.map(C::cut), &high.map(C::cut));
                let ends = low.iter().zip(&high);
                for (out, (sum, (low, high))) in out.iter_mut().zip(sums.iter().zip(ends)) {
                    // The values beyond the ranks were counted as those at the ranks.
                    let ends = i64::from(*low) + i64::from(*high);
                    *out = divide(sum - ends * k as i64, kept);
                }
            }
        }
    }
}

/// The values of a rank, where `low` are those of the rank before: the same ones where enough values are no larger, else the next larger.
#[inline(always)]
fn next<C: Cell>(tile: &[[C; LANES]], low: &[i32; LANES], rank: usize) -> [i32; LANES] {
    let (next, above) = C::above(tile, &low.map(C::cut));
    let mut high = *low;
    for ((high, next), above) in high.iter_mut().zip(next).zip(above) {
        let next: i32 = next.into();
        // All bits where fewer than it takes are no larger than the lower one.
        let larger = -i32::from(above as usize + rank >= tile.len());
        *high ^= (*high ^ next) & larger;
    }
    high
}

#[cfg(test)]
#[path = "select/tests.rs"]
mod tests;
