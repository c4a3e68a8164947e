//! Sums of updates at the speed at which they can be read.

use std::io;

use decentralml_exact::{EXTRA_BITS, fixed_point_mean};
use pulp::{Arch, WithSimd};

use super::rows::{Cell, most_open, read};
use crate::updates::{Part, Updates};

/// Bytes that are read of an update at a time: with their sums, they stay in the core's cache.
const PIECE: usize = 64 << 10;

/// Sums that stay below 2^15, those of integers of at most 16 bits below 2^31, or of any integers below 2^62.
pub(super) enum Sums {
    Short(Vec<i16>),
    Narrow(Vec<i32>),
    Wide(Vec<i64>),
}

/// A thread's sums of some weights of the updates, whose integers have the width of `C`.
pub(super) struct Summer<'a, C, U: ?Sized> {
    updates: &'a U,
    chosen: Vec<(usize, u32)>,
    /// Whether all weights are one.
    plain: bool,
    /// The chosen updates, where so few that they can stay open.
    parts: Vec<Box<dyn Part + 'a>>,
    cells: Vec<C>,
    sums: Sums,
}

impl<'a, C: Cell, U: Updates + ?Sized> Summer<'a, C, U> {
    /// `weights` are those of the updates; `largest` bounds their sum times the clip.
    pub(super) fn new(updates: &'a U, weights: &[u32], largest: u64) -> io::Result<Self> {
        let chosen: Vec<(usize, u32)> =
            weights.iter().copied().enumerate().filter(|(_, weight)| *weight > 0).collect();
        let plain = chosen.iter().all(|(_, weight)| *weight == 1);
        let sums = match largest {
            0..0x8000 if plain => Sums::Short(Vec::new()),
            0..0x8000_0000 if plain && size_of::<C>() <= 2 => Sums::Narrow(Vec::new()),
            _ => Sums::Wide(Vec::new()),
        };
        let few = if chosen.len() <= most_open() { chosen.as_slice() } else { &[] };
        let parts =
            few.iter().map(|(update, _)| updates.open(*update)).collect::<io::Result<_>>()?;
        let cells = vec![C::zeroed(); PIECE / size_of::<C>()];
        Ok(Self { updates, chosen, plain, parts, cells, sums })
    }

    /// How many weights to sum at a time: a piece, which stays in the cache with what is read of the
    /// updates, unless they have to be opened again for each.
    pub(super) fn step(&self) -> usize {
        let piece = PIECE / size_of::<C>();
        if self.parts.len() == self.chosen.len() { piece } else { 32 * piece }
    }

    /// Sums the weights `start..start + length` of all updates.
    pub(super) fn sum(&mut self, start: usize, length: usize) -> io::Result<&Sums> {
        match &mut self.sums {
            Sums::Short(sums) => {
                sums.clear();
                sums.resize(length, 0);
            }
            Sums::Narrow(sums) => {
                sums.clear();
                sums.resize(length, 0);
            }
            Sums::Wide(sums) => {
                sums.clear();
                sums.resize(length, 0);
            }
        }
        if self.parts.len() == self.chosen.len() {
            let set = Set { chosen: &self.chosen, plain: self.plain, cells: &mut self.cells };
            set.sum(&mut self.parts, start, &mut self.sums)?;
            return Ok(&self.sums);
        }
        for chosen in self.chosen.chunks(most_open()) {
            let parts = chosen.iter().map(|(update, _)| self.updates.open(*update));
            let mut parts: Vec<_> = parts.collect::<io::Result<_>>()?;
            let set = Set { chosen, plain: self.plain, cells: &mut self.cells };
            set.sum(&mut parts, start, &mut self.sums)?;
        }
        Ok(&self.sums)
    }
}

/// Some of the updates, all of them open.
struct Set<'a, C> {
    chosen: &'a [(usize, u32)],
    plain: bool,
    cells: &'a mut [C],
}

