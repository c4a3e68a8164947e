//! Calls about encrypted content: who has it, who may read it.

use decentralml_types::{Cid, Hash};
use subxt::utils::Static;

use super::Call;
use crate::{AccountId, api};

/// Registers encrypted bytes with the SHA2-256 and the length of the plain ones, which everybody can see. The chain holds a deposit.
pub fn register_content(cid: Cid, plain_hash: Hash, size: u64) -> Call {
    let call = api::data::Call::register { cid: Static(cid), plain_hash, size };
    data("Data::register", call)
}

/// Grants content to an account, with the file that holds the content's key encrypted to the account's. By the owner; the chain
/// holds a deposit.
pub fn grant_content(cid: Cid, account: &AccountId, envelope: Cid) -> Call {
    let (cid, envelope) = (Static(cid), Static(envelope));
    data("Data::grant", api::data::Call::grant { cid, account: *account, envelope })
}

/// Ends a grant, for the future only. By the owner.
pub fn revoke_content(cid: Cid, account: &AccountId) -> Call {
    data("Data::revoke", api::data::Call::revoke { cid: Static(cid), account: *account })
}

/// Takes the record of content back that is granted to nobody. By the owner.
pub fn retire_content(cid: Cid) -> Call {
    data("Data::retire", api::data::Call::retire { cid: Static(cid) })
}

fn data(name: &'static str, call: api::data::Call) -> Call {
    Call::new(name, api::Call::Data(call))
}
