//! Training of several clients at the same time, as one set of tensors.
//!
//! ```text
//!  rows, seed of each ──► its batches ──► one step of all: forward, backward, optimizer ──► next step
//!                                                    │ whose steps are over
//!                                                    ▼
//!                                            weights, mean loss
//! ```
//!
//! A client sees the batches that it sees alone. Where another has more rows in a step, its batch is filled up with
//! repeated rows that count nothing; where it has fewer steps, its weights are taken after its last one, and what
//! becomes of its part of the tensors afterwards is not looked at.

mod direction;

use std::ops::ControlFlow;

use burn::{
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData, TensorReadError},
};

use super::{Batches, LocalTraining, PassLoss, Precision, TrainError, TrainOutcome, loss};
use crate::{
    data::Dataset,
    device,
    model::{LayerSpec, ModelSpec},
    network::{Droppings, Stack, append},
    random::Seed,
    weights::Weights,
};
use direction::Directions;

/// Steps after which losses are read at the latest: a device does not wait for a reading in every step.
const UNREAD: usize = 32;

/// One of the clients that are trained together.
#[derive(Clone, Copy, Debug)]
pub struct Trainee<'a> {
    /// Its rows.
    pub data: &'a Dataset,
    /// What is added to its gradients, as in [`train_corrected`](super::train_corrected).
    pub correction: Option<&'a Weights>,
    /// What the order of its rows and its draws of dropout come from.
    pub seed: Seed,
}

/// Why clients are trained one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Alone {
    /// A layer is not computed for several clients at a time.
    #[error("a layer `{0}` is not computed for several clients at a time")]
    Layer(&'static str),
    /// The scaling of mixed precision is one client's.
    #[error("`precision = \"mixed\"` is for one client at a time")]
    Mixed,
}

/// Whether [`train_together`] can train clients of this model with these settings.
pub fn can_train_together(spec: &ModelSpec, local: &LocalTraining) -> Result<(), Alone> {
    if local.precision != Precision::Single {
        return Err(Alone::Mixed);
    }
    all_stack(&spec.layers)
}

fn all_stack(layers: &[LayerSpec]) -> Result<(), Alone> {
    layers.iter().try_for_each(|layer| match layer {
        LayerSpec::Gru { .. } | LayerSpec::Lstm { .. } | LayerSpec::Attention { .. } => {
            Err(Alone::Layer(layer.kind()))
        }
        LayerSpec::Residual { layers, shortcut } => {
            all_stack(layers).and_then(|()| all_stack(shortcut))
        }
        _ => Ok(()),
    })
}

