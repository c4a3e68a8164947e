//! Server optimizers: what the server makes of a round's change, besides adding it.
//!
//! ```text
//!  change_of(updates) ──► ServerOptimizer::apply(model, state, change) ──► next model, next state
//! ```
//!
//! Everything is elementwise, by single IEEE 754 operations in a fixed order ([`decentralml_exact::server`]).
//! Equal inputs therefore give equal bytes on every machine, and the state's bytes have a CID that can be
//! attested beside the model's.

use ::safetensors::Dtype;
pub use decentralml_exact::Adaptive;
use decentralml_exact::server::{self as exact, Second};
use serde::{Deserialize, Serialize};

use crate::{
    malformed::Malformed,
    model::{ModelSpec, Parameter},
    safetensors,
    weights::{Weights, WeightsError},
};

/// How the server goes on from a model, given the change that a round's updates come down to.
///
/// Rates and factors are plain numbers: `rate` multiplies the step, `momentum` and `beta` say how much
/// of the past remains, `tau` is how far a small second moment can enlarge a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ServerOptimizer {
    /// The change times a rate; 1 is federated averaging (McMahan et al. 2017).
    FedAvg {
        /// The server's learning rate.
        rate: f64,
    },
    /// With momentum: `m ← momentum · m + change`, the step is `rate · m` (Hsu et al. 2019).
    FedAvgM {
        /// The server's learning rate.
        rate: f64,
        /// What remains of the momentum in a round, in `[0, 1)`.
        momentum: f64,
    },
    /// `v ← v + change²` (Reddi et al. 2021).
    FedAdagrad(Adaptive),
    /// `v ← beta2 · v + (1 − beta2) · change²` (Reddi et al. 2021, without bias correction).
    FedAdam(Adaptive),
    /// `v ← v − (1 − beta2) · change² · sign(v − change²)` (Reddi et al. 2021).
    FedYogi(Adaptive),
    /// The outer optimizer of DiLoCo, Nesterov's momentum: `m ← momentum · m + change`, the step is
    /// `rate · (change + momentum · m)` (Douillard et al. 2023, with rate 0.7 and momentum 0.9).
    DiLoCo {
        /// The outer learning rate.
        rate: f64,
        /// What remains of the momentum in a round, in `[0, 1)`.
        momentum: f64,
    },
}

/// Why a server's step cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A number of the optimizer that makes no sense.
    #[error("a server optimizer's {name} is {value}: must be {expected}")]
    Number {
        /// Which number.
        name: &'static str,
        /// What it is.
        value: f64,
        /// What it has to be.
        expected: &'static str,
    },
    /// The state belongs to another optimizer or another model, or the change to another model.
    #[error("the {what} has {found} numbers, expected {expected}")]
    Length {
        /// What does not fit.
        what: &'static str,
        /// Numbers that the model and the optimizer ask for.
        expected: usize,
        /// Numbers found.
        found: usize,
    },
    /// A change that is NaN or infinite.
    #[error("the change of weight {0} is not finite")]
    Change(usize),
    /// The optimizer's state leads out of the range of `f32`.
    #[error("the {name} of weight {index} leaves the range of 32-bit numbers: lower the rate")]
    Moment {
        /// Which moment.
        name: &'static str,
        /// The weight.
        index: usize,
    },
    /// The step leads out of the range of `f32`.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// What a server optimizer remembers between rounds: no, one or two moments per weight.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerState {
    /// All of the first moment, then all of the second.
    moments: Vec<f32>,
}

/// The names under which moments are stored; in this order they are sorted.
const MOMENTS: [&str; 2] = ["momentum", "variance"];

impl ServerOptimizer {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<(), ServerError> {
        let positive = |name, value: f64| {
            let expected = "positive and finite";
            check(value.is_finite() && value > 0.0, name, value, expected)
        };
        let share = |name, value: f64| {
            let expected = "at least 0 and less than 1";
            check((0.0..1.0).contains(&value), name, value, expected)
        };
        match *self {
            Self::FedAvg { rate } => positive("rate", rate),
            Self::FedAvgM { rate, momentum } | Self::DiLoCo { rate, momentum } => {
                positive("rate", rate)?;
                share("momentum", momentum)
            }
            Self::FedAdagrad(numbers) | Self::FedAdam(numbers) | Self::FedYogi(numbers) => {
                positive("rate", numbers.rate)?;
                share("beta1", numbers.beta1)?;
                share("beta2", numbers.beta2)?;
                positive("tau", numbers.tau)?;
                // Its square is a first second moment, kept in 32 bits.
                let square = (numbers.tau * numbers.tau) as f32;
                check(square.is_normal(), "tau", numbers.tau, "between 1e-18 and 1e18")
            }
        }
    }

    /// How many moments it keeps per weight.
    fn moments(&self) -> usize {
        match self {
            Self::FedAvg { .. } => 0,
            Self::FedAvgM { .. } | Self::DiLoCo { .. } => 1,
            Self::FedAdagrad(_) | Self::FedAdam(_) | Self::FedYogi(_) => 2,
        }
    }

