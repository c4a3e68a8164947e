//! What other pallets ask.

use crate::{Commitment, Commitments, Config, Counts, Pallet, Reveals};
use decentralml_traits::{
    Clock, Evidence, EvidenceCounts, EvidenceRow, Revealed, RoundView, Salted,
};
use decentralml_types::{Cid, RoundNumber, Salt, TaskId};

impl<T: Config> Evidence<T::AccountId> for Pallet<T> {
    fn counts(task: TaskId, round: RoundNumber) -> EvidenceCounts {
        let rows = Counts::<T>::get(task, round);
        EvidenceCounts { committed: rows.committed, revealed: rows.revealed }
    }

    fn trainer(task: TaskId, round: RoundNumber, index: u32) -> Option<T::AccountId> {
        Reveals::<T>::get((task, round, index))
    }

    fn take(task: TaskId, round: RoundNumber, who: &T::AccountId) -> Option<EvidenceRow> {
        let taken = Commitments::<T>::take((task, round, who)).map(describe)?;
        if let EvidenceRow::Revealed { index } = taken {
            Reveals::<T>::remove((task, round, index));
        }
        Counts::<T>::mutate_exists(task, round, |row| {
            if let Some(rows) = row {
                rows.open = rows.open.saturating_sub(1);
                if rows.open == 0 {
                    *row = None;
                }
            }
        });
        Some(taken)
    }

    fn row(task: TaskId, round: RoundNumber, who: &T::AccountId) -> Option<EvidenceRow> {
        Commitments::<T>::get((task, round, who)).map(describe)
    }
}

impl<T: Config> Revealed<T::AccountId> for Pallet<T> {
    fn cid(task: TaskId, round: RoundNumber, who: &T::AccountId) -> Option<Cid> {
        let (_, update) = Commitments::<T>::get((task, round, who))?.revealed?;
        Some(update.cid)
    }
}

impl<T: Config> Salted<T::AccountId> for Pallet<T> {
    fn is_salted(task: TaskId, round: RoundNumber, who: &T::AccountId, salt: Salt) -> Option<bool> {
        let row = Commitments::<T>::get((task, round, who))?;
        let (_, update) = row.revealed?;
        let RoundView { base, .. } = T::Clock::round(task, round)?;
        Some(Self::commitment(who, task, round, base, &update, salt) == row.hash)
    }
}

fn describe(row: Commitment) -> EvidenceRow {
    match row.revealed {
        Some((index, _)) => EvidenceRow::Revealed { index },
        None => EvidenceRow::Committed,
    }
}
