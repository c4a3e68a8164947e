//! What must hold between any two blocks.

use crate::{Commitments, Config, Counts, Handover, Pallet, Reveals};
use decentralml_traits::Clock;
use decentralml_types::{RoundNumber, TaskId};
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

extern crate alloc;
use alloc::collections::{BTreeMap, BTreeSet};

impl<T: Config> Pallet<T> {
    /// Counters count the rows, commitments are numbered, reveals and commitments mirror each other, and keys are handed over of sealed updates only, to
    /// committees that their rounds have had.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut open = BTreeMap::<(TaskId, RoundNumber), u32>::new();
        let mut numbers = BTreeSet::new();
        for ((task, round, who), row) in Commitments::<T>::iter() {
            *open.entry((task, round)).or_default() += 1;
            ensure!(numbers.insert((task, round, row.number)), "two commitments have one number");
            let committed = Counts::<T>::get(task, round).committed;
            ensure!(row.number < committed, "a commitment has a number to come");
            if let Some((index, update)) = row.revealed {
                let trainer = Reveals::<T>::get((task, round, index));
                ensure!(trainer.as_ref() == Some(&who), "an update has another trainer");
                let view = T::Clock::round(task, round).ok_or("an update without its round")?;
                ensure!(update.plain_hash.is_some() == view.sealed, "a hash in an open task");
                if let Some(Handover { committee, .. }) = update.handover {
                    ensure!(view.sealed, "a key of an open update");
                    ensure!(
                        committee <= view.committee,
                        "a key in the hands of a committee to come"
                    );
                }
            }
        }
        for ((task, round, index), who) in Reveals::<T>::iter() {
            let row = Commitments::<T>::get((task, round, who));
            let revealed = row.and_then(|row| row.revealed).map(|(index, _)| index);
            ensure!(revealed == Some(index), "a number without update");
        }
        let mut kept = 0;
        for (task, round, rows) in Counts::<T>::iter() {
            ensure!(open.get(&(task, round)) == Some(&rows.open), "open rows are miscounted");
            ensure!(rows.revealed <= rows.committed, "more is revealed than committed");
            ensure!(rows.open <= rows.committed, "more is open than committed");
            kept += 1;
        }
        ensure!(kept == open.len(), "a round has lost its counters");
        Ok(())
    }
}
