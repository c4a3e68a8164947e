//! What everybody owns of the assets that tasks pay in.

use crate::{chain::Chain, fuzz::world::TOKENS, invariants::ensure};
use decentralml_runtime::*;
use decentralml_types::Balance;
use pallet_assets::Event;
use std::collections::BTreeMap;

/// Balances as they should be. Accounts of tasks are not followed: the issuer may take what lies there.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<(u32, AccountId), Balance>);

impl Tokens {
    pub(super) fn new(chain: &mut Chain, accounts: &[AccountId]) -> Self {
        let all = (0..TOKENS).flat_map(|id| accounts.iter().map(move |who| (id.into(), who)));
        let owned = |(id, who): (u32, &AccountId)| ((id, who.clone()), Assets::balance(id, who));
        Self(chain.read(|| all.map(owned).collect()))
    }

    /// What the issuer did. What tasks did, their own events tell.
    pub(super) fn note(&mut self, event: &Event<Runtime>) -> Result<(), String> {
        match event {
            Event::Issued { asset_id, owner, amount } => self.give(*asset_id, owner, *amount),
            Event::Burned { asset_id, owner, balance } => self.take(*asset_id, owner, *balance)?,
            Event::AccountsDestroyed { asset_id, accounts_remaining, .. } => {
                ensure(*accounts_remaining == 0, || "tokens: some outlive their asset".into())?;
                let of_asset = self.0.iter_mut().filter(|((id, _), _)| id == asset_id);
                of_asset.for_each(|(_, owned)| *owned = 0);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn compare(&self) -> Result<(), String> {
        for ((id, who), should) in &self.0 {
            let owns = Assets::balance(*id, who);
            ensure(owns == *should, || {
                format!("tokens: {who} owns {owns} of {id}, by all events it should be {should}")
            })?;
        }
        Ok(())
    }

    pub(super) fn give(&mut self, id: u32, who: &AccountId, amount: Balance) {
        if let Some(owned) = self.0.get_mut(&(id, who.clone())) {
            *owned += amount;
        }
    }

    pub(super) fn take(&mut self, id: u32, who: &AccountId, amount: Balance) -> Result<(), String> {
        if let Some(owned) = self.0.get_mut(&(id, who.clone())) {
            *owned = owned
                .checked_sub(amount)
                .ok_or_else(|| format!("tokens: {who} lost {amount} of {id}, and owned {owned}"))?;
        }
        Ok(())
    }
}
