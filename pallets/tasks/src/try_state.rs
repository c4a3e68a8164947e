//! The proof that records, holds and balances agree.

use crate::{Config, HoldReason, NextTask, Owed, Pallet, Rounds, TaskOf, Tasks};
use alloc::collections::BTreeMap;
use decentralml_types::{Balance, Phase, TaskId, TaskStatus};
use frame_support::{
    ensure,
    traits::fungible::{Inspect, InspectHold},
};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Every task's account holds at least one existential deposit and all its native money (anybody may send it more). Of what lies
    /// there in another asset nothing can be said: its admin may take it. Owed money is what the rows in `Owed` say; reserved and
    /// unclaimed money are those of its rounds, which are sealed where it is; the deposits of each sponsor are on hold; a round is live only in tasks that are
    /// not over, and at most one; no task has attempted more rounds than it paid for.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut deposits = BTreeMap::<T::AccountId, Balance>::new();
        for (id, task) in Tasks::<T>::iter() {
            ensure!(id < NextTask::<T>::get(), "a task with an id to come");
            let pay = if task.spec.terms.asset.is_native() { task.money.total() } else { 0 };
            let native = task.money.charges.saturating_add(pay);
            let least = native.saturating_add(T::Currency::minimum_balance());
            let balance = T::Currency::balance(&Self::account_of(id));
            ensure!(balance >= least, "a task's account holds less than its records say");
            let deposit = deposits.entry(task.sponsor.clone()).or_default();
            *deposit = deposit.saturating_add(task.deposit);
            Self::try_debts(id, &task)?;
            Self::try_rounds(id, &task)?;
        }
        for (sponsor, deposit) in deposits {
            let held = T::Currency::balance_on_hold(&HoldReason::TaskDeposit.into(), &sponsor);
            ensure!(held == deposit, "a sponsor's hold differs from the recorded deposits");
        }
        for task in Rounds::<T>::iter_keys().map(|(task, _)| task) {
            ensure!(Tasks::<T>::contains_key(task), "a round without its task");
        }
        for task in Owed::<T>::iter_keys().map(|(task, _)| task) {
            ensure!(Tasks::<T>::contains_key(task), "a debt without its task");
        }
        Ok(())
    }

    fn try_debts(id: TaskId, task: &TaskOf<T>) -> Result<(), TryRuntimeError> {
        let mut owed: Balance = 0;
        for debt in Owed::<T>::iter_prefix_values(id) {
            ensure!(debt.amount > 0, "a debt of nothing");
            owed = owed.saturating_add(debt.amount);
        }
        ensure!(owed == task.money.owed, "owed money is not the sum of the debts");
        let over = task.status.is_final();
        ensure!(over == task.ended_at.is_some(), "a task that ended and did not");
        Ok(())
    }

    fn try_rounds(id: TaskId, task: &TaskOf<T>) -> Result<(), TryRuntimeError> {
        let current = task.current.unwrap_or_default();
        ensure!(current <= task.spec.attempts(), "more rounds were attempted than paid for");
        let (mut reserved, mut unclaimed, mut live, mut settled) = (0, 0, 0, 0);
        for (number, round) in Rounds::<T>::iter_prefix(id) {
            ensure!((1..=current).contains(&number), "a round with a number to come");
            let over = round.phase.is_final();
            ensure!(over == round.ended_at.is_some(), "a round that ended and did not");
            ensure!(over || number == current, "an old round is live");
            ensure!(round.sealed == task.spec.custody.sealed, "a round is sealed and its task not");
            let void = round.phase == Phase::Void;
            ensure!(void == round.failure.is_some(), "a failure is not a void round's");
            ensure!(!void || round.pot == 0, "a void round owes something");
            let model = round.phase == Phase::Settled;
            ensure!(model == round.model.is_some(), "a model is not a settled round's");
            if over {
                unclaimed += round.pot;
            } else {
                reserved += round.pot;
                live += 1;
            }
            settled += u32::from(model);
        }
        ensure!(reserved == task.money.reserved, "reserved money is not the live round's");
        ensure!(unclaimed == task.money.unclaimed, "unclaimed money is not the settled rounds'");
        let over = task.status.is_final();
        ensure!(!over || live == 0, "a task is over and its round is not");
        ensure!(task.status != TaskStatus::Running || live == 1, "a running task has no round");
        ensure!(
            task.status != TaskStatus::Enrolling || live == 0,
            "an enrolling task has a live round"
        );
        // Only tasks that are over lose their records, by being reaped.
        ensure!(over || settled == task.settled_rounds, "settled rounds are miscounted");
        Ok(())
    }
}
