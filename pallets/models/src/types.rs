//! What is stored of a version.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use decentralml_types::{BlockNumber, Cid, Ppm, RoundNumber, Version, spec::Text};
use scale_info::TypeInfo;

/// One version of a task's model.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ModelVersion {
    /// Its weights.
    pub cid: Cid,
    /// The version it was trained from; `None` for a task's first.
    pub parent: Option<Version>,
    /// The round it comes from.
    pub round: RoundNumber,
    /// The metric that the committee attested, in parts per million.
    pub metric: Ppm,
    /// Updates in it.
    pub updates: u32,
    /// SPDX identifier of its license.
    pub license: Text,
    /// The block in which it was recorded.
    pub recorded_at: BlockNumber,
    /// What governance has said of it.
    pub status: Release,
}

/// What governance has said of a version.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Release {
    /// Nothing yet.
    Candidate,
    /// It may be used.
    Released {
        /// The block of the decision.
        at: BlockNumber,
    },
    /// It was released, and may no longer be used.
    Recalled {
        /// The block of the decision.
        at: BlockNumber,
        /// Why, as UTF-8.
        reason: Text,
    },
}
