//! What each update of a round is worth: Shapley values of the updates on a bounded held-out utility.
//!
//! A coalition S of the round's n updates is valued as `U(w + Σ_S u / n)`, with n fixed whatever S.
//! The textbook's mean over S would pay a free-rider, whose empty update shortens the step; with the
//! fixed denominator an empty update is worth exactly nothing.

use std::{collections::HashMap, io};

use decentralml_exact::{self as exact, Sum, apply, divide_half_even, fixed_point_mean};

use crate::{
    evaluate::{EvaluateError, Evaluator},
    random::{Purpose, Seed, Stream},
    update::Update,
    updates::{self, Updates},
    weights::{Weights, WeightsError},
};

/// Up to this many updates all 2^n coalitions are evaluated; above, permutations are drawn.
pub const EXACT_LIMIT: usize = 8;

/// How the values of more than [`EXACT_LIMIT`] updates are estimated. All seats must use the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShapleyOptions {
    /// Permutations to draw. A round of n updates costs at most `n · permutations + 2` evaluations;
    /// the standard error of a value falls with their square root.
    pub permutations: u32,
    /// A permutation ends early once its coalition is this near to the utility of all, in nats: the
    /// rest then count as zero (truncation; Ghorbani and Zou 2019). Kept tiny by default, since a
    /// hostile update may still follow where the honest ones have already reached the utility of
    /// all.
    pub tolerance: f64,
}

impl Default for ShapleyOptions {
    /// 128 permutations, a tolerance of 10⁻⁶ nats.
    fn default() -> Self {
        Self { permutations: 128, tolerance: 1e-6 }
    }
}

/// Why updates cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum ContributionError {
    /// An update to another model, or in another encoding than the first.
    #[error("update {0} belongs to another model or has another encoding")]
    Mismatch(usize),
    /// No permutations to average over.
    #[error("at least one permutation is needed")]
    NoPermutations,
    /// A utility that is NaN or infinite, or beyond ±10⁹ nats.
    #[error("a coalition's utility is not a number within ±10⁹ nats: {0}")]
    Utility(f64),
    /// The sum of the updates cannot be taken.
    #[error(transparent)]
    Exact(#[from] exact::Error),
    /// A coalition's model cannot be evaluated.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// An update cannot be read back.
    #[error("an update cannot be read: {0}")]
    Read(#[from] io::Error),
}

/// The coalitions of a round's updates, valued on held-out rows, in the memory of a few models
/// whatever the number of updates.
pub struct Coalitions<'a, U: Updates + ?Sized> {
    evaluator: &'a Evaluator,
    base: &'a Weights,
    updates: &'a U,
    sum: Sum,
    members: Vec<bool>,
    /// The integers of the update that joins or leaves.
    values: Vec<i32>,
}

impl<'a, U: Updates + ?Sized> Coalitions<'a, U> {
    /// The coalitions of `updates` to the model `base`.
    pub fn new(
        evaluator: &'a Evaluator,
        base: &'a Weights,
        updates: &'a U,
    ) -> Result<Self, ContributionError> {
        updates::encoding(updates, base.parameters()).map_err(ContributionError::Mismatch)?;
        let weights = base.values().len();
        Ok(Self {
            evaluator,
            base,
            updates,
            sum: Sum::new(weights),
            members: vec![false; updates.count()],
            values: vec![0; weights],
        })
    }

    /// The coalition's model, `w + Σ_S q / (n · 2^f)`, exact up to one rounding per weight.
    ///
    /// Who joins or leaves since the last call is added or subtracted as integers, so neither the
    /// order of the calls nor their number changes a bit.
    pub fn model(&mut self, members: &[bool]) -> Result<Weights, ContributionError> {
        let wanted = members.iter().filter(|&&member| member).count();
        let changes = members.iter().zip(&self.members).filter(|(new, old)| new != old).count();
        if wanted < changes {
            // Fewer have to be read from the start than from where the last coalition was.
            self.sum = Sum::new(self.base.values().len());
            self.members.fill(false);
        }
        let present = self.members.iter_mut().zip(members).enumerate();
        for (index, (present, &wanted)) in present.filter(|(_, (old, new))| **old != **new) {
            self.updates.read(index, 0, &mut self.values)?;
            match wanted {
                true => self.sum.add(&self.values, 1)?,
                false => self.sum.remove(&self.values, 1)?,
            }
            *present = wanted;
        }
        let n = self.updates.count() as u64;
        let fraction_bits =
            self.updates.kind(0).map_or(0, |(_, encoding)| encoding.fraction_bits());
        let weights = self.base.values().iter().zip(self.sum.values());
        let weights =
            weights.map(|(&w, &sum)| apply(w, fixed_point_mean(sum, n), fraction_bits)).collect();
        Ok(self.base.with_values(weights).map_err(EvaluateError::from)?)
    }

    /// The coalition's utility, in nats: [`crate::Metrics::utility`]. A coalition whose weights
    /// leave the range of `f32` is worth a blind guess.
    pub fn utility(&mut self, members: &[bool]) -> Result<f64, ContributionError> {
        match self.model(members) {
            Ok(model) => Ok(self.evaluator.evaluate(&model)?.utility),
            Err(ContributionError::Evaluate(EvaluateError::Weights(WeightsError::NotFinite {
                ..
            }))) => Ok(self.evaluator.spec().blind_utility()),
            Err(error) => Err(error),
        }
    }
}