impl<C: Cell> Set<'_, C> {
    /// Adds the updates' weights from `start` on to the sums, piece by piece.
    fn sum(
        self,
        parts: &mut [Box<dyn Part + '_>],
        start: usize,
        sums: &mut Sums,
    ) -> io::Result<()> {
        let plain = self.plain;
        match sums {
            Sums::Short(sums) => self.pieces(parts, start, sums, |sums, cells, _| {
                Arch::new().dispatch(Add { sums, cells });
            }),
            Sums::Narrow(sums) => self.pieces(parts, start, sums, |sums, cells, _| {
                Arch::new().dispatch(Add { sums, cells });
            }),
            Sums::Wide(sums) if plain => self.pieces(parts, start, sums, |sums, cells, _| {
                Arch::new().dispatch(Add { sums, cells });
            }),
            Sums::Wide(sums) => self.pieces(parts, start, sums, |sums, cells, weight| {
                Arch::new().dispatch(AddTimes { sums, cells, weight });
            }),
        }
    }

    fn pieces<T>(
        self,
        parts: &mut [Box<dyn Part + '_>],
        start: usize,
        sums: &mut [T],
        add: impl Fn(&mut [T], &[C], u32),
    ) -> io::Result<()> {
        let piece = self.cells.len();
        for (index, sums) in sums.chunks_mut(piece).enumerate() {
            let cells = self.cells.get_mut(..sums.len()).unwrap_or_default();
            for (part, (_, weight)) in parts.iter_mut().zip(self.chosen) {
                read(&mut **part, start + index * piece, cells)?;
                add(sums, cells, *weight);
            }
        }
        Ok(())
    }
}

/// A number that sums of cells are kept in.
trait Total<C> {
    fn add(&mut self, cell: C);
}

impl<C: Cell> Total<C> for i16 {
    #[inline(always)]
    fn add(&mut self, cell: C) {
        // What overflows on the way does not matter where the sum fits.
        *self = self.wrapping_add(cell.short());
    }
}

impl<C: Cell> Total<C> for i32 {
    #[inline(always)]
    fn add(&mut self, cell: C) {
        *self = self.wrapping_add(cell.into());
    }
}

impl<C: Cell> Total<C> for i64 {
    #[inline(always)]
    fn add(&mut self, cell: C) {
        *self += Into::<i64>::into(cell);
    }
}

struct Add<'a, T, C> {
    sums: &'a mut [T],
    cells: &'a [C],
}

impl<T: Total<C>, C: Cell> WithSimd for Add<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        // A loop that compilers turn into vector instructions.
        for (sum, cell) in self.sums.iter_mut().zip(self.cells) {
            sum.add(*cell);
        }
    }
}

struct AddTimes<'a, C> {
    sums: &'a mut [i64],
    cells: &'a [C],
    weight: u32,
}

impl<C: Cell> WithSimd for AddTimes<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        // A weight is below 2^31: so is every sum of weights, times 2^31 for the cells.
        let weight = i64::from(self.weight as i32);
        for (sum, cell) in self.sums.iter_mut().zip(self.cells) {
            *sum += i64::from(Into::<i32>::into(*cell)) * weight;
        }
    }
}

/// The sums from `start` on divided by `denominator`, rounded half to even, in units of
/// `2^-(f + EXTRA_BITS)`: [`fixed_point_mean`] as an `f64`.
pub(super) fn means(sums: &Sums, start: usize, denominator: u64, out: &mut [f64]) {
    match sums {
        Sums::Short(sums) => {
            let sums = sums.get(start..).unwrap_or_default();
            Arch::new().dispatch(Divide { sums, denominator, out });
        }
        Sums::Narrow(sums) => {
            let sums = sums.get(start..).unwrap_or_default();
            Arch::new().dispatch(Divide { sums, denominator, out });
        }
        Sums::Wide(sums) => {
            let sums = sums.get(start..).unwrap_or_default();
            Arch::new().dispatch(DivideWide { sums, denominator, out });
        }
    }
}

/// Sums below this are divided as `f64`, see [`quotient`].
const EXACT: u64 = 1 << 35;

/// [`fixed_point_mean`] as an `f64`.
#[inline(always)]
pub(super) fn divide(sum: i64, denominator: u64) -> f64 {
    if sum.unsigned_abs() < EXACT && denominator < EXACT {
        quotient(sum as f64, denominator as f64)
    } else {
        fixed_point_mean(sum, denominator) as f64
    }
}

