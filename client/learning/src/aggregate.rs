//! The next model from the accepted updates: the same bytes on every machine, in whatever order the
//! updates come.

use std::io;

use decentralml_exact::{self as exact, Encoding, Sum};
use serde::{Deserialize, Serialize};

use crate::{
    update::Update,
    updates::{self, Updates},
    weights::{Weights, WeightsError},
};

/// How updates become one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The mean, everybody counting equally (McMahan et al. 2017).
    Mean,
    /// The coordinate-wise mean without the `k` smallest and largest values (Yin et al. 2018).
    TrimmedMean {
        /// Values to drop at each end; `2k` must be below the number of updates.
        k: usize,
    },
    /// The coordinate-wise median (Yin et al. 2018).
    Median,
}

/// Why there is no next model.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// An update to another model, or in another encoding than the first.
    #[error("update {0} belongs to another model or has another encoding")]
    Mismatch(usize),
    /// No updates, or too few for the rule.
    #[error(transparent)]
    Rule(#[from] exact::Error),
    /// The step leads out of the range of `f32`.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// An update cannot be read back.
    #[error("an update cannot be read: {0}")]
    Read(#[from] io::Error),
}

/// Coordinates that are aggregated at a time: what an order statistic needs per update.
const CHUNK: usize = 4_096;

/// `base + rule(updates)`, of updates in memory.
pub fn aggregate(
    base: &Weights,
    updates: &[&Update],
    rule: Rule,
) -> Result<Weights, AggregateError> {
    aggregate_from(base, updates, rule)
}

/// `base + rule(updates)`, of updates wherever they are.
///
/// Takes memory for the base, the next model, and a few thousand integers of each update, whatever
/// the rule.
pub fn aggregate_from<U: Updates + ?Sized>(
    base: &Weights,
    updates: &U,
    rule: Rule,
) -> Result<Weights, AggregateError> {
    let encoding = updates::encoding(updates, base.parameters());
    let encoding = encoding.map_err(AggregateError::Mismatch)?.ok_or(exact::Error::Empty)?;
    let mut next = Vec::with_capacity(base.values().len());
    let mut aggregate = vec![0; CHUNK];
    let mut rows = vec![vec![0; CHUNK]; updates.count()];
    for (chunk, weights) in base.values().chunks(CHUNK).enumerate() {
        aggregate.truncate(weights.len());
        for (index, row) in rows.iter_mut().enumerate() {
            row.truncate(weights.len());
            updates.read(index, chunk * CHUNK, row)?;
        }
        let columns: Vec<&[i32]> = rows.iter().map(Vec::as_slice).collect();
        match rule {
            Rule::Mean => exact::mean(&columns, None, &mut aggregate)?,
            Rule::TrimmedMean { k } => exact::trimmed_mean(&columns, k, &mut aggregate)?,
            Rule::Median => exact::median(&columns, &mut aggregate)?,
        }
        next.extend(step(weights, &aggregate, encoding));
    }
    Ok(base.with_values(next)?)
}

fn step(weights: &[f32], aggregate: &[i64], encoding: Encoding) -> impl Iterator<Item = f32> {
    let pairs = weights.iter().zip(aggregate);
    pairs.map(move |(&w, &mean)| exact::apply(w, mean, encoding.fraction_bits()))
}

/// The mean of any number of updates in the memory of one model.
pub struct MeanAggregate {
    base: Weights,
    encoding: Encoding,
    sum: Sum,
    count: usize,
}

impl MeanAggregate {
    /// Starts from the round's base model.
    pub fn new(base: Weights, encoding: Encoding) -> Self {
        let sum = Sum::new(base.values().len());
        Self { base, encoding, sum, count: 0 }
    }

    /// Takes in one update, which may then be dropped.
    pub fn add(&mut self, update: &Update) -> Result<(), AggregateError> {
        if update.encoding() != self.encoding || update.parameters() != self.base.parameters() {
            return Err(AggregateError::Mismatch(self.count));
        }
        self.sum.add(update.values(), 1)?;
        self.count += 1;
        Ok(())
    }

    /// The next model; the same as [`aggregate`] with [`Rule::Mean`].
    pub fn finish(self) -> Result<Weights, AggregateError> {
        let next = step(self.base.values(), &self.sum.mean()?, self.encoding).collect();
        Ok(self.base.with_values(next)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::ModelSpec;

    fn updates(count: u8) -> (Weights, Vec<Update>) {
        let spec = ModelSpec::mlp(64, &[80], 10);
        let encoding = Encoding::new(16, 12, 8_191).unwrap();
        let base = Weights::init(&spec, [0; 32]);
        let updates = (1..=count)
            .map(|seed| {
                Update::from_delta(&base, &Weights::init(&spec, [seed; 32]), encoding).unwrap()
            })
            .collect();
        (base, updates)
    }

    const RULES: [Rule; 3] = [Rule::Mean, Rule::TrimmedMean { k: 1 }, Rule::Median];

    #[test]
    fn the_order_of_the_updates_does_not_change_a_byte() {
        let (base, updates) = updates(5);
        assert!(base.values().len() > CHUNK, "more than one chunk is needed to test the chunks");
        for rule in RULES {
            let forward: Vec<&Update> = updates.iter().collect();
            let backward: Vec<&Update> = updates.iter().rev().collect();
            let next = aggregate(&base, &forward, rule).unwrap();
            assert_eq!(next.to_bytes(), aggregate(&base, &backward, rule).unwrap().to_bytes());
            assert_ne!(next, base);
        }
    }

    #[test]
    fn streaming_gives_the_same_mean() {
        let (base, updates) = updates(4);
        let mut stream = MeanAggregate::new(base.clone(), updates[0].encoding());
        updates.iter().rev().for_each(|update| stream.add(update).unwrap());
        let all: Vec<&Update> = updates.iter().collect();
        assert_eq!(stream.finish().unwrap(), aggregate(&base, &all, Rule::Mean).unwrap());
    }

    #[test]
    fn one_update_leads_to_the_trained_weights_within_one_unit() {
        let (base, updates) = updates(1);
        let trained = Weights::init(&ModelSpec::mlp(64, &[80], 10), [1; 32]);
        for rule in [Rule::Mean, Rule::Median] {
            let next = aggregate(&base, &[&updates[0]], rule).unwrap();
            for (a, b) in next.values().iter().zip(trained.values()) {
                assert!((a - b).abs() <= 0.5001 / 4_096.0);
            }
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let (base, updates) = updates(2);
        let other = Update::zero(&ModelSpec::mlp(64, &[81], 10), updates[0].encoding());
        assert!(matches!(aggregate(&base, &[], Rule::Mean), Err(AggregateError::Rule(_))));
        assert!(matches!(
            aggregate(&base, &[&updates[0], &other], Rule::Mean),
            Err(AggregateError::Mismatch(1))
        ));
        assert!(matches!(
            aggregate(&base, &[&updates[0], &updates[1]], Rule::TrimmedMean { k: 1 }),
            Err(AggregateError::Rule(exact::Error::Trim { k: 1, updates: 2 }))
        ));
        assert!(MeanAggregate::new(base, updates[0].encoding()).finish().is_err());
    }
}
