//! Medians and trimmed means of many weights at once.
//!
//! The value of a rank is found bit by bit, from the highest: the largest number below which there are
//! at most `rank` values. That takes as many passes over a weight's values as they have bits, without
//! a branch, in all lanes of a vector register at once.

use decentralml_exact::EXTRA_BITS;
use pulp::{Arch, WithSimd};

use super::{rows::Cell, sums::divide};

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

/// An integer that fills a lane.
trait Lane: Copy + Ord + Default + std::ops::BitOr<Output = Self> {
    /// Cuts an integer that is known to fit.
    fn cut(value: i32) -> Self;
    fn wide(self) -> i32;
    /// The number itself, or all but its sign the other way round where it is negative.
    fn magnitude(self) -> Self;
    /// The values of two ranks in each lane, of values in `−2^bits..2^bits`.
    fn search(tile: &[[Self; LANES]], bits: u32, ranks: [usize; 2]) -> [[Self; LANES]; 2];
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

/// The search in plain code: what the vector instructions have to agree with.
#[inline(always)]
fn plain<T: Lane>(tile: &[[T; LANES]], bits: u32, rank: usize) -> [T; LANES] {
    let mut found = [T::cut(-1_i32 << bits); LANES];
    for bit in (0..=bits).rev() {
        let mut tried = found;
        tried.iter_mut().for_each(|value| *value = T::cut(value.wide().wrapping_add(1 << bit)));
        let mut below = [0_u32; LANES];
        for lanes in tile {
            for (below, (value, tried)) in below.iter_mut().zip(lanes.iter().zip(&tried)) {
                *below += u32::from(value < tried);
            }
        }
        for (found, (below, tried)) in found.iter_mut().zip(below.iter().zip(tried)) {
            if *below as usize <= rank {
                *found = tried;
            }
        }
    }
    found
}

macro_rules! lane {
    ($lane:ty, $lanes:literal, $search:ident, $set:ident, $add:ident, $sub:ident, $greater:ident, $min:ident) => {
        impl Lane for $lane {
            #[inline(always)]
            fn cut(value: i32) -> Self {
                value as Self
            }

            #[inline(always)]
            fn wide(self) -> i32 {
                i32::from(self)
            }

            #[inline(always)]
            fn magnitude(self) -> Self {
                self ^ (self >> (Self::BITS - 1))
            }

            #[inline(always)]
            fn search(tile: &[[Self; LANES]], bits: u32, ranks: [usize; 2]) -> [[Self; LANES]; 2] {
                #[cfg(target_arch = "x86_64")]
                if let Some(simd) = pulp::x86::V3::try_new() {
                    return $search(simd, tile, bits, ranks);
                }
                ranks.map(|rank| plain(tile, bits, rank))
            }
        }

        #[cfg(target_arch = "x86_64")]
        fn $search(
            simd: pulp::x86::V3,
            tile: &[[$lane; LANES]],
            bits: u32,
            ranks: [usize; 2],
        ) -> [[$lane; LANES]; 2] {
            use core::arch::x86_64::__m256i;

            struct Search<'a>(pulp::x86::V3, &'a [[$lane; LANES]], u32, [usize; 2]);

            impl WithSimd for Search<'_> {
                type Output = [[$lane; LANES]; 2];

                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
                    let Self(simd, tile, bits, ranks) = self;
                    const REGISTERS: usize = LANES / $lanes;
                    let (avx, avx2) = (simd.avx, simd.avx2);
                    let start = avx.$set((-1_i32 << bits) as $lane);
                    let adjacent = ranks[1] == ranks[0] || ranks[1] == ranks[0] + 1;
                    // With more values than this above it, the lower value lacks the higher rank.
                    let last = avx.$set((tile.len() as isize - 1 - ranks[1] as isize) as $lane);
                    let ranks = ranks.map(|rank| avx.$set(rank as $lane));
                    let mut found = [[start; REGISTERS]; 2];
                    // The rows are passed once for each register, which keeps all that changes in
                    // registers.
                    for register in 0..REGISTERS {
                        let [mut low, mut high] = [start, start];
                        if adjacent {
                            for bit in (0..=bits).rev() {
                                let tried = avx2.$add(low, avx.$set((1_i32 << bit) as $lane));
                                let mut below = avx.$set(0);
                                for lanes in tile {
                                    let lanes: &[[$lane; $lanes]] = lanes.as_chunks().0;
                                    let row: __m256i = pulp::cast(lanes[register]);
                                    below = avx2.$sub(below, avx2.$greater(tried, row));
                                }
                                let too_many = avx2.$greater(below, ranks[0]);
                                low = avx2._mm256_blendv_epi8(tried, low, too_many);
                            }
                            // The next larger value, unless so many are as large as the lower one.
                            let most = avx.$set(<$lane>::MAX);
                            let (mut next, mut above) = (most, avx.$set(0));
                            for lanes in tile {
                                let lanes: &[[$lane; $lanes]] = lanes.as_chunks().0;
                                let row: __m256i = pulp::cast(lanes[register]);
                                let larger = avx2.$greater(row, low);
                                above = avx2.$sub(above, larger);
                                let row = avx2._mm256_blendv_epi8(most, row, larger);
                                next = avx2.$min(next, row);
                            }
                            let needs = avx2.$greater(above, last);
                            high = avx2._mm256_blendv_epi8(low, next, needs);
                            found[0][register] = low;
                            found[1][register] = high;
                            continue;
                        }
                        for bit in (0..=bits).rev() {
                            let step = avx.$set((1_i32 << bit) as $lane);
                            let (try_low, try_high) = (avx2.$add(low, step), avx2.$add(high, step));
                            let zero = avx.$set(0);
                            let (mut below_low, mut below_high) = (zero, zero);
                            for lanes in tile {
                                let lanes: &[[$lane; $lanes]] = lanes.as_chunks().0;
                                let row: __m256i = pulp::cast(lanes[register]);
                                // A comparison gives −1 where it holds.
                                below_low = avx2.$sub(below_low, avx2.$greater(try_low, row));
                                below_high = avx2.$sub(below_high, avx2.$greater(try_high, row));
                            }
                            let too_many = avx2.$greater(below_low, ranks[0]);
                            low = avx2._mm256_blendv_epi8(try_low, low, too_many);
                            let too_many = avx2.$greater(below_high, ranks[1]);
                            high = avx2._mm256_blendv_epi8(try_high, high, too_many);
                        }
                        found[0][register] = low;
                        found[1][register] = high;
                    }
                    found.map(|registers| pulp::cast(registers))
                }
            }

