//! The scalar products of all updates with each other, from which their distances follow.
//!
//! Each thread takes some weights of all updates at a time. They stay in its cache while products are formed, four updates against two,
//! in registers: `n² · d / 2` products for `n · d` integers read. What the threads have found is added up at the end.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use decentralml_exact::{Distances, Error, MAX_UPDATES, Order};
use pulp::{Arch, WithSimd};
use rayon::prelude::*;

use super::{
    AggregateError,
    rows::{Cell, Opened, read},
};
use crate::updates::{Updates, decode};

/// Weights whose products are summed before the next ones are looked at: eight rows of them stay in the nearest cache.
const BLOCK: usize = 1_024;

/// Bytes of all updates together that are held at a time, and bytes of products.
const BUDGET: usize = 64 << 20;

/// Weights that are read of an update at a time, where updates can stay open and where they cannot.
const READ: [usize; 2] = [4 * BLOCK, 64 * BLOCK];

/// Updates in a tile, against two others.
const BAND: usize = 4;

/// The order of the updates and the distances between them, `length` weights each with integers in
/// `±clip` of `width` bytes.
pub(super) fn survey<U: Updates + ?Sized>(
    updates: &U,
    length: usize,
    width: usize,
    clip: i32,
) -> Result<(Order, Distances), AggregateError> {
    Ok((order(updates, length, width)?, distances(updates, length, width, clip)?))
}

/// The distances alone.
pub(super) fn distances<U: Updates + ?Sized>(
    updates: &U,
    length: usize,
    width: usize,
    clip: i32,
) -> Result<Distances, AggregateError> {
    let count = updates.count();
    let padded = count.next_multiple_of(BAND);
    // Integers of 16 bits have products that vector instructions add up in pairs.
    let narrow = clip <= i32::from(i16::MAX);
    let product: Box<dyn Fn(usize, usize) -> i128> = if narrow {
        let work = |rows: &[&[i16]], out: &mut [i64]| short_block(rows, clip, out);
        let sums = match width {
            1 => products::<i8, _, _, _>(updates, length, i16::from, work)?,
            2 => products::<i16, _, _, _>(updates, length, |q| q, work)?,
            // Within the clip, which 16 bits hold.
            _ => products::<i32, _, _, _>(updates, length, |q| q as i16, work)?,
        };
        Box::new(move |i, j| sums.get(j * padded + i).copied().unwrap_or_default().into())
    } else {
        let sums = products::<i32, _, _, _>(updates, length, |q| q, long_block)?;
        Box::new(move |i, j| sums.get(j * padded + i).map_or(0, Wide::value))
    };
    Ok(Distances::from_products(count, length as u64, product)?)
}

/// The order of the updates: of their first weights, unless these are equal.
fn order<U: Updates + ?Sized>(
    updates: &U,
    length: usize,
    width: usize,
) -> Result<Order, AggregateError> {
    let mut order = Order::new(updates.count())?;
    let most = (BUDGET / 8 / updates.count().max(1)).max(64);
    let (mut start, mut step) = (0, 64);
    while start < length && !order.is_total() {
        let count = step.min(length - start);
        let mut bytes = vec![0; count * width];
        let mut rows = vec![vec![0; count]; updates.count()];
        for (index, row) in rows.iter_mut().enumerate() {
            updates.open(index)?.read(start, &mut bytes)?;
            decode(&bytes, width, row);
        }
        let rows: Vec<&[i32]> = rows.iter().map(Vec::as_slice).collect();
        order.refine(&rows)?;
        start += count;
        step = (2 * step).min(most);
    }
    Ok(order)
}