struct DivideWide<'a> {
    sums: &'a [i64],
    denominator: u64,
    out: &'a mut [f64],
}

impl WithSimd for DivideWide<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let sums = self.sums.iter().take(self.out.len());
        let magnitude = sums.fold(0, |all, &sum| all | (sum ^ (sum >> 63)));
        let pairs = self.out.iter_mut().zip(self.sums);
        if magnitude as u64 >= EXACT || self.denominator >= EXACT {
            pairs.for_each(|(out, &sum)| *out = divide(sum, self.denominator));
            return;
        }
        let denominator = self.denominator as f64;
        for (out, &sum) in pairs {
            // An integer below 2^51, added to the bits of a number with that unit, becomes a number.
            let number = f64::from_bits(SHIFT.to_bits().wrapping_add(sum as u64)) - SHIFT;
            *out = quotient(number, denominator);
        }
    }
}

/// Adding and taking it away again rounds to an integer.
const SHIFT: f64 = 1.5 * (1_u64 << 52) as f64;

struct Divide<'a, T> {
    sums: &'a [T],
    denominator: u64,
    out: &'a mut [f64],
}

impl<T: Copy + Into<i32>> WithSimd for Divide<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        if self.denominator >= EXACT {
            let pairs = self.out.iter_mut().zip(self.sums);
            pairs.for_each(|(out, &sum)| *out = divide(sum.into().into(), self.denominator));
            return;
        }
        let denominator = self.denominator as f64;
        for (out, &sum) in self.out.iter_mut().zip(self.sums) {
            *out = quotient(sum.into().into(), denominator);
        }
    }
}

/// `sum · 2^EXTRA_BITS / denominator` rounded half to even, for integers with `|sum| < 2^35`.
///
/// The numerator, below 2^51, is exact. A quotient that is no tie differs from the nearest tie by at
/// least `1 / (2 · denominator)`; its rounding to 53 bits moves it by at most `2^-53` of itself, less
/// than `1 / (4 · denominator)`. So it stays on its side of the tie, ties are exact, and adding and
/// taking away `1.5 · 2^52` rounds to the nearest integer, ties to even.
#[inline(always)]
fn quotient(sum: f64, denominator: f64) -> f64 {
    let exact = sum * (1_u64 << EXTRA_BITS) as f64 / denominator;
    // Minus zero becomes zero, as an integer has it.
    (exact + SHIFT) - SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fast_quotient_is_the_exact_one(
            sum in prop_oneof![any::<i32>().prop_map(i64::from), -(1_i64 << 36)..1 << 36, -40..40_i64],
            denominator in prop_oneof![1..300_u64, 1..1_u64 << 36],
        ) {
            let exact = fixed_point_mean(sum, denominator) as f64;
            prop_assert_eq!(divide(sum, denominator).to_bits(), exact.to_bits());
            if let Ok(short) = i16::try_from(sum) {
                let mut out = [1.0; 5];
                means(&Sums::Short(vec![short; 6]), 1, denominator, &mut out);
                prop_assert_eq!(out, [exact; 5]);
            }
            if let Ok(narrow) = i32::try_from(sum) {
                let mut out = [1.0; 5];
                means(&Sums::Narrow(vec![narrow; 6]), 1, denominator, &mut out);
                prop_assert_eq!(out, [exact; 5]);
            }
            let mut out = [1.0; 5];
            means(&Sums::Wide(vec![sum; 6]), 1, denominator, &mut out);
            prop_assert_eq!(out, [exact; 5]);
        }

        #[test]
        fn ties_go_to_the_even_number(whole in -1_000..1_000_i64, power in 17..30_u32) {
            // (2 k + 1) / 2^power · 2^16 lies in the middle of two integers where power is 17.
            let sum = 2 * whole + 1;
            let exact = fixed_point_mean(sum, 1 << power) as f64;
            prop_assert_eq!(divide(sum, 1 << power), exact);
        }
    }
}
