//! The life of a task from its creation until it is gone.

use crate::{
    Config, Error, Event, Money, NextTask, Pallet, PauseReason, Rounds, Task, TaskOf, Tasks,
};
use decentralml_protocol::spec;
use decentralml_types::{Balance, Failure, TaskId, TaskSpec, TaskStatus};
use frame_support::{dispatch::DispatchResult, ensure};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_create(sponsor: T::AccountId, spec: TaskSpec) -> DispatchResult {
        spec::check(&spec).map_err(|_| Error::<T>::InvalidSpec)?;
        let funds = spec.total_cost().ok_or(Error::<T>::InvalidSpec)?;
        let deposit = Self::deposit_for(&spec);
        let task = NextTask::<T>::get();
        let next = task.checked_add(1).ok_or(Error::<T>::TooManyTasks)?;
        Self::open_account(task, &sponsor, funds, deposit)?;
        NextTask::<T>::put(next);
        let row = Task {
            sponsor: sponsor.clone(),
            spec,
            status: TaskStatus::Enrolling,
            money: Money { free: funds, ..Money::default() },
            deposit,
            created_at: Self::now(),
            settled_rounds: 0,
            failed_in_a_row: 0,
            open_rows: 0,
            model: None,
            metric: None,
            current: None,
        };
        Tasks::<T>::insert(task, row);
        Self::deposit_event(Event::TaskCreated { task, sponsor, funds, deposit });
        Ok(())
    }

    pub(crate) fn do_fund(who: T::AccountId, task: TaskId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let mut row = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
        ensure!(!Self::status_now(&row).is_final(), Error::<T>::TaskOver);
        Self::collect(task, &who, amount)?;
        row.money.free = row.money.free.saturating_add(amount);
        Tasks::<T>::insert(task, row);
        Self::deposit_event(Event::TaskFunded { task, who, amount });
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
        } else if row.current.is_none() {
            row.status = TaskStatus::Enrolling;
            Self::start_if_ready(task, &mut row);
        } else {
            Self::start_round(task, &mut row).map_err(PauseReason::into_error::<T>)?;
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

    /// Removes up to `limit` round records and says how many.
    pub(crate) fn do_reap(task: TaskId, limit: u32) -> Result<u32, DispatchError> {
        let row = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
        ensure!(row.status.is_final(), Error::<T>::TaskNotOver);
        ensure!(row.open_rows == 0, Error::<T>::UnsettledRows);
        let removed = Rounds::<T>::drain_prefix(task).take(limit as usize).count();
        if Rounds::<T>::iter_key_prefix(task).next().is_none() {
            let returned = Self::close_account(task, &row)?;
            Tasks::<T>::remove(task);
            Self::deposit_event(Event::TaskReaped { task, returned });
        }
        // At most `limit`.
        Ok(removed as u32)
    }

    /// Ends a task for good. What is free goes back at once.
    pub(crate) fn end(task: TaskId, row: &mut TaskOf<T>, status: TaskStatus) {
        row.status = status;
        let refunded: Balance = Self::refund(task, row);
        Self::deposit_event(Event::TaskEnded { task, status, refunded });
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
