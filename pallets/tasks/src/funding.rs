//! Where a task's money lies, and how it comes and goes. Nothing else in this pallet moves money.
//!
//! The chain's own token and every other asset take the same path, as another asset can fail at any time: whoever has power over it
//! freezes it, blocks an account, takes it away or destroys it. So a payment that fails is an answer here, and callers go on.

use crate::{Config, Error, HoldReason, Pallet, TaskOf};
use decentralml_types::{Asset, Balance, BlockNumber, TaskId, TaskSpec};
use frame_support::{
    defensive,
    dispatch::DispatchResult,
    ensure,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::{Inspect as _, Mutate as _, MutateHold},
        fungibles::{Inspect, Mutate},
        tokens::{Fortitude, Precision, Preservation},
    },
};
use sp_runtime::{DispatchError, traits::AccountIdConversion};

/// Whether the ids of tasks survive in accounts of this runtime's length.
pub(crate) fn account_is_unique<T: Config>() -> bool {
    let account: Option<T::AccountId> = T::PalletId::get().try_into_sub_account(TaskId::MAX);
    account.is_some()
}

impl<T: Config> Pallet<T> {
    /// The sub-account that holds a task's money.
    pub fn account_of(task: TaskId) -> T::AccountId {
        T::PalletId::get().into_sub_account_truncating(task)
    }

    /// What is held from the sponsor for storage: a base, and something for each row that all attempts may write.
    pub fn deposit_for(spec: &TaskSpec) -> Balance {
        let rows = T::DepositPerRow::get().saturating_mul(spec.rows().into());
        T::DepositBase::get().saturating_add(rows)
    }

    /// Takes the funds of a new task, and what keeps its account alive whatever is paid out: one existential deposit and, of another
    /// asset, its minimum balance.
    pub(crate) fn open_account(
        task: TaskId,
        sponsor: &T::AccountId,
        asset: Asset,
        pay: Balance,
        charges: Balance,
        deposit: Balance,
    ) -> DispatchResult {
        // Anybody may send assets of its own making to the account. With one reason more to exist, they cannot keep the
        // existential deposit in it.
        frame_system::Pallet::<T>::inc_providers(&Self::account_of(task));
        let least = T::Currency::minimum_balance();
        Self::put_in(task, sponsor, Asset::Native, charges.saturating_add(least))?;
        let least = if asset.is_native() { 0 } else { T::Funds::minimum_balance(asset) };
        Self::put_in(task, sponsor, asset, pay.saturating_add(least))?;
        T::Currency::hold(&HoldReason::TaskDeposit.into(), sponsor, deposit)
    }

    /// Moves `amount` into a task's account. Who gives it keeps the asset's minimum balance, so that no dust is left behind.
    pub(crate) fn put_in(
        task: TaskId,
        from: &T::AccountId,
        asset: Asset,
        amount: Balance,
    ) -> DispatchResult {
        Self::transfer(asset, from, &Self::account_of(task), amount, Preservation::Preserve)
    }

    /// Moves `amount` out of a task's account, which stays. All of it or, where that fails for whatever reason, nothing.
    pub(crate) fn pay(
        task: TaskId,
        asset: Asset,
        to: &T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        Self::transfer(asset, &Self::account_of(task), to, amount, Preservation::Preserve)
    }

    fn transfer(
        asset: Asset,
        from: &T::AccountId,
        to: &T::AccountId,
        amount: Balance,
        preservation: Preservation,
    ) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        with_storage_layer(|| {
            let before = T::Funds::balance(asset, to);
            T::Funds::transfer(asset, from, to, amount, preservation)?;
            // A transfer may report success and credit nothing: where the asset's supply is so large that the sum overflows.
            let arrived = T::Funds::balance(asset, to).saturating_sub(before);
            ensure!(arrived >= amount, Error::<T>::NotReceived);
            Ok(())
        })
    }

    /// Whether the account could pay all that is set aside. Of the native token it always can.
    pub(crate) fn is_backed(task: TaskId, asset: Asset, committed: Balance) -> bool {
        let (preservation, force) = (Preservation::Preserve, Fortitude::Polite);
        asset.is_native()
            || T::Funds::reducible_balance(asset, &Self::account_of(task), preservation, force)
                >= committed
    }

    /// Moves the charge for a round to the treasury. Never fails: what the treasury cannot receive is burned, so that no state of
    /// an account that is not the task's keeps its rounds from starting.
    pub(crate) fn charge(task: TaskId, amount: Balance) {
        let treasury = T::Treasury::get();
        if amount == 0 || Self::pay(task, Asset::Native, &treasury, amount).is_ok() {
            return;
        }
        let burned = with_storage_layer(|| {
            T::Currency::burn_from(
                &Self::account_of(task),
                amount,
                Preservation::Preserve,
                Precision::Exact,
                Fortitude::Polite,
            )
        });
        // The account holds at least the money of its records, of which this was a part, and one existential deposit. If it
        // ever did not, the amount would stay in the account, and come back when the task is reaped.
        if burned.is_err() {
            defensive!("a task's account does not hold what its records say");
        }
    }

    /// Gives all that is free to the sponsor and says how much: in the task's asset, and of the money for free calls. The deposit
    /// keeps the sponsor's account alive, so what is native arrives. What fails stays free, and comes with the next refund.
    pub(crate) fn refund(id: TaskId, task: &mut TaskOf<T>) -> (Balance, Balance) {
        let asset = task.spec.terms.asset;
        let give = |asset, purse: &mut Balance| {
            let arrives = *purse > 0 && Self::pay(id, asset, &task.sponsor, *purse).is_ok();
            if arrives { core::mem::take(purse) } else { 0 }
        };
        let pay = give(asset, &mut task.money.free);
        (pay, give(Asset::Native, &mut task.money.charges))
    }

    /// Gives everything in the account, and the deposit, to the sponsor. Says how much of the asset and how much of the native token
    /// that was. Fails where the asset cannot be given back, unless it exists no longer or nobody waits for it any more.
    pub(crate) fn close_account(
        id: TaskId,
        task: &TaskOf<T>,
    ) -> Result<(Balance, Balance), DispatchError> {
        let (asset, account) = (task.spec.terms.asset, Self::account_of(id));
        let empty = |asset| {
            let rest = T::Funds::balance(asset, &account);
            Self::transfer(asset, &account, &task.sponsor, rest, Preservation::Expendable)
                .map(|()| rest)
        };
        let pay = match empty(asset) {
            Ok(rest) => rest,
            Err(_) if !T::Funds::asset_exists(asset) => 0,
            Err(_) if !asset.is_native() && Self::is_patience_over(task, 0) => 0,
            Err(error) => return Err(error),
        };
        let (pay, native) = if asset.is_native() { (0, pay) } else { (pay, empty(Asset::Native)?) };
        // Only assets that nobody of us put there can be against it; then a record without money stays.
        let _ = frame_system::Pallet::<T>::dec_providers(&account);
        let reason = HoldReason::TaskDeposit.into();
        let deposit = T::Currency::release(&reason, &task.sponsor, task.deposit, Precision::Exact)?;
        Ok((pay, native.saturating_add(deposit)))
    }

    /// Whether the task is over, and what could not be paid at block `since` or at the end has had as long to be paid since as a
    /// reward has to be claimed.
    pub(crate) fn is_patience_over(task: &TaskOf<T>, since: BlockNumber) -> bool {
        task.ended_at.is_some_and(|ended| {
            Self::now() > ended.max(since).saturating_add(task.spec.deadlines.claiming)
        })
    }
}
