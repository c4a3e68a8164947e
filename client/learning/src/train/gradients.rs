//! What is done to gradients before the optimizer sees them.

use burn::{
    module::Param,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};

use super::{LocalTraining, TrainError, read};
use crate::{model::ModelSpec, network::Network, weights::Weights};

/// All that changes a gradient: FedProx's pull, SCAFFOLD's correction, the bound of its norm.
///
/// It exists only where there is something to do, so that plain training pays nothing.
pub(super) struct Direction {
    /// The round's first weights, and μ.
    proximal: Option<(Network, f64)>,
    correction: Option<Network>,
    clip_norm: Option<f64>,
}

impl Direction {
    /// What these settings do, from `base`, both on the device without autodiff.
    pub(super) fn new(
        spec: &ModelSpec,
        base: &Weights,
        local: &LocalTraining,
        correction: Option<&Weights>,
        device: &Device,
    ) -> Result<Option<Self>, TrainError> {
        let place = |weights| Network::new(spec, weights, device).map_err(TrainError::Weights);
        let proximal = (local.proximal > 0.0)
            .then(|| place(base).map(|network| (network, local.proximal)))
            .transpose()?;
        let correction = correction.map(place).transpose()?;
        let idle = proximal.is_none() && correction.is_none() && local.clip_norm.is_none();
        Ok((!idle).then_some(Self { proximal, correction, clip_norm: local.clip_norm }))
    }

    /// Changes the gradients of `network`. Fails with [`TrainError::Diverged`] where their norm is to be
    /// bounded and is no finite number, with [`TrainError::Device`] where it cannot be read.
    pub(super) fn apply(
        &self,
        network: &Network,
        gradients: &mut GradientsParams,
        epoch: u32,
    ) -> Result<(), TrainError> {
        let (vectors, matrices, kernels) = network.lists();
        let base = self.proximal.as_ref().map(|(base, _)| base.lists());
        let correction = self.correction.as_ref().map(Network::lists);
        let squares = [
            self.add(gradients, vectors, base.map(|all| all.0), correction.map(|all| all.0)),
            self.add(gradients, matrices, base.map(|all| all.1), correction.map(|all| all.1)),
            self.add(gradients, kernels, base.map(|all| all.2), correction.map(|all| all.2)),
        ];
        let Some(most) = self.clip_norm else { return Ok(()) };
        let square = squares.into_iter().flatten().reduce(|sum, part| sum + part);
        let norm = read(square)?.sqrt();
        if !norm.is_finite() {
            return Err(TrainError::Diverged { epoch });
        }
        if norm > most {
            let factor = most / norm;
            scale(gradients, vectors, factor);
            scale(gradients, matrices, factor);
            scale(gradients, kernels, factor);
        }
        Ok(())
    }

    /// Adds to the gradients of some parameters; gives the sum of their squares where it is bounded.
    fn add<const D: usize>(
        &self,
        gradients: &mut GradientsParams,
        parameters: &[Param<Tensor<D>>],
        base: Option<&[Param<Tensor<D>>]>,
        correction: Option<&[Param<Tensor<D>>]>,
    ) -> Option<Tensor<1>> {
        let pull = self.proximal.as_ref().and_then(|(_, mu)| Some((base?, *mu)));
        let square = self.clip_norm.map(|_| |gradient: Tensor<D>| gradient.square().sum());
        steer(gradients, parameters, pull, correction, square)
    }
}

/// Adds to the gradients of some parameters, `μ` times the way from the base and the correction; gives the sum of what
/// they measure then. The base, of the first dimension 1, may be that of several clients.
pub(super) fn steer<const D: usize, const M: usize>(
    gradients: &mut GradientsParams,
    parameters: &[Param<Tensor<D>>],
    pull: Option<(&[Param<Tensor<D>>], f64)>,
    correction: Option<&[Param<Tensor<D>>]>,
    measure: Option<impl Fn(Tensor<D>) -> Tensor<M>>,
) -> Option<Tensor<M>> {
    let mut sum: Option<Tensor<M>> = None;
    for (index, parameter) in parameters.iter().enumerate() {
        // Whatever the loss does not depend on has no gradient, stays as it was, and needs none.
        let Some(mut gradient) = gradients.remove::<D>(parameter.id) else { continue };
        if let Some((base, mu)) = pull
            && let Some(base) = base.get(index)
        {
            gradient = gradient + (parameter.val().inner() - base.val()).mul_scalar(mu);
        }
        if let Some(correction) = correction.and_then(|all| all.get(index)) {
            gradient = gradient + correction.val();
        }
        if let Some(measure) = &measure {
            let part = measure(gradient.clone());
            sum = Some(match sum {
                Some(sum) => sum + part,
                None => part,
            });
        }
        gradients.register(parameter.id, gradient);
    }
    sum
}

fn scale<const D: usize>(
    gradients: &mut GradientsParams,
    parameters: &[Param<Tensor<D>>],
    factor: f64,
) {
    for parameter in parameters {
        if let Some(gradient) = gradients.remove::<D>(parameter.id) {
            gradients.register(parameter.id, gradient.mul_scalar(factor));
        }
    }
}
