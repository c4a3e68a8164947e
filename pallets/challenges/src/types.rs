//! What is stored of challenges, and what an answer consists of.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use decentralml_protocol::dag::{MAX_LEAF, MAX_PATH};
use decentralml_types::{Balance, BlockNumber};
use frame_support::{BoundedVec, traits::ConstU32};
use scale_info::TypeInfo;

/// The links to follow from an update's root, from 0: it names one block of the update, and the empty path the root.
pub type Path = BoundedVec<u16, ConstU32<{ MAX_PATH as u32 }>>;

/// The bytes of a block.
pub type Bytes = BoundedVec<u8, ConstU32<{ MAX_LEAF as u32 }>>;

/// The blocks along a path, the root's first.
pub type Blocks = BoundedVec<Bytes, ConstU32<{ MAX_PATH as u32 + 1 }>>;

/// What is remembered of an update that was challenged, until its trainer's row is settled.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Record<AccountId> {
    /// Challenges so far, the open one included.
    pub made: u8,
    /// Where the last one stands.
    pub stage: Stage<AccountId>,
}

/// Where a challenge stands.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage<AccountId> {
    /// It was answered.
    Answered,
    /// It waits for an answer.
    Open(Challenge<AccountId>),
    /// Nobody answered in time.
    Unanswered,
}

/// A demand for a block of an update.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Challenge<AccountId> {
    /// Who demands it.
    pub challenger: AccountId,
    /// Which block.
    pub path: Path,
    /// The last block in which it can be answered.
    pub deadline: BlockNumber,
    /// What is held from the challenger for it, in planck.
    pub bond: Balance,
    /// What of it the treasury gets for an answer, in planck.
    pub price: Balance,
}
