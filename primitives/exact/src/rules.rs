//! The aggregation rules. All work coordinate by coordinate on integers in units of `2^-f` and give
//! integers in units of `2^-(f + EXTRA_BITS)`, whatever the order of the updates.

use alloc::{vec, vec::Vec};

use crate::{EXTRA_BITS, Error, divide_half_even};

/// The largest total weight of a mean: sums of 32-bit integers then stay below 2^62.
pub const MAX_TOTAL_WEIGHT: u64 = (1 << 31) - 1;

/// `sum / denominator` in units of `2^-(f + EXTRA_BITS)`, rounded half to even.
pub fn fixed_point_mean(sum: i64, denominator: u64) -> i64 {
    let mean = divide_half_even(i128::from(sum) << EXTRA_BITS, denominator);
    // |sum| ≤ denominator · 2^31 for sums of encoded updates: 47 bits. Others saturate.
    i64::try_from(mean).unwrap_or(if mean < 0 { i64::MIN } else { i64::MAX })
}

/// A running sum of updates: the streaming form of [`mean`], in the memory of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    values: Vec<i64>,
    weight: u64,
}

impl Sum {
    /// An empty sum of updates with `length` weights.
    pub fn new(length: usize) -> Self {
        Self { values: vec![0; length], weight: 0 }
    }

    /// Adds an update `weight` times; 1 for everybody is the plain mean.
    ///
    /// Fails with [`Error::Weights`] for a weight of zero or when the total would exceed
    /// [`MAX_TOTAL_WEIGHT`], and with [`Error::Length`] for another number of weights; the sum is
    /// then unchanged.
    pub fn add(&mut self, update: &[i32], weight: u32) -> Result<(), Error> {
        let total = self.weight + u64::from(weight);
        if weight == 0 || total > MAX_TOTAL_WEIGHT {
            return Err(Error::Weights);
        }
        self.accumulate(update, i64::from(weight))?;
        self.weight = total;
        Ok(())
    }

    /// Takes out an update that was added with the same weight.
    ///
    /// Fails with [`Error::Weights`] if less than `weight` is in the sum.
    pub fn remove(&mut self, update: &[i32], weight: u32) -> Result<(), Error> {
        let rest = self.weight.checked_sub(u64::from(weight)).ok_or(Error::Weights)?;
        self.accumulate(update, -i64::from(weight))?;
        self.weight = rest;
        Ok(())
    }

    fn accumulate(&mut self, update: &[i32], factor: i64) -> Result<(), Error> {
        if update.len() != self.values.len() {
            return Err(Error::Length { expected: self.values.len(), found: update.len() });
        }
        for (sum, &q) in self.values.iter_mut().zip(update) {
            *sum += i64::from(q) * factor;
        }
        Ok(())
    }

    /// The sums, in units of `2^-f`.
    pub fn values(&self) -> &[i64] {
        &self.values
    }

    /// The total weight that was added.
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// The weighted mean, in units of `2^-(f + EXTRA_BITS)`. Fails with [`Error::Empty`].
    pub fn mean(&self) -> Result<Vec<i64>, Error> {
        if self.weight == 0 {
            return Err(Error::Empty);
        }
        Ok(self.values.iter().map(|&sum| fixed_point_mean(sum, self.weight)).collect())
    }
}

/// The mean of one chunk of every update, equally weighted or by `weights`.
///
/// `updates`: `[updates][chunk]`, `out`: `[chunk]`. A weight above a task's cap is the caller's to
/// cap. Fails like [`Sum::add`], and with [`Error::Empty`] or [`Error::Length`].
pub fn mean(updates: &[&[i32]], weights: Option<&[u32]>, out: &mut [i64]) -> Result<(), Error> {
    check_lengths(updates, out)?;
    if weights.is_some_and(|weights| weights.len() != updates.len()) {
        return Err(Error::Weights);
    }
    let mut sum = Sum::new(out.len());
    for (index, update) in updates.iter().enumerate() {
        let weight = weights.and_then(|weights| weights.get(index).copied()).unwrap_or(1);
        sum.add(update, weight)?;
    }
    for (out, &total) in out.iter_mut().zip(&sum.values) {
        *out = fixed_point_mean(total, sum.weight);
    }
    Ok(())
}

