//! What the chain and its clients both speak: ids, content identifiers, task specifications, phases and the payloads that
//! are hashed into commitments.
//!
//! Nothing here decides anything: rules live in `decentralml-protocol`, arithmetic in `decentralml-exact`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod cid;
pub mod commitment;
pub mod encryption;
pub mod gold;
pub mod golden;
pub mod host;
pub mod ids;
pub mod next;
pub mod opinion;
pub mod parameters;
pub mod phase;
pub mod reputation;
pub mod spec;
pub mod verdict;

pub use cid::{Cid, Codec};
pub use encryption::PublicKey;
pub use gold::Label;
pub use host::{Url, Urls};
pub use ids::{
    Balance, BlockNumber, CaseId, CommitteeNumber, Hash, RoundNumber, Salt, Seed, SessionNumber,
    TaskId, Version,
};
pub use next::NextModel;
pub use opinion::{Opinion, Opinions, Score};
pub use parameters::{Parameters, Penalties, Penalty};
pub use phase::{Failure, Phase, TaskStatus};
pub use reputation::Conduct;
pub use spec::{Asset, TaskSpec, limits};
pub use verdict::{Fault, Outcome, Ruling};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What an account does in tasks. Each role has its own bond.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Owns data, trains on it, sends updates.
    Trainer,
    /// Sits on drawn committees: scores updates and recomputes the aggregate.
    Evaluator,
    /// Makes blocks and finalizes them. Has no part in tasks.
    Validator,
}

/// Accuracy and thresholds in parts per million: `1_000_000` is every row right.
pub type Ppm = u32;
