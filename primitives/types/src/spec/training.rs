//! What each trainer does with its rows in a round.

use super::Millionths;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
#[cfg(feature = "std")]
use serde::{Deserialize, Serialize};

data! {
    /// What each trainer does with its rows in a round.
    pub struct LocalTraining {
        /// How long.
        pub work: Work,
        /// Rows in a step.
        pub batch_size: u16,
        /// Step size in millionths, before the schedule.
        pub learning_rate: Millionths,
        /// What becomes of the learning rate over the rounds.
        #[cfg_attr(feature = "std", serde(default))]
        pub schedule: Schedule,
        /// How a gradient becomes a step.
        pub optimizer: Optimizer,
        /// L2 penalty that is added to the gradient, in millionths; 0 is none. [`Optimizer::AdamW`] has its own.
        #[cfg_attr(feature = "std", serde(default))]
        pub weight_decay: Millionths,
        /// The longest direction of a step, in the Euclidean norm over all weights, in millionths; `None` for no bound.
        #[cfg_attr(feature = "std", serde(default))]
        pub clip_norm: Option<Millionths>,
        /// FedProx's μ (Li et al. 2020) in millionths; 0 is none.
        #[cfg_attr(feature = "std", serde(default))]
        pub proximal: Millionths,
        /// Worker momentum (Karimireddy et al. 2021) β in millionths, below one; 0 is none. A trainer sends the mean
        /// `β m + (1 − β) change` of its changes over its accepted rounds in the place of the last one, so that robust rules see less noise.
        #[cfg_attr(feature = "std", serde(default))]
        pub worker_momentum: Millionths,
    }
}

data! {
    /// How long a trainer works in a round.
    #[derive(Copy)]
    pub enum Work {
        /// Passes over its rows.
        Epochs(u16),
        /// Batches, however many rows it has.
        Steps(u32),
    }
}

data! {
    /// How a gradient becomes a step.
    #[derive(Copy)]
    pub enum Optimizer {
        /// Stochastic gradient descent.
        Sgd {
            /// In millionths; 0 is none.
            momentum: Millionths,
        },
        /// Adam with the usual constants (0.9, 0.999, 1e-8).
        Adam,
        /// Adam whose weight decay does not pass through the moments (Loshchilov and Hutter 2019).
        AdamW {
            /// Share of each weight that a step of learning rate 1 would take away, in millionths; 0 is none.
            weight_decay: Millionths,
        },
        /// Stochastic gradient descent without momentum, its gradients corrected by control variates (SCAFFOLD, Karimireddy et al.
        /// 2020, option II). The server's variate is the state that the committee attests together with the model; it follows from
        /// the updates alone.
        Scaffold {
            /// N, the trainers whose gradients the server's variate is the mean of: as many as are to enroll, at least
            /// `trainers.max`. A round moves it by the share of them whose updates were accepted.
            clients: u32,
        },
    }
}

impl Optimizer {
    /// Whether the server remembers something of what trainers have learned: a control variate.
    pub const fn has_state(&self) -> bool {
        matches!(self, Self::Scaffold { .. })
    }
}

data! {
    /// What becomes of the learning rate over the rounds: a factor for each number of rounds that are settled. It is
    /// `(r + 1) / (warmup + 1)` while that number `r` is below `warmup`; `t` counts from there on, from 0.
    #[derive(Copy)]
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
            /// What a step leaves of the rate, in millionths.
            factor: Millionths,
        },
        /// `factor^t`.
        Exponential {
            /// Rounds of warming up.
            warmup: u32,
            /// What a round leaves of the rate, in millionths.
            factor: Millionths,
        },
        /// `floor + (1 − floor) · (1 + cos(π t / rounds)) / 2`, and `floor` from `t = rounds` on (Loshchilov and Hutter 2017).
        Cosine {
            /// Rounds of warming up.
            warmup: u32,
            /// Rounds until the floor, those of warming up not counted.
            rounds: u32,
            /// What is left of the rate in the end, in millionths.
            floor: Millionths,
        },
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Constant { warmup: 0 }
    }
}
