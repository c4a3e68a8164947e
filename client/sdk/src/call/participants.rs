//! Calls of accounts about themselves: bonds, hosts, the key to encrypt to.

use decentralml_types::{Balance, PublicKey, Role, Urls};
use subxt::utils::Static;

use super::Call;
use crate::{
    AccountId,
    api::{self, runtime_types::bounded_collections::bounded_vec::BoundedVec},
};

/// Creates or raises a bond, in planck.
pub fn bond(role: Role, amount: Balance) -> Call {
    let call = api::participants::Call::bond { role: Static(role), amount };
    participants("Participants::bond", call).taking(Some(amount))
}

/// Takes a part out of a bond; it can be withdrawn after the chain's unbonding period.
pub fn unbond(role: Role, amount: Balance) -> Call {
    let call = api::participants::Call::unbond { role: Static(role), amount };
    participants("Participants::unbond", call)
}

/// Releases what has unbonded.
pub fn withdraw(role: Role) -> Call {
    participants("Participants::withdraw", api::participants::Call::withdraw { role: Static(role) })
}

/// Announces where the signer offers bytes, instead of what it announced before; none takes all of them back. The chain holds a
/// deposit for each.
pub fn set_hosts(urls: Urls) -> Call {
    let urls = urls.into_inner().into_iter().map(|url| BoundedVec(url.into_inner())).collect();
    let call = api::participants::Call::set_hosts { urls: BoundedVec(urls) };
    participants("Participants::set_hosts", call)
}

/// Registers or replaces the key to which bytes for the signer are to be encrypted, or with `None` removes it. The chain holds a
/// deposit for it.
pub fn set_encryption_key(key: Option<PublicKey>) -> Call {
    let call = api::participants::Call::set_encryption_key { key };
    participants("Participants::set_encryption_key", call)
}

/// Removes what is remembered of an account that has left a role, once its slashes have faded.
pub fn forget_member(role: Role, account: AccountId) -> Call {
    let call = api::participants::Call::forget { role: Static(role), account };
    participants("Participants::forget", call)
}

fn participants(name: &'static str, call: api::participants::Call) -> Call {
    Call::new(name, api::Call::Participants(call))
}
