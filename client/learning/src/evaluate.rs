//! How good a model is on rows it has not seen.

mod total;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    data::Dataset,
    device,
    model::{ModelSpec, SpecError},
    network::{Network, upload},
    weights::{Weights, WeightsError},
};
use total::Total;

/// Rows per forward pass: bounds memory, and is plenty to keep the kernels busy.
const BATCH: usize = 2_048;
/// Numbers that the rows of one forward pass may become, over all layers: 512 MiB.
const BATCH_NUMBERS: usize = 1 << 27;

/// What a model achieves on a data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Share of rows, or of tokens, whose largest logit is the label's, in `0..=1`. There is no such
    /// thing in a regression: 0.
    pub accuracy: f64,
    /// Mean cross-entropy, in nats per row or token, infinite where a logit is not a number; in a
    /// regression the mean squared error.
    pub loss: f64,
    /// What the chain's scores are made of: bounded per row, so that a single one can do only so much.
    ///
    /// - Classification: the mean log-likelihood with each row clipped from below at that of a blind
    ///   guess, `ln(1 / classes)`; in nats, from there to 0.
    /// - Next token: `1 + ln p / ln(tokens)` of each token, clipped at 0, which is a blind guess; 1 is
    ///   certainty. In `0..=1`.
    /// - Regression: `1 / (1 + e²)` with e² the squared error divided by the quantity's variance over
    ///   these rows, averaged over the row's quantities; 1 is exact, 1/2 an error of one standard
    ///   deviation. In `0..=1`. It never saturates, so that even a poor model's gain is seen.
    pub utility: f64,
    /// Rows evaluated.
    pub rows: usize,
    /// Classification: the mean over the classes of the share of its rows that are found, in `0..=1`;
    /// classes without rows are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balanced_accuracy: Option<f64>,
    /// Classification: the mean over the classes of the harmonic mean of precision and recall (macro
    /// F1), in `0..=1`; classes that neither occur nor are predicted are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
    /// Regression: the mean squared error over rows and quantities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mse: Option<f64>,
    /// Regression: the share of the quantities' variance that is explained, R² = 1 − Σ e² / Σ (y − ȳ)² over
    /// these rows, averaged over the quantities; at most 1, negative where the mean would predict better. A
    /// quantity that never changes counts as if its variance were 1. None where it is no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r2: Option<f64>,
    /// Next token: `e^loss`, among how many tokens the model wavers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perplexity: Option<f64>,
}

impl Metrics {
    /// The utility in integer millionths (of a nat, in a classification), rounded to the nearest.
    pub fn utility_micro_nats(&self) -> i64 {
        (self.utility * 1e6).round() as i64
    }

    /// What the chain keeps of a model, in `0..=1`: the accuracy; in a regression R², or 0 where it is below.
    pub fn attested(&self) -> f64 {
        match self.mse {
            Some(_) => self.r2.unwrap_or(0.0).max(0.0),
            None => self.accuracy,
        }
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
    batches: Vec<Tensor<2>>,
    truth: Truth,
    rows: usize,
}

/// What is to be predicted.
enum Truth {
    /// Of each row, or of each token of each row.
    Labels(Vec<u32>),
    /// `scale` is one over the variance of each quantity.
    Quantities { values: Vec<f32>, scale: Vec<f64> },
}

impl Evaluator {
    /// Uploads the rows.
    pub fn new(spec: &ModelSpec, data: &Dataset) -> Result<Self, EvaluateError> {
        let activations = spec.places()?.activations.saturating_add(data.columns());
        spec.check_rows(data)?;
        if data.rows() == 0 {
            return Err(EvaluateError::NoRows);
        }
        let device = device::cpu();
        let batch = (BATCH_NUMBERS / activations.max(1)).clamp(1, BATCH);
        let batches = (0..data.rows())
            .step_by(batch)
            .map(|start| upload(spec, data, start..data.rows().min(start + batch), &device))
            .collect();
        let truth = Truth::of(spec, data);
        Ok(Self { spec: spec.clone(), device, batches, truth, rows: data.rows() })
    }

    /// The model that is evaluated.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Runs the model on all rows.
    pub fn evaluate(&self, weights: &Weights) -> Result<Metrics, EvaluateError> {
        let network = Network::new(&self.spec, weights, &self.device)?;
        let mut total = Total::new(&self.spec, &self.truth);
        for features in &self.batches {
            let outputs = network.forward(features.clone(), None).into_data();
            // An f32 tensor of the CPU is readable as f32; if it were not, every row would count as
            // a blind guess with an infinite loss.
            total.add(outputs.as_slice::<f32>().unwrap_or_default());
        }
        Ok(total.metrics(self.rows))
    }
}

impl Truth {
    fn of(spec: &ModelSpec, data: &Dataset) -> Self {
        use crate::model::Task;
        match spec.task {
            Task::Classification => Self::Labels(data.labels().to_vec()),
            Task::NextToken => {
                Self::Labels((0..data.rows()).flat_map(|row| data.next_tokens(row)).collect())
            }
            Task::Regression => {
                let width = data.quantities();
                let values: Vec<f32> =
                    (0..data.rows()).flat_map(|row| data.quantities_of(row).to_vec()).collect();
                let scale = (0..width).map(|index| {
                    let column =
                        || values.iter().skip(index).step_by(width.max(1)).map(|&v| f64::from(v));
                    let rows = data.rows() as f64;
                    let mean = column().sum::<f64>() / rows;
                    let variance = column().map(|v| (v - mean) * (v - mean)).sum::<f64>() / rows;
                    // A quantity that never changes has no scale of its own.
                    if variance > 0.0 { 1.0 / variance } else { 1.0 }
                });
                let scale = scale.collect();
                Self::Quantities { values, scale }
            }
        }
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

#[cfg(test)]
#[path = "evaluate/tests.rs"]
mod tests;
