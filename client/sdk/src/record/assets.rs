//! Assets of anybody's making.

use decentralml_types::Balance;
use serde::Serialize;

use crate::AccountId;

/// An asset. What a task pays in it is only as safe as those are honest who have power over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssetRecord {
    /// Its number.
    pub id: u32,
    /// What its owner calls it; empty where it is not called anything.
    pub name: String,
    /// The same in a few letters.
    pub symbol: String,
    /// Digits after the point of an amount.
    pub decimals: u8,
    /// Names those below, and can destroy it.
    pub owner: AccountId,
    /// Can make more of it.
    pub issuer: AccountId,
    /// Can take it out of any account, or burn it there.
    pub admin: AccountId,
    /// Can freeze it, or an account's.
    pub freezer: AccountId,
    /// All there is of it, in its smallest unit.
    pub supply: Balance,
    /// An account holds so much or nothing.
    pub minimum: Balance,
    /// Accounts that hold it.
    pub accounts: u32,
    /// Whether it can be moved.
    pub state: AssetState,
}

/// Whether an asset can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetState {
    /// It can.
    Live,
    /// It cannot, until it is thawed.
    Frozen,
    /// Never again.
    Destroying,
}
