//! The scalar products of all updates with each other, from which their distances follow.
//!
//! The weights are taken a few thousand at a time. What is read then of all updates stays in the
//! cache while products are formed, four updates against two, in registers: `n² · d / 2` products for
//! `n · d` integers read.

use std::io;

use decentralml_exact::{Distances, Error, MAX_UPDATES, Order};
use pulp::{Arch, WithSimd};
use rayon::prelude::*;

use super::{
    AggregateError,
    rows::{Cell, read},
};
use crate::updates::Updates;

/// Weights whose products are summed before the next ones are looked at.
const BLOCK: usize = 2_048;

/// Bytes of all updates together that are held at a time.
const BUDGET: usize = 64 << 20;

/// Updates in a band: a thread works on the products of one band with all updates up to it.
const BAND: usize = 4;

/// The order of the updates and the distances between them, `length` weights each with integers in
/// `±clip` of `width` bytes.
pub(super) fn survey<U: Updates + ?Sized>(
    updates: &U,
    length: usize,
    width: usize,
    clip: i32,
) -> Result<(Order, Distances), AggregateError> {
    let count = updates.count();
    let mut order = Order::new(count)?;
    // Integers of 16 bits have products that vector instructions add up in pairs.
    let narrow = clip <= i32::from(i16::MAX);
    let padded = count.next_multiple_of(BAND);
    let cell = if narrow { 2 } else { 4 };
    let most = (BUDGET / padded / cell / BLOCK * BLOCK).clamp(BLOCK, 32 * BLOCK);
    let mut products = vec![Wide::default(); padded * padded];
    let mut short = vec![0_i16; if narrow { padded * most } else { 0 }];
    let mut long = vec![0_i32; if narrow { 0 } else { padded * most }];
    for start in (0..length).step_by(most) {
        let count = most.min(length - start);
        let whole = count.next_multiple_of(BLOCK);
        if narrow {
            let rows = short.par_chunks_mut(most);
            match width {
                1 => fill::<i8, _, _>(updates, start, count, rows, i16::from)?,
                2 => fill::<i16, _, _>(updates, start, count, rows, |q| q)?,
                // Within the clip, which 16 bits hold.
                _ => fill::<i32, _, _>(updates, start, count, rows, |q| q as i16)?,
            }
            let rows = short.chunks(most).map(|row| row.get(..whole).unwrap_or_default());
            let rows: Vec<&[i16]> = rows.collect();
            bands(&mut products, padded, |band, out| short_band(&rows, band, clip, out));
        } else {
            fill::<i32, _, _>(updates, start, count, long.par_chunks_mut(most), |q| q)?;
            let rows = long.chunks(most).map(|row| row.get(..count).unwrap_or_default());
            let rows: Vec<&[i32]> = rows.collect();
            bands(&mut products, padded, |band, out| long_band(&rows, band, out));
        }
        // Unless updates are equal, this ends with the first weights.
        refine(&mut order, updates, start, count)?;
    }
    let product = |i: usize, j: usize| products.get(j * padded + i).map_or(0, Wide::value);
    let distances = Distances::from_products(count, length as u64, product)?;
    Ok((order, distances))
}

/// An exact sum of products: `high · 2^32 + low`. Either part is a sum of at most 2^32 numbers below
/// 2^31 or 2^32, and is carried over before it could overflow.
#[derive(Clone, Copy, Default)]
struct Wide {
    high: i64,
    low: i64,
}

impl Wide {
    fn add(&mut self, product: i64) {
        self.high += product >> 32;
        self.low += product & 0xffff_ffff;
        self.carry();
    }

    fn carry(&mut self) {
        self.high += self.low >> 32;
        self.low &= 0xffff_ffff;
    }

    fn value(&self) -> i128 {
        (i128::from(self.high) << 32) + i128::from(self.low)
    }
}

/// Reads the same weights of every update into one row each; what a row has beyond them becomes zero.
fn fill<'a, C: Cell, U: Updates + ?Sized, T: Send + Default + Copy + 'a>(
    updates: &U,
    start: usize,
    count: usize,
    rows: rayon::slice::ChunksMut<'a, T>,
    convert: impl Fn(C) -> T + Sync,
) -> io::Result<()> {
    let rows = rows.take(updates.count()).enumerate();
    rows.try_for_each_init(
        || vec![C::zeroed(); READ],
        |cells, (update, row)| {
            let mut part = updates.open(update)?;
            let (row, rest) = row.split_at_mut(count);
            rest.fill(T::default());
            for (index, row) in row.chunks_mut(READ).enumerate() {
                let cells = cells.get_mut(..row.len()).unwrap_or_default();
                read(&mut *part, start + index * READ, cells)?;
                row.iter_mut().zip(cells).for_each(|(out, cell)| *out = convert(*cell));
            }
            Ok(())
        },
    )
}

