//! How good a model is on rows it has not seen.

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::{
    data::Dataset,
    model::{ModelSpec, SpecError},
    network::{Network, device},
    weights::{Weights, WeightsError},
};

/// Rows per forward pass: bounds memory, and is plenty to keep the kernels busy.
const BATCH: usize = 2_048;

/// What a model achieves on a data set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Share of rows whose largest logit is the label's, in `0..=1`.
    pub accuracy: f64,
    /// Mean cross-entropy, in nats per row; infinite where a logit is not a number.
    pub loss: f64,
    /// Mean log-likelihood with each row clipped from below at that of a blind guess,
    /// `ln(1 / classes)`; in nats, from there to 0. The clip bounds what a single row can do to a
    /// score.
    pub utility: f64,
    /// Rows evaluated.
    pub rows: usize,
}

impl Metrics {
    /// The utility in integer micro-nats, rounded to the nearest.
    pub fn utility_micro_nats(&self) -> i64 {
        (self.utility * 1e6).round() as i64
    }
}

/// Why a model cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The data has no rows.
    #[error("no rows to evaluate on")]
    NoRows,
    /// The data does not suit the model.
    #[error(transparent)]
    Data(#[from] SpecError),
    /// The weights are not this model's.
    #[error("the weights belong to another model: {0}")]
    Weights(#[from] WeightsError),
}

/// Evaluates any number of weights on the same rows, which are uploaded once.
pub struct Evaluator {
    spec: ModelSpec,
    device: Device,
    batches: Vec<(Tensor<2>, Vec<u32>)>,
    rows: usize,
}

impl Evaluator {
    /// Uploads the rows.
    pub fn new(spec: &ModelSpec, data: &Dataset) -> Result<Self, EvaluateError> {
        spec.check_data(data.columns(), data.classes())?;
        if data.rows() == 0 {
            return Err(EvaluateError::NoRows);
        }
        let device = device();
        let features = data.features().chunks(BATCH * data.columns());
        let batches = features
            .zip(data.labels().chunks(BATCH))
            .map(|(features, labels)| {
                let features = TensorData::new(features.to_vec(), [labels.len(), data.columns()]);
                (Tensor::from_data(features, &device), labels.to_vec())
            })
            .collect();
        Ok(Self { spec: spec.clone(), device, batches, rows: data.rows() })
    }

    /// The model that is evaluated.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Runs the model on all rows.
    pub fn evaluate(&self, weights: &Weights) -> Result<Metrics, EvaluateError> {
        let network = Network::new(&self.spec, weights, &self.device)?;
        let classes = self.spec.classes();
        let mut total = Total { floor: -(classes as f64).ln(), ..Total::default() };
        for (features, labels) in &self.batches {
            let logits = network.forward(features.clone()).into_data();
            // An f32 tensor of the CPU is readable as f32; if it were not, every row would count as
            // a blind guess with an infinite loss.
            let logits = logits.as_slice::<f32>().unwrap_or_default();
            let mut rows = logits.chunks(classes);
            for &label in labels {
                total.add(rows.next().unwrap_or_default(), label as usize);
            }
        }
        let rows = self.rows as f64;
        Ok(Metrics {
            accuracy: total.hits as f64 / rows,
            loss: total.loss / rows,
            utility: total.utility / rows,
            rows: self.rows,
        })
    }
}

/// Evaluates a model once.
pub fn evaluate(
    spec: &ModelSpec,
    weights: &Weights,
    data: &Dataset,
) -> Result<Metrics, EvaluateError> {
    Evaluator::new(spec, data)?.evaluate(weights)
}

#[derive(Default)]
struct Total {
    floor: f64,
    hits: usize,
    loss: f64,
    utility: f64,
}

impl Total {
    /// Adds one row; the logarithms are taken in `f64`, so that only the logits are in `f32`.
    fn add(&mut self, logits: &[f32], label: usize) {
        let likelihood = log_likelihood(logits, label);
        self.loss -= likelihood;
        self.utility += likelihood.max(self.floor);
        let best = (0..logits.len()).reduce(|best, candidate| {
            if logits.get(candidate) > logits.get(best) { candidate } else { best }
        });
        self.hits += usize::from(best == Some(label) && likelihood.is_finite());
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_metrics_of_a_model_that_can_be_checked_by_hand() {
        // Logits are [x, −x]: sure of class 0 for large x.
        let spec = ModelSpec::mlp(1, &[], 2);
        let weights = Weights::new(&spec, vec![0.0, 0.0, 1.0, -1.0]).unwrap();
        let data = Dataset::new(vec![1.0, -1.0, 50.0, 0.0], vec![0, 1, 1, 0], 1, 2).unwrap();
        let metrics = evaluate(&spec, &weights, &data).unwrap();
        assert_eq!((metrics.accuracy, metrics.rows), (0.75, 4));
        let sure = -(1.0 + (-2.0_f64).exp()).ln();
        let guess = -(2.0_f64.ln());
        assert!((metrics.loss - (-2.0 * sure + 100.0 - guess) / 4.0).abs() < 1e-6);
        // The row that is wrong with certainty counts no worse than a blind guess.
        assert!((metrics.utility - (2.0 * sure + 2.0 * guess) / 4.0).abs() < 1e-6);
        assert_eq!(metrics.utility_micro_nats(), (metrics.utility * 1e6).round() as i64);
    }

    #[test]
    fn batches_do_not_change_the_result() {
        let digits = crate::data::digits().unwrap();
        let many: Vec<usize> = (0..digits.rows()).chain(0..digits.rows()).collect();
        assert!(many.len() > BATCH);
        let spec = ModelSpec::mlp(64, &[32], 10);
        let weights = Weights::init(&spec, [1; 32]);
        let once = evaluate(&spec, &weights, &digits).unwrap();
        let twice = evaluate(&spec, &weights, &digits.subset(&many)).unwrap();
        assert_eq!(once.accuracy, twice.accuracy);
        assert!((once.loss - twice.loss).abs() < 1e-6);
        assert!(once.utility >= -(10_f64.ln()));
    }

    #[test]
    fn overflowing_logits_count_as_blind_guesses() {
        let spec = ModelSpec::mlp(1, &[], 2);
        let weights = Weights::new(&spec, vec![0.0, 0.0, f32::MAX, -f32::MAX]).unwrap();
        let data = Dataset::new(vec![9.0], vec![0], 1, 2).unwrap();
        let metrics = evaluate(&spec, &weights, &data).unwrap();
        assert_eq!((metrics.accuracy, metrics.loss), (0.0, f64::INFINITY));
        assert_eq!(metrics.utility, -(2_f64.ln()));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let spec = ModelSpec::mlp(64, &[], 10);
        let digits = crate::data::digits().unwrap();
        let other = Weights::init(&ModelSpec::mlp(64, &[], 9), [0; 32]);
        assert!(matches!(
            evaluate(&spec, &other, &digits),
            Err(EvaluateError::Weights(WeightsError::Count { .. }))
        ));
        assert!(matches!(
            Evaluator::new(&ModelSpec::mlp(64, &[], 9), &digits),
            Err(EvaluateError::Data(SpecError::Classes { expected: 9, found: 10 }))
        ));
        assert!(matches!(Evaluator::new(&spec, &digits.subset(&[])), Err(EvaluateError::NoRows)));
    }
}
