//! The search for values of a rank in all lanes of a vector register at once.

use pulp::WithSimd;

use super::LANES;

/// An integer that fills a lane.
pub(super) trait Lane: Copy + Ord + Default + std::ops::BitOr<Output = Self> {
    /// Cuts an integer that is known to fit.
    fn cut(value: i32) -> Self;
    fn wide(self) -> i32;
    /// The number itself, or all but its sign the other way round where it is negative.
    fn magnitude(self) -> Self;
    /// The values of two ranks in each lane, of values in `−2^bits..2^bits`.
    fn search(tile: &[[Self; LANES]], bits: u32, ranks: [usize; 2]) -> [[Self; LANES]; 2];
}

/// The search in plain code: what the vector instructions have to agree with.
#[inline(always)]
pub(super) fn plain<T: Lane>(tile: &[[T; LANES]], bits: u32, rank: usize) -> [T; LANES] {
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
