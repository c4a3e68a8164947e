//! Carries out what a rule asks for, on all cores, a part of the weights at a time.
//!
//! Every weight's result depends on integers alone, so that it is the same whatever the parts are and
//! whichever thread takes them.

use decentralml_exact::{
    self as exact, Blend, ColumnRule, Encoding,
    robust::{self, Plan, Step, Survey},
};
use rayon::prelude::*;

use super::{
    AggregateError, Aggregation, Before, gram,
    rows::{Cell, Rows, chunk, large},
    select::{self, Wanted},
    sums::{self, Summer},
};
use crate::{
    random::{Purpose, Stream},
    updates::{Updates, width},
};

/// Bytes of an update that a thread reads before another one may take its place.
const SPAN: usize = 1 << 20;

/// Results that are handed on at a time.
const RESULTS: usize = 4_096;

pub(super) struct Engine<'a, U: ?Sized> {
    updates: &'a U,
    plan: Plan,
    encoding: Encoding,
}

impl<'a, U: Updates + ?Sized> Engine<'a, U> {
    /// Finds out what has to be done: one pass over the updates, if the rule has to know them.
    ///
    /// The updates have `length` weights each, in the encoding, and there is at least one.
    pub(super) fn new(
        updates: &'a U,
        length: usize,
        encoding: Encoding,
        how: &Aggregation,
    ) -> Result<Self, AggregateError> {
        let count = updates.count();
        let rule = how.rule;
        let plan = match &how.counts {
            Some(counts) => weighted(counts, how, count)?,
            None if robust::needs_survey(rule, &how.before.exact(0)) => {
                gram::check(count)?;
                let (order, distances) =
                    gram::survey(updates, length, width(encoding), encoding.clip())?;
                Plan::new(rule, &how.before.exact(count), &Survey { order, distances })?
            }
            None => Plan::blind(rule, count)?,
        };
        Ok(Self { updates, plan, encoding })
    }

    /// Fills `out`, one item per weight: `write` gets the index of a weight, the change of this and
    /// the following ones in units of `2^-(f + EXTRA_BITS)`, and their items.
    pub(super) fn run<T: Send>(
        &self,
        out: &mut [T],
        write: impl Fn(usize, &[f64], &mut [T]) + Sync,
    ) -> Result<(), AggregateError> {
        match width(self.encoding) {
            1 => self.run_cells::<i8, T>(out, &write),
            2 => self.run_cells::<i16, T>(out, &write),
            _ => self.run_cells::<i32, T>(out, &write),
        }
    }

    fn run_cells<C: Cell, T: Send>(
        &self,
        out: &mut [T],
        write: &(impl Fn(usize, &[f64], &mut [T]) + Sync),
    ) -> Result<(), AggregateError> {
        let even = out.len().div_ceil(2 * rayon::current_num_threads().max(1));
        match (&self.plan.mix, &self.plan.step) {
            (None, Step::Blend(blend)) => {
                let span = even.next_multiple_of(RESULTS).min(SPAN / size_of::<C>());
                let parts = out.par_chunks_mut(span).enumerate();
                parts.try_for_each(|(part, out)| self.blend::<C, T>(blend, part * span, out, write))
            }
            (None, Step::Columns { rule: ColumnRule::Median, chosen }) => {
                self.select::<C, T>(Wanted::Median, chosen, even, out, write)
            }
            (None, Step::Columns { rule: ColumnRule::Trimmed { k }, chosen }) => {
                self.select::<C, T>(Wanted::Trimmed(*k), chosen, even, out, write)
            }
            _ => self.any::<C, T>(out, write),
        }
    }

