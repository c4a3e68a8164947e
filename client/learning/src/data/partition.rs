//! How one data set is divided among trainers, for experiments and the demo.

mod labels;
mod sizes;

use serde::{Deserialize, Serialize};

use super::{DataError, Dataset};
use crate::random::{Purpose, Seed, Stream};

/// A way to divide rows among trainers. Every row is in exactly one part, and no part is empty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Partition {
    /// Parts of equal size (±1), at random.
    Iid,
    /// The shares of each class are drawn from a Dirichlet distribution (Hsu, Qi and Brown 2019): parts
    /// differ in their labels and in their sizes.
    Dirichlet {
        /// The concentration: 0.1 is strong skew, 0.5 usual, 100 hardly any.
        alpha: f64,
        /// Rows that each part gets at least; those that lack some take from the largest.
        #[serde(default)]
        minimum: usize,
    },
    /// Parts of equal size (±1), the shares of the classes within each drawn from a Dirichlet
    /// distribution (Acar et al. 2021).
    InnerDirichlet {
        /// The concentration.
        alpha: f64,
    },
    /// So many labels in each part, the rows of a label in equal shares (±1) among the parts that have
    /// it.
    Pathological {
        /// Labels per part.
        labels: usize,
    },
    /// Rows sorted by label, cut into shards of equal size (±1), and so many shards dealt to each part
    /// (McMahan et al. 2017 deal two).
    Shards {
        /// Shards per part.
        per_part: usize,
    },
    /// Rows that belong together stay together: by [`Dataset::groups`]. With fewer parts than groups,
    /// each group goes to the part with the fewest rows, the largest group first.
    Natural,
    /// Random rows; sizes in proportion to 1, 2, 3, …
    Linear,
    /// Random rows; sizes in proportion to 1, 4, 9, …
    Square,
    /// Random rows; sizes in proportion to e, e², e³, …
    Exponential,
}

impl Dataset {
    /// Divides the rows: for each part the indices of its rows. The same seed gives the same parts;
    /// of the two Dirichlet ways, another platform's logarithm may move a row.
    ///
    /// Errors: no parts, too few rows for them, or a setting that the rows cannot meet.
    pub fn partition(
        &self,
        how: &Partition,
        parts: usize,
        seed: Seed,
    ) -> Result<Vec<Vec<usize>>, DataError> {
        self.check_parts(parts, 1)?;
        let parts = match *how {
            Partition::Iid => self.indices_iid(parts, seed),
            Partition::Dirichlet { alpha, minimum } => {
                self.indices_dirichlet(parts, alpha, minimum.max(1), seed)?
            }
            Partition::InnerDirichlet { alpha } => {
                labels::inner_dirichlet(self, parts, alpha, seed)?
            }
            Partition::Pathological { labels } => labels::pathological(self, parts, labels, seed)?,
            Partition::Shards { per_part } => labels::shards(self, parts, per_part, seed)?,
            Partition::Natural => labels::natural(self, parts)?,
            Partition::Linear => sizes::skewed(self.rows(), parts, sizes::linear, seed)?,
            Partition::Square => sizes::skewed(self.rows(), parts, sizes::square, seed)?,
            Partition::Exponential => sizes::skewed(self.rows(), parts, sizes::exponential, seed)?,
        };
        match parts.iter().position(Vec::is_empty) {
            None => Ok(parts),
            Some(part) => Err(DataError::Partition(format!(
                "part {} would be empty: choose fewer parts",
                part + 1
            ))),
        }
    }

    /// Divides the rows into `parts` of equal size (±1), at random: the IID case.
    pub fn partition_iid(&self, parts: usize, seed: Seed) -> Result<Vec<Self>, DataError> {
        self.check_parts(parts, 1)?;
        Ok(self.indices_iid(parts, seed).iter().map(|rows| self.subset(rows)).collect())
    }

    fn indices_iid(&self, parts: usize, seed: Seed) -> Vec<Vec<usize>> {
        cut(&Stream::new(&seed, Purpose::Partition, 0).permutation(self.rows()), parts)
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
        let divided = self.indices_dirichlet(parts, alpha, minimum, seed)?;
        Ok(divided.iter().map(|rows| self.subset(rows)).collect())
    }

    fn indices_dirichlet(
        &self,
        parts: usize,
        alpha: f64,
        minimum: usize,
        seed: Seed,
    ) -> Result<Vec<Vec<usize>>, DataError> {
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
        Ok(divided)
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

/// Cuts a list into parts of equal size (±1).
fn cut(rows: &[usize], parts: usize) -> Vec<Vec<usize>> {
    let bound = |part: usize| (rows.len() as u128 * part as u128 / parts.max(1) as u128) as usize;
    let slices = (0..parts).map(|part| rows.get(bound(part)..bound(part + 1)));
    slices.map(|slice| slice.unwrap_or_default().to_vec()).collect()
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
#[path = "partition/tests.rs"]
mod tests;