/// The contributions of a round's updates, in micro-nats, in their order.
///
/// The seed is the round's, so that every seat evaluates the same permutations.
pub fn score_updates(
    evaluator: &Evaluator,
    base: &Weights,
    updates: &[&Update],
    seed: Seed,
    options: &ShapleyOptions,
) -> Result<Vec<i64>, ContributionError> {
    let mut coalitions = Coalitions::new(evaluator, base, updates)?;
    shapley(updates.len(), seed, options, |members| coalitions.utility(members))
}

/// Shapley values, in micro-nats, of `players` under a utility in nats.
///
/// Exact up to [`EXACT_LIMIT`] players, estimated from the seed's permutations above. Utilities are
/// taken to the nano-nat; from there the arithmetic is in integers, so equal utilities give equal
/// values on every machine and a player who never changes the utility gets exactly 0. Each
/// coalition is evaluated once.
pub fn shapley<E: From<ContributionError>>(
    players: usize,
    seed: Seed,
    options: &ShapleyOptions,
    utility: impl FnMut(&[bool]) -> Result<f64, E>,
) -> Result<Vec<i64>, E> {
    let mut game = Game { utility, known: HashMap::new() };
    if players <= EXACT_LIMIT {
        exact_values(players, &mut game)
    } else {
        sampled_values(players, seed, options, &mut game)
    }
}

const NANO: f64 = 1e9;
const NANO_PER_MICRO: u64 = 1_000;

/// A utility that remembers what it has seen, in nano-nats.
struct Game<F> {
    utility: F,
    known: HashMap<Vec<bool>, i64>,
}

impl<F> Game<F> {
    fn value<E: From<ContributionError>>(&mut self, members: &[bool]) -> Result<i64, E>
    where
        F: FnMut(&[bool]) -> Result<f64, E>,
    {
        if let Some(&value) = self.known.get(members) {
            return Ok(value);
        }
        let nats = (self.utility)(members)?;
        if nats.is_nan() || nats.abs() > 1e9 {
            return Err(ContributionError::Utility(nats).into());
        }
        let value = (nats * NANO).round() as i64;
        self.known.insert(members.to_vec(), value);
        Ok(value)
    }
}

/// `φ_i = Σ_S |S|! (n − |S| − 1)! / n! · (U(S ∪ i) − U(S))`, with the factorials in integers.
fn exact_values<E: From<ContributionError>>(
    players: usize,
    game: &mut Game<impl FnMut(&[bool]) -> Result<f64, E>>,
) -> Result<Vec<i64>, E> {
    let mut values = vec![0_i64; 1 << players];
    for step in 0..1_usize << players {
        // In Gray code one player joins or leaves at a time, which makes the sums cheap.
        let mask = step ^ (step >> 1);
        let members: Vec<bool> = (0..players).map(|player| mask >> player & 1 == 1).collect();
        if let Some(value) = values.get_mut(mask) {
            *value = game.value(&members)?;
        }
    }
    let factorial = |n: usize| (1..=n as u64).product::<u64>();
    let all = factorial(players);
    let value = |mask: usize| values.get(mask).copied().map_or(0, i128::from);
    let contributions = (0..players).map(|player| {
        let own = 1 << player;
        let without = (0..1_usize << players).filter(|mask| mask & own == 0);
        let weighted: i128 = without
            .map(|mask| {
                let size = mask.count_ones() as usize;
                let weight = factorial(size) * factorial(players - size - 1);
                i128::from(weight) * (value(mask | own) - value(mask))
            })
            .sum();
        micro(weighted, all)
    });
    Ok(contributions.collect())
}

/// The mean of the marginal contributions over the seed's permutations.
fn sampled_values<E: From<ContributionError>>(
    players: usize,
    seed: Seed,
    options: &ShapleyOptions,
    game: &mut Game<impl FnMut(&[bool]) -> Result<f64, E>>,
) -> Result<Vec<i64>, E> {
    if options.permutations == 0 {
        return Err(ContributionError::NoPermutations.into());
    }
    let tolerance = (options.tolerance.max(0.0) * NANO) as u64;
    let nobody = game.value(&vec![false; players])?;
    let everybody = game.value(&vec![true; players])?;
    let mut sums = vec![0_i128; players];
    for index in 0..options.permutations {
        let mut members = vec![false; players];
        let mut before = nobody;
        for player in Stream::new(&seed, Purpose::Permutation, index).permutation(players) {
            if before.abs_diff(everybody) < tolerance {
                break;
            }
            if let (Some(member), Some(sum)) = (members.get_mut(player), sums.get_mut(player)) {
                *member = true;
                let after = game.value(&members)?;
                *sum += i128::from(after) - i128::from(before);
                before = after;
            }
        }
    }
    Ok(sums.into_iter().map(|sum| micro(sum, u64::from(options.permutations))).collect())
}

/// `nano / denominator` in micro-nats, rounded half to even.
fn micro(nano: i128, denominator: u64) -> i64 {
    // Utilities are within ±10^18 nano-nats, so their weighted differences are within ±2·10^15 micro-nats.
    let micro = divide_half_even(nano, denominator * NANO_PER_MICRO);
    i64::try_from(micro).unwrap_or(if micro < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
#[path = "contribution/tests.rs"]
mod tests;
