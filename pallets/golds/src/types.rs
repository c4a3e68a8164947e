//! What is stored of gold results.

use codec::{Decode, Encode, MaxEncodedLen};
use decentralml_types::{Balance, Hash, limits::MaxGolds};
use frame_support::BoundedVec;
use scale_info::TypeInfo;

/// What is announced of a round.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Announced<AccountId> {
    /// Who has announced it: the task's sponsor.
    pub sponsor: AccountId,
    /// Announcements so far, the revealed ones included.
    pub made: u8,
    /// Those that are not revealed.
    pub hidden: BoundedVec<Gold, MaxGolds>,
}

/// A gold result that is not revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Gold {
    /// What binds it.
    pub seal: Hash,
    /// What is held for it, in planck.
    pub deposit: Balance,
}
