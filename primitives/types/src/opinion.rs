//! What a seat says of an update.

use crate::spec::limits::MaxTrainers;
use bounded_collections::BoundedVec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A contribution: the Shapley value of an update on the mean held-out log-likelihood per row, in micro-nats.
pub type Score = i64;

/// One seat's finding on one update.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// The update was there, well formed, and contributed this much.
    Score(Score),
    /// Its bytes could not be fetched within the phase.
    Unavailable,
    /// Its bytes are not an update of this task: other shape, encoding, length or range, or not the CID's bytes.
    Malformed,
    /// It is equal to an update that was committed to earlier in the round, or nearer to one than the task allows.
    Copied,
}

/// One opinion for each revealed update, in the order of the reveals.
pub type Opinions = BoundedVec<Opinion, MaxTrainers>;
