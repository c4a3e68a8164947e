//! Calls about assets of anybody's making.

use decentralml_types::Balance;

use super::Call;
use crate::{AccountId, api};

/// Creates an asset under the next number, which [`View::next_asset`](crate::View::next_asset) tells. The signer has all power over it; an
/// account holds `minimum` of it or nothing. The chain holds a deposit.
pub fn create_asset(id: u32, owner: &AccountId, minimum: Balance) -> Call {
    let call = api::assets::Call::create { id, admin: (*owner).into(), min_balance: minimum };
    assets("Assets::create", call).moving(true)
}

/// Says what an asset is called, and how many decimals its amounts have. By its owner; the chain holds a deposit.
pub fn set_asset_metadata(id: u32, name: &str, symbol: &str, decimals: u8) -> Call {
    let (name, symbol) = (name.as_bytes().to_vec(), symbol.as_bytes().to_vec());
    let call = api::assets::Call::set_metadata { id, name, symbol, decimals };
    assets("Assets::set_metadata", call).moving(true)
}

/// Makes more of an asset, in its smallest unit. By its issuer.
pub fn mint_asset(id: u32, to: &AccountId, amount: Balance) -> Call {
    let call = api::assets::Call::mint { id, beneficiary: (*to).into(), amount };
    assets("Assets::mint", call)
}

/// Sends some of an asset, in its smallest unit. The sender keeps its minimum.
pub fn transfer_asset(id: u32, to: &AccountId, amount: Balance) -> Call {
    let call = api::assets::Call::transfer_keep_alive { id, target: (*to).into(), amount };
    assets("Assets::transfer_keep_alive", call).moving(true)
}

fn assets(name: &'static str, call: api::assets::Call) -> Call {
    Call::new(name, api::Call::Assets(call))
}
