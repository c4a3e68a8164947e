//! Local training with burn: a few epochs or steps of mini-batches on a trainer's own rows.

mod batches;
mod form;
mod gradients;
mod loss;
mod scaling;
mod schedule;
mod settings;
mod together;
mod way;

use std::ops::ControlFlow;

use burn::{
    optim::GradientsParams,
    tensor::{Device, FloatDType, Tensor, TensorReadError},
};

use crate::{
    data::Dataset,
    device,
    model::{ModelSpec, SpecError},
    network::{Dropping, Network, upload},
    random::Seed,
    weights::{Weights, WeightsError},
};
use batches::{Batch, Batches, PassLoss};
use gradients::Direction;
use scaling::{Scaled, Scaling};
pub use schedule::Schedule;
pub use settings::{LocalTraining, Optimizer, Precision, UnknownPrecision, Work};
pub use together::{Alone, Trainee, can_train_together, train_together};

/// Where training stands, reported after every batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Current pass over the rows, from 0.
    pub epoch: u32,
    /// Batches done, over all passes.
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
    /// Mean loss per row over the last pass, or as much of it as was made, in the unit of
    /// [`Progress::loss`].
    pub loss: f64,
    /// Rows trained on.
    pub rows: usize,
    /// Steps made: FedNova's τ, for [`Blend::nova`](crate::Blend::nova), and SCAFFOLD's K.
    pub steps: u64,
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
    /// Clients of this model, or with these settings, are trained one by one.
    #[error(transparent)]
    Alone(#[from] Alone),
    /// The observer has stopped it.
    #[error("training was stopped")]
    Stopped,
    /// The card has failed, say because its memory is too small.
    #[error(
        "the device that trains has failed: {problem}; a smaller batch_size needs less memory, `--device cpu` none of it"
    )]
    Device {
        /// What its library says.
        problem: String,
    },
}

impl TrainError {
    fn device(problem: TensorReadError) -> Self {
        Self::Device { problem: problem.to_string() }
    }
}

/// Trains `base` on `data` and gives the new weights.
///
/// Rows are shuffled anew for every pass over them, and numbers dropped in every step, from `seed`, never
/// from burn's process-wide generator, so that several trainers may live in one process. `observe` sees
/// every batch and may stop training. The schedule is not applied here: that takes
/// [`LocalTraining::in_round`].
pub fn train(
    spec: &ModelSpec,
    base: &Weights,
    data: &Dataset,
    local: &LocalTraining,
    seed: Seed,
    observe: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<TrainOutcome, TrainError> {
    train_corrected(spec, base, data, local, None, seed, observe)
}

/// [`train`], with `correction` added to every gradient: what [SCAFFOLD](crate::scaffold) needs.
pub fn train_corrected(
    spec: &ModelSpec,
    base: &Weights,
    data: &Dataset,
    local: &LocalTraining,
    correction: Option<&Weights>,
    seed: Seed,
    observe: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<TrainOutcome, TrainError> {
    let place = Place::of(device::training(), local.precision)?;
    let job = Job { spec, base, data, local, correction, seed };
    place.train(job, observe)
}

/// A sum that a step has on its device; 0 of nothing. Devices compute what they are told when something is read, so this is where it
/// comes out that one has failed.
fn read(sum: Option<Tensor<1>>) -> Result<f64, TrainError> {
    let Some(sum) = sum else { return Ok(0.0) };
    sum.try_into_scalar::<f32>().map(f64::from).map_err(TrainError::device)
}

/// What is trained, on what, and how.
#[derive(Clone, Copy)]
struct Job<'a> {
    spec: &'a ModelSpec,
    base: &'a Weights,
    data: &'a Dataset,
    local: &'a LocalTraining,
    correction: Option<&'a Weights>,
    seed: Seed,
}

/// Where training runs, and in which numbers its products are computed.
struct Place {
    device: Device,
    products: FloatDType,
}

impl Place {
    fn of(device: Device, precision: Precision) -> Result<Self, TrainError> {
        let products = match precision {
            Precision::Single => FloatDType::F32,
            Precision::Mixed => device::narrow(&device).ok_or(TrainError::Setting {
                name: "precision",
                problem: "this device has no floats of 16 bits: choose `single`",
            })?,
        };
        Ok(Self { device, products })
    }

    fn train(
        &self,
        job: Job<'_>,
        mut observe: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<TrainOutcome, TrainError> {
        let Job { spec, base, data, local, correction, seed } = job;
        local.validate()?;
        spec.validate()?;
        spec.check_rows(data)?;
        if data.rows() == 0 {
            return Err(TrainError::NoRows);
        }
        let direction = Direction::new(spec, base, local, correction, &self.device)?;
        let device = self.device.clone().autodiff();
        let network = Network::new(spec, base, &device).map_err(TrainError::Weights)?;
        let mut network = network.with_products(self.products);
        let mut optimizer = local.optimizer();
        let mut scaling = Scaling::of(self.products);

        let mut batches = Batches::new(local, data.rows(), seed);
        let mut pass = PassLoss::default();
        let mut batches_done: u64 = 0;
        while let Some(Batch { epoch, rows }) = batches.next_batch() {
            let features = upload(spec, data, rows.iter().copied(), &device);
            // Steps beyond 2³² repeat the draws of dropout, nothing else.
            let dropping = Dropping { seed, step: batches_done as u32 };
            let (loss, mut gradients) = loop {
                let outputs = network.forward(features.clone(), Some(dropping));
                let loss = loss::of(spec, outputs, data, rows);
                let scaled = match &scaling {
                    Some(scaling) => scaling.multiply(loss.clone()),
                    None => loss.clone(),
                };
                let mut gradients = GradientsParams::from_grads(scaled.backward(), &network);
                let Some(scaling) = &mut scaling else { break (loss, gradients) };
                match scaling.divide(&network, &mut gradients)? {
                    Scaled::Fine => break (loss, gradients),
                    Scaled::Again => {}
                    Scaled::Lost => return Err(TrainError::Diverged { epoch }),
                }
            };
            if let Some(direction) = &direction {
                direction.apply(&network, &mut gradients, epoch)?;
            }
            network = optimizer.step(local.learning_rate, network, gradients);

            let loss = read(Some(loss))?;
            if !loss.is_finite() {
                return Err(TrainError::Diverged { epoch });
            }
            pass.add(epoch, loss, rows.len());
            batches_done += 1;
            let batches = batches.count();
            if observe(Progress { epoch, batches_done, batches, loss }).is_break() {
                return Err(TrainError::Stopped);
            }
        }
        let epoch = batches.epoch();
        let values = network.values().map_err(TrainError::device)?;
        let weights = base.with_values(values).map_err(|_| TrainError::Diverged { epoch })?;
        Ok(TrainOutcome { weights, loss: pass.mean(), rows: data.rows(), steps: batches_done })
    }
}

#[cfg(test)]
#[path = "train/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "train/tests/algorithms.rs"]
mod algorithms_tests;

#[cfg(test)]
#[path = "train/tests/settings.rs"]
mod settings_tests;

#[cfg(test)]
#[path = "train/tests/mixed.rs"]
mod mixed_tests;

#[cfg(test)]
#[path = "train/tests/together.rs"]
mod together_tests;

#[cfg(all(test, feature = "wgpu"))]
#[path = "train/tests/cards.rs"]
mod cards_tests;
