//! What a model says of rows whose labels nobody knows.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{
    device,
    evaluate::EvaluateError,
    model::{ModelSpec, SpecError},
    network::Network,
    weights::Weights,
};

/// Numbers that the rows of one forward pass may become, over all layers: 256 MiB.
const BATCH_NUMBERS: usize = 1 << 26;
/// Rows per forward pass at most.
const BATCH: usize = 1_024;

/// A model with its weights on the processor, ready to be asked.
pub struct Predictor {
    spec: ModelSpec,
    network: Network,
    device: Device,
    batch: usize,
}

impl Predictor {
    /// Uploads the weights.
    pub fn new(spec: &ModelSpec, weights: &Weights) -> Result<Self, EvaluateError> {
        let activations = spec.places()?.activations.saturating_add(spec.features());
        let device = device::cpu();
        let network = Network::new(spec, weights, &device)?;
        let batch = (BATCH_NUMBERS / activations.max(1)).clamp(1, BATCH);
        Ok(Self { spec: spec.clone(), network, device, batch })
    }

    /// How many rows are best given at a time: what bounds memory, and keeps the kernels busy.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The model that is asked.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// What the last layer gives for `rows`, whole rows of [`ModelSpec::features`] numbers one after
    /// the other, which are normalized here: logits or quantities of shape `[rows, outputs]`, or of
    /// shape `[rows, steps, tokens]` where the next token is predicted. Tokens and the count of numbers
    /// are checked.
    pub fn outputs(&self, rows: &[f32]) -> Result<Vec<f32>, EvaluateError> {
        let features = self.spec.features();
        if rows.is_empty() {
            return Err(EvaluateError::NoRows);
        }
        if !rows.len().is_multiple_of(features) {
            let (expected, found) = (features, rows.len() % features);
            return Err(SpecError::Features { expected, found }.into());
        }
        self.spec.check_token_rows(rows)?;
        let mut outputs = Vec::new();
        for part in rows.chunks(self.batch.saturating_mul(features)) {
            let mut part = part.to_vec();
            part.chunks_mut(features).for_each(|row| self.spec.rows.normalize(row));
            let shape = [part.len() / features, features];
            let features = Tensor::from_data(TensorData::new(part, shape), &self.device);
            let data = self.network.forward(features, None).into_data();
            // An f32 tensor of the CPU is readable as f32.
            outputs.extend_from_slice(data.as_slice::<f32>().unwrap_or_default());
        }
        Ok(outputs)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{data::digits, evaluate};

    #[test]
    fn the_largest_outputs_are_what_evaluation_counts() {
        let spec = ModelSpec::mlp(64, &[16], 10);
        let weights = Weights::init(&spec, [4; 32]);
        let digits = digits().unwrap();
        let predictor = Predictor::new(&spec, &weights).unwrap();
        let outputs = predictor.outputs(digits.features()).unwrap();
        assert_eq!(outputs.len(), digits.rows() * 10);
        let largest = |row: &[f32]| (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        let right = outputs
            .chunks(10)
            .zip(digits.labels())
            .filter(|(row, label)| largest(row) == **label as usize);
        let accuracy = right.count() as f64 / digits.rows() as f64;
        assert!((accuracy - evaluate(&spec, &weights, &digits).unwrap().accuracy).abs() < 1e-9);
        // One row alone says the same.
        let alone = predictor.outputs(&digits.features()[64..128]).unwrap();
        assert!(alone.iter().zip(&outputs[10..20]).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    fn rows_that_do_not_suit_the_model_are_refused() {
        let spec = ModelSpec::named("gru-char", Some(&[3]), Some(5)).unwrap();
        let predictor = Predictor::new(&spec, &Weights::init(&spec, [4; 32])).unwrap();
        assert_eq!(predictor.outputs(&[0.0, 4.0, 1.0]).unwrap().len(), 15);
        for (rows, part) in [
            (&[][..], "no rows"),
            (&[0.0, 1.0][..], "2 features per row, the model takes 3"),
            (&[0.0, 1.0, 2.0, 0.0, 5.0, 0.0][..], "row 2, number 2: 5 is no token"),
        ] {
            let error = predictor.outputs(rows).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
