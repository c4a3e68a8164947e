//! Local training with burn: a few epochs of mini-batches on a trainer's own rows.

use std::ops::ControlFlow;

use burn::{
    nn::loss::CrossEntropyLossConfig,
    optim::{
        AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig, decay::WeightDecayConfig,
        momentum::MomentumConfig,
    },
    tensor::{Device, Int, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

use crate::{
    data::Dataset,
    model::{ModelSpec, SpecError},
    network::{Network, device},
    random::{Purpose, Seed, Stream},
    weights::{Weights, WeightsError},
};

/// What a trainer does with a round's model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalTraining {
    /// Passes over the trainer's rows.
    pub epochs: u32,
    /// Rows per step; the last batch of an epoch may be smaller.
    pub batch_size: u32,
    /// Learning rate.
    pub learning_rate: f64,
    /// Optimizer; its state starts afresh in every round.
    pub optimizer: Optimizer,
    /// L2 penalty that is added to the gradient; 0 for none.
    #[serde(default)]
    pub weight_decay: f32,
}

/// How a gradient becomes a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// Heavy-ball momentum in `0..1`, without dampening; 0 for none.
        #[serde(default)]
        momentum: f64,
    },
    /// Adam with β₁ = 0.9, β₂ = 0.999, ε = 1e-8 (Kingma and Ba 2015).
    Adam,
}

/// Where training stands, reported after every batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Current epoch, from 0.
    pub epoch: u32,
    /// Batches done, over all epochs.
    pub batches_done: u64,
    /// Batches in all.
    pub batches: u64,
    /// Mean cross-entropy of the batch, in nats.
    pub loss: f64,
}

/// What training gives.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOutcome {
    /// The trained weights.
    pub weights: Weights,
    /// Mean cross-entropy over the last epoch, in nats per row.
    pub loss: f64,
    /// Rows trained on.
    pub rows: usize,
}

/// Why training gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting that makes no sense.
    #[error("{name}: {problem}")]
    Setting {
        /// Field of [`LocalTraining`].
        name: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The data has no rows.
    #[error("no rows to train on")]
    NoRows,
    /// The data does not suit the model.
    #[error(transparent)]
    Data(#[from] SpecError),
    /// The weights are not this model's.
    #[error("the base weights belong to another model: {0}")]
    Weights(WeightsError),
    /// A loss or a weight has left the range of numbers.
    #[error("training has diverged in epoch {epoch}: choose a smaller learning rate")]
    Diverged {
        /// Epoch, from 0.
        epoch: u32,
    },
    /// The observer has stopped it.
    #[error("training was stopped")]
    Stopped,
}

impl LocalTraining {
    /// Checks the settings. Errors name the field.
    pub fn validate(&self) -> Result<(), TrainError> {
        let wrong = |name, problem| Err(TrainError::Setting { name, problem });
        if self.epochs == 0 {
            return wrong("epochs", "at least one is needed");
        }
        if self.batch_size == 0 {
            return wrong("batch_size", "at least one row is needed");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return wrong("learning_rate", "must be a positive number");
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return wrong("weight_decay", "must be zero or a positive number");
        }
        match self.optimizer {
            Optimizer::Sgd { momentum } if !(0.0..1.0).contains(&momentum) => {
                wrong("momentum", "must be at least 0 and below 1")
            }
            _ => Ok(()),
        }
    }

    fn optimizer(&self) -> ModuleOptimizer {
        let decay = (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay));
        match self.optimizer {
            Optimizer::Sgd { momentum } => {
                // burn dampens by 0.1 unless told otherwise; the textbook's momentum does not.
                let momentum = (momentum > 0.0)
                    .then(|| MomentumConfig::new().with_momentum(momentum).with_dampening(0.0));
                SgdConfig::new().with_momentum(momentum).with_weight_decay(decay).init()
            }
            Optimizer::Adam => AdamConfig::new().with_epsilon(1e-8).with_weight_decay(decay).init(),
        }
    }
}

