//! Where a task's money lies, and how it comes and goes. Nothing else in this pallet moves money.

use crate::{Config, HoldReason, Pallet, TaskOf};
use decentralml_types::{Balance, TaskId, TaskSpec};
use frame_support::{
    dispatch::DispatchResult,
    traits::{
        Get,
        fungible::{Inspect, Mutate, MutateHold},
        tokens::{Precision, Preservation},
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

    /// What is held from the sponsor for storage: a base, and something for each row that the rounds may write.
    pub fn deposit_for(spec: &TaskSpec) -> Balance {
        let rows = Balance::from(spec.trainers.max) + 2 * Balance::from(spec.committee.seats);
        let rows = rows.saturating_mul(spec.rounds.into());
        T::DepositBase::get().saturating_add(T::DepositPerRow::get().saturating_mul(rows))
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
