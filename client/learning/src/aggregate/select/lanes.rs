//! What the widths of integers differ in.

use super::LANES;

/// An integer of a file in a lane of a vector register.
pub(in crate::aggregate) trait Lanes: Copy + Ord + Into<i32> {
    /// Cuts an integer that is known to fit.
    fn cut(value: i32) -> Self;

    /// The byte at a place, from the lowest.
    fn byte(self, place: u32) -> i8;

    /// Bits that any of the values needs, without its sign.
    fn bits(values: &[Self]) -> u32;

    /// In each lane, the smallest of the values that are larger than `low`, and their number.
    fn above(tile: &[[Self; LANES]], low: &[Self; LANES]) -> ([Self; LANES], [u32; LANES]);

    /// The sum of each lane's values, those outside of `low..=high` counted as the nearer end.
    fn clamped(tile: &[[Self; LANES]], low: &[Self; LANES], high: &[Self; LANES]) -> [i64; LANES];
}

macro_rules! lanes {
    ($lane:ty, $sum:ty, $summed:expr) => {
        impl Lanes for $lane {
            #[inline(always)]
            fn cut(value: i32) -> Self {
                value as Self
            }

            #[inline(always)]
            fn byte(self, place: u32) -> i8 {
                (self >> (8 * place)) as i8
            }

            #[inline(always)]
            fn bits(values: &[Self]) -> u32 {
                // A negative number with all bits the other way round needs as many.
                let all =
                    values.iter().fold(0, |all, value| all | (value ^ (value >> (Self::BITS - 1))));
                Self::BITS - all.leading_zeros()
            }

            #[inline(always)]
            fn above(tile: &[[Self; LANES]], low: &[Self; LANES]) -> ([Self; LANES], [u32; LANES]) {
                let (mut next, mut above) = ([Self::MAX; LANES], [0; LANES]);
                // Counts as wide as the values, as long as they fit.
                for rows in tile.chunks(Self::MAX as usize) {
                    let mut some: [Self; LANES] = [0; LANES];
                    for row in rows {
                        for lane in 0..LANES {
                            let larger = row[lane] > low[lane];
                            some[lane] += Self::from(larger);
                            next[lane] = next[lane].min(if larger { row[lane] } else { Self::MAX });
                        }
                    }
                    above.iter_mut().zip(some).for_each(|(above, some)| *above += some as u32);
                }
                (next, above)
            }

            #[inline(always)]
            fn clamped(
                tile: &[[Self; LANES]],
                low: &[Self; LANES],
                high: &[Self; LANES],
            ) -> [i64; LANES] {
                let mut sums = [0; LANES];
                // Sums of as few bits as will do, as long as they fit.
                for rows in tile.chunks($summed) {
                    let mut some: [$sum; LANES] = [0; LANES];
                    for row in rows {
                        for lane in 0..LANES {
                            some[lane] += <$sum>::from(row[lane].max(low[lane]).min(high[lane]));
                        }
                    }
                    sums.iter_mut().zip(some).for_each(|(sum, some)| *sum += i64::from(some));
                }
                sums
            }
        }
    };
}

lanes!(i8, i16, 1 << 8);
lanes!(i16, i32, 1 << 16);
lanes!(i32, i64, usize::MAX);