/// Trains `base` for each of `trainees` on its own rows, all of them at the same time on the device of
/// [`device::select`]; gives what [`train_corrected`](super::train_corrected) gives for each by itself, but for rounding.
///
/// A client whose training diverges has [`TrainError::Diverged`] in its place, and harms no other. All else that fails
/// ends it for all, [`TrainError::Alone`] where [`can_train_together`] says no. `proceed` is asked before every step.
/// Memory is needed for as many weights, gradients and activations as clients have together.
pub fn train_together(
    spec: &ModelSpec,
    base: &Weights,
    trainees: &[Trainee<'_>],
    local: &LocalTraining,
    proceed: impl FnMut() -> ControlFlow<()>,
) -> Result<Vec<Result<TrainOutcome, TrainError>>, TrainError> {
    train_on(device::training(), spec, base, trainees, local, proceed)
}

pub(super) fn train_on(
    device: Device,
    spec: &ModelSpec,
    base: &Weights,
    trainees: &[Trainee<'_>],
    local: &LocalTraining,
    mut proceed: impl FnMut() -> ControlFlow<()>,
) -> Result<Vec<Result<TrainOutcome, TrainError>>, TrainError> {
    local.validate()?;
    spec.validate()?;
    can_train_together(spec, local)?;
    for Trainee { data, .. } in trainees {
        spec.check_rows(data)?;
        if data.rows() == 0 {
            return Err(TrainError::NoRows);
        }
    }
    if trainees.is_empty() {
        return Ok(Vec::new());
    }
    let directions = Directions::new(spec, base, local, trainees, &device)?;
    let device = device.autodiff();
    let stack = Stack::new(spec, &vec![base; trainees.len()], &device);
    let mut stack = stack.map_err(TrainError::Weights)?;
    let mut optimizer = local.optimizer();
    let seeds: Vec<Seed> = trainees.iter().map(|trainee| trainee.seed).collect();
    let mut members: Vec<Member<'_>> =
        trainees.iter().map(|trainee| Member::new(trainee, local)).collect();
    let mut unread = Vec::new();
    let mut step: u64 = 0;
    while members.iter().any(Member::is_at_work) {
        if proceed().is_break() {
            return Err(TrainError::Stopped);
        }
        let turn = Turn::next(&mut members);
        let features = turn.upload(spec, &device);
        // As alone, steps beyond 2³² repeat the draws of dropout, nothing else.
        let dropping = Droppings { seeds: &seeds, rows: &turn.own, step: step as u32 };
        let outputs = stack.forward(features, dropping);
        let losses = loss::of_each(spec, outputs, &turn.batches, &turn.own);
        // The gradient of a sum of losses is for each client that of its own.
        let gradients = losses.clone().sum().backward();
        let mut gradients = GradientsParams::from_grads(gradients, &stack);
        if let Some(directions) = &directions {
            directions.apply(&stack, &mut gradients);
        }
        stack = optimizer.step(local.learning_rate, stack, gradients);
        step += 1;

        unread.push((losses.inner(), turn.epochs, turn.own));
        let ended: Vec<usize> =
            (0..members.len()).filter(|&index| members[index].batches.count() == step).collect();
        if !ended.is_empty() || unread.len() == UNREAD {
            read(&mut members, std::mem::take(&mut unread))?;
        }
        let values = stack.values(&ended).map_err(TrainError::device)?;
        for (index, values) in ended.into_iter().zip(values) {
            members[index].values = Some(values);
        }
    }
    Ok(members.into_iter().map(|member| member.outcome(base)).collect())
}

/// A client at work.
struct Member<'a> {
    data: &'a Dataset,
    batches: Batches,
    pass: PassLoss,
    /// The epoch in which its loss was no number.
    lost: Option<u32>,
    /// Its weights after its last step.
    values: Option<Vec<f32>>,
}

impl<'a> Member<'a> {
    fn new(trainee: &Trainee<'a>, local: &LocalTraining) -> Self {
        let batches = Batches::new(local, trainee.data.rows(), trainee.seed);
        let pass = PassLoss::default();
        Self { data: trainee.data, batches, pass, lost: None, values: None }
    }

    fn is_at_work(&self) -> bool {
        self.lost.is_none() && self.values.is_none()
    }

    fn outcome(self, base: &Weights) -> Result<TrainOutcome, TrainError> {
        let diverged = |epoch| TrainError::Diverged { epoch };
        let epoch = self.batches.epoch();
        let values = match (self.lost, self.values) {
            (None, Some(values)) => values,
            (lost, _) => return Err(diverged(lost.unwrap_or(epoch))),
        };
        let weights = base.with_values(values).map_err(|_| diverged(epoch))?;
        let (rows, steps) = (self.data.rows(), self.batches.count());
        Ok(TrainOutcome { weights, loss: self.pass.mean(), rows, steps })
    }
}

/// Losses of all clients in one step, and the epochs and numbers of rows that they belong to.
type Unread = (Tensor<1>, Vec<u32>, Vec<usize>);

/// Reads the losses of some steps.
fn read(members: &mut [Member<'_>], steps: Vec<Unread>) -> Result<(), TrainError> {
    let losses = steps.iter().map(|(losses, ..)| losses.clone()).collect();
    let losses = numbers(Tensor::cat(losses, 0)).map_err(TrainError::device)?;
    for (losses, (_, epochs, own)) in losses.chunks(members.len()).zip(&steps) {
        let told = losses.iter().zip(epochs).zip(own);
        for (member, ((&loss, &epoch), &own)) in members.iter_mut().zip(told) {
            // Who has ended, or has diverged, has nothing more to tell.
            if own == 0 || member.lost.is_some() {
                continue;
            }
            match loss.is_finite() {
                true => member.pass.add(epoch, f64::from(loss), own),
                false => member.lost = Some(epoch),
            }
        }
    }
    Ok(())
}

fn numbers(tensor: Tensor<1>) -> Result<Vec<f32>, TensorReadError> {
    Ok(tensor.try_into_data()?.as_slice::<f32>()?.to_vec())
}

/// One step of all clients.
struct Turn<'a> {
    /// Of each client its rows, and then others that make them as many as those of every other.
    batches: Vec<(&'a Dataset, Vec<usize>)>,
    /// How many of them are its batch; none after its last.
    own: Vec<usize>,
    epochs: Vec<u32>,
}

impl<'a> Turn<'a> {
    fn next(members: &mut [Member<'a>]) -> Self {
        let (mut batches, mut own, mut epochs) = (Vec::new(), Vec::new(), Vec::new());
        for member in members {
            let batch = member.batches.next_batch();
            let (epoch, rows) = batch.map_or((0, Vec::new()), |it| (it.epoch, it.rows.to_vec()));
            own.push(rows.len());
            epochs.push(epoch);
            batches.push((member.data, rows));
        }
        let most = own.iter().copied().max().unwrap_or_default();
        for (_, rows) in &mut batches {
            // A row of its own: what is a number for the batch is one for what fills it up.
            let filling = rows.first().copied().unwrap_or_default();
            rows.resize(most, filling);
        }
        Self { batches, own, epochs }
    }

    /// The features, of shape `[clients, rows, features]`.
    fn upload(&self, spec: &ModelSpec, device: &Device) -> Tensor<3> {
        let mut features = Vec::new();
        let (mut rows, mut columns) = (0, 0);
        for (data, batch) in &self.batches {
            (rows, columns) = (batch.len(), data.columns());
            append(&mut features, spec, data, batch.iter().copied());
        }
        let shape = [self.batches.len(), rows, columns];
        Tensor::from_data(TensorData::new(features, shape), device)
    }
}
