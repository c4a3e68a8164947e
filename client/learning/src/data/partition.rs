//! How one data set is divided among trainers, for experiments and the demo.

use super::{DataError, Dataset};
use crate::random::{Purpose, Seed, Stream};

impl Dataset {
    /// Divides the rows into `parts` of equal size (±1), at random: the IID case.
    pub fn partition_iid(&self, parts: usize, seed: Seed) -> Result<Vec<Self>, DataError> {
        self.check_parts(parts, 1)?;
        let order = Stream::new(&seed, Purpose::Partition, 0).permutation(self.rows());
        let bound = |part: usize| self.rows() * part / parts;
        let slices = (0..parts).map(|part| order.get(bound(part)..bound(part + 1)));
        Ok(slices.map(|slice| self.subset(slice.unwrap_or_default())).collect())
    }

    /// Divides the rows into `parts` with skewed labels: the shares of each class are drawn from a
    /// Dirichlet(`alpha`) distribution (Hsu et al. 2019). Small alphas give each part few classes,
    /// large ones approach equal shares.
    ///
    /// Every row is in exactly one part. A part with fewer than `minimum` rows takes rows from the
    /// largest one. The parts follow from the seed; only a platform with another logarithm function
    /// may move a row.
    pub fn partition_dirichlet(
        &self,
        parts: usize,
        alpha: f64,
        minimum: usize,
        seed: Seed,
    ) -> Result<Vec<Self>, DataError> {
        self.check_parts(parts, minimum)?;
        if !(alpha.is_finite() && alpha > 0.0) {
            return Err(DataError::Alpha(alpha));
        }
        let mut stream = Stream::new(&seed, Purpose::Partition, 1);
        let mut divided: Vec<Vec<usize>> = vec![Vec::new(); parts];
        for class in 0..self.classes() {
            let labels = self.labels().iter().enumerate();
            let mut rows: Vec<usize> =
                labels.filter(|(_, label)| **label as usize == class).map(|(row, _)| row).collect();
            stream.shuffle(&mut rows);
            let shares = dirichlet(&mut stream, parts, alpha);
            let mut sum = 0.0;
            let mut start = 0;
            for (index, (part, share)) in divided.iter_mut().zip(&shares).enumerate() {
                sum += share;
                // The last part takes the rest, whatever the rounding of the sum.
                let end = match index + 1 == parts {
                    true => rows.len(),
                    false => ((rows.len() as f64 * sum) as usize).clamp(start, rows.len()),
                };
                part.extend_from_slice(rows.get(start..end).unwrap_or_default());
                start = end;
            }
        }
        top_up(&mut divided, minimum);
        for rows in &mut divided {
            stream.shuffle(rows);
        }
        Ok(divided.iter().map(|rows| self.subset(rows)).collect())
    }

    fn check_parts(&self, parts: usize, minimum: usize) -> Result<(), DataError> {
        let rows = self.rows();
        let enough = parts.checked_mul(minimum.max(1)).is_some_and(|needed| needed <= rows);
        if parts == 0 || !enough {
            return Err(DataError::TooFewRows { rows, parts, minimum });
        }
        Ok(())
    }
}

/// Shares that are positive and add up to one.
fn dirichlet(stream: &mut Stream, parts: usize, alpha: f64) -> Vec<f64> {
    let draws: Vec<f64> = (0..parts).map(|_| stream.gamma(alpha)).collect();
    let sum: f64 = draws.iter().sum();
    if sum > 0.0 {
        return draws.into_iter().map(|draw| draw / sum).collect();
    }
    // A tiny alpha can let all draws underflow: in the limit one part gets everything.
    let winner = stream.below(parts);
    (0..parts).map(|part| if part == winner { 1.0 } else { 0.0 }).collect()
}

/// Moves rows from the largest part until each has `minimum`; there are enough of them.
fn top_up(parts: &mut [Vec<usize>], minimum: usize) {
    for poor in 0..parts.len() {
        while parts.get(poor).is_some_and(|part| part.len() < minimum) {
            let Some(row) = parts.iter_mut().max_by_key(|part| part.len()).and_then(Vec::pop)
            else {
                return;
            };
            if let Some(part) = parts.get_mut(poor) {
                part.push(row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// Rows whose only feature is their number.
    fn rows(count: usize, classes: u32) -> Dataset {
        let features = (0..count).map(|row| row as f32).collect();
        let labels = (0..count as u32).map(|row| row % classes).collect();
        Dataset::new(features, labels, 1, classes as usize).unwrap()
    }

    fn covers(parts: &[Dataset], whole: &Dataset) -> bool {
        let mut all: Vec<f32> = parts.iter().flat_map(|part| part.features().to_vec()).collect();
        all.sort_by(f32::total_cmp);
        all == whole.features()
    }

    #[test]
    fn a_smaller_alpha_gives_more_skew() {
        let whole = rows(5_000, 10);
        // The mean share of a part's most frequent class.
        let skew = |alpha| {
            let parts = whole.partition_dirichlet(5, alpha, 10, [3; 32]).unwrap();
            let shares = parts
                .iter()
                .map(|part| *part.class_counts().iter().max().unwrap() as f64 / part.rows() as f64);
            shares.sum::<f64>() / 5.0
        };
        assert!(skew(0.1) > skew(1.0) && skew(1.0) > skew(100.0));
        assert!(skew(1_000.0) < 0.12);
    }

    #[test]
    fn impossible_requests_are_refused() {
        let whole = rows(10, 2);
        for (parts, minimum) in [(0, 1), (11, 0), (3, 4), (usize::MAX, 2)] {
            assert!(matches!(
                whole.partition_dirichlet(parts, 0.5, minimum, [0; 32]),
                Err(DataError::TooFewRows { .. })
            ));
        }
        for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(
                whole.partition_dirichlet(2, alpha, 1, [0; 32]),
                Err(DataError::Alpha(_))
            ));
        }
        assert!(whole.partition_iid(11, [0; 32]).is_err());
    }

    proptest! {
        #[test]
        fn every_row_is_in_exactly_one_part(
            count in 20..200_usize,
            classes in 1..6_u32,
            parts in 1..8_usize,
            alpha in prop_oneof![Just(1e-4), 0.01..5.0_f64],
            seed in any::<[u8; 32]>(),
        ) {
            let whole = rows(count, classes);
            let minimum = count / parts / 2;
            let skewed = whole.partition_dirichlet(parts, alpha, minimum, seed).unwrap();
            prop_assert_eq!(skewed.len(), parts);
            prop_assert!(covers(&skewed, &whole));
            prop_assert!(skewed.iter().all(|part| part.rows() >= minimum));
            prop_assert_eq!(
                &skewed,
                &whole.partition_dirichlet(parts, alpha, minimum, seed).unwrap()
            );
            let equal = whole.partition_iid(parts, seed).unwrap();
            prop_assert!(covers(&equal, &whole));
            prop_assert!(equal.iter().all(|part| part.rows().abs_diff(count / parts) <= 1));
        }
    }
}
