//! What a trainer does with a round's model, as a task or a file says it.

use std::str::FromStr;

use burn::optim::{
    AdamConfig, AdamWConfig, ModuleOptimizer, SgdConfig, decay::WeightDecayConfig,
    momentum::MomentumConfig,
};
use serde::{Deserialize, Serialize};

use super::{Schedule, TrainError, form::Form, way::Steps};

/// What a trainer does with a round's model.
///
/// A TOML or JSON table has one flat level, in which everything but the work may be left out:
///
/// ```
/// # use decentralml_learning::{LocalTraining, Optimizer, Work};
/// let local: LocalTraining = toml::from_str("epochs = 5")?;
/// assert_eq!(local, LocalTraining::epochs(5));
///
/// let local: LocalTraining = toml::from_str(
///     r#"
///     steps = 200
///     batch_size = 10
///     learning_rate = 0.02
///     optimizer = "sgd"          # or "adam", "adamw"
///     momentum = 0.9             # of "sgd"
///     weight_decay = 0.0         # decoupled for "adamw", else an L2 penalty
///     clip_norm = 10.0
///     proximal = 0.01            # FedProx
///     precision = "single"       # or "mixed", for cards
///     schedule = { kind = "cosine", rounds = 100, floor = 0.01, warmup = 5 }
///     "#,
/// )?;
/// assert_eq!(local.work, Work::Steps(200));
/// assert_eq!(local.optimizer, Optimizer::Sgd { momentum: 0.9 });
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct LocalTraining {
    /// How long.
    pub work: Work,
    /// Rows per step; the last batch of a pass over the rows may be smaller.
    pub batch_size: u32,
    /// Learning rate, before the schedule.
    pub learning_rate: f64,
    /// What becomes of the learning rate from round to round.
    pub schedule: Schedule,
    /// Optimizer; its state starts afresh in every round.
    pub optimizer: Optimizer,
    /// L2 penalty: this share of the weight is added to its gradient; 0 for none. [`Optimizer::AdamW`]
    /// has its own.
    pub weight_decay: f32,
    /// The longest direction of a step, in the Euclidean norm over all weights: gradients together with
    /// what FedProx and SCAFFOLD add to them are shortened to it, before momentum and L2 penalty. `None`
    /// for no bound.
    pub clip_norm: Option<f64>,
    /// FedProx's μ (Li et al. 2020): the loss grows by `μ/2 · ‖w − w₀‖²`, where `w₀` are the round's
    /// first weights; 0 for none.
    pub proximal: f64,
    /// The numbers that products and convolutions are computed in.
    pub precision: Precision,
}

/// The numbers that training computes products and convolutions in. Weights, optimizers, norms and losses are
/// `f32` in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `f32`.
    #[default]
    Single,
    /// Floats of 16 bits (Micikevicius et al. 2018): `bf16` where the device has it, else `f16` with the loss
    /// scaled so that its gradients stay in range. For cards that are faster in them; the processor is slower.
    Mixed,
}

/// A name that is not one of a precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no precision: give single or mixed")]
pub struct UnknownPrecision {
    /// What was asked for.
    pub name: String,
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(name: &str) -> Result<Self, UnknownPrecision> {
        match name {
            "single" => Ok(Self::Single),
            "mixed" => Ok(Self::Mixed),
            _ => Err(UnknownPrecision { name: name.to_owned() }),
        }
    }
}

/// How long a trainer works in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Passes over its rows.
    Epochs(u32),
    /// Batches, however many rows it has: rows are shuffled anew for each pass over them.
    Steps(u32),
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
    /// Adam whose weight decay does not pass through the moments (Loshchilov and Hutter 2019).
    AdamW {
        /// Share of each weight that a step of learning rate 1 would take away; 0 for none.
        weight_decay: f32,
    },
}

impl Optimizer {
    /// The learning rate where a file gives none: 0.05 for SGD, 0.001 for Adam and AdamW.
    pub fn usual_rate(self) -> f64 {
        match self {
            Self::Sgd { .. } => 0.05,
            Self::Adam | Self::AdamW { .. } => 0.001,
        }
    }
}

impl LocalTraining {
    /// The batch size where a file gives none.
    pub const BATCH_SIZE: u32 = 32;

    /// This work, and all else as where a file says nothing: plain SGD with rate 0.05 on batches of 32.
    pub fn new(work: Work) -> Self {
        let optimizer = Optimizer::Sgd { momentum: 0.0 };
        Self {
            work,
            batch_size: Self::BATCH_SIZE,
            learning_rate: optimizer.usual_rate(),
            schedule: Schedule::default(),
            optimizer,
            weight_decay: 0.0,
            clip_norm: None,
            proximal: 0.0,
            precision: Precision::Single,
        }
    }

    /// [`new`](Self::new) with so many passes over the rows.
    pub fn epochs(epochs: u32) -> Self {
        Self::new(Work::Epochs(epochs))
    }

