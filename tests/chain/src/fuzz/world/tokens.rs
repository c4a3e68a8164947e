//! Assets that tasks pay in, whose issuer may do to them what it likes.

use super::{ISSUER, KEEPER, TOKENS, World, calls::part, name, play::Play};
use crate::fuzz::step::{Power, Which, Who};
use decentralml_runtime::*;
use decentralml_types::{Asset, TaskId};
use frame_support::traits::fungibles::Inspect;
use pallet_assets::Call;
use pallet_tasks::{Owed, Tasks};

impl World {
    pub(super) fn issuer(
        &mut self,
        token: u8,
        power: Power,
        who: Option<Who>,
    ) -> Result<(), String> {
        let id = u32::from(token);
        let task = self.task(0);
        let account = who.map_or_else(|| decentralml_runtime::Tasks::account_of(task), name);
        let owned = self.chain.read(|| Assets::balance(id, &account));
        let who = || account.clone().into();
        let calls: Vec<Call<Runtime>> = match power {
            Power::FreezeAll => vec![Call::freeze_asset { id }],
            Power::ThawAll => vec![Call::thaw_asset { id }],
            Power::Freeze => vec![Call::freeze { id, who: who() }],
            Power::Thaw => vec![Call::thaw { id, who: who() }],
            Power::Block => vec![Call::block { id, who: who() }],
            Power::Burn(amount) => {
                vec![Call::burn { id, who: who(), amount: part(amount, owned) }]
            }
            // Where it is too much for the asset's supply, it is refused.
            Power::Mint(amount) => {
                vec![Call::mint { id, beneficiary: who(), amount: part(amount, owned) }]
            }
            Power::Destroy => vec![
                Call::start_destroy { id },
                Call::destroy_accounts { id },
                Call::finish_destroy { id },
            ],
        };
        for call in calls {
            self.call(ISSUER, call)?;
        }
        Ok(())
    }

    pub(super) fn withhold(&mut self, which: Which, burn: bool) -> Result<(), String> {
        let task = self.task(which);
        let asset = self.chain.read(|| Tasks::<Runtime>::get(task)).map(|row| row.spec.terms.asset);
        let (Some((round, _)), Some(Asset::Id(id))) = (self.current(task), asset) else {
            return Ok(());
        };
        self.round(which, Play::honest(None))?;
        let who = decentralml_runtime::Tasks::account_of(task);
        let amount = self.chain.read(|| Assets::balance(id, &who));
        match burn {
            true => self.call(ISSUER, Call::burn { id, who: who.into(), amount })?,
            false => self.call(ISSUER, Call::freeze_asset { id })?,
        };
        self.settle(KEEPER, task, round)?;
        if !burn {
            self.call(ISSUER, Call::thaw_asset { id })?;
            let owed: Vec<_> = self.chain.read(|| Owed::<Runtime>::iter_key_prefix(task).collect());
            for account in owed {
                self.call(KEEPER, pallet_tasks::Call::collect { task, account })?;
            }
        }
        Ok(())
    }

    /// Somebody whom a task owes something, mostly.
    pub(super) fn creditor(&mut self, which: Which, who: Who) -> (TaskId, AccountId) {
        let task = self.task(which);
        let owed = self.chain.read(|| Owed::<Runtime>::iter_keys().next());
        owed.unwrap_or((task, name(who)))
    }

    /// The issuer lets all go again that it can.
    pub fn thaw_everything(&mut self) -> Result<(), String> {
        for id in (0..TOKENS).map(u32::from) {
            if !self.chain.read(|| Assets::asset_exists(id)) {
                continue;
            }
            self.call(ISSUER, Call::thaw_asset { id })?;
            let holders: Vec<_> = self
                .chain
                .read(|| pallet_assets::Account::<Runtime>::iter_key_prefix(id).collect());
            for who in holders {
                self.call(ISSUER, Call::thaw { id, who: who.into() })?;
            }
        }
        Ok(())
    }
}
