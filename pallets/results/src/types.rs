//! What is stored of a round's updates.

use codec::{Decode, Encode, MaxEncodedLen};
use decentralml_types::{Cid, CommitteeNumber, Hash};
use scale_info::TypeInfo;

/// A trainer's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Commitment {
    /// What it committed to.
    pub hash: Hash,
    /// Its number among the round's commitments, from 0: of two equal updates the earlier one counts.
    pub number: u32,
    /// Once it is revealed: its number among the round's updates, and what it is.
    pub revealed: Option<(u32, Update)>,
}

/// A revealed update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Update {
    /// Its bytes; in a sealed task the encrypted ones.
    pub cid: Cid,
    /// SHA2-256 of the plain update; `Some` in sealed tasks only.
    pub plain_hash: Option<Hash>,
    /// Rows the trainer says it trained on; a claim that nobody checks.
    pub samples: u32,
    /// The key that opens it, as its trainer handed it over last; sealed tasks only.
    pub handover: Option<Handover>,
}

/// The key of a sealed update, in the hands of a committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Handover {
    /// To which committee of the round.
    pub committee: CommitteeNumber,
    /// A file with the key, encrypted to those of the committee's seats.
    pub keys: Cid,
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
