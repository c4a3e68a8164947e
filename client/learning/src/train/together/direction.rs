//! What is done to the gradients of several clients before the optimizer sees them.

use burn::{
    module::Param,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};

use super::Trainee;
use crate::{
    model::ModelSpec,
    network::Stack,
    train::{LocalTraining, TrainError, gradients::steer},
    weights::Weights,
};

/// [`Direction`](crate::train::gradients::Direction) for each of several clients.
pub(super) struct Directions {
    /// The round's first weights, once for all clients, and μ.
    proximal: Option<(Stack, f64)>,
    correction: Option<Stack>,
    clip_norm: Option<f64>,
}

impl Directions {
    /// What these settings do, from `base`, both on the device without autodiff.
    pub(super) fn new(
        spec: &ModelSpec,
        base: &Weights,
        local: &LocalTraining,
        trainees: &[Trainee<'_>],
        device: &Device,
    ) -> Result<Option<Self>, TrainError> {
        let place =
            |weights: &[&Weights]| Stack::new(spec, weights, device).map_err(TrainError::Weights);
        let proximal = (local.proximal > 0.0)
            .then(|| place(&[base]).map(|base| (base, local.proximal)))
            .transpose()?;
        let none = Weights::zero(spec);
        let corrections: Vec<&Weights> =
            trainees.iter().map(|trainee| trainee.correction.unwrap_or(&none)).collect();
        let corrects = trainees.iter().any(|trainee| trainee.correction.is_some());
        let correction = corrects.then(|| place(&corrections)).transpose()?;
        let idle = proximal.is_none() && correction.is_none() && local.clip_norm.is_none();
        Ok((!idle).then_some(Self { proximal, correction, clip_norm: local.clip_norm }))
    }

    /// Changes the gradients of `stack`. Where the norm of a client's is to be bounded and is no finite number, they are
    /// no numbers afterwards, and so are its weights.
    pub(super) fn apply(&self, stack: &Stack, gradients: &mut GradientsParams) {
        let (vectors, matrices, kernels) = stack.lists();
        let mu = self.proximal.as_ref().map_or(0.0, |(_, mu)| *mu);
        let base = self.proximal.as_ref().map(|(base, _)| base.lists());
        let correction = self.correction.as_ref().map(Stack::lists);
        let squares = [
            steer(
                gradients,
                vectors,
                base.map(|all| (all.0, mu)),
                correction.map(|all| all.0),
                self.clip_norm.map(|_| squares::<2>),
            ),
            steer(
                gradients,
                matrices,
                base.map(|all| (all.1, mu)),
                correction.map(|all| all.1),
                self.clip_norm.map(|_| squares::<3>),
            ),
            steer(
                gradients,
                kernels,
                base.map(|all| (all.2, mu)),
                correction.map(|all| all.2),
                self.clip_norm.map(|_| squares::<5>),
            ),
        ];
        let square = squares.into_iter().flatten().reduce(|sum, part| sum + part);
        let (Some(most), Some(square)) = (self.clip_norm, square) else { return };
        let norm = square.sqrt();
        // What is infinite or no number, times nothing, is no number.
        let finite = norm.clone().mul_scalar(0.0);
        let factor = norm.recip().mul_scalar(most).clamp_max(1.0) + finite;
        scale(gradients, vectors, &factor);
        scale(gradients, matrices, &factor);
        scale(gradients, kernels, &factor);
    }
}

/// The sum of the squares of each client's numbers, `[clients, 1]`.
fn squares<const D: usize>(gradient: Tensor<D>) -> Tensor<2> {
    let numbers = gradient.dims();
    let clients = numbers.first().copied().unwrap_or_default();
    let each = numbers.iter().skip(1).product();
    gradient.square().reshape([clients, each]).sum_dim(1)
}

/// Multiplies each client's gradients by its factor, of shape `[clients, 1]`.
fn scale<const D: usize>(
    gradients: &mut GradientsParams,
    parameters: &[Param<Tensor<D>>],
    factor: &Tensor<2>,
) {
    let [clients, _] = factor.dims();
    let mut shape = [1; D];
    shape[0] = clients;
    for parameter in parameters {
        if let Some(gradient) = gradients.remove::<D>(parameter.id) {
            gradients.register(parameter.id, gradient * factor.clone().reshape(shape));
        }
    }
}
