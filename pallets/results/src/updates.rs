//! Committing and revealing.

use crate::{Commitment, Commitments, Config, Counts, Error, Pallet, Reveals, Update};
use decentralml_traits::{Bonds, Clock, Draw, Escrow, Roster, RoundView};
use decentralml_types::{
    Cid, Hash, Phase, Role, RoundNumber, Salt, TaskId, commitment::UpdateCommitment,
};
use frame_support::{dispatch::DispatchResult, ensure};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchError, traits::Zero};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_commit(
        who: &T::AccountId,
        task: TaskId,
        round: RoundNumber,
        hash: Hash,
    ) -> DispatchResult {
        Self::in_phase(task, round, Phase::Training)?;
        ensure!(!Commitments::<T>::contains_key((task, round, who)), Error::<T>::AlreadyCommitted);
        T::Roster::place(task, round, Draw::Trainers, who)?;
        T::Bonds::ensure_covered(who, Role::Trainer)?;
        T::Roster::hold_place(task, round, Role::Trainer, who)?;

        let number = Counts::<T>::mutate(task, round, |rows| {
            let number = rows.committed;
            rows.committed = rows.committed.saturating_add(1);
            rows.open = rows.open.saturating_add(1);
            number
        });
        Commitments::<T>::insert((task, round, who), Commitment { hash, number, revealed: None });
        T::Escrow::row_opened(task, round);
        Ok(())
    }

    pub(crate) fn do_reveal(
        who: &T::AccountId,
        task: TaskId,
        round: RoundNumber,
        update: Update,
        salt: Salt,
    ) -> Result<u32, DispatchError> {
        let RoundView { base, sealed, .. } = Self::in_phase(task, round, Phase::Revealing)?;
        ensure!(update.plain_hash.is_some() || !sealed, Error::<T>::PlainHashMissing);
        ensure!(update.plain_hash.is_none() || sealed, Error::<T>::NotSealed);
        let mut row = Commitments::<T>::get((task, round, who)).ok_or(Error::<T>::NotCommitted)?;
        ensure!(row.revealed.is_none(), Error::<T>::AlreadyRevealed);
        let hash = Self::commitment(who, task, round, base, &update, salt);
        ensure!(hash == row.hash, Error::<T>::Mismatch);

        let index = Counts::<T>::mutate(task, round, |rows| {
            let index = rows.revealed;
            rows.revealed = rows.revealed.saturating_add(1);
            index
        });
        row.revealed = Some((index, update));
        Commitments::<T>::insert((task, round, who), row);
        Reveals::<T>::insert((task, round, index), who);
        Ok(index)
    }

    /// What an account commits to that is to reveal this update with this salt.
    pub(crate) fn commitment(
        who: &T::AccountId,
        task: TaskId,
        round: RoundNumber,
        base: Option<Cid>,
        update: &Update,
        salt: Salt,
    ) -> Hash {
        let block = BlockNumberFor::<T>::zero();
        let genesis = frame_system::Pallet::<T>::block_hash(block).into();
        let Update { cid, plain_hash, samples, handover: _ } = *update;
        UpdateCommitment {
            genesis,
            task,
            round,
            account: who,
            base,
            cid,
            plain_hash,
            samples,
            salt,
        }
        .hash()
    }

    /// The task's current round, where it is `round` and in `phase`, one in which trainers act. A round in such a phase is the
    /// current one, as no round starts before the last is over; so the task's row, with its whole specification, is read only
    /// to say what is wrong.
    pub(crate) fn in_phase(
        task: TaskId,
        round: RoundNumber,
        phase: Phase,
    ) -> Result<RoundView, Error<T>> {
        let view = T::Clock::round(task, round).filter(|view| view.phase == phase);
        let Some(view) = view else {
            let (current, _) = T::Clock::current(task).ok_or(Error::NoRound)?;
            ensure!(current == round, Error::NotCurrentRound);
            return Err(Error::WrongPhase);
        };
        ensure!(!view.due, Error::TooLate);
        Ok(view)
    }
}
