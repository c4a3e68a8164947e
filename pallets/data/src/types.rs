//! What is stored of content.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use decentralml_types::{Balance, BlockNumber, Cid};
use scale_info::TypeInfo;

/// Registered content.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Content<AccountId> {
    /// Who may grant, revoke and retire.
    pub owner: AccountId,
    /// SHA2-256 of the plain bytes, as the owner says.
    pub plain_hash: [u8; 32],
    /// Length of the plain bytes, as the owner says.
    pub size: u64,
    /// To how many accounts it is granted.
    pub grants: u32,
    /// What is held from the owner for this record, in planck; what is held for its grants not included.
    pub deposit: Balance,
}

/// That an account may read content.
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
)]
pub struct Grant {
    /// The file in which the owner put the content's key, encrypted to the account's, as the owner says.
    pub envelope: Cid,
    /// The block in which it was granted.
    pub since: BlockNumber,
    /// What is held from the owner of the content for this record, in planck.
    pub deposit: Balance,
}
