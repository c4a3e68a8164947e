//! What must hold after every call.

use crate::{Challenge, Config, HoldReason, Pallet, Records, Stage};
use alloc::collections::BTreeMap;
use decentralml_traits::Revealed;
use decentralml_types::Balance;
use frame_support::{
    ensure,
    traits::{Get, fungible::InspectHold},
};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Records are of updates that are there, within the limit, and what is held from challengers is what they say.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut challengers = BTreeMap::<T::AccountId, Balance>::new();
        for ((task, round, trainer), record) in Records::<T>::iter() {
            let update = T::Revealed::cid(task, round, &trainer);
            ensure!(update.is_some(), "a challenge of an update that is gone");
            let possible = 1..=T::MaxChallenges::get();
            ensure!(possible.contains(&record.made), "an impossible number of challenges");
            if let Stage::Open(Challenge { challenger, bond, .. }) = record.stage {
                ensure!(challenger != trainer, "a trainer challenges itself");
                let sum = challengers.entry(challenger).or_default();
                *sum = sum.saturating_add(bond);
            }
        }
        for (challenger, bonds) in challengers {
            let held = T::Currency::balance_on_hold(&HoldReason::Challenge.into(), &challenger);
            ensure!(held == bonds, "the hold differs from the recorded bonds");
        }
        Ok(())
    }
}
