//! What `tasks` asks.

use crate::{CommitteeState, Committees, Config, Histories, History, Pallet, RoundShares, Shares};
use decentralml_traits::{Judgment, JudgmentProgress};
use decentralml_types::{CommitteeNumber, RoundNumber, TaskId};

impl<T: Config> Judgment for Pallet<T> {
    fn open(
        task: TaskId,
        round: RoundNumber,
        committee: CommitteeNumber,
        seats: u32,
        updates: u32,
    ) {
        let mut history = Histories::<T>::get(task).unwrap_or_default();
        if let Some((round, committee)) = history.latest.replace((round, committee)) {
            Self::remove_unused(task, round, committee);
        }
        Histories::<T>::insert(task, history);
        Committees::<T>::insert((task, round, committee), CommitteeState::new(seats, updates));
        if updates > 0 {
            Shares::<T>::insert(task, round, RoundShares { weight: 0, rows: updates });
        }
    }

    fn progress(task: TaskId, round: RoundNumber, committee: CommitteeNumber) -> JudgmentProgress {
        let Some(state) = Committees::<T>::get((task, round, committee)) else {
            return JudgmentProgress::default();
        };
        let leading = state.leading();
        JudgmentProgress {
            committed: state.committed,
            opened: state.opened.len() as u32,
            attested: state.attestations.len() as u32,
            agreeing: leading.map_or(0, |(_, votes, _)| votes),
            leading: leading.map(|(next, _, metric)| (next, metric)),
        }
    }

    fn tally(task: TaskId, round: RoundNumber, committee: CommitteeNumber) -> Option<u32> {
        Self::do_tally(task, round, committee)
    }

    fn close(task: TaskId) -> bool {
        match Histories::<T>::get(task) {
            Some(history) if history.standings > 0 => false,
            Some(history) => {
                Self::remove_history(task, history);
                true
            }
            None => true,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Removes what is remembered of a task that opens no committee any more.
    pub(crate) fn remove_history(task: TaskId, history: History) {
        if let Some((round, committee)) = history.latest {
            Self::remove_unused(task, round, committee);
        }
        Histories::<T>::remove(task);
    }

    /// Removes the record of a committee of which no seat is to be settled.
    pub(crate) fn remove_unused(task: TaskId, round: RoundNumber, committee: CommitteeNumber) {
        Committees::<T>::mutate_exists((task, round, committee), |row| {
            if row.as_ref().is_some_and(|state| state.rows == 0) {
                *row = None;
            }
        });
    }
}