/// Trains `base` on `data` and gives the new weights.
///
/// Rows are shuffled anew in every epoch from `seed`, never from burn's process-wide generator, so
/// that several trainers may live in one process. `observe` sees every batch and may stop training.
pub fn train(
    spec: &ModelSpec,
    base: &Weights,
    data: &Dataset,
    local: &LocalTraining,
    seed: Seed,
    mut observe: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<TrainOutcome, TrainError> {
    local.validate()?;
    spec.check_data(data.columns(), data.classes())?;
    if data.rows() == 0 {
        return Err(TrainError::NoRows);
    }
    let device = device().autodiff();
    let mut network = Network::new(spec, base, &device).map_err(TrainError::Weights)?;
    let mut optimizer = local.optimizer();
    let criterion = CrossEntropyLossConfig::new().init(&device);

    let batch_size = local.batch_size as usize;
    let batches = data.rows().div_ceil(batch_size) as u64 * u64::from(local.epochs);
    let mut batches_done = 0;
    let mut epoch_loss = 0.0;
    for epoch in 0..local.epochs {
        let order = Stream::new(&seed, Purpose::Shuffle, epoch).permutation(data.rows());
        epoch_loss = 0.0;
        for rows in order.chunks(batch_size) {
            let (features, labels) = upload(data, rows, &device);
            let loss = criterion.forward(network.forward(features), labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimizer.step(local.learning_rate, network, gradients);

            let loss = f64::from(loss.into_scalar::<f32>());
            if !loss.is_finite() {
                return Err(TrainError::Diverged { epoch });
            }
            epoch_loss += loss * rows.len() as f64 / data.rows() as f64;
            batches_done += 1;
            if observe(Progress { epoch, batches_done, batches, loss }).is_break() {
                return Err(TrainError::Stopped);
            }
        }
    }
    let weights = network
        .weights(base)
        .map_err(|_| TrainError::Diverged { epoch: local.epochs.saturating_sub(1) })?;
    Ok(TrainOutcome { weights, loss: epoch_loss, rows: data.rows() })
}

/// Features of shape `[rows, features]` and labels of shape `[rows]`.
fn upload(data: &Dataset, rows: &[usize], device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let mut features = Vec::with_capacity(rows.len() * data.columns());
    let mut labels = Vec::with_capacity(rows.len());
    for (row, label) in rows.iter().filter_map(|&index| data.row(index)) {
        features.extend_from_slice(row);
        labels.push(i64::from(label));
    }
    let features = TensorData::new(features, [rows.len(), data.columns()]);
    let labels = TensorData::new(labels, [rows.len()]);
    (Tensor::from_data(features, device), Tensor::from_data(labels, device))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn two_blobs() -> Dataset {
        let (features, labels) = (0..60)
            .map(|i| {
                let label = i % 2;
                let center = if label == 0 { -1.0 } else { 1.0 };
                (vec![center + (i as f32 * 0.7).sin() * 0.5, (i as f32).cos()], label)
            })
            .unzip::<_, _, Vec<_>, Vec<u32>>();
        Dataset::new(features.concat(), labels, 2, 2).unwrap()
    }

    fn settings(optimizer: Optimizer) -> LocalTraining {
        LocalTraining { epochs: 8, batch_size: 7, learning_rate: 0.1, optimizer, weight_decay: 0.0 }
    }

    const GO: fn(Progress) -> ControlFlow<()> = |_| ControlFlow::Continue(());

    #[test]
    fn every_optimizer_and_activation_learns_a_simple_task() {
        use crate::model::LayerSpec::{self, *};
        for activation in [Relu, Gelu, Tanh, Sigmoid] {
            for optimizer in [Optimizer::Sgd { momentum: 0.9 }, Optimizer::Adam] {
                let spec = ModelSpec {
                    layers: vec![
                        LayerSpec::Dense { units: 6, bias: true },
                        activation.clone(),
                        LayerSpec::Dense { units: 2, bias: false },
                    ],
                    ..ModelSpec::mlp(2, &[], 2)
                };
                let base = Weights::init(&spec, [1; 32]);
                let mut first = None;
                let outcome =
                    train(&spec, &base, &two_blobs(), &settings(optimizer), [2; 32], |progress| {
                        first.get_or_insert(progress.loss);
                        ControlFlow::Continue(())
                    })
                    .unwrap();
                assert!(outcome.loss < 0.3, "{activation:?} {optimizer:?}: {}", outcome.loss);
                assert!(outcome.loss < first.unwrap() && outcome.rows == 60);
            }
        }
    }

    #[test]
    fn the_seed_determines_every_bit() {
        let spec = ModelSpec::mlp(2, &[5], 2);
        let base = Weights::init(&spec, [1; 32]);
        let local = settings(Optimizer::Sgd { momentum: 0.5 });
        let run = |seed| train(&spec, &base, &two_blobs(), &local, seed, GO).unwrap();
        assert_eq!(run([2; 32]), run([2; 32]));
        assert_ne!(run([2; 32]).weights, run([3; 32]).weights);
    }

    #[test]
    fn one_step_of_plain_sgd_is_the_gradient_by_hand() {
        let spec = ModelSpec::mlp(1, &[], 2);
        let base = Weights::new(&spec, vec![0.0; 4]).unwrap();
        let data = Dataset::new(vec![2.0], vec![1], 1, 2).unwrap();
        let local = LocalTraining { epochs: 1, ..settings(Optimizer::Sgd { momentum: 0.0 }) };
        let outcome = train(&spec, &base, &data, &local, [0; 32], GO).unwrap();
        // softmax − onehot = [0.5, −0.5]; times the learning rate 0.1; times x = 2 for the weights.
        let expected = [-0.05, 0.05, -0.1, 0.1];
        for (found, expected) in outcome.weights.values().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert!((outcome.loss - 2_f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn an_observer_can_stop_between_two_batches() {
        let spec = ModelSpec::mlp(2, &[5], 2);
        let base = Weights::init(&spec, [1; 32]);
        let mut seen = 0;
        let result =
            train(&spec, &base, &two_blobs(), &settings(Optimizer::Adam), [0; 32], |progress| {
                seen = progress.batches_done;
                assert_eq!(progress.batches, 72);
                if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
        assert!(matches!(result, Err(TrainError::Stopped)) && seen == 3);
    }

    #[test]
    fn impossible_requests_are_refused() {
        let spec = ModelSpec::mlp(2, &[5], 2);
        let base = Weights::init(&spec, [1; 32]);
        let good = settings(Optimizer::Adam);
        let run = |spec: &ModelSpec, data: &Dataset, local: LocalTraining| {
            train(spec, &base, data, &local, [0; 32], GO).unwrap_err()
        };
        let data = two_blobs();
        let name = |local| match run(&spec, &data, local) {
            TrainError::Setting { name, .. } => name,
            other => panic!("{other}"),
        };
        assert_eq!(name(LocalTraining { epochs: 0, ..good }), "epochs");
        assert_eq!(name(LocalTraining { batch_size: 0, ..good }), "batch_size");
        assert_eq!(name(LocalTraining { learning_rate: f64::NAN, ..good }), "learning_rate");
        assert_eq!(name(LocalTraining { weight_decay: -1.0, ..good }), "weight_decay");
        assert_eq!(name(settings(Optimizer::Sgd { momentum: 1.0 })), "momentum");
        assert!(matches!(run(&spec, &data.subset(&[]), good), TrainError::NoRows));
        assert!(matches!(
            run(&ModelSpec::mlp(3, &[5], 2), &data, good),
            TrainError::Data(SpecError::Features { expected: 3, found: 2 })
        ));
        assert!(matches!(run(&ModelSpec::mlp(2, &[4], 2), &data, good), TrainError::Weights(_)));
        let wild =
            LocalTraining { learning_rate: 1e30, ..settings(Optimizer::Sgd { momentum: 0.9 }) };
        assert!(matches!(run(&spec, &data, wild), TrainError::Diverged { .. }));
    }
}
