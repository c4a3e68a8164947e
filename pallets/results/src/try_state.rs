//! What must hold between any two blocks.

use crate::{Commitments, Config, Counts, Pallet, Reveals};
use decentralml_types::{RoundNumber, TaskId};
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

extern crate alloc;
use alloc::collections::BTreeMap;

impl<T: Config> Pallet<T> {
    /// Counters count the rows, and reveals and commitments mirror each other.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut open = BTreeMap::<(TaskId, RoundNumber), u32>::new();
        for ((task, round, who), row) in Commitments::<T>::iter() {
            *open.entry((task, round)).or_default() += 1;
            if let Some((index, _)) = row.revealed {
                let trainer = Reveals::<T>::get((task, round, index));
                ensure!(trainer.as_ref() == Some(&who), "an update has another trainer");
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