/// The products of all updates with those up to them, `[padded][padded]`. `work` adds those of a block of every row, whose integers
/// are zero beyond the last update.
fn products<C: Cell, U: Updates + ?Sized, T: Send + Sync + Default + Copy, S: Total>(
    updates: &U,
    length: usize,
    convert: impl Fn(C) -> T + Sync,
    work: impl Fn(&[&[T]], &mut [S]) + Sync,
) -> io::Result<Vec<S>> {
    let count = updates.count();
    let padded = count.next_multiple_of(BAND);
    let size = padded * padded;
    let workers = (BUDGET / size / size_of::<S>()).clamp(1, rayon::current_num_threads().max(1));
    let all: Vec<usize> = (0..count).collect();
    let few = Opened::<U>::fit(count);
    let most = BUDGET / workers / padded / size_of::<T>() / BLOCK * BLOCK;
    let span = READ[usize::from(!few)].min(most).max(BLOCK);
    let next = AtomicUsize::new(0);
    let each = (0..workers).into_par_iter().map(|_| {
        let mut sums = vec![S::default(); size];
        let mut parts = Opened::new(updates, &all)?;
        let (mut cells, mut rows) = (vec![C::zeroed(); span], vec![T::default(); padded * span]);
        loop {
            // One thread's delay leaves more for the others.
            let start = next.fetch_add(1, Ordering::Relaxed).saturating_mul(span);
            if start >= length {
                return Ok(sums);
            }
            let taken = span.min(length - start);
            let whole = taken.next_multiple_of(BLOCK);
            for (place, row) in rows.chunks_exact_mut(span).take(count).enumerate() {
                let cells = cells.get_mut(..taken).unwrap_or_default();
                parts.with(place, |part| read(part, start, cells))?;
                let (row, rest) = row.split_at_mut(taken);
                row.iter_mut().zip(cells).for_each(|(out, cell)| *out = convert(*cell));
                rest.fill(T::default());
            }
            for block in (0..whole).step_by(BLOCK) {
                let rows = rows.chunks_exact(span);
                let rows = rows.map(|row| row.get(block..block + BLOCK).unwrap_or_default());
                work(&rows.collect::<Vec<_>>(), &mut sums);
            }
        }
    });
    let mut each = each.collect::<io::Result<Vec<_>>>()?.into_iter();
    let mut sums = each.next().unwrap_or_default();
    for other in each {
        sums.iter_mut().zip(other).for_each(|(sum, other)| sum.join(other));
    }
    Ok(sums)
}

/// An exact sum of products.
trait Total: Copy + Default + Send {
    fn join(&mut self, other: Self);
}

impl Total for i64 {
    /// Of integers of 16 bits: below 2^30 each, of fewer than 2^33 weights.
    fn join(&mut self, other: Self) {
        *self += other;
    }
}

impl Total for Wide {
    fn join(&mut self, other: Self) {
        self.high += other.high;
        self.low += other.low;
        self.carry();
    }
}

/// An exact sum of products: `high · 2^32 + low`. Either part is a sum of at most 2^32 numbers below
/// 2^31 or 2^32, and is carried over before it could overflow.
#[derive(Clone, Copy, Default)]
struct Wide {
    high: i64,
    low: i64,
}

impl Wide {
    fn carry(&mut self) {
        self.high += self.low >> 32;
        self.low &= 0xffff_ffff;
    }

    fn value(&self) -> i128 {
        (i128::from(self.high) << 32) + i128::from(self.low)
    }
}

/// Adds the products of a block of all rows with all rows up to them to `out`, `[rows][rows]`: eight rows against two, while they are in
/// the cache.
fn short_block(rows: &[&[i16]], clip: i32, out: &mut [i64]) {
    let row = |index: usize| rows.get(index).copied().unwrap_or_default();
    for eight in (0..rows.len()).step_by(2 * BAND) {
        for pair in (0..rows.len().min(eight + 2 * BAND)).step_by(2) {
            for band in [eight, eight + BAND] {
                let Some([a, b, c, d]) = rows.get(band..).and_then(|rest| rest.first_chunk())
                else {
                    continue;
                };
                if pair >= band + BAND {
                    continue;
                }
                let tile = Tile { left: [*a, *b, *c, *d], right: [row(pair), row(pair + 1)], clip };
                let sums = Arch::new().dispatch(tile);
                let out = out.chunks_exact_mut(rows.len()).skip(band);
                for (row, sums) in out.zip(sums) {
                    for (own, sum) in row.iter_mut().skip(pair).zip(sums) {
                        *own += sum;
                    }
                }
            }
        }
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
fn long_block(rows: &[&[i32]], out: &mut [Wide]) {
    for (own, (out, left)) in out.chunks_exact_mut(rows.len()).zip(rows).enumerate() {
        for (sum, right) in out.iter_mut().zip(rows).take(own + 1) {
            let (high, low) = Arch::new().dispatch(Long { left, right });
            sum.high += high;
            sum.low += low;
            sum.carry();
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
        let longest = [i32::MIN + 1; BLOCK];
        let mut wide = [Wide::default()];
        for _ in 0..1_000 {
            long_block(&[&longest], &mut wide);
        }
        assert_eq!(wide[0].value(), 1_000 * BLOCK as i128 * (i128::from(i32::MAX)).pow(2));
        let mut joined = wide[0];
        joined.join(wide[0]);
        assert_eq!(joined.value(), 2 * wide[0].value());
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
