//! The next model from the accepted updates: the same bytes on every machine, in whatever order the
//! updates come.

mod engine;
mod gram;
mod rows;
mod select;
mod sums;

use std::io;

pub use decentralml_exact::robust::Rule;
use decentralml_exact::{self as exact, Blend, Distances, Encoding, Sum, decode_mean};
use serde::{Deserialize, Serialize};

use crate::{
    model::Parameter,
    random::Seed,
    update::Update,
    updates::{self, Updates},
    weights::{Weights, WeightsError},
};
use engine::Engine;

/// What happens to the updates before the rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// Nothing.
    #[default]
    Nothing,
    /// Each update is replaced by the mean of those nearest to it, itself included, as many as there
    /// are honest ones (Allouah et al. 2023).
    NearestNeighbors {
        /// Hostile updates to bear: fewer than half.
        hostile: usize,
    },
    /// Updates are replaced by means of buckets (Karimireddy et al. 2022).
    Buckets {
        /// Updates per bucket, 1 to 64.
        size: usize,
        /// What decides who shares a bucket: not to be known before the updates are fixed.
        seed: Seed,
    },
}

/// All that decides how updates become one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregation {
    /// What happens before the rule.
    pub before: Before,
    /// The rule.
    pub rule: Rule,
    /// What each update counts, in their order; for [`Rule::Mean`] alone. [`Blend::nova`] gives the
    /// counts of FedNova.
    pub counts: Option<Blend>,
}

impl From<Rule> for Aggregation {
    fn from(rule: Rule) -> Self {
        Self { before: Before::Nothing, rule, counts: None }
    }
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

/// `base + rule(updates)`, of updates in memory.
pub fn aggregate(
    base: &Weights,
    updates: &[&Update],
    rule: Rule,
) -> Result<Weights, AggregateError> {
    aggregate_from(base, updates, rule)
}

/// `base + rule(updates)`, of updates wherever they are.
pub fn aggregate_from<U: Updates + ?Sized>(
    base: &Weights,
    updates: &U,
    rule: Rule,
) -> Result<Weights, AggregateError> {
    aggregate_with(base, updates, &rule.into())
}

/// `base + change`, by any rule, with what happens before it.
///
/// Runs on the threads of the current rayon pool; their number changes nothing. Takes memory for the
/// base, the next model and at most 256 MB, whatever the number of updates and the rule.
pub fn aggregate_with<U: Updates + ?Sized>(
    base: &Weights,
    updates: &U,
    how: &Aggregation,
) -> Result<Weights, AggregateError> {
    let encoding = updates::encoding(updates, base.parameters());
    let encoding = encoding.map_err(AggregateError::Mismatch)?.ok_or(exact::Error::Empty)?;
    let length = base.values().len();
    let engine = Engine::new(updates, length, encoding, how)?;
    let mut next = vec![0.0; length];
    let unit = unit(encoding);
    // The operations of `exact::apply`: scaling by a power of two is exact either way.
    engine.run(&mut next, |start, change, next| {
        let weights = base.values().get(start..).unwrap_or_default();
        for (next, (weight, change)) in next.iter_mut().zip(weights.iter().zip(change)) {
            *next = (f64::from(*weight) + change * unit) as f32;
        }
    })?;
    Ok(base.with_values(next)?)
}

/// The change of each weight that updates come down to, before it is applied: what
/// [server optimizers](crate::server) work with.
pub fn change_of<U: Updates + ?Sized>(
    parameters: &[Parameter],
    updates: &U,
    how: &Aggregation,
) -> Result<Vec<f64>, AggregateError> {
    let encoding = updates::encoding(updates, parameters);
    let encoding = encoding.map_err(AggregateError::Mismatch)?.ok_or(exact::Error::Empty)?;
    let length = parameters.iter().map(Parameter::count).sum();
    let engine = Engine::new(updates, length, encoding, how)?;
    let mut all = vec![0.0; length];
    let unit = unit(encoding);
    engine.run(&mut all, |_, change, out| {
        out.iter_mut().zip(change).for_each(|(out, change)| *out = change * unit);
    })?;
    Ok(all)
}

/// The distances between updates, whatever rule is to follow: in one pass over them, on the threads of the current rayon pool and in
/// at most 256 MB. `n² · d / 2` products for `n` updates of `d` weights; 16 or 8 bits are several times as fast as 32.
pub fn distances<U: Updates + ?Sized>(
    parameters: &[Parameter],
    updates: &U,
) -> Result<Distances, AggregateError> {
    let encoding = updates::encoding(updates, parameters);
    let encoding = encoding.map_err(AggregateError::Mismatch)?.ok_or(exact::Error::Empty)?;
    gram::check(updates.count())?;
    let length = parameters.iter().map(Parameter::count).sum();
    gram::distances(updates, length, updates::width(encoding), encoding.clip())
}

/// `base + change`, where `change` is what [`change_of`] has made of updates: the same bytes as [`aggregate_with`] of these, for whoever
/// needs the change for more than that.
pub fn add_change(base: &Weights, change: &[f64]) -> Result<Weights, AggregateError> {
    let pairs = base.values().iter().zip(change);
    let next = pairs.map(|(weight, change)| (f64::from(*weight) + change) as f32).collect();
    Ok(base.with_values(next)?)
}

/// What an aggregate of one stands for.
fn unit(encoding: Encoding) -> f64 {
    decode_mean(1, encoding.fraction_bits())
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
mod tests;