/// Integers that are read of an update at a time.
const READ: usize = 16 << 10;

/// Lets `work` add to the products of each band of updates with those up to its last.
fn bands(products: &mut [Wide], padded: usize, work: impl Fn(usize, &mut [Wide]) + Sync) {
    let bands = products.par_chunks_mut(BAND * padded).enumerate();
    bands.for_each(|(band, out)| work(band * BAND, out));
}

fn refine<U: Updates + ?Sized>(
    order: &mut Order,
    updates: &U,
    start: usize,
    count: usize,
) -> Result<(), AggregateError> {
    let step = (BUDGET / 4 / updates.count().max(1)).max(64);
    for from in (start..start + count).step_by(step) {
        if order.is_total() {
            return Ok(());
        }
        let mut rows = vec![vec![0; step.min(start + count - from)]; updates.count()];
        for (index, row) in rows.iter_mut().enumerate() {
            updates.read(index, from, row)?;
        }
        let rows: Vec<&[i32]> = rows.iter().map(Vec::as_slice).collect();
        order.refine(&rows)?;
    }
    Ok(())
}

/// Adds the products of the rows `band..band + 4` with all rows up to them to `out`, `[4][rows]`.
fn short_band(rows: &[&[i16]], band: usize, clip: i32, out: &mut [Wide]) {
    let Some([a, b, c, d]) = rows.get(band..).and_then(|rest| rest.first_chunk::<BAND>()) else {
        return;
    };
    let fours = [a, b, c, d].map(|row| row.chunks_exact(BLOCK));
    let [mut a, mut b, mut c, mut d] = fours;
    let mut block = 0;
    while let (Some(a), Some(b), Some(c), Some(d)) = (a.next(), b.next(), c.next(), d.next()) {
        let left = [a, b, c, d];
        for pair in (0..band + BAND).step_by(2) {
            let right = |index: usize| {
                let row = rows.get(index).copied().unwrap_or_default();
                row.get(block..block + BLOCK).unwrap_or_default()
            };
            let sums =
                Arch::new().dispatch(Tile { left, right: [right(pair), right(pair + 1)], clip });
            for (row, sums) in out.chunks_mut(rows.len()).zip(sums) {
                for (own, sum) in row.iter_mut().skip(pair).zip(sums) {
                    own.add(sum);
                }
            }
        }
        block += BLOCK;
    }
}

struct Tile<'a> {
    left: [&'a [i16]; BAND],
    right: [&'a [i16]; 2],
    clip: i32,
}

impl WithSimd for Tile<'_> {
    type Output = [[i64; 2]; BAND];

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            return vector_tile(simd, self);
        }
        plain_tile(&self)
    }
}

/// The products of four rows with two: what the vector instructions have to agree with.
#[inline(always)]
fn plain_tile(tile: &Tile<'_>) -> [[i64; 2]; BAND] {
    tile.left.map(|left| {
        tile.right.map(|right| {
            left.iter().zip(right).map(|(&a, &b)| i64::from(i32::from(a) * i32::from(b))).sum()
        })
    })
}

/// Pairs of products are summed in 32 bits as long as they surely fit, `2 · clip²` each, then in 64.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn vector_tile(simd: pulp::x86::V3, tile: Tile<'_>) -> [[i64; 2]; BAND] {
    use core::arch::x86_64::__m256i;

    struct Work<'a>(pulp::x86::V3, Tile<'a>);

    impl WithSimd for Work<'_> {
        type Output = [[i64; 2]; BAND];

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
            let Self(simd, Tile { left, right, clip }) = self;
            let (avx, avx2) = (simd.avx, simd.avx2);
            let clip = i64::from(clip.max(1));
            // At least 1, as 2 · 32,767² is below 2^31.
            let steps = (i64::from(i32::MAX) / (2 * clip * clip)).clamp(1, BLOCK as i64) as usize;
            let [a, b, c, d] = left.map(|row| row.as_chunks::<16>().0.chunks(steps));
            let [x, y] = right.map(|row| row.as_chunks::<16>().0.chunks(steps));
            let mut total = [[0_i64; 2]; BAND];
            let zero = avx._mm256_setzero_si256();
            let mut long = [[zero; 2]; BAND];
            for (((a, b), (c, d)), (x, y)) in a.zip(b).zip(c.zip(d)).zip(x.zip(y)) {
                let mut sums = [[zero; 2]; BAND];
                for (((a, b), (c, d)), (x, y)) in
                    a.iter().zip(b).zip(c.iter().zip(d)).zip(x.iter().zip(y))
                {
                    let right: [__m256i; 2] = [pulp::cast(*x), pulp::cast(*y)];
                    let left: [__m256i; BAND] =
                        [pulp::cast(*a), pulp::cast(*b), pulp::cast(*c), pulp::cast(*d)];
                    for i in 0..BAND {
                        for j in 0..2 {
                            let pairs = avx2._mm256_madd_epi16(left[i], right[j]);
                            sums[i][j] = avx2._mm256_add_epi32(sums[i][j], pairs);
                        }
                    }
                }
                for i in 0..BAND {
                    for j in 0..2 {
                        let low = avx._mm256_castsi256_si128(sums[i][j]);
                        let high = avx2._mm256_extracti128_si256::<1>(sums[i][j]);
                        let low = avx2._mm256_cvtepi32_epi64(low);
                        let high = avx2._mm256_cvtepi32_epi64(high);
                        let both = avx2._mm256_add_epi64(low, high);
                        long[i][j] = avx2._mm256_add_epi64(long[i][j], both);
                    }
                }
            }
            for (total, long) in total.iter_mut().zip(long) {
                for (total, long) in total.iter_mut().zip(long) {
                    let lanes: [i64; 4] = pulp::cast(long);
                    *total = lanes.iter().sum();
                }
            }
            total
        }
    }

    pulp::Simd::vectorize(simd, Work(simd, tile))
}

