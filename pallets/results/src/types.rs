//! What is stored of a round's updates.

use codec::{Decode, Encode, MaxEncodedLen};
use decentralml_types::{Cid, Hash};
use scale_info::TypeInfo;

/// A trainer's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Commitment {
    /// What it committed to.
    pub hash: Hash,
    /// Once it is revealed: its number among the round's updates, and what it is.
    pub revealed: Option<(u32, Update)>,
}

/// A revealed update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Update {
    /// Its bytes.
    pub cid: Cid,
    /// Rows the trainer says it trained on; a claim that nobody checks.
    pub samples: u32,
}

/// A round's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Rows {
    /// Trainers that committed.
    pub committed: u32,
    /// Trainers that revealed.
    pub revealed: u32,
    /// Commitments that are not settled.
    pub open: u32,
}
