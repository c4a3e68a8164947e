//! Table `[training]`.

use super::wrong;
use crate::units::{Decimal, Share};
use color_eyre::Result;
use decentralml_types::spec::{LocalTraining, Optimizer, Schedule, TrainerCount, Work};
use serde::Deserialize;

/// What each trainer does with its rows in a round.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    pub epochs: Option<u16>,
    pub steps: Option<u32>,
    pub batch_size: u16,
    pub learning_rate: Decimal,
    pub schedule: Option<ScheduleTable>,
    pub optimizer: OptimizerName,
    pub momentum: Option<Decimal>,
    /// Of SCAFFOLD; as many as are drawn for a round where it is left out.
    pub clients: Option<u32>,
    pub weight_decay: Option<Decimal>,
    pub clip_norm: Option<Decimal>,
    pub proximal: Option<Decimal>,
    pub worker_momentum: Option<Decimal>,
}

/// How a gradient becomes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    Sgd,
    Adam,
    AdamW,
    Scaffold,
}

/// What becomes of the learning rate over the rounds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleTable {
    pub kind: ScheduleName,
    #[serde(default)]
    pub warmup: u32,
    pub every: Option<u32>,
    pub factor: Option<Share>,
    pub rounds: Option<u32>,
    pub floor: Option<Share>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleName {
    Constant,
    Step,
    Exponential,
    Cosine,
}

impl Training {
    pub fn on_chain(self, trainers: &TrainerCount) -> Result<LocalTraining> {
        let work = match (self.epochs, self.steps) {
            (Some(epochs), None) => Work::Epochs(epochs),
            (None, Some(steps)) => Work::Steps(steps),
            _ => return Err(wrong("[training]: give either `epochs` or `steps`")),
        };
        if self.clients.is_some() && self.optimizer != OptimizerName::Scaffold {
            return Err(wrong("[training]: `clients` belongs to scaffold"));
        }
        let decay = self.weight_decay.map_or(0, |decay| decay.0);
        let (optimizer, weight_decay) = match (self.optimizer, self.momentum) {
            (OptimizerName::Sgd, momentum) => {
                (Optimizer::Sgd { momentum: momentum.map_or(0, |momentum| momentum.0) }, decay)
            }
            (OptimizerName::Adam, None) => (Optimizer::Adam, decay),
            (OptimizerName::AdamW, None) => (Optimizer::AdamW { weight_decay: decay }, 0),
            (OptimizerName::Scaffold, None) => {
                let clients = self.clients.unwrap_or(trainers.max.into());
                (Optimizer::Scaffold { clients }, decay)
            }
            (_, Some(_)) => {
                return Err(wrong(
                    "[training]: `momentum` belongs to sgd; adam and adamw have their own, scaffold has none",
                ));
            }
        };
        let schedule = match self.schedule {
            Some(schedule) => schedule.on_chain()?,
            None => Schedule::default(),
        };
        Ok(LocalTraining {
            work,
            batch_size: self.batch_size,
            learning_rate: self.learning_rate.0,
            schedule,
            optimizer,
            weight_decay,
            clip_norm: self.clip_norm.map(|norm| norm.0),
            proximal: self.proximal.map_or(0, |proximal| proximal.0),
            worker_momentum: self.worker_momentum.map_or(0, |momentum| momentum.0),
        })
    }
}

impl ScheduleTable {
    fn on_chain(self) -> Result<Schedule> {
        let Self { kind, warmup, every, factor, rounds, floor } = self;
        let (factor, floor) = (factor.map(|share| share.0), floor.map(|share| share.0));
        Ok(match (kind, every, factor, rounds, floor) {
            (ScheduleName::Constant, None, None, None, None) => Schedule::Constant { warmup },
            (ScheduleName::Step, Some(every), Some(factor), None, None) => {
                Schedule::Step { warmup, every, factor }
            }
            (ScheduleName::Exponential, None, Some(factor), None, None) => {
                Schedule::Exponential { warmup, factor }
            }
            (ScheduleName::Cosine, None, None, Some(rounds), floor) => {
                Schedule::Cosine { warmup, rounds, floor: floor.unwrap_or(0) }
            }
            _ => {
                return Err(wrong(
                    "[training] `schedule`: beside `warmup`, constant takes nothing, step takes `every` and `factor`, \
                     exponential `factor`, and cosine `rounds` and perhaps `floor`",
                ));
            }
        })
    }
}
