//! Handing the keys of sealed updates over to the committee.

use crate::{Commitments, Config, Error, Handover, Pallet};
use decentralml_traits::{Draw, Roster};
use decentralml_types::{Phase, RoundNumber, TaskId};
use frame_support::ensure;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_hand_over(
        who: &T::AccountId,
        task: TaskId,
        round: RoundNumber,
        handover: Handover,
    ) -> Result<u32, DispatchError> {
        let view = Self::in_phase(task, round, Phase::Scoring)?;
        ensure!(view.sealed, Error::<T>::NotSealed);
        let committee = handover.committee;
        ensure!(committee == view.committee, Error::<T>::WrongCommittee);
        let mut row = Commitments::<T>::get((task, round, who)).ok_or(Error::<T>::NotCommitted)?;
        let (index, update) = row.revealed.as_mut().ok_or(Error::<T>::NotRevealed)?;
        let last = update.handover.map(|handover| handover.committee);
        ensure!(last != Some(committee), Error::<T>::AlreadyHandedOver);
        // Before that nobody can know to whom to encrypt, and a trainer hands over once.
        T::Roster::ensure_drawn(task, round, Draw::Committee(committee))?;

        let index = *index;
        update.handover = Some(handover);
        Commitments::<T>::insert((task, round, who), row);
        Ok(index)
    }
}
