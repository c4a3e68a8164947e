//! How local training is written in a file: one flat table.

use serde::{Deserialize, Serialize};

use super::{LocalTraining, Optimizer, Schedule, Work};

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
            schedule: local.schedule,
        }
    }
}
