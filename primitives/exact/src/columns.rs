use crate::{Error, fixed_point_mean};

/// A rule that works on the values of one weight in all updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnRule {
    /// The median; with an even number of values the mean of the two middle ones.
    Median,
    /// The mean without the `k` smallest and the `k` largest values.
    Trimmed {
        /// Values to drop at each end.
        k: usize,
    },
    /// The mean of the values closest to the median; of two that are equally far, the smaller.
    Closest {
        /// Values to keep.
        kept: usize,
    },
}

impl ColumnRule {
    /// Whether the rule leaves any of `values` values.
    ///
    /// Fails with [`Error::Empty`], [`Error::Trim`] or [`Error::Choose`].
    pub(crate) fn check(self, values: usize) -> Result<(), Error> {
        match self {
            _ if values == 0 => Err(Error::Empty),
            Self::Trimmed { k } if k >= values.div_ceil(2) => {
                Err(Error::Trim { k, updates: values })
            }
            Self::Closest { kept } if kept == 0 || kept > values => {
                Err(Error::Choose { count: kept, max: values })
            }
            _ => Ok(()),
        }
    }

    /// The rule's result for the values of one weight, each over `denominator`, in units of
    /// `2^-(f + EXTRA_BITS)`. Puts `column` in order; gives zero for a column that
    /// [`check`](Self::check) refuses.
    ///
    /// # Bounds
    ///
    /// Values are sums below 2^43 of a [`Mix`](crate::Mix), and at most 2^12: sums stay below 2^55,
    /// products of denominators below 2^24.
    pub(crate) fn apply(self, column: &mut [i64], denominator: u64) -> i64 {
        column.sort_unstable();
        let mean = |values: &[i64]| {
            fixed_point_mean(values.iter().sum(), denominator * values.len() as u64)
        };
        let count = column.len();
        match self {
            Self::Median => {
                middle(column).map_or(0, |twice| fixed_point_mean(twice, 2 * denominator))
            }
            Self::Trimmed { k } => column.get(k..count.saturating_sub(k)).map_or(0, mean),
            Self::Closest { kept } => {
                let twice = middle(column).unwrap_or(0);
                let mut left: &[i64] = column;
                while left.len() > kept {
                    let far = |value: &i64| (2 * value - twice).unsigned_abs();
                    let low = left.first().map(far);
                    left = match left {
                        [_, rest @ ..] if low > rest.last().map(far) => rest,
                        [rest @ .., _] => rest,
                        [] => left,
                    };
                }
                mean(left)
            }
        }
    }
}

/// Twice the median of values in order.
fn middle(column: &[i64]) -> Option<i64> {
    let high = column.get(column.len() / 2)?;
    let low = column.get(column.len().checked_sub(1)? / 2)?;
    Some(low + high)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::EXTRA_BITS;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const ONE: i64 = 1 << EXTRA_BITS;

    #[test]
    fn the_closest_values_are_those_around_the_median() {
        let closest =
            |values: &[i64], kept| ColumnRule::Closest { kept }.apply(&mut values.to_vec(), 1);
        assert_eq!(closest(&[100, 0, 10, 12, 13], 3), (10 + 12 + 13) * ONE / 3 + 1);
        // 9 and 11 are equally far from 10: the smaller stays.
        assert_eq!(closest(&[11, 9, 10, 50, -50], 2), 19 * ONE / 2);
        assert_eq!(closest(&[5, 7], 1), 5 * ONE);
        assert_eq!(closest(&[5, 7, 9], 3), 7 * ONE);
    }

    #[test]
    fn rules_that_leave_nothing_are_refused() {
        assert_eq!(ColumnRule::Median.check(0), Err(Error::Empty));
        let trim = Error::Trim { k: 2, updates: 4 };
        assert_eq!(ColumnRule::Trimmed { k: 2 }.check(4), Err(trim));
        assert!(ColumnRule::Trimmed { k: 2 }.check(5).is_ok());
        let choose = Error::Choose { count: 4, max: 3 };
        assert_eq!(ColumnRule::Closest { kept: 4 }.check(3), Err(choose));
    }

    proptest! {
        #[test]
        fn over_a_denominator_of_one_they_are_the_plain_rules(
            values in prop::collection::vec(any::<i32>(), 1..20),
        ) {
            let rows: Vec<[i32; 1]> = values.iter().map(|&q| [q]).collect();
            let rows: Vec<&[i32]> = rows.iter().map(|row| row.as_slice()).collect();
            let column = || values.iter().map(|&q| i64::from(q)).collect::<Vec<_>>();
            let mut out = [0];
            crate::median(&rows, &mut out).unwrap();
            prop_assert_eq!(ColumnRule::Median.apply(&mut column(), 1), out[0]);
            let k = (values.len() - 1) / 2;
            crate::trimmed_mean(&rows, k, &mut out).unwrap();
            prop_assert_eq!(ColumnRule::Trimmed { k }.apply(&mut column(), 1), out[0]);
            let all = ColumnRule::Closest { kept: values.len() };
            crate::mean(&rows, None, &mut out).unwrap();
            prop_assert_eq!(all.apply(&mut column(), 1), out[0]);
        }
    }
}
