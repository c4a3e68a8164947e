//! Rows of participants, and what settled rounds owe them.

use crate::{Config, Error, Event, Pallet, Rounds, TaskOf, Tasks};
use decentralml_traits::Escrow;
use decentralml_types::{Asset, Balance, Phase, RoundNumber, TaskId};
use frame_support::{dispatch::DispatchResult, ensure};

impl<T: Config> Escrow<T::AccountId> for Pallet<T> {
    fn account(task: TaskId) -> T::AccountId {
        Self::account_of(task)
    }

    fn row_opened(task: TaskId, round: RoundNumber) {
        if let Some(mut record) = Rounds::<T>::get(task, round) {
            record.open_rows = record.open_rows.saturating_add(1);
            Rounds::<T>::insert(task, round, record);
        }
    }

    fn row_settled(
        task: TaskId,
        round: RoundNumber,
        who: &T::AccountId,
        amount: Balance,
    ) -> DispatchResult {
        let mut row = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
        let mut record = Rounds::<T>::get(task, round).ok_or(Error::<T>::UnknownRound)?;
        ensure!(record.open_rows > 0, Error::<T>::NothingToSettle);
        if amount > 0 {
            let owes = record.phase == Phase::Settled && amount <= record.pot;
            ensure!(owes, Error::<T>::Overdrawn);
            record.pot -= amount;
            row.money.unclaimed = row.money.unclaimed.saturating_sub(amount);
            Self::pay_or_owe(task, round, &mut row, who, amount);
        }
        record.open_rows -= 1;
        if record.phase.is_final() && record.open_rows == 0 {
            let returned = core::mem::take(&mut record.pot);
            row.money.release(returned);
            Self::deposit_event(Event::RoundClosed { task, round, returned });
        }
        Self::refund_if_over(task, &mut row);
        Tasks::<T>::insert(task, row);
        Rounds::<T>::insert(task, round, record);
        Ok(())
    }

    fn recovered(task: TaskId, amount: Balance) {
        if amount == 0 {
            return;
        }
        if let Some(mut row) = Tasks::<T>::get(task) {
            // Bonds are native, and so is what is taken of them.
            row.money.charges = row.money.charges.saturating_add(amount);
            Self::deposit_event(Event::Recovered { task, amount });
            Self::refund_if_over(task, &mut row);
            Tasks::<T>::insert(task, row);
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Money that becomes free in a task that is over does not wait there.
    pub(crate) fn refund_if_over(task: TaskId, row: &mut TaskOf<T>) {
        if row.status.is_final() {
            let (pay, charges) = Self::refund(task, row);
            for (asset, amount) in [(row.spec.terms.asset, pay), (Asset::Native, charges)] {
                if amount > 0 {
                    Self::deposit_event(Event::Refunded { task, asset, amount });
                }
            }
        }
    }
}