/// The coordinate-wise median of one chunk of every update; with an even number of updates the mean
/// of the two middle values, which is exact. (Yin et al. 2018.)
///
/// `updates`: `[updates][chunk]`, `out`: `[chunk]`. Fails with [`Error::Empty`] or [`Error::Length`].
pub fn median(updates: &[&[i32]], out: &mut [i64]) -> Result<(), Error> {
    check_lengths(updates, out)?;
    let middle = updates.len() / 2;
    let lower = if updates.len().is_multiple_of(2) { middle - 1 } else { middle };
    for_sorted_columns(updates, out, |column| match (column.get(lower), column.get(middle)) {
        (Some(&a), Some(&b)) => (i64::from(a) + i64::from(b)) << (EXTRA_BITS - 1),
        // Unreachable: a column has one value per update, and there is at least one.
        _ => 0,
    });
    Ok(())
}

/// The coordinate-wise mean without the `k` smallest and the `k` largest values. (Yin et al. 2018.)
///
/// `updates`: `[updates][chunk]`, `out`: `[chunk]`. Fails with [`Error::Trim`] unless `2k` is below
/// the number of updates, and with [`Error::Empty`] or [`Error::Length`].
pub fn trimmed_mean(updates: &[&[i32]], k: usize, out: &mut [i64]) -> Result<(), Error> {
    check_lengths(updates, out)?;
    let kept = k
        .checked_mul(2)
        .and_then(|dropped| updates.len().checked_sub(dropped))
        .filter(|&kept| kept > 0)
        .ok_or(Error::Trim { k, updates: updates.len() })?;
    for_sorted_columns(updates, out, |column| {
        let sum = column.iter().skip(k).take(kept).map(|&q| i64::from(q)).sum();
        fixed_point_mean(sum, kept as u64)
    });
    Ok(())
}

fn for_sorted_columns(updates: &[&[i32]], out: &mut [i64], rule: impl Fn(&[i32]) -> i64) {
    let mut column = Vec::with_capacity(updates.len());
    for (index, out) in out.iter_mut().enumerate() {
        column.clear();
        column.extend(updates.iter().filter_map(|update| update.get(index)));
        column.sort_unstable();
        *out = rule(&column);
    }
}

