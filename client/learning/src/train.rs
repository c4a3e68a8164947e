//! Local training with burn: a few epochs of mini-batches on a trainer's own rows.

mod loss;

use std::ops::ControlFlow;

use burn::optim::{
    AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig, decay::WeightDecayConfig,
    momentum::MomentumConfig,
};
use serde::{Deserialize, Serialize};

use crate::{
    data::Dataset,
    device,
    model::{ModelSpec, SpecError},
    network::{Dropping, Network, upload},
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
    /// Mean loss of the batch: cross-entropy in nats per row or token, or mean squared error.
    pub loss: f64,
}

/// What training gives.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOutcome {
    /// The trained weights.
    pub weights: Weights,
    /// Mean loss over the last epoch, in the unit of [`Progress::loss`].
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
/// Rows are shuffled anew in every epoch, and numbers dropped in every step, from `seed`, never from
/// burn's process-wide generator, so that several trainers may live in one process. `observe` sees every batch and may stop training.
pub fn train(
    spec: &ModelSpec,
    base: &Weights,
    data: &Dataset,
    local: &LocalTraining,
    seed: Seed,
    mut observe: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<TrainOutcome, TrainError> {
    local.validate()?;
    spec.validate()?;
    spec.check_rows(data)?;
    if data.rows() == 0 {
        return Err(TrainError::NoRows);
    }
    let device = device::training().autodiff();
    let mut network = Network::new(spec, base, &device).map_err(TrainError::Weights)?;
    let mut optimizer = local.optimizer();

    let batch_size = local.batch_size as usize;
    let batches = data.rows().div_ceil(batch_size) as u64 * u64::from(local.epochs);
    let mut batches_done: u64 = 0;
    let mut epoch_loss = 0.0;
    for epoch in 0..local.epochs {
        let order = Stream::new(&seed, Purpose::Shuffle, epoch).permutation(data.rows());
        epoch_loss = 0.0;
        for rows in order.chunks(batch_size) {
            let features = upload(spec, data, rows.iter().copied(), &device);
            // Steps beyond 2³² repeat the draws of dropout, nothing else.
            let dropping = Dropping { seed, step: batches_done as u32 };
            let outputs = network.forward(features, Some(dropping));
            let loss = loss::of(spec, outputs, data, rows);
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

#[cfg(test)]
#[path = "train/tests.rs"]
mod tests;
