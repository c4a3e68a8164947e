//! What was due and could not be paid: it is noted, can be collected, and holds nobody else up.

use crate::{Config, Debt, Error, Event, Owed, Pallet, TaskOf, Tasks};
use decentralml_types::{Balance, RoundNumber, TaskId};
use frame_support::{dispatch::DispatchResult, ensure};

impl<T: Config> Pallet<T> {
    /// Pays `amount`, and what the task owes the account already, or notes it as owed. Together they may suffice where the parts are
    /// below what an account must hold.
    pub(crate) fn pay_or_owe(
        task: TaskId,
        round: RoundNumber,
        row: &mut TaskOf<T>,
        who: &T::AccountId,
        amount: Balance,
    ) {
        let asset = row.spec.terms.asset;
        let debt = if row.money.owed > 0 { Owed::<T>::get(task, who) } else { None };
        let owed = debt.map_or(0, |debt| debt.amount);
        let due = amount.saturating_add(owed);
        if let Err(reason) = Self::pay(task, asset, who, due) {
            Owed::<T>::insert(task, who, Debt { amount: due, since: Self::now() });
            row.money.owed = row.money.owed.saturating_add(amount);
            let who = who.clone();
            Self::deposit_event(Event::PaymentOwed { task, round, who, asset, amount, reason });
            return;
        }
        Self::deposit_event(Event::Paid { task, round, who: who.clone(), asset, amount });
        if owed > 0 {
            Self::forgive(task, row, who, owed);
            Self::deposit_event(Event::Collected { task, who: who.clone(), asset, amount: owed });
        }
    }

    pub(crate) fn do_collect(task: TaskId, who: T::AccountId) -> DispatchResult {
        let mut row = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
        let asset = row.spec.terms.asset;
        if let Some(Debt { amount, .. }) = Owed::<T>::get(task, &who) {
            Self::pay(task, asset, &who, amount)?;
            Self::forgive(task, &mut row, &who, amount);
            Self::deposit_event(Event::Collected { task, who, asset, amount });
        } else {
            // What is free of a task that is over is owed to its sponsor.
            let amount = row.money.free;
            let due = row.status.is_final() && row.sponsor == who && amount > 0;
            ensure!(due, Error::<T>::NothingOwed);
            Self::pay(task, asset, &who, amount)?;
            row.money.free = 0;
            Self::deposit_event(Event::Refunded { task, asset, amount });
        }
        Tasks::<T>::insert(task, row);
        Ok(())
    }

    pub(crate) fn do_write_off(task: TaskId, who: T::AccountId) -> DispatchResult {
        let mut row = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
        ensure!(row.status.is_final(), Error::<T>::TaskNotOver);
        let Debt { amount, since } = Owed::<T>::get(task, &who).ok_or(Error::<T>::NothingOwed)?;
        ensure!(Self::is_patience_over(&row, since), Error::<T>::TooEarly);
        Self::forgive(task, &mut row, &who, amount);
        row.money.free = row.money.free.saturating_add(amount);
        let asset = row.spec.terms.asset;
        Self::deposit_event(Event::WrittenOff { task, who, asset, amount });
        Self::refund_if_over(task, &mut row);
        Tasks::<T>::insert(task, row);
        Ok(())
    }

    fn forgive(task: TaskId, row: &mut TaskOf<T>, who: &T::AccountId, amount: Balance) {
        Owed::<T>::remove(task, who);
        row.money.owed = row.money.owed.saturating_sub(amount);
    }
}
