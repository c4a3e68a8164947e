//! The life of a task from its creation until it is gone.

use crate::{
    Config, Error, Event, Money, NextTask, Pallet, PauseReason, Rounds, Task, TaskOf, Tasks,
};
use alloc::vec::Vec;
use decentralml_protocol::{
    payoff::{self, TermsCondition},
    spec,
};
use decentralml_traits::{Bonds, Judgment};
use decentralml_types::{Asset, Balance, Failure, Role, RoundNumber, TaskId, TaskSpec, TaskStatus};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use sp_runtime::{ArithmeticError, DispatchError};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_create(sponsor: T::AccountId, spec: TaskSpec) -> DispatchResult {
        spec::check(&spec).map_err(|_| Error::<T>::InvalidSpec)?;
        for role in [Role::Trainer, Role::Evaluator] {
            ensure!(spec.bond(role) >= T::Bonds::minimum(role), Error::<T>::BondTooLow);
        }
        let penalties = T::Penalties::get();
        payoff::check_terms(&spec, &penalties).map_err(|violation| match violation.condition {
            TermsCondition::TrainersPay => Error::<T>::RewardTooLow,
            TermsCondition::SeatsPay => Error::<T>::FeeTooLow,
        })?;
        let asset = spec.terms.asset;
        let pay = spec.total_pay().ok_or(Error::<T>::InvalidSpec)?;
        let charges = spec.total_charges(T::CallPrice::get()).ok_or(Error::<T>::InvalidSpec)?;
        let deposit = Self::deposit_for(&spec);
        let task = NextTask::<T>::get();
        let next = task.checked_add(1).ok_or(Error::<T>::TooManyTasks)?;
        Self::open_account(task, &sponsor, asset, pay, charges, deposit)?;
        NextTask::<T>::put(next);
        let now = Self::now();
        let row = Task {
            sponsor: sponsor.clone(),
            spec,
            penalties,
            status: TaskStatus::Enrolling,
            money: Money { free: pay, charges, ..Money::default() },
            deposit,
            created_at: now,
            ended_at: None,
            enrolling_since: now,
            settled_rounds: 0,
            failed_in_a_row: 0,
            model: None,
            metric: None,
            state: None,
            current: None,
        };
        Tasks::<T>::insert(task, row);
        Self::deposit_event(Event::TaskCreated { task, sponsor, asset, pay, charges, deposit });
        Ok(())
    }

    pub(crate) fn do_fund(
        who: T::AccountId,
        task: TaskId,
        pay: Balance,
        charges: Balance,
    ) -> DispatchResult {
        ensure!(pay > 0 || charges > 0, Error::<T>::ZeroAmount);
        let mut row = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
        ensure!(!Self::status_now(&row).is_final(), Error::<T>::TaskOver);
        let asset = row.spec.terms.asset;
        // Whoever issues an asset can burn what is here and give it again: sums are bounded by nothing but the type.
        row.money.total().checked_add(pay).ok_or(ArithmeticError::Overflow)?;
        Self::put_in(task, &who, asset, pay)?;
        Self::put_in(task, &who, Asset::Native, charges)?;
        row.money.free = row.money.free.saturating_add(pay);
        row.money.charges = row.money.charges.saturating_add(charges);
        Tasks::<T>::insert(task, row);
        Self::deposit_event(Event::TaskFunded { task, who, asset, pay, charges });
        Ok(())
    }

    pub(crate) fn do_pause(who: T::AccountId, task: TaskId) -> DispatchResult {
        let mut row = Self::sponsored(&who, task)?;
        ensure!(!Self::status_now(&row).is_final(), Error::<T>::TaskOver);
        ensure!(row.status != TaskStatus::Paused, Error::<T>::AlreadyPaused);
        Self::halt(task, &mut row, PauseReason::Sponsor);
        Tasks::<T>::insert(task, row);
        Ok(())
    }

    pub(crate) fn do_resume(who: T::AccountId, task: TaskId) -> DispatchResult {
        let mut row = Self::sponsored(&who, task)?;
        ensure!(!Self::status_now(&row).is_final(), Error::<T>::TaskOver);
        ensure!(row.status == TaskStatus::Paused, Error::<T>::NotPaused);
        row.failed_in_a_row = 0;
        Self::deposit_event(Event::TaskResumed { task });
        if Self::live_round(task, &row).is_some() {
            row.status = TaskStatus::Running;
        } else if row.current.is_none() && Self::may_complete(task, &row) {
            row.status = TaskStatus::Enrolling;
        } else {
            Self::next_round(task, &mut row).map_err(PauseReason::into_error::<T>)?;
        }
        Tasks::<T>::insert(task, row);
        Ok(())
    }

    pub(crate) fn do_cancel(who: T::AccountId, task: TaskId) -> DispatchResult {
        let mut row = Self::sponsored(&who, task)?;
        ensure!(!row.status.is_final(), Error::<T>::TaskOver);
        Self::abort(task, &mut row, Failure::Cancelled, TaskStatus::Cancelled);
        Tasks::<T>::insert(task, row);
        Ok(())
    }

    pub(crate) fn do_advance(task: TaskId) -> DispatchResult {
        let mut row = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
        ensure!(!row.status.is_final(), Error::<T>::NothingToAdvance);
        if row.is_expired(Self::now()) {
            Self::abort(task, &mut row, Failure::Expired, TaskStatus::Expired);
        } else {
            ensure!(Self::step(task, &mut row, true), Error::<T>::NothingToAdvance);
        }
        Tasks::<T>::insert(task, row);
        Ok(())
    }

    /// Removes up to `limit` round records, as far as they are settled, and says how many. The last one takes the task with it.
    pub(crate) fn do_reap(task: TaskId, limit: u32) -> Result<u32, DispatchError> {
        let row = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
        ensure!(row.status.is_final(), Error::<T>::TaskNotOver);
        let settled: Vec<RoundNumber> = Rounds::<T>::iter_prefix(task)
            .take(limit as usize)
            .take_while(|(_, round)| round.open_rows == 0)
            .map(|(number, _)| number)
            .collect();
        for number in &settled {
            Rounds::<T>::remove(task, number);
        }
        if Rounds::<T>::iter_key_prefix(task).next().is_none() {
            ensure!(T::Judgment::close(task), Error::<T>::StandingsLeft);
            ensure!(row.money.owed == 0, Error::<T>::DebtsLeft);
            let (amount, returned) = Self::close_account(task, &row)?;
            Tasks::<T>::remove(task);
            if amount > 0 {
                let asset = row.spec.terms.asset;
                Self::deposit_event(Event::Refunded { task, asset, amount });
            }
            Self::deposit_event(Event::TaskReaped { task, returned });
        } else {
            ensure!(limit == 0 || !settled.is_empty(), Error::<T>::UnsettledRows);
        }
        // At most `limit`.
        Ok(settled.len() as u32)
    }

    /// Ends a task for good. What is free goes back at once.
    pub(crate) fn end(task: TaskId, row: &mut TaskOf<T>, status: TaskStatus) {
        row.status = status;
        row.ended_at = Some(Self::now());
        let (refunded, charges) = Self::refund(task, row);
        Self::deposit_event(Event::TaskEnded { task, status, refunded, charges });
    }

    /// Lets no further round start.
    pub(crate) fn halt(task: TaskId, row: &mut TaskOf<T>, reason: PauseReason) {
        row.status = TaskStatus::Paused;
        Self::deposit_event(Event::TaskPaused { task, reason });
    }

    fn abort(task: TaskId, row: &mut TaskOf<T>, failure: Failure, status: TaskStatus) {
        if let Some((number, round)) = Self::live_round(task, row) {
            Self::void(task, row, number, round, failure);
        }
        Self::end(task, row, status);
    }

    fn sponsored(who: &T::AccountId, task: TaskId) -> Result<TaskOf<T>, DispatchError> {
        let row = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
        ensure!(row.sponsor == *who, Error::<T>::NotSponsor);
        Ok(row)
    }
}
