//! Sums over the rows, and the metrics that follow from them.

use super::{Metrics, Truth};
use crate::model::{ModelSpec, Task};

/// The sums over the rows seen so far; logarithms and sums are in `f64`, so that only what the
/// network gives is in `f32`.
pub(super) struct Total<'a> {
    task: Task,
    truth: &'a Truth,
    outputs: usize,
    /// Labels or quantities seen.
    seen: usize,
    hits: usize,
    loss: f64,
    utility: f64,
    /// Squared errors in variances of their quantities.
    scaled: f64,
    counts: Vec<Counts>,
}

/// Of one class.
#[derive(Clone, Copy, Default)]
struct Counts {
    hits: usize,
    actual: usize,
    predicted: usize,
}

impl<'a> Total<'a> {
    pub(super) fn new(spec: &ModelSpec, truth: &'a Truth) -> Self {
        let outputs = spec.classes();
        let counts = vec![Counts::default(); outputs];
        let task = spec.task;
        let (loss, utility, scaled) = (0.0, 0.0, 0.0);
        Self { task, truth, outputs, seen: 0, hits: 0, loss, utility, scaled, counts }
    }

    /// Adds the rows of one batch, which follow those added before.
    pub(super) fn add(&mut self, outputs: &[f32]) {
        match self.truth {
            Truth::Labels(labels) => {
                for logits in outputs.chunks(self.outputs.max(1)) {
                    let Some(&label) = labels.get(self.seen) else { return };
                    self.seen += 1;
                    self.label(logits, label as usize);
                }
            }
            Truth::Quantities { values, scale } => {
                for predicted in outputs.chunks(self.outputs.max(1)) {
                    let Some(actual) = values.get(self.seen..self.seen + predicted.len()) else {
                        return;
                    };
                    self.seen += predicted.len();
                    self.row(predicted, actual, scale);
                }
            }
        }
    }

    fn label(&mut self, logits: &[f32], label: usize) {
        let likelihood = log_likelihood(logits, label);
        let blind = (self.outputs as f64).ln();
        self.loss -= likelihood;
        self.utility += match self.task {
            Task::NextToken => (1.0 + likelihood / blind).max(0.0),
            _ => likelihood.max(-blind),
        };
        let best = (0..logits.len()).reduce(|best, candidate| {
            if logits.get(candidate) > logits.get(best) { candidate } else { best }
        });
        // Logits that are no numbers predict nothing.
        let best = best.filter(|_| likelihood.is_finite());
        let hit = best == Some(label);
        self.hits += usize::from(hit);
        if let Some(counts) = self.counts.get_mut(label) {
            counts.actual += 1;
            counts.hits += usize::from(hit);
        }
        if let Some(counts) = best.and_then(|best| self.counts.get_mut(best)) {
            counts.predicted += 1;
        }
    }

    fn row(&mut self, predicted: &[f32], actual: &[f32], scale: &[f64]) {
        let errors = predicted.iter().zip(actual).map(|(&p, &a)| {
            let error = f64::from(p) - f64::from(a);
            error * error
        });
        let scaled: f64 = errors.clone().zip(scale).map(|(error, scale)| error * scale).sum();
        self.loss += errors.sum::<f64>();
        self.scaled += scaled;
        let utility = 1.0 / (1.0 + scaled / predicted.len().max(1) as f64);
        // An error that is no number is worth nothing.
        self.utility += if utility.is_finite() { utility } else { 0.0 };
    }

    pub(super) fn metrics(self, rows: usize) -> Metrics {
        let all = rows as f64;
        let seen = self.seen.max(1) as f64;
        match self.task {
            Task::Regression => {
                let mse = if self.loss.is_finite() { self.loss / seen } else { f64::INFINITY };
                let utility = self.utility / all;
                // Every quantity has as many rows: this is the mean of their own R².
                let r2 = Some(1.0 - self.scaled / seen).filter(|r2| r2.is_finite());
                Metrics { loss: mse, mse: Some(mse), r2, utility, rows, ..Metrics::default() }
            }
            Task::NextToken => {
                let loss = self.loss / seen;
                Metrics {
                    accuracy: self.hits as f64 / seen,
                    loss,
                    utility: self.utility / seen,
                    rows,
                    perplexity: Some(loss.exp()),
                    ..Metrics::default()
                }
            }
            Task::Classification => Metrics {
                accuracy: self.hits as f64 / all,
                loss: self.loss / all,
                utility: self.utility / all,
                rows,
                balanced_accuracy: Some(mean(self.counts.iter().filter_map(Counts::recall))),
                f1: Some(mean(self.counts.iter().filter_map(Counts::f1))),
                ..Metrics::default()
            },
        }
    }
}

impl Counts {
    fn recall(&self) -> Option<f64> {
        (self.actual > 0).then(|| self.hits as f64 / self.actual as f64)
    }

    fn f1(&self) -> Option<f64> {
        let both = self.actual + self.predicted;
        (both > 0).then(|| 2.0 * self.hits as f64 / both as f64)
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
}

/// `ln softmax(logits)[label]`, or minus infinity if a logit is not finite.
fn log_likelihood(logits: &[f32], label: usize) -> f64 {
    let Some(&own) = logits.get(label) else { return f64::NEG_INFINITY };
    if !logits.iter().all(|logit| logit.is_finite()) {
        return f64::NEG_INFINITY;
    }
    let largest = logits.iter().fold(f64::NEG_INFINITY, |max, &logit| max.max(f64::from(logit)));
    let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - largest).exp()).sum();
    f64::from(own) - largest - sum.ln()
}