    /// A weighted sum.
    fn blend<C: Cell, T>(
        &self,
        blend: &Blend,
        start: usize,
        out: &mut [T],
        write: &(impl Fn(usize, &[f64], &mut [T]) + Sync),
    ) -> Result<(), AggregateError> {
        let total: u64 = blend.weights().iter().map(|&weight| u64::from(weight)).sum();
        let largest = total.saturating_mul(u64::from(self.encoding.clip().unsigned_abs()));
        let mut summer = Summer::<C, U>::new(self.updates, blend.weights(), largest)?;
        let step = summer.step();
        let mut means = vec![0.0; RESULTS];
        for (index, out) in out.chunks_mut(step).enumerate() {
            let start = start + index * step;
            let sums = summer.sum(start, out.len())?;
            for (index, out) in out.chunks_mut(RESULTS).enumerate() {
                let means = means.get_mut(..out.len()).unwrap_or_default();
                sums::means(sums, index * RESULTS, blend.denominator(), means);
                write(start + index * RESULTS, means, out);
            }
        }
        Ok(())
    }

    /// Order statistics.
    fn select<C: Cell, T: Send>(
        &self,
        wanted: Wanted,
        chosen: &[usize],
        even: usize,
        out: &mut [T],
        write: &(impl Fn(usize, &[f64], &mut [T]) + Sync),
    ) -> Result<(), AggregateError> {
        let span = even.next_multiple_of(select::LANES).clamp(RESULTS, SPAN / size_of::<C>());
        let size = chunk(chosen.len(), size_of::<C>()).min(span);
        let parts = out.par_chunks_mut(span).enumerate();
        parts.try_for_each(|(part, out)| {
            let mut rows = Rows::<C, U>::new(self.updates, chosen)?;
            let mut change = vec![0.0; size];
            for (index, out) in out.chunks_mut(size).enumerate() {
                let start = part * span + index * size;
                rows.read(start, out.len())?;
                let change = change.get_mut(..out.len()).unwrap_or_default();
                select::columns(&rows.rows(), wanted, change);
                write(start, change, out);
            }
            Ok(())
        })
    }

    /// Any plan, as `decentralml-exact` carries it out.
    fn any<C: Cell, T: Send>(
        &self,
        out: &mut [T],
        write: &(impl Fn(usize, &[f64], &mut [T]) + Sync),
    ) -> Result<(), AggregateError> {
        let all: Vec<usize> = (0..self.updates.count()).collect();
        // As integers of the file, of 32 bits, and as sums of 64.
        let size = large(4 * all.len(), 4);
        let parts = out.par_chunks_mut(size).enumerate();
        parts.try_for_each(|(part, out)| {
            let mut rows = Rows::<C, U>::new(self.updates, &all)?;
            rows.read(part * size, out.len())?;
            let integers = |row: &[C]| row.iter().map(|cell| (*cell).into()).collect();
            let integers: Vec<Vec<i32>> = rows.rows().into_iter().map(integers).collect();
            let slices: Vec<&[i32]> = integers.iter().map(Vec::as_slice).collect();
            let mut change = vec![0; out.len()];
            self.plan.apply(&slices, &mut change)?;
            let change: Vec<f64> = change.into_iter().map(|change| change as f64).collect();
            write(part * size, &change, out);
            Ok(())
        })
    }
}

/// The plan of a mean in which updates count differently.
fn weighted(counts: &Blend, how: &Aggregation, updates: usize) -> Result<Plan, exact::Error> {
    let plain = how.before == Before::Nothing && how.rule == super::Rule::Mean;
    if !plain || counts.weights().len() != updates {
        return Err(exact::Error::Weights);
    }
    Ok(Plan { updates, mix: None, step: Step::Blend(counts.clone()) })
}

impl Before {
    /// What it is for `updates` updates.
    fn exact(&self, updates: usize) -> robust::Before {
        match *self {
            Self::Nothing => robust::Before::Nothing,
            Self::NearestNeighbors { hostile } => robust::Before::NearestNeighbors { hostile },
            Self::Buckets { size, seed } => {
                let order = Stream::new(&seed, Purpose::Buckets, 0).permutation(updates);
                let permutation = order.into_iter().map(|place| place as u32).collect();
                robust::Before::Buckets { size, permutation }
            }
        }
    }
}
