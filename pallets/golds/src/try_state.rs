//! What must hold after every call.

use crate::{Config, Golds, HoldReason, Pallet};
use decentralml_traits::Clock;
use decentralml_types::Balance;
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::TryRuntimeError;

extern crate alloc;
use alloc::collections::BTreeMap;

impl<T: Config> Pallet<T> {
    /// Rows are of rounds that are there and within the limit, and what is held from sponsors is what they say.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut sponsors = BTreeMap::<T::AccountId, Balance>::new();
        for (task, round, row) in Golds::<T>::iter() {
            ensure!(T::Clock::round(task, round).is_some(), "gold results of a round that is gone");
            ensure!(!row.hidden.is_empty(), "a row of gold results that are all revealed");
            ensure!(row.hidden.len() <= row.made.into(), "more gold results than announced");
            let golds = T::Clock::spec(task).map_or(0, |spec| spec.terms.golds);
            ensure!(row.made <= golds, "more gold results than the terms allow");
            let sum = sponsors.entry(row.sponsor).or_default();
            for gold in row.hidden {
                *sum = sum.saturating_add(gold.deposit);
            }
        }
        for (sponsor, deposits) in sponsors {
            let held = T::Currency::balance_on_hold(&HoldReason::Gold.into(), &sponsor);
            ensure!(held == deposits, "the hold differs from the recorded deposits");
        }
        Ok(())
    }
}
