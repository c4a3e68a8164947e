//! Bonds and balances.

use decentralml_protocol::reputation;
use decentralml_types::{Balance, Role};
use subxt::utils::Static;

use super::View;
use crate::{
    AccountId,
    api::{self, participants::storage as stored, runtime_types as types},
    error::ReadError,
    record::{AccountBalance, Member},
};

impl View {
    /// An account's bond in a role.
    pub async fn member(
        &self,
        role: Role,
        account: &AccountId,
    ) -> Result<Option<Member>, ReadError> {
        let members = api::storage().participants().members();
        let row = self.get("a bond", members, (Static(role), *account)).await?;
        Ok(row.map(read_member))
    }

    /// All bonds.
    pub async fn members(&self) -> Result<Vec<(Role, AccountId, Member)>, ReadError> {
        let members = api::storage().participants().members();
        let rows = self.entries("the bonds", members, ()).await?;
        Ok(rows.into_iter().map(|((role, who), row)| (role.0, who, read_member(row))).collect())
    }

    /// The period that the decay of records is counted by, at this block.
    pub fn reputation_period(&self) -> Result<u32, ReadError> {
        let blocks = self.constant(api::constants().participants().reputation_period())?;
        Ok(reputation::period(self.number(), blocks))
    }

    /// What an account has.
    pub async fn balance(&self, account: &AccountId) -> Result<AccountBalance, ReadError> {
        let row = self.get("an account", api::storage().system().account(), (*account,)).await?;
        let held = self.get("holds", api::storage().balances().holds(), (*account,)).await?;
        let data = row.map(|row| row.data);
        Ok(read_balance(data, held.map(|held| held.0).unwrap_or_default()))
    }

    /// What every account has: for small chains.
    pub async fn balances(&self) -> Result<Vec<(AccountId, AccountBalance)>, ReadError> {
        let accounts = self.entries("accounts", api::storage().system().account(), ()).await?;
        let held = self.entries("holds", api::storage().balances().holds(), ()).await?;
        let held: std::collections::BTreeMap<AccountId, _> =
            held.into_iter().map(|((who,), held)| (who, held.0)).collect();
        let balances = accounts.into_iter().map(|((who,), row)| {
            let held = held.get(&who).cloned().unwrap_or_default();
            (who, read_balance(Some(row.data), held))
        });
        Ok(balances.collect())
    }

    /// All money there is.
    pub async fn total_issuance(&self) -> Result<Balance, ReadError> {
        let issuance = api::storage().balances().total_issuance();
        Ok(self.get("the total issuance", issuance, ()).await?.unwrap_or(0))
    }

    /// How many transactions an account has sent.
    pub async fn nonce(&self, account: &AccountId) -> Result<u64, ReadError> {
        let row = self.get("an account", api::storage().system().account(), (*account,)).await?;
        Ok(row.map_or(0, |row| row.nonce.into()))
    }
}

fn read_member(row: stored::members::Output) -> Member {
    let unbonding = row.unbonding.0.into_iter().map(|chunk| (chunk.amount, chunk.at)).collect();
    Member {
        bond: row.bond,
        engaged: row.engaged,
        unbonding,
        disputed: row.disputed,
        faults: row.faults,
        record: row.record.0,
    }
}

type Held = types::frame_support::traits::tokens::misc::IdAmount<
    types::decentralml_runtime::RuntimeHoldReason,
    Balance,
>;

fn read_balance(
    data: Option<types::pallet_balances::types::AccountData<Balance>>,
    held: Vec<Held>,
) -> AccountBalance {
    let holds = held.into_iter().map(|hold| (reason(&hold.id), hold.amount)).collect();
    match data {
        Some(data) => {
            AccountBalance { free: data.free, reserved: data.reserved, frozen: data.frozen, holds }
        }
        None => AccountBalance { holds, ..AccountBalance::default() },
    }
}

/// `Pallet(Reason)` as `Pallet::Reason`.
fn reason(id: &types::decentralml_runtime::RuntimeHoldReason) -> String {
    format!("{id:?}").replace('(', "::").replace(')', "")
}
