//! Which rows a trainer sees in which step, and what its loss is over a pass.

use super::LocalTraining;
use crate::random::{Purpose, Seed, Stream};

/// A trainer's way through its rows, which are shuffled anew for every pass over them.
///
/// It follows from its seed, its rows and the settings alone: who trains beside others sees the same batches as by itself.
pub(super) struct Batches {
    seed: Seed,
    rows: usize,
    size: usize,
    in_pass: u64,
    count: u64,
    done: u64,
    epoch: u32,
    order: Vec<usize>,
}

/// The rows of one step.
pub(super) struct Batch<'a> {
    /// The pass over the rows, from 0.
    pub(super) epoch: u32,
    pub(super) rows: &'a [usize],
}

impl Batches {
    pub(super) fn new(local: &LocalTraining, rows: usize, seed: Seed) -> Self {
        let (in_pass, count) = (local.batches_in_pass(rows), local.steps_of(rows));
        let size = local.batch_size as usize;
        Self { seed, rows, size, in_pass, count, done: 0, epoch: 0, order: Vec::new() }
    }

    /// Batches in all.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The pass of the last batch.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The next batch; nothing after the last.
    pub(super) fn next_batch(&mut self) -> Option<Batch<'_>> {
        if self.done == self.count {
            return None;
        }
        let place = (self.done % self.in_pass) as usize * self.size;
        if place == 0 {
            // There are fewer than 2³² passes, as there are at most so many epochs or steps.
            self.epoch = (self.done / self.in_pass) as u32;
            let mut stream = Stream::new(&self.seed, Purpose::Shuffle, self.epoch);
            self.order = stream.permutation(self.rows);
        }
        self.done += 1;
        let end = self.order.len().min(place.saturating_add(self.size));
        let rows = self.order.get(place..end).unwrap_or_default();
        Some(Batch { epoch: self.epoch, rows })
    }
}

/// The mean loss per row over the last pass, or as much of it as was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PassLoss {
    epoch: u32,
    sum: f64,
    rows: usize,
}

impl PassLoss {
    /// Takes in the mean loss of a batch of so many rows.
    pub(super) fn add(&mut self, epoch: u32, loss: f64, rows: usize) {
        if epoch != self.epoch {
            *self = Self { epoch, ..Self::default() };
        }
        self.sum += loss * rows as f64;
        self.rows += rows;
    }

    /// The mean over at least one step, on at least one row.
    pub(super) fn mean(&self) -> f64 {
        self.sum / self.rows as f64
    }
}
