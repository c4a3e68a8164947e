//! Scaling of the loss, which keeps the gradients of `f16` in range (Micikevicius et al. 2018).
//!
//! Gradients below 6 · 10⁻⁸ are zero in `f16`, and those above 65,504 infinite. A loss that is multiplied by a
//! large factor has gradients in between, and they are divided by it once they are `f32`.

use burn::{
    module::Param,
    optim::GradientsParams,
    tensor::{FloatDType, Tensor},
};

use super::{TrainError, read};
use crate::network::Network;

/// The first factor. Powers of two, so that scaling rounds nothing.
const FIRST: f64 = 65_536.0;
/// The largest factor: `f32` has room for it above any sensible gradient.
const MOST: f64 = 16_777_216.0;
/// So many steps in range double the factor.
const PATIENCE: u32 = 2_000;

/// What the loss is multiplied by.
pub(super) struct Scaling {
    factor: f64,
    /// Steps since the factor last changed.
    steady: u32,
}

/// What has become of a step's gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scaled {
    /// They are those of the loss itself.
    Fine,
    /// Some have left the range: with the factor halved, the step is to be tried again.
    Again,
    /// Some have left the range of the loss without a factor: training has diverged.
    Lost,
}

impl Scaling {
    /// For products in these numbers; nothing where they have the range of `f32`.
    pub(super) fn of(products: FloatDType) -> Option<Self> {
        (products == FloatDType::F16).then_some(Self { factor: FIRST, steady: 0 })
    }

    pub(super) fn multiply(&self, loss: Tensor<1>) -> Tensor<1> {
        loss.mul_scalar(self.factor)
    }

    /// Divides the gradients of `network` by the factor. Fails with [`TrainError::Device`] where they cannot be read: such a device
    /// has said nothing about their range.
    pub(super) fn divide(
        &mut self,
        network: &Network,
        gradients: &mut GradientsParams,
    ) -> Result<Scaled, TrainError> {
        let (vectors, matrices, kernels) = network.lists();
        let shrink = 1.0 / self.factor;
        let sizes = [
            divided(gradients, vectors, shrink),
            divided(gradients, matrices, shrink),
            divided(gradients, kernels, shrink),
        ];
        let size = sizes.into_iter().flatten().reduce(|sum, part| sum + part);
        Ok(self.judge(read(size)?.is_finite()))
    }

    fn judge(&mut self, finite: bool) -> Scaled {
        if !finite {
            self.steady = 0;
            if self.factor <= 1.0 {
                return Scaled::Lost;
            }
            self.factor /= 2.0;
            return Scaled::Again;
        }
        self.steady += 1;
        if self.steady == PATIENCE {
            self.steady = 0;
            self.factor = (self.factor * 2.0).min(MOST);
        }
        Scaled::Fine
    }
}

/// Multiplies the gradients of some parameters; gives the sum of their sizes, which is infinite or no
/// number if one of them is.
fn divided<const D: usize>(
    gradients: &mut GradientsParams,
    parameters: &[Param<Tensor<D>>],
    shrink: f64,
) -> Option<Tensor<1>> {
    let mut sum: Option<Tensor<1>> = None;
    for parameter in parameters {
        let Some(gradient) = gradients.remove::<D>(parameter.id) else { continue };
        let gradient = gradient.mul_scalar(shrink);
        let size = gradient.clone().abs().sum();
        sum = Some(match sum {
            Some(sum) => sum + size,
            None => size,
        });
        gradients.register(parameter.id, gradient);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_falls_at_once_and_grows_slowly() {
        assert!(Scaling::of(FloatDType::BF16).is_none() && Scaling::of(FloatDType::F32).is_none());
        let mut scaling = Scaling { factor: 4.0, steady: PATIENCE - 1 };
        assert_eq!(scaling.judge(false), Scaled::Again);
        assert_eq!(scaling.judge(false), Scaled::Again);
        assert_eq!(scaling.factor, 1.0);
        assert_eq!(scaling.judge(false), Scaled::Lost);
        for _ in 0..PATIENCE {
            assert_eq!(scaling.factor, 1.0);
            assert_eq!(scaling.judge(true), Scaled::Fine);
        }
        assert_eq!(scaling.factor, 2.0);
        scaling = Scaling { factor: MOST, steady: PATIENCE - 1 };
        scaling.judge(true);
        assert_eq!(scaling.factor, MOST);
    }
}
