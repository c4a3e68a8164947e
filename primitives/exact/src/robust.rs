//! The rules that look at updates as a whole, and what may happen before any rule.
//!
//! ```text
//!  all weights, chunk by chunk ──► Survey ──Plan::new──► Plan ──► all weights again, chunk by chunk
//!                                  order, distances      what to do with each weight
//! ```

use alloc::{vec, vec::Vec};

use crate::{
    Blend, ColumnRule, Distances, EXTRA_BITS, Error, Mix, Order, centered_clipping,
    divide_half_even, geometric_median, krum,
};

/// How updates become one step, hostile ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Rule {
    /// The mean, everybody counting equally (McMahan et al. 2017).
    Mean,
    /// The coordinate-wise median (Yin et al. 2018).
    Median,
    /// The coordinate-wise mean without the `k` smallest and largest values (Yin et al. 2018).
    TrimmedMean {
        /// Values to drop at each end; `2k` must be below the number of updates.
        k: usize,
    },
    /// The update in the middle of the crowd (Blanchard et al. 2017).
    Krum {
        /// Hostile updates that it has to bear; there must be `2 · hostile + 3` updates.
        hostile: usize,
    },
    /// The mean of the updates with the best Krum scores (Blanchard et al. 2017).
    MultiKrum {
        /// Hostile updates that it has to bear; there must be `2 · hostile + 3` updates.
        hostile: usize,
        /// Updates to keep, at most all but the hostile.
        kept: usize,
    },
    /// Of the `n − 2 · hostile` updates that multi-Krum chooses, the mean of each weight's
    /// `n − 4 · hostile` values closest to their median (El Mhamdi et al. 2018).
    Bulyan {
        /// Hostile updates that it has to bear; there must be `4 · hostile + 3` updates.
        hostile: usize,
    },
    /// The point with the smallest sum of distances (Pillutla et al. 2022), see [`geometric_median`].
    GeometricMedian {
        /// Steps of Weiszfeld's method, 1 to 64.
        steps: u8,
    },
    /// The mean of updates cut to a radius (Karimireddy et al. 2021), see [`centered_clipping`].
    CenteredClipping {
        /// The radius, in units of `2^-f`.
        radius: u64,
        /// Estimates that follow each other, 1 to 64.
        steps: u8,
    },
}

/// What happens to the updates before the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// [`Mix::nearest_neighbors`].
    NearestNeighbors {
        /// Hostile updates that it has to bear: fewer than half.
        hostile: usize,
    },
    /// [`Mix::buckets`].
    Buckets {
        /// Updates per bucket, 1 to 64.
        size: usize,
        /// Every number below the number of updates once; drawn when the updates are fixed.
        permutation: Vec<u32>,
    },
}

/// What a rule has to know of all weights before it can give the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The canonical order.
    pub order: Order,
    /// The distances.
    pub distances: Distances,
}

impl Survey {
    /// A survey of `updates` updates of which no weight was taken in yet.
    ///
    /// Fails with [`Error::Empty`] or [`Error::Updates`].
    pub fn new(updates: usize) -> Result<Self, Error> {
        Ok(Self { order: Order::new(updates)?, distances: Distances::new(updates)? })
    }

    /// Takes in the next chunk of every update, in the order of the weights.
    ///
    /// `chunk`: `[updates][chunk]`. Fails with [`Error::Length`] or [`Error::Long`].
    pub fn add(&mut self, chunk: &[&[i32]]) -> Result<(), Error> {
        self.order.refine(chunk)?;
        self.distances.add(chunk)
    }
}

/// What remains to be done for each weight, once all is known about the updates as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The number of updates.
    pub updates: usize,
    /// What the updates are replaced by.
    pub mix: Option<Mix>,
    /// What happens then.
    pub step: Step,
}

/// The second part of a [`Plan`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A weighted sum.
    Blend(Blend),
    /// A rule on each weight's values in the chosen updates.
    Columns {
        /// The rule.
        rule: ColumnRule,
        /// The updates whose values it sees, by index.
        chosen: Vec<usize>,
    },
}

/// Whether a rule needs a [`Survey`] of the updates, or can do with their number.
pub fn needs_survey(rule: Rule, before: &Before) -> bool {
    *before != Before::Nothing
        || !matches!(rule, Rule::Mean | Rule::Median | Rule::TrimmedMean { .. })
}

impl Plan {
    /// The plan of a rule for updates whose values it need not know. Fails as [`Plan::new`] does, and
    /// with [`Error::Survey`] for a rule that [needs a survey](needs_survey).
    pub fn blind(rule: Rule, updates: usize) -> Result<Self, Error> {
        if updates == 0 {
            return Err(Error::Empty);
        }
        let columns = |rule: ColumnRule| {
            rule.check(updates)?;
            Ok(Step::Columns { rule, chosen: (0..updates).collect() })
        };
        let step = match rule {
            Rule::Mean => Step::Blend(Blend::new(vec![1; updates], updates as u64)?),
            Rule::Median => columns(ColumnRule::Median)?,
            Rule::TrimmedMean { k } => columns(ColumnRule::Trimmed { k })?,
            _ => return Err(Error::Survey),
        };
        Ok(Self { updates, mix: None, step })
    }

