//! How accepted updates become the next model.

use super::{MILLION, Millionths};
use crate::Ppm;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
#[cfg(feature = "std")]
use serde::{Deserialize, Serialize};

/// Above which cosine of two updates the later one is a copy, where a task does not say. Honest updates of networks stay far below
/// it; those of convex models that converge within a round may not, and such tasks ask for [`EQUAL_ONLY`].
pub const COPY_COSINE: Ppm = 999_900;

/// The cosine above which no updates are: with it as [`Aggregation::copy_cosine`], only equal updates are copies.
pub const EQUAL_ONLY: Ppm = MILLION;

data! {
    /// How accepted updates become the next model. In this order: each update is cut to the norm bound, updates are mixed, a rule
    /// makes one change of them, and the server's optimizer goes a step with it.
    ///
    /// Rules that bear a number of hostile updates bear fewer where a round has accepted too few updates for them: see
    /// `decentralml_protocol::robust`.
    pub struct Aggregation {
        /// The Euclidean norm to which each update is cut first, in millionths of a weight's unit; `None` for no bound.
        #[cfg_attr(feature = "std", serde(default))]
        pub norm_bound: Option<Millionths>,
        /// What happens to the updates before the rule.
        #[cfg_attr(feature = "std", serde(default))]
        pub before: Before,
        /// How they become one change.
        pub rule: Rule,
        /// What each update counts in a mean.
        #[cfg_attr(feature = "std", serde(default))]
        pub counts: Counts,
        /// What the server makes of the change.
        #[cfg_attr(feature = "std", serde(default))]
        pub server: ServerOptimizer,
        /// The cosine of two updates above which the one that was committed to later is a copy: from half to one. With
        /// [`EQUAL_ONLY`] only equal updates are. Updates of zeros are copies of nothing.
        #[cfg_attr(feature = "std", serde(default = "copy_cosine"))]
        pub copy_cosine: Ppm,
    }
}

#[cfg(feature = "std")]
const fn copy_cosine() -> Ppm {
    COPY_COSINE
}

impl Default for Aggregation {
    fn default() -> Self {
        Self {
            norm_bound: None,
            before: Before::default(),
            rule: Rule::default(),
            counts: Counts::default(),
            server: ServerOptimizer::default(),
            copy_cosine: COPY_COSINE,
        }
    }
}

data! {
    /// What happens to the updates before the rule.
    #[derive(Copy, Default)]
    pub enum Before {
        /// Nothing.
        #[default]
        Nothing,
        /// Each update is replaced by the mean of those nearest to it, as many as there are honest ones (Allouah et al. 2023).
        NearestNeighbors {
            /// Hostile updates to bear: fewer than half.
            hostile: u16,
        },
        /// Updates are replaced by the means of random buckets (Karimireddy et al. 2022).
        Buckets {
            /// Updates in a bucket, 1 to 64.
            size: u8,
        },
    }
}

data! {
    /// How updates become one change.
    #[derive(Copy, Default)]
    pub enum Rule {
        /// The arithmetic mean (McMahan et al. 2017).
        #[default]
        Mean,
        /// Weight by weight, the mean without the lowest and highest share of values (Yin et al. 2018).
        TrimmedMean {
            /// Share cut at each end, in parts per million, below one half.
            trim: Ppm,
        },
        /// Weight by weight, the median (Yin et al. 2018).
        Median,
        /// The update in the middle of the crowd (Blanchard et al. 2017).
        Krum {
            /// Hostile updates to bear; it takes `2 · hostile + 3` updates.
            hostile: u16,
        },
        /// The mean of the updates nearest to their neighbors (Blanchard et al. 2017).
        MultiKrum {
            /// Hostile updates to bear; it takes `2 · hostile + 3` updates.
            hostile: u16,
            /// Updates to keep, at most all but the hostile.
            kept: u16,
        },
        /// Multi-Krum, then for each weight the mean of the values closest to the median (El Mhamdi et al. 2018).
        Bulyan {
            /// Hostile updates to bear; it takes `4 · hostile + 3` updates.
            hostile: u16,
        },
        /// The point with the smallest sum of distances to the updates (Pillutla et al. 2022).
        GeometricMedian {
            /// Steps towards it, 1 to 64.
            steps: u8,
        },
        /// The mean of updates cut to a radius around the last estimate (Karimireddy et al. 2021).
        CenteredClipping {
            /// The radius, in millionths of a weight's unit.
            radius: Millionths,
            /// Estimates that follow each other, 1 to 64.
            steps: u8,
        },
    }
}

data! {
    /// What each update counts in a mean. The chain believes trainers how many rows they have: a cap bounds what a lie is worth.
    #[derive(Copy, Default)]
    pub enum Counts {
        /// The same for all.
        #[default]
        Equal,
        /// The number of its trainer's rows.
        Samples {
            /// At most this much.
            cap: u32,
        },
        /// FedNova (Wang et al. 2020): as [`Counts::Samples`], each update divided by how far its trainer's steps go along a gradient that
        /// never changes, and all multiplied by their mean. Plain SGD goes as far as it takes steps; momentum further, FedProx less far.
        Nova {
            /// At most this much.
            cap: u32,
        },
    }
}

data! {
    /// What the server makes of a round's change; the learning crate's `ServerOptimizer` has the formulas. All but the first have a
    /// state, which the committee attests together with the model.
    #[derive(Copy)]
    pub enum ServerOptimizer {
        /// The change times a rate (McMahan et al. 2017).
        FedAvg {
            /// The server's learning rate in millionths; 1 adds the change as it is.
            rate: Millionths,
        },
        /// With momentum (Hsu et al. 2019).
        FedAvgM {
            /// The server's learning rate in millionths.
            rate: Millionths,
            /// What remains of the momentum in a round, in millionths.
            momentum: Millionths,
        },
        /// Adagrad (Reddi et al. 2021).
        FedAdagrad(Adaptive),
        /// Adam (Reddi et al. 2021).
        FedAdam(Adaptive),
        /// Yogi (Reddi et al. 2021).
        FedYogi(Adaptive),
        /// The outer optimizer of DiLoCo, Nesterov's momentum (Douillard et al. 2023).
        DiLoCo {
            /// The outer learning rate in millionths.
            rate: Millionths,
            /// What remains of the momentum in a round, in millionths.
            momentum: Millionths,
        },
    }
}

data! {
    /// The numbers of an adaptive server optimizer.
    #[derive(Copy)]
    pub struct Adaptive {
        /// The server's learning rate in millionths.
        pub rate: Millionths,
        /// What remains of the first moment in a round, in millionths.
        pub beta1: Millionths,
        /// What remains of the second moment in a round, in millionths; Adagrad does not use it.
        pub beta2: Millionths,
        /// The smallest denominator in millionths, positive.
        pub tau: Millionths,
    }
}

impl Default for ServerOptimizer {
    fn default() -> Self {
        Self::FedAvg { rate: MILLION }
    }
}

impl ServerOptimizer {
    /// Whether it remembers something from round to round.
    pub const fn has_state(&self) -> bool {
        !matches!(self, Self::FedAvg { .. })
    }
}
