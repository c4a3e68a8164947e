//! How a round ended for one account.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A provable fault: what it takes to lose a bond. Being voted down is none.
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
pub enum Fault {
    /// A trainer committed to an update and did not reveal it.
    NotRevealed,
    /// A seat committed to scores and did not open them.
    NotOpened,
    /// By the committee's majority the update's bytes could not be had.
    Unavailable,
    /// By the committee's majority the update's bytes are not an update of this task.
    Malformed,
    /// A seat attested another model or state than the one with which its round settled. Aggregation is exact, so seats that do
    /// what the specification says never differ.
    WrongAggregate,
    /// A trainer did not answer a challenge to show a block of its update in time.
    Unanswered,
    /// A validator signed two blocks for one slot, or two votes in one round of finality.
    Equivocated,
    /// A seat was wrong about several gold results of one round: updates of which the sponsor knew what they are worth.
    GoldMissed,
}

/// What the council makes of an appeal.
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
pub enum Ruling {
    /// The majority finds the accused guilty.
    Guilty,
    /// The majority frees the accused.
    Freed,
    /// Nobody has voted, or as many for as against: by the fault's proof.
    Undecided,
}

/// What became of a revealed update.
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
pub enum Outcome {
    /// It enters the aggregate. The weight is what it is worth in this round, by which the round's reward is divided: its score, or 0
    /// where that is negative.
    Accepted { weight: u64 },
    /// Its trainer's running score is not positive, or this round's score fell below the floor or is 0.
    Rejected,
    /// It costs the trainer's bond.
    Faulty(Fault),
    /// By the committee's majority it is a copy of an earlier one. It is unpaid and costs nothing: equal bytes do not prove who
    /// made them.
    Copied,
}