    /// [`new`](Self::new) with so many batches.
    pub fn steps(steps: u32) -> Self {
        Self::new(Work::Steps(steps))
    }

    /// What to do in one round, counted from 0: the schedule has been applied to the learning rate, and
    /// none is left.
    ///
    /// A rate never falls below a millionth of what it was, so that training stays training.
    pub fn in_round(&self, round: u32) -> Self {
        let learning_rate = self.learning_rate * self.schedule.factor(round).max(1e-6);
        Self { learning_rate, schedule: Schedule::default(), ..*self }
    }

    /// Checks the settings. Errors name the field.
    pub fn validate(&self) -> Result<(), TrainError> {
        let wrong = |name, problem| Err(TrainError::Setting { name, problem });
        match self.work {
            Work::Epochs(0) => return wrong("epochs", "at least one is needed"),
            Work::Steps(0) => return wrong("steps", "at least one is needed"),
            Work::Epochs(_) | Work::Steps(_) => {}
        }
        if self.batch_size == 0 {
            return wrong("batch_size", "at least one row is needed");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return wrong("learning_rate", "must be a positive number");
        }
        self.schedule.validate()?;
        let decay = match self.optimizer {
            Optimizer::AdamW { .. } if self.weight_decay != 0.0 => {
                return wrong("weight_decay", "AdamW has its own: no L2 penalty beside it");
            }
            Optimizer::AdamW { weight_decay } => weight_decay,
            Optimizer::Sgd { .. } | Optimizer::Adam => self.weight_decay,
        };
        if !(decay.is_finite() && decay >= 0.0) {
            return wrong("weight_decay", "must be zero or a positive number");
        }
        if self.clip_norm.is_some_and(|norm| !(norm.is_finite() && norm > 0.0)) {
            return wrong("clip_norm", "must be a positive number, or absent for no bound");
        }
        if !(self.proximal.is_finite() && self.proximal >= 0.0) {
            return wrong("proximal", "must be zero or a positive number");
        }
        match self.optimizer {
            Optimizer::Sgd { momentum } if !(0.0..1.0).contains(&momentum) => {
                wrong("momentum", "must be at least 0 and below 1")
            }
            _ => Ok(()),
        }
    }

    /// The steps of a client with so many rows: one for each batch.
    pub fn steps_of(&self, rows: usize) -> u64 {
        match self.work {
            Work::Epochs(epochs) => self.batches_in_pass(rows).saturating_mul(epochs.into()),
            Work::Steps(steps) => u64::from(steps),
        }
    }

    /// The batches of one pass over so many rows.
    pub(super) fn batches_in_pass(&self, rows: usize) -> u64 {
        rows.div_ceil((self.batch_size as usize).max(1)) as u64
    }

    /// How far so many steps go along a gradient that never changes, in units of the learning rate:
    /// `‖a‖₁` of FedNova (Wang et al. 2020), with momentum `ρ` and FedProx's `μ`.
    ///
    /// It is the number of steps for plain SGD, and `(τ − ρ(1 − ρ^τ)/(1 − ρ))/(1 − ρ)` for τ steps with
    /// momentum. For Adam and AdamW, whose steps do not grow with the gradient, it is the number of
    /// steps.
    ///
    /// It takes a time that grows with the logarithm of the steps, and is made of single IEEE operations: equal
    /// settings give the same on every machine. (The rate of a round whose schedule is not constant may differ.)
    pub fn effective_steps(&self, steps: u64) -> f64 {
        let Optimizer::Sgd { momentum } = self.optimizer else { return steps as f64 };
        if momentum == 0.0 && self.proximal == 0.0 {
            return steps as f64;
        }
        Steps::one(momentum, self.learning_rate * self.proximal).repeated(steps).distance()
    }

    /// How far so many steps go along a gradient of 1: SCAFFOLD's K η.
    pub fn way(&self, steps: u64) -> f64 {
        self.learning_rate * self.effective_steps(steps)
    }

    /// [`effective_steps`](Self::effective_steps) in sixteenths, as [`Blend::nova`](crate::Blend::nova)
    /// takes them: it looks at their ratios only. At least 1 and at most `u32::MAX`.
    pub fn nova_steps(&self, steps: u64) -> u32 {
        // `as` saturates.
        ((self.effective_steps(steps) * 16.0).round() as u32).max(1)
    }

    pub(super) fn optimizer(&self) -> ModuleOptimizer {
        let decay = (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay));
        match self.optimizer {
            Optimizer::Sgd { momentum } => {
                // burn dampens by 0.1 unless told otherwise; the textbook's momentum does not.
                let momentum = (momentum > 0.0)
                    .then(|| MomentumConfig::new().with_momentum(momentum).with_dampening(0.0));
                SgdConfig::new().with_momentum(momentum).with_weight_decay(decay).init()
            }
            Optimizer::Adam => AdamConfig::new().with_epsilon(1e-8).with_weight_decay(decay).init(),
            Optimizer::AdamW { weight_decay } => {
                AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(weight_decay).init()
            }
        }
    }
}