/// The same for integers of 32 bits, whose products need 64.
fn long_band(rows: &[&[i32]], band: usize, out: &mut [Wide]) {
    for (own, (row, left)) in out.chunks_mut(rows.len()).zip(rows.iter().skip(band)).enumerate() {
        for (sum, right) in row.iter_mut().zip(rows).take(band + own + 1) {
            for (left, right) in left.chunks(BLOCK).zip(right.chunks(BLOCK)) {
                let (high, low) = Arch::new().dispatch(Long { left, right });
                sum.high += high;
                sum.low += low;
                sum.carry();
            }
        }
    }
}

struct Long<'a> {
    left: &'a [i32],
    right: &'a [i32],
}

impl WithSimd for Long<'_> {
    type Output = (i64, i64);

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> (i64, i64) {
        // A block's parts stay below 2^(31 + 11) and 2^(32 + 11).
        self.left.iter().zip(self.right).fold((0, 0), |(high, low), (&a, &b)| {
            let product = i64::from(a) * i64::from(b);
            (high + (product >> 32), low + (product & 0xffff_ffff))
        })
    }
}

/// How many updates fit: their products need at most as much memory as their distances.
pub(super) fn check(updates: usize) -> Result<(), Error> {
    if updates > MAX_UPDATES {
        return Err(Error::Updates { found: updates, max: MAX_UPDATES });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn tile_of(values: &[Vec<i16>], clip: i32) -> Tile<'_> {
        let row = |index: usize| values[index].as_slice();
        Tile { left: [row(0), row(1), row(2), row(3)], right: [row(4), row(5)], clip }
    }

    #[test]
    fn the_largest_products_do_not_overflow() {
        let edge = [i16::MAX, -i16::MAX];
        let values: Vec<Vec<i16>> = (0..6)
            .map(|row| (0..BLOCK).map(|at| edge[usize::from((at * row) % 7 == 3)]).collect())
            .collect();
        let tile = || tile_of(&values, i32::from(i16::MAX));
        assert_eq!(Arch::new().dispatch(tile()), plain_tile(&tile()));
        let equal = vec![vec![i16::MAX; BLOCK]; 6];
        let sums = Arch::new().dispatch(tile_of(&equal, i32::from(i16::MAX)));
        assert_eq!(sums, [[BLOCK as i64 * 32_767 * 32_767; 2]; BAND]);
        let mut wide = Wide::default();
        for _ in 0..1_000 {
            wide.add(i64::MIN);
            wide.add(-1);
        }
        assert_eq!(wide.value(), 1_000 * (i128::from(i64::MIN) - 1));
    }

    proptest! {
        #[test]
        fn vectors_agree_with_plain_code(
            clip in prop_oneof![Just(7), Just(127), Just(8_191), Just(32_767)],
            seed in any::<u64>(),
        ) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ((state >> 33) as i32 % (clip + 1) * if state >> 63 == 0 { 1 } else { -1 }) as i16
            };
            let values: Vec<Vec<i16>> =
                (0..6).map(|_| (0..BLOCK).map(|_| next()).collect()).collect();
            let tile = || tile_of(&values, clip);
            prop_assert_eq!(Arch::new().dispatch(tile()), plain_tile(&tile()));
        }
    }
}
