//! What must hold after every call.

use crate::{Ballots, Cases, Config, HoldReason, NextCase, Pallet};
use alloc::{collections::BTreeMap, collections::BTreeSet};
use decentralml_traits::Bonds;
use decentralml_types::{Balance, Role};
use frame_support::{
    ensure,
    traits::{Get, fungible::InspectHold},
};
use sp_runtime::TryRuntimeError;

extern crate alloc;

impl<T: Config> Pallet<T> {
    /// What is seized and what is held for appeals is what the cases say; votes are of appeals, once for each account.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut seized = BTreeMap::<(T::AccountId, Role), Balance>::new();
        let mut appeals = BTreeMap::<T::AccountId, Balance>::new();
        let next = NextCase::<T>::get();
        let latest =
            Self::now().saturating_add(T::AppealWindow::get().max(T::JudgmentPeriod::get()));
        for (case, row) in Cases::<T>::iter() {
            ensure!(case < next, "a case with a number that was not given");
            ensure!(row.charge.amount > 0, "a case about nothing");
            ensure!(row.deadline <= latest, "a case that waits too long");
            let accused = row.charge.accused;
            let sum = seized.entry((accused.clone(), row.charge.role)).or_default();
            *sum = sum.saturating_add(row.charge.amount);
            let bonds = appeals.entry(accused).or_default();
            *bonds = bonds.saturating_add(row.appeal.unwrap_or(0));
        }
        for ((accused, role), amount) in seized {
            let is_seized = T::Bonds::seized(&accused, role);
            ensure!(is_seized == amount, "what is seized differs from what the cases say");
        }
        for (accused, amount) in appeals {
            let held = T::Currency::balance_on_hold(&HoldReason::AppealBond.into(), &accused);
            ensure!(held == amount, "the hold differs from the recorded appeal bonds");
        }
        for (case, ballots) in Ballots::<T>::iter() {
            let row = Cases::<T>::get(case).ok_or("votes on a case that is gone")?;
            ensure!(row.appeal.is_some(), "votes on a case without an appeal");
            let voters: BTreeSet<&T::AccountId> =
                ballots.iter().map(|ballot| &ballot.who).collect();
            ensure!(voters.len() == ballots.len(), "an account has voted twice");
        }
        Ok(())
    }
}
