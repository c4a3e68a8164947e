//! What must hold after every call.

use crate::{Config, Contents, Grants, HoldReason, Pallet};
use alloc::collections::BTreeMap;
use decentralml_types::{Balance, Cid};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::TryRuntimeError;

extern crate alloc;

/// What an owner's records say is held from it.
#[derive(Default)]
struct Deposits {
    contents: Balance,
    grants: Balance,
}

impl<T: Config> Pallet<T> {
    /// What is held from every owner is what its records say, contents count their grants, and no grant is of nothing.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut owners = BTreeMap::<T::AccountId, Deposits>::new();
        let mut counted = BTreeMap::<Cid, u32>::new();
        let now = Self::now();
        for (cid, _, grant) in Grants::<T>::iter() {
            let content = Contents::<T>::get(cid).ok_or("a grant of content that is gone")?;
            ensure!(grant.since <= now, "a grant from the future");
            let deposits = owners.entry(content.owner).or_default();
            deposits.grants = deposits.grants.saturating_add(grant.deposit);
            let count = counted.entry(cid).or_default();
            *count = count.saturating_add(1);
        }
        for (cid, content) in Contents::<T>::iter() {
            let grants = counted.get(&cid).copied().unwrap_or_default();
            ensure!(content.grants == grants, "content counts other grants than there are");
            let deposits = owners.entry(content.owner).or_default();
            deposits.contents = deposits.contents.saturating_add(content.deposit);
        }
        for (owner, Deposits { contents, grants }) in owners {
            let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &owner);
            let same = held(HoldReason::ContentDeposit) == contents
                && held(HoldReason::GrantDeposit) == grants;
            ensure!(same, "the hold differs from the recorded deposits");
        }
        Ok(())
    }
}
