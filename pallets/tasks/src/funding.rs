//! Where a task's money lies, and how it comes and goes. Nothing else in this pallet moves money.

use crate::{Config, HoldReason, Pallet, TaskOf};
use decentralml_types::{Balance, TaskId, TaskSpec};
use frame_support::{
    defensive,
    dispatch::DispatchResult,
    storage::with_storage_layer,
    traits::{
        Get,
        fungible::{Inspect, Mutate, MutateHold},
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

    /// Takes the funds of a new task and one existential deposit, which keeps its account alive whatever is paid out.
    pub(crate) fn open_account(
        task: TaskId,
        sponsor: &T::AccountId,
        funds: Balance,
        deposit: Balance,
    ) -> DispatchResult {
        let amount = funds.saturating_add(T::Currency::minimum_balance());
        Self::collect(task, sponsor, amount)?;
        T::Currency::hold(&HoldReason::TaskDeposit.into(), sponsor, deposit)
    }

    /// Moves `amount` into a task's account.
    pub(crate) fn collect(task: TaskId, from: &T::AccountId, amount: Balance) -> DispatchResult {
        let account = Self::account_of(task);
        T::Currency::transfer(from, &account, amount, Preservation::Preserve).map(|_| ())
    }

    /// Moves `amount` out of a task's account, which stays.
    pub(crate) fn pay(task: TaskId, to: &T::AccountId, amount: Balance) -> DispatchResult {
        let account = Self::account_of(task);
        T::Currency::transfer(&account, to, amount, Preservation::Preserve).map(|_| ())
    }

    /// Moves the charge for a round to the treasury. Never fails: what the treasury cannot receive is burned, so that no state of
    /// an account that is not the task's keeps its rounds from starting.
    pub(crate) fn charge(task: TaskId, amount: Balance) {
        let treasury = T::Treasury::get();
        if amount == 0 || with_storage_layer(|| Self::pay(task, &treasury, amount)).is_ok() {
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

    /// Gives all free money to the sponsor and says how much. The deposit keeps the sponsor's account alive, so this arrives; if it
    /// ever did not, the money would stay, and come with the next refund.
    pub(crate) fn refund(id: TaskId, task: &mut TaskOf<T>) -> Balance {
        let amount = task.money.free;
        if amount > 0 && Self::pay(id, &task.sponsor, amount).is_ok() {
            task.money.free = 0;
            amount
        } else {
            0
        }
    }

    /// Gives everything in the account, and the deposit, to the sponsor and says how much.
    pub(crate) fn close_account(id: TaskId, task: &TaskOf<T>) -> Result<Balance, DispatchError> {
        let account = Self::account_of(id);
        let rest = T::Currency::balance(&account);
        T::Currency::transfer(&account, &task.sponsor, rest, Preservation::Expendable)?;
        let reason = HoldReason::TaskDeposit.into();
        let deposit = T::Currency::release(&reason, &task.sponsor, task.deposit, Precision::Exact)?;
        Ok(rest.saturating_add(deposit))
    }
}
