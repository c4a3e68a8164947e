//! How local training is written in a file: one flat table.

use serde::{Deserialize, Serialize};

use super::{LocalTraining, Optimizer, Precision, Schedule, Work};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epochs: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps: Option<u32>,
    #[serde(default = "batch_size")]
    batch_size: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    #[serde(default)]
    optimizer: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    #[serde(default)]
    weight_decay: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clip_norm: Option<f64>,
    #[serde(default)]
    proximal: f64,
    #[serde(default, skip_serializing_if = "is_single")]
    precision: Precision,
    // Last: TOML wants tables behind the plain values.
    #[serde(default)]
    schedule: Schedule,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    #[default]
    Sgd,
    Adam,
    AdamW,
}

fn batch_size() -> u32 {
    LocalTraining::BATCH_SIZE
}

fn is_single(precision: &Precision) -> bool {
    *precision == Precision::Single
}

impl TryFrom<Form> for LocalTraining {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let work = match (form.epochs, form.steps) {
            (Some(epochs), None) => Work::Epochs(epochs),
            (None, Some(steps)) => Work::Steps(steps),
            (Some(_), Some(_)) => return Err("give `epochs` or `steps`, not both".to_owned()),
            (None, None) => return Err("give `epochs` or `steps`: how long to train".to_owned()),
        };
        let (optimizer, weight_decay) = match (form.optimizer, form.momentum) {
            (Name::Sgd, momentum) => {
                (Optimizer::Sgd { momentum: momentum.unwrap_or(0.0) }, form.weight_decay)
            }
            (_, Some(_)) => return Err("`momentum` is for the optimizer `sgd`".to_owned()),
            (Name::Adam, None) => (Optimizer::Adam, form.weight_decay),
            (Name::AdamW, None) => (Optimizer::AdamW { weight_decay: form.weight_decay }, 0.0),
        };
        let local = Self {
            work,
            batch_size: form.batch_size,
            learning_rate: form.learning_rate.unwrap_or(optimizer.usual_rate()),
            schedule: form.schedule,
            optimizer,
            weight_decay,
            clip_norm: form.clip_norm,
            proximal: form.proximal,
            precision: form.precision,
        };
        local.validate().map_err(|error| error.to_string())?;
        Ok(local)
    }
}

impl From<LocalTraining> for Form {
    fn from(local: LocalTraining) -> Self {
        let (epochs, steps) = match local.work {
            Work::Epochs(epochs) => (Some(epochs), None),
            Work::Steps(steps) => (None, Some(steps)),
        };
        let (optimizer, momentum, weight_decay) = match local.optimizer {
            Optimizer::Sgd { momentum } => (Name::Sgd, Some(momentum), local.weight_decay),
            Optimizer::Adam => (Name::Adam, None, local.weight_decay),
            Optimizer::AdamW { weight_decay } => (Name::AdamW, None, weight_decay),
        };
        Self {
            epochs,
            steps,
            batch_size: local.batch_size,
            learning_rate: Some(local.learning_rate),
            optimizer,
            momentum,
            weight_decay,
            clip_norm: local.clip_norm,
            proximal: local.proximal,
            precision: local.precision,
            schedule: local.schedule,
        }
    }
}

/// A schedule's table. An enum with a tag inside would not do: serde cannot read its numbers from JSON where
/// serde_json keeps them as texts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleForm {
    kind: Kind,
    #[serde(default)]
    warmup: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rounds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<f64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Constant,
    Step,
    Exponential,
    Cosine,
}

impl TryFrom<ScheduleForm> for Schedule {
    type Error = &'static str;

    fn try_from(form: ScheduleForm) -> Result<Self, &'static str> {
        let ScheduleForm { kind, warmup, every, rounds, factor, floor } = form;
        match (kind, every, rounds, factor, floor) {
            (Kind::Constant, None, None, None, None) => Ok(Self::Constant { warmup }),
            (Kind::Step, Some(every), None, Some(factor), None) => {
                Ok(Self::Step { warmup, every, factor })
            }
            (Kind::Exponential, None, None, Some(factor), None) => {
                Ok(Self::Exponential { warmup, factor })
            }
            (Kind::Cosine, None, Some(rounds), None, floor) => {
                Ok(Self::Cosine { warmup, rounds, floor: floor.unwrap_or(0.0) })
            }
            (Kind::Constant, ..) => Err("the schedule `constant` has `warmup` alone"),
            (Kind::Step, ..) => Err("the schedule `step` has `every`, `factor` and `warmup`"),
            (Kind::Exponential, ..) => Err("the schedule `exponential` has `factor` and `warmup`"),
            (Kind::Cosine, ..) => Err("the schedule `cosine` has `rounds`, `floor` and `warmup`"),
        }
    }
}

impl From<Schedule> for ScheduleForm {
    fn from(schedule: Schedule) -> Self {
        let form = |kind, warmup| Self {
            kind,
            warmup,
            every: None,
            rounds: None,
            factor: None,
            floor: None,
        };
        match schedule {
            Schedule::Constant { warmup } => form(Kind::Constant, warmup),
            Schedule::Step { warmup, every, factor } => {
                Self { every: Some(every), factor: Some(factor), ..form(Kind::Step, warmup) }
            }
            Schedule::Exponential { warmup, factor } => {
                Self { factor: Some(factor), ..form(Kind::Exponential, warmup) }
            }
            Schedule::Cosine { warmup, rounds, floor } => {
                Self { rounds: Some(rounds), floor: Some(floor), ..form(Kind::Cosine, warmup) }
            }
        }
    }
}
