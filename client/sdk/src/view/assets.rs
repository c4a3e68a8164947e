//! Assets of anybody's making, and what tasks owe in them.

use decentralml_types::{Asset, Balance, TaskId};

use super::View;
use crate::{
    AccountId, Properties,
    api::{self, assets::storage as stored, runtime_types::pallet_assets::types::AssetStatus},
    error::ReadError,
    record::{AssetRecord, AssetState},
};

impl View {
    /// An asset; `None` where there is none, or it was destroyed.
    pub async fn asset(&self, id: u32) -> Result<Option<AssetRecord>, ReadError> {
        let row = self.get("an asset", api::storage().assets().asset(), (id,)).await?;
        let called = self.get("an asset's name", api::storage().assets().metadata(), (id,)).await?;
        Ok(row.map(|row| read_asset(id, row, called)))
    }

    /// All assets, by number.
    pub async fn assets(&self) -> Result<Vec<AssetRecord>, ReadError> {
        let rows = self.entries("the assets", api::storage().assets().asset(), ()).await?;
        let called = self.entries("the assets' names", api::storage().assets().metadata(), ());
        let mut called: std::collections::BTreeMap<u32, _> =
            called.await?.into_iter().map(|((id,), row)| (id, row)).collect();
        let mut assets: Vec<AssetRecord> =
            rows.into_iter().map(|((id,), row)| read_asset(id, row, called.remove(&id))).collect();
        assets.sort_by_key(|asset| asset.id);
        Ok(assets)
    }

    /// The number that the next asset gets.
    pub async fn next_asset(&self) -> Result<u32, ReadError> {
        let next = api::storage().assets().next_asset_id();
        Ok(self.get("the next asset", next, ()).await?.unwrap_or(0))
    }

    /// What an account holds of an asset, in its smallest unit.
    pub async fn asset_balance(&self, id: u32, account: &AccountId) -> Result<Balance, ReadError> {
        let accounts = api::storage().assets().account();
        let row = self.get("an account of an asset", accounts, (id, *account)).await?;
        Ok(row.map_or(0, |row| row.balance))
    }

    /// How amounts in an asset are written. Of an asset without a symbol, or that is gone, they are in its smallest unit.
    pub async fn unit(&self, asset: Asset, native: &Properties) -> Result<Properties, ReadError> {
        let Asset::Id(id) = asset else { return Ok(native.clone()) };
        let record = self.asset(id).await?;
        Ok(record.map_or_else(|| unnamed(id, native), |record| record.unit(native)))
    }

    /// What a task owes to whom, as it could not be paid, in the smallest unit of what the task pays in.
    pub async fn debts(&self, task: TaskId) -> Result<Vec<(AccountId, Balance)>, ReadError> {
        let rows = self.entries("the debts", api::storage().tasks().owed(), (task,)).await?;
        Ok(rows.into_iter().map(|((_, who), debt)| (who, debt.amount)).collect())
    }
}

impl AssetRecord {
    /// How amounts in it are written: a symbol of letters, or its number.
    pub fn unit(&self, native: &Properties) -> Properties {
        if self.symbol.is_empty() || !self.symbol.chars().all(char::is_alphanumeric) {
            return unnamed(self.id, native);
        }
        Properties { symbol: self.symbol.clone(), decimals: self.decimals, ..native.clone() }
    }
}

fn unnamed(id: u32, native: &Properties) -> Properties {
    Properties { symbol: format!("of asset {id}"), decimals: 0, ..native.clone() }
}

fn read_asset(
    id: u32,
    row: stored::asset::Output,
    called: Option<stored::metadata::Output>,
) -> AssetRecord {
    // Its owner chose them: nothing in them moves a terminal's cursor.
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(char::is_control, "");
    let (name, symbol, decimals) = called.map_or_else(Default::default, |called| {
        (text(&called.name.0), text(&called.symbol.0), called.decimals)
    });
    AssetRecord {
        id,
        name,
        symbol,
        decimals,
        owner: row.owner,
        issuer: row.issuer,
        admin: row.admin,
        freezer: row.freezer,
        supply: row.supply,
        minimum: row.min_balance,
        accounts: row.accounts,
        state: match row.status {
            AssetStatus::Live => AssetState::Live,
            AssetStatus::Frozen => AssetState::Frozen,
            AssetStatus::Destroying => AssetState::Destroying,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_the_assets_symbol_where_it_has_a_plain_one() {
        let native = Properties { symbol: "DML".to_owned(), decimals: 12, ss58: 42 };
        let nobody = AccountId([0; 32]);
        let mut record = AssetRecord {
            id: 7,
            name: "Lab".to_owned(),
            symbol: "LAB".to_owned(),
            decimals: 2,
            owner: nobody,
            issuer: nobody,
            admin: nobody,
            freezer: nobody,
            supply: 0,
            minimum: 1,
            accounts: 0,
            state: AssetState::Live,
        };
        assert_eq!(record.unit(&native).tokens(150), "1.5 LAB");
        for symbol in ["", "DML\u{1b}[2J"] {
            record.symbol = symbol.to_owned();
            assert_eq!(record.unit(&native).tokens(150), "150 of asset 7");
        }
    }
}