fn check_lengths(updates: &[&[i32]], out: &[i64]) -> Result<(), Error> {
    if updates.is_empty() {
        return Err(Error::Empty);
    }
    match updates.iter().find(|update| update.len() != out.len()) {
        Some(update) => Err(Error::Length { expected: out.len(), found: update.len() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const ONE: i64 = 1 << EXTRA_BITS;

    type Rule = fn(&[&[i32]], &mut [i64]) -> Result<(), Error>;
    const RULES: [Rule; 4] = [
        |updates, out| mean(updates, None, out),
        median,
        |updates, out| trimmed_mean(updates, 0, out),
        |updates, out| trimmed_mean(updates, (updates.len() - 1) / 2, out),
    ];

    fn run(rule: Rule, updates: &[Vec<i32>]) -> Vec<i64> {
        let mut out = vec![0; updates[0].len()];
        let slices: Vec<&[i32]> = updates.iter().map(Vec::as_slice).collect();
        rule(&slices, &mut out).unwrap();
        out
    }

    #[test]
    fn the_rules_on_a_column_that_can_be_checked_by_hand() {
        let updates: [&[i32]; 4] = [&[1], &[100], &[2], &[5]];
        let mut out = [0];
        mean(&updates, None, &mut out).unwrap();
        assert_eq!(out, [27 * ONE]);
        median(&updates, &mut out).unwrap();
        assert_eq!(out, [7 * ONE / 2]);
        trimmed_mean(&updates, 1, &mut out).unwrap();
        assert_eq!(out, [7 * ONE / 2]);
        mean(&updates, Some(&[1, 1, 4, 2]), &mut out).unwrap();
        assert_eq!(out, [119 * ONE / 8]);
    }

    #[test]
    fn impossible_requests_are_refused() {
        let mut out = [0];
        assert_eq!(mean(&[], None, &mut out), Err(Error::Empty));
        assert_eq!(median(&[&[1, 2]], &mut out), Err(Error::Length { expected: 1, found: 2 }));
        assert_eq!(trimmed_mean(&[&[1], &[2]], 1, &mut out), Err(Error::Trim { k: 1, updates: 2 }));
        assert_eq!(
            trimmed_mean(&[&[1]], usize::MAX, &mut out),
            Err(Error::Trim { k: usize::MAX, updates: 1 })
        );
        assert_eq!(mean(&[&[1], &[2]], Some(&[1]), &mut out), Err(Error::Weights));
        assert_eq!(mean(&[&[1]], Some(&[0]), &mut out), Err(Error::Weights));
        assert_eq!(mean(&[&[1], &[1]], Some(&[u32::MAX, 1]), &mut out), Err(Error::Weights));
    }

    #[test]
    fn the_largest_sum_does_not_overflow() {
        let mut out = [0];
        let weight = MAX_TOTAL_WEIGHT as u32;
        mean(&[&[i32::MIN]], Some(&[weight]), &mut out).unwrap();
        assert_eq!(out, [i64::from(i32::MIN) * ONE]);
    }

    proptest! {
        #[test]
        fn the_order_of_the_updates_does_not_matter(
            (updates, shuffled) in (1..9_usize, 1..6_usize)
                .prop_flat_map(|(n, d)| prop::collection::vec(
                    prop::collection::vec(any::<i32>(), d), n))
                .prop_flat_map(|updates| (Just(updates.clone()), Just(updates).prop_shuffle())),
        ) {
            for rule in RULES {
                prop_assert_eq!(run(rule, &updates), run(rule, &shuffled));
            }
        }

        #[test]
        fn an_aggregate_lies_between_the_smallest_and_the_largest_value(
            updates in prop::collection::vec(prop::collection::vec(any::<i32>(), 1), 1..12),
        ) {
            let values: Vec<i64> = updates.iter().map(|u| i64::from(u[0]) * ONE).collect();
            for rule in RULES {
                let out = run(rule, &updates)[0];
                prop_assert!(*values.iter().min().unwrap() <= out);
                prop_assert!(out <= *values.iter().max().unwrap());
            }
        }

        #[test]
        fn equal_updates_are_their_own_aggregate(q in any::<i32>(), n in 1..9_usize) {
            for rule in RULES {
                prop_assert_eq!(run(rule, &vec![vec![q]; n]), vec![i64::from(q) * ONE]);
            }
        }

        #[test]
        fn weights_are_repetitions(
            updates in prop::collection::vec((any::<i32>(), 1..5_u32), 1..6),
        ) {
            let repeated: Vec<Vec<i32>> = updates
                .iter()
                .flat_map(|&(q, weight)| vec![vec![q]; weight as usize])
                .collect();
            let mut sum = Sum::new(1);
            for &(q, weight) in &updates {
                sum.add(&[q], weight).unwrap();
            }
            prop_assert_eq!(sum.mean().unwrap(), run(RULES[0], &repeated));
        }

        #[test]
        fn what_is_removed_leaves_no_trace(a in any::<i32>(), b in any::<i32>(), w in 1..99_u32) {
            let mut sum = Sum::new(1);
            sum.add(&[a], 3).unwrap();
            let before = sum.clone();
            sum.add(&[b], w).unwrap();
            sum.remove(&[b], w).unwrap();
            prop_assert_eq!(&sum, &before);
            prop_assert_eq!(sum.remove(&[a], 4), Err(Error::Weights));
        }

        #[test]
        fn a_minority_cannot_move_the_median_past_the_others(
            honest in prop::collection::vec(-100..100_i32, 3..8),
            hostile in any::<i32>(),
        ) {
            let mut updates: Vec<Vec<i32>> = honest.iter().map(|&q| vec![q]).collect();
            updates.extend(vec![vec![hostile]; honest.len() - 1]);
            let out = run(median, &updates)[0];
            prop_assert!(out >= i64::from(*honest.iter().min().unwrap()) * ONE);
            prop_assert!(out <= i64::from(*honest.iter().max().unwrap()) * ONE);
        }

        #[test]
        fn division_rounds_half_to_even(n in any::<i32>(), d in 1..1_000_u64) {
            let exact = f64::from(n) / d as f64;
            prop_assert_eq!(divide_half_even(i128::from(n), d), exact.round_ties_even() as i128);
        }
    }
}
