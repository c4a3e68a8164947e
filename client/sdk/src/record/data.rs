//! Encrypted content and who may read it.

use decentralml_types::{Balance, BlockNumber, Cid, Hash};
use serde::Serialize;

use crate::AccountId;

/// Encrypted bytes that somebody has registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Content {
    /// Who may grant, revoke and retire.
    pub owner: AccountId,
    /// SHA2-256 of the plain bytes, as the owner says.
    pub plain_hash: Hash,
    /// Length of the plain bytes, as the owner says.
    pub size: u64,
    /// To how many accounts it is granted.
    pub grants: u32,
    /// What is held from the owner for it, in planck; what is held for its grants not included.
    pub deposit: Balance,
}

/// That an account may read content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The file with the content's key, encrypted to the account's, as the owner says.
    pub envelope: Cid,
    /// The block in which it was granted.
    pub since: BlockNumber,
    /// What is held from the owner of the content for it, in planck.
    pub deposit: Balance,
}

/// Rows of a map that anybody can add to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing<T> {
    /// Those that were looked for.
    pub rows: Vec<T>,
    /// Whether all of the map was seen; it may be larger than what is read of it.
    pub complete: bool,
}