    /// The plan of a rule, with what happens before it, for the updates of a survey.
    ///
    /// Fails with the errors of the rules: too few updates for the hostile ones, numbers out of range.
    pub fn new(rule: Rule, before: &Before, survey: &Survey) -> Result<Self, Error> {
        let Survey { order, distances } = survey;
        let updates = distances.updates();
        let mix = match before {
            Before::Nothing => None,
            Before::NearestNeighbors { hostile } => {
                Some(Mix::nearest_neighbors(distances, order, *hostile)?)
            }
            Before::Buckets { size, permutation } => Some(Mix::buckets(order, *size, permutation)?),
        };
        let step = match &mix {
            None => step(rule, distances, order)?,
            Some(mix) if needs_survey(rule, &Before::Nothing) => {
                step(rule, &mix.distances(distances)?, mix.order())?
            }
            Some(mix) => Self::blind(rule, mix.len())?.step,
        };
        Ok(Self { updates, mix, step })
    }

    /// One chunk of the result, in units of `2^-(f + EXTRA_BITS)`.
    ///
    /// `chunk`: `[updates][chunk]`, `out`: `[chunk]`. Fails with [`Error::Length`].
    pub fn apply(&self, chunk: &[&[i32]], out: &mut [i64]) -> Result<(), Error> {
        crate::check_shape(chunk, self.updates, out.len())?;
        match (&self.mix, &self.step) {
            (None, Step::Blend(blend)) => blend.apply(chunk, out),
            (None, Step::Columns { rule, chosen }) => {
                let rows: Vec<&&[i32]> =
                    chosen.iter().filter_map(|&index| chunk.get(index)).collect();
                columns(*rule, 1, out, rows.len(), |row, at| {
                    rows.get(row).and_then(|row| row.get(at)).map_or(0, |&q| i64::from(q))
                });
                Ok(())
            }
            (Some(mix), Step::Blend(blend)) => {
                let denominator = mix.denominator() * blend.denominator();
                let weights = mix.unmix(blend.weights());
                let rows: Vec<(&&[i32], i128)> =
                    chunk.iter().zip(weights.into_iter().map(i128::from)).collect();
                for (at, out) in out.iter_mut().enumerate() {
                    // Weights add up to less than 2^43, so that the sum stays below 2^74.
                    let value = |(row, weight): &(&&[i32], i128)| {
                        row.get(at).map_or(0, |&q| i128::from(q) * weight)
                    };
                    let sum = rows.iter().map(value).sum::<i128>();
                    *out = saturate(divide_half_even(sum << EXTRA_BITS, denominator));
                }
                Ok(())
            }
            (Some(mix), Step::Columns { rule, chosen }) => {
                let mixed = mix.apply(chunk)?;
                let rows: Vec<&Vec<i64>> =
                    chosen.iter().filter_map(|&index| mixed.get(index)).collect();
                columns(*rule, mix.denominator(), out, rows.len(), |row, at| {
                    rows.get(row).and_then(|row| row.get(at)).copied().unwrap_or(0)
                });
                Ok(())
            }
        }
    }
}

/// A rule on whole updates in memory: the two passes in one call.
///
/// `updates`: `[updates][weights]`, `out`: `[weights]`. Fails as [`Plan::new`] does.
pub fn aggregate(
    updates: &[&[i32]],
    rule: Rule,
    before: &Before,
    out: &mut [i64],
) -> Result<(), Error> {
    let plan = if needs_survey(rule, before) {
        let mut survey = Survey::new(updates.len())?;
        survey.add(updates)?;
        Plan::new(rule, before, &survey)?
    } else {
        Plan::blind(rule, updates.len())?
    };
    plan.apply(updates, out)
}

fn step(rule: Rule, distances: &Distances, order: &Order) -> Result<Step, Error> {
    let updates = distances.updates();
    let kept = |hostile, kept| krum(distances, order, hostile, kept);
    Ok(match rule {
        Rule::Mean | Rule::Median | Rule::TrimmedMean { .. } => Plan::blind(rule, updates)?.step,
        Rule::Krum { hostile } => Step::Blend(Blend::mean_of(updates, &kept(hostile, 1)?)?),
        Rule::MultiKrum { hostile, kept: count } => {
            Step::Blend(Blend::mean_of(updates, &kept(hostile, count)?)?)
        }
        Rule::Bulyan { hostile } => {
            crate::check_hostile(updates, hostile, 4, 3)?;
            let mut chosen = kept(hostile, updates - 2 * hostile)?;
            chosen.sort_unstable();
            Step::Columns { rule: ColumnRule::Closest { kept: updates - 4 * hostile }, chosen }
        }
        Rule::GeometricMedian { steps } => Step::Blend(geometric_median(distances, order, steps)?),
        Rule::CenteredClipping { radius, steps } => {
            Step::Blend(centered_clipping(distances, radius, steps)?)
        }
    })
}

fn columns(
    rule: ColumnRule,
    denominator: u64,
    out: &mut [i64],
    rows: usize,
    value: impl Fn(usize, usize) -> i64,
) {
    let mut column = Vec::with_capacity(rows);
    for (at, out) in out.iter_mut().enumerate() {
        column.clear();
        column.extend((0..rows).map(|row| value(row, at)));
        *out = rule.apply(&mut column, denominator);
    }
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