            pulp::Simd::vectorize(simd, Search(simd, tile, bits, ranks))
        }
    };
}

lane!(
    i8,
    32,
    search_i8,
    _mm256_set1_epi8,
    _mm256_add_epi8,
    _mm256_sub_epi8,
    _mm256_cmpgt_epi8,
    _mm256_min_epi8
);
lane!(
    i16,
    16,
    search_i16,
    _mm256_set1_epi16,
    _mm256_add_epi16,
    _mm256_sub_epi16,
    _mm256_cmpgt_epi16,
    _mm256_min_epi16
);
lane!(
    i32,
    8,
    search_i32,
    _mm256_set1_epi32,
    _mm256_add_epi32,
    _mm256_sub_epi32,
    _mm256_cmpgt_epi32,
    _mm256_min_epi32
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_exact as exact;
    use proptest::prelude::*;

    /// One width against the rule of `decentralml-exact`.
    fn check<C: Select + TryFrom<i32>>(values: &[Vec<i32>]) -> Result<(), TestCaseError> {
        let cells = |row: &Vec<i32>| -> Vec<C> {
            row.iter().map(|&q| C::try_from(q).ok().unwrap()).collect()
        };
        let rows: Vec<Vec<C>> = values.iter().map(cells).collect();
        let rows: Vec<&[C]> = rows.iter().map(Vec::as_slice).collect();
        let slices: Vec<&[i32]> = values.iter().map(Vec::as_slice).collect();
        let mut expected = vec![0; values[0].len()];
        let mut found = vec![1.0; expected.len()];
        exact::median(&slices, &mut expected).unwrap();
        columns(&rows, Wanted::Median, &mut found);
        prop_assert_eq!(&found, &expected.iter().map(|&m| m as f64).collect::<Vec<_>>());
        for k in [0, (values.len() - 1) / 3, (values.len() - 1) / 2] {
            exact::trimmed_mean(&slices, k, &mut expected).unwrap();
            columns(&rows, Wanted::Trimmed(k), &mut found);
            prop_assert_eq!(&found, &expected.iter().map(|&m| m as f64).collect::<Vec<_>>());
        }
        Ok(())
    }

    fn table(range: std::ops::RangeInclusive<i32>) -> impl Strategy<Value = Vec<Vec<i32>>> {
        (1..140_usize, 1..14_usize).prop_flat_map(move |(weights, updates)| {
            let value =
                prop_oneof![range.clone(), Just(*range.start()), Just(*range.end()), Just(0)];
            prop::collection::vec(prop::collection::vec(value, weights), updates)
        })
    }

    proptest! {
        #[test]
        fn bytes_agree_with_sorting(values in table(-128..=127)) {
            check::<i8>(&values)?;
        }

        #[test]
        fn words_agree_with_sorting(values in table(-32_768..=32_767)) {
            check::<i16>(&values)?;
        }

        #[test]
        fn long_words_agree_with_sorting(values in table(i32::MIN..=i32::MAX)) {
            check::<i32>(&values)?;
        }

        #[test]
        fn vectors_agree_with_plain_code(
            tile in prop::collection::vec(prop::collection::vec(any::<i32>(), LANES), 1..40),
            at in any::<prop::sample::Index>(),
        ) {
            fn compare<T: Lane + std::fmt::Debug>(tile: &[Vec<i32>], rank: usize) {
                let tile: Vec<[T; LANES]> =
                    tile.iter().map(|row| std::array::from_fn(|lane| T::cut(row[lane]))).collect();
                let bits = size_of::<T>() as u32 * 8 - 1;
                let other = (rank + 1).min(tile.len() - 1);
                for ranks in [[rank, 0], [0, rank], [rank, rank], [rank, other]] {
                    let expected = ranks.map(|rank| plain(&tile, bits, rank));
                    assert_eq!(T::search(&tile, bits, ranks), expected, "{ranks:?}");
                }
            }
            let rank = at.index(tile.len());
            compare::<i8>(&tile, rank);
            compare::<i16>(&tile, rank);
            compare::<i32>(&tile, rank);
        }
    }

    #[test]
    fn many_updates_take_wider_lanes() {
        for count in [127, 128, 300] {
            let values: Vec<Vec<i32>> =
                (0..count).map(|i| vec![i * 7 % 255 - 127, -127, 127, i % 3 - 1]).collect();
            check::<i8>(&values).unwrap();
            check::<i16>(&values).unwrap();
        }
        let many: Vec<Vec<i32>> = (0..32_769).map(|i| vec![i % 256 - 128, 1]).collect();
        check::<i8>(&many).unwrap();
        check::<i16>(&many).unwrap();
    }
}
