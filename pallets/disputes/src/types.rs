//! What is stored of a case.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use decentralml_traits::Charge;
use decentralml_types::{Balance, BlockNumber};
use scale_info::TypeInfo;

/// A case that is not concluded.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Case<AccountId> {
    /// The accusation. Its amount is what was taken.
    pub charge: Charge<AccountId>,
    /// The task's sponsor, kept here because the task may be gone when the case is concluded.
    pub sponsor: Option<AccountId>,
    /// What an appeal puts at stake, in planck, since the case was opened.
    pub stake: Balance,
    /// What the accused gets where the council frees it, in planck, since the case was opened.
    pub costs: Balance,
    /// What is held for the appeal, in planck; `None` where there is none.
    pub appeal: Option<Balance>,
    /// The first block in which it is too late to appeal or, after an appeal, to vote.
    pub deadline: BlockNumber,
}

/// A vote on an appeal.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Ballot<AccountId> {
    /// Whose.
    pub who: AccountId,
    /// Whether it finds the accused guilty.
    pub guilty: bool,
}
