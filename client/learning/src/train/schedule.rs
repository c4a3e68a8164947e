use serde::{Deserialize, Serialize};

use super::{TrainError, form::ScheduleForm};

/// What becomes of the learning rate from round to round: a factor between 0 and 1 for each.
///
/// In the first `warmup` rounds `r = 0, 1, …` the factor is `(r + 1) / (warmup + 1)`; `t` counts the
/// rounds after them, from 0. Shares are numbers from 0 to 1, which a chain holds in millionths. In a file it
/// is a table with a `kind`: see [`LocalTraining`](super::LocalTraining).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ScheduleForm", into = "ScheduleForm")]
pub enum Schedule {
    /// Always 1.
    Constant {
        /// Rounds of warming up.
        warmup: u32,
    },
    /// `factor^⌊t / every⌋`.
    Step {
        /// Rounds of warming up.
        warmup: u32,
        /// Rounds between two steps.
        every: u32,
        /// What a step leaves of the rate.
        factor: f64,
    },
    /// `factor^t`.
    Exponential {
        /// Rounds of warming up.
        warmup: u32,
        /// What a round leaves of the rate.
        factor: f64,
    },
    /// `floor + (1 − floor) · (1 + cos(π t / rounds)) / 2`, and `floor` from `t = rounds` on
    /// (Loshchilov and Hutter 2017).
    Cosine {
        /// Rounds of warming up.
        warmup: u32,
        /// Rounds until the floor, those of warming up not counted.
        rounds: u32,
        /// What is left of the rate in the end.
        floor: f64,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Constant { warmup: 0 }
    }
}

impl Schedule {
    /// What the learning rate is multiplied with in a round, counted from 0.
    pub fn factor(&self, round: u32) -> f64 {
        let warmup = self.warmup();
        let Some(t) = round.checked_sub(warmup) else {
            return (f64::from(round) + 1.0) / (f64::from(warmup) + 1.0);
        };
        match *self {
            Self::Constant { .. } => 1.0,
            Self::Step { every, factor, .. } => factor.powf(f64::from(t / every.max(1))),
            Self::Exponential { factor, .. } => factor.powf(f64::from(t)),
            Self::Cosine { rounds, floor, .. } => {
                let done = f64::from(t.min(rounds)) / f64::from(rounds.max(1));
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }

    /// Rounds of warming up.
    pub fn warmup(&self) -> u32 {
        match *self {
            Self::Constant { warmup }
            | Self::Step { warmup, .. }
            | Self::Exponential { warmup, .. }
            | Self::Cosine { warmup, .. } => warmup,
        }
    }

    /// Checks the numbers. Errors name the field.
    pub fn validate(&self) -> Result<(), TrainError> {
        let wrong = |name, problem| Err(TrainError::Setting { name, problem });
        match *self {
            Self::Step { every: 0, .. } => wrong("schedule.every", "at least one round is needed"),
            Self::Step { factor, .. } | Self::Exponential { factor, .. }
                if !(factor > 0.0 && factor <= 1.0) =>
            {
                wrong("schedule.factor", "must be above 0 and at most 1")
            }
            Self::Cosine { rounds: 0, .. } => {
                wrong("schedule.rounds", "at least one round is needed")
            }
            Self::Cosine { floor, .. } if !(0.0..=1.0).contains(&floor) => {
                wrong("schedule.floor", "must be between 0 and 1")
            }
            _ => Ok(()),
        }
    }
}