    /// The state before the first round.
    pub fn start(&self, spec: &ModelSpec) -> Result<ServerState, ServerError> {
        self.check()?;
        let count = spec.parameter_count();
        let mut moments = vec![0.0; count * self.moments().min(1)];
        if let Self::FedAdagrad(numbers) | Self::FedAdam(numbers) | Self::FedYogi(numbers) = self {
            moments.resize(2 * count, (numbers.tau * numbers.tau) as f32);
        }
        Ok(ServerState { moments })
    }

    /// One round: the next model, and the state for the round after it.
    ///
    /// `change` is what [`change_of`](crate::aggregate::change_of) gives, one number per weight. Fails,
    /// and leaves the state as it was, if anything is or becomes NaN or infinite.
    pub fn apply(
        &self,
        model: &Weights,
        state: &mut ServerState,
        change: &[f64],
    ) -> Result<Weights, ServerError> {
        self.check()?;
        let count = model.values().len();
        length("change", count, change.len())?;
        length("state", count * self.moments(), state.moments.len())?;
        if let Some(index) = change.iter().position(|change| !change.is_finite()) {
            return Err(ServerError::Change(index));
        }
        let mut moments = state.moments.clone();
        let (first, second) = moments.split_at_mut(count.min(state.moments.len()));
        let mut next = model.values().to_vec();
        let weights = next.as_mut_slice();
        match *self {
            Self::FedAvg { rate } => exact::averaged(weights, change, rate),
            Self::FedAvgM { rate, momentum } => {
                exact::with_momentum(weights, change, first, rate, momentum);
            }
            Self::DiLoCo { rate, momentum } => {
                exact::with_nesterov(weights, change, first, rate, momentum);
            }
            Self::FedAdagrad(numbers) => {
                exact::adapted(weights, change, first, second, numbers, Second::Adagrad);
            }
            Self::FedAdam(numbers) => {
                exact::adapted(weights, change, first, second, numbers, Second::Adam);
            }
            Self::FedYogi(numbers) => {
                exact::adapted(weights, change, first, second, numbers, Second::Yogi);
            }
        }
        if let Some(at) = moments.iter().position(|moment| !moment.is_finite()) {
            let name = MOMENTS.get(at / count.max(1)).copied().unwrap_or_default();
            return Err(ServerError::Moment { name, index: at % count.max(1) });
        }
        let next = model.with_values(next)?;
        state.moments = moments;
        Ok(next)
    }
}

fn check(
    fine: bool,
    name: &'static str,
    value: f64,
    expected: &'static str,
) -> Result<(), ServerError> {
    if fine { Ok(()) } else { Err(ServerError::Number { name, value, expected }) }
}

fn length(what: &'static str, expected: usize, found: usize) -> Result<(), ServerError> {
    if expected == found { Ok(()) } else { Err(ServerError::Length { what, expected, found }) }
}

impl ServerState {
    /// The canonical safetensors file of the state of `optimizer` for a model: tensors `momentum.…` and
    /// `variance.…` of the model's names and shapes. Equal states give equal bytes.
    ///
    /// Fails with [`ServerError::Length`] if the state belongs to another optimizer or model.
    pub fn to_bytes(
        &self,
        optimizer: &ServerOptimizer,
        spec: &ModelSpec,
    ) -> Result<Vec<u8>, ServerError> {
        let expected = spec.parameter_count() * optimizer.moments();
        length("state", expected, self.moments.len())?;
        let body = self.moments.iter().flat_map(|moment| moment.to_le_bytes());
        Ok(safetensors::write(&tensors(optimizer, spec), Dtype::F32, body))
    }

    /// Reads a state and refuses everything that [`to_bytes`](Self::to_bytes) would not have written,
    /// and second moments that are negative.
    pub fn from_bytes(
        bytes: &[u8],
        optimizer: &ServerOptimizer,
        spec: &ModelSpec,
    ) -> Result<Self, Malformed> {
        let tensors = tensors(optimizer, spec);
        let body = safetensors::read(bytes, &tensors, Dtype::F32)?;
        let moments: Vec<f32> =
            body.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
        let count = spec.parameter_count();
        let bad = |(at, moment): (usize, &f32)| {
            !moment.is_finite() || (at >= count && moment.is_sign_negative())
        };
        if let Some(at) = moments.iter().enumerate().position(bad) {
            let (name, index) = safetensors::locate(&tensors, at);
            return Err(Malformed::NotFinite { name, index });
        }
        Ok(Self { moments })
    }

    /// How many bytes [`to_bytes`](Self::to_bytes) gives: what to allow when fetching a state.
    pub fn byte_length(optimizer: &ServerOptimizer, spec: &ModelSpec) -> usize {
        safetensors::length(&tensors(optimizer, spec), Dtype::F32)
    }
}

fn tensors(optimizer: &ServerOptimizer, spec: &ModelSpec) -> Vec<Parameter> {
    let moments = MOMENTS.iter().take(optimizer.moments());
    let named = moments.flat_map(|moment| {
        spec.parameters().into_iter().map(move |parameter| Parameter {
            name: format!("{moment}.{}", parameter.name),
            shape: parameter.shape,
        })
    });
    named.collect()
}

#[cfg(test)]
#[path = "server/tests.rs"]
mod tests;
