//! Announcing, revealing, concluding; and when none of it is possible any more.

use crate::{Announced, Config, Error, Event, Gold, Golds, Pallet};
use decentralml_protocol::gold;
use decentralml_traits::{Assay, Assayed, Clock, Escrow, RoundView, Salted};
use decentralml_types::{
    Balance, BlockNumber, Failure, Hash, Label, Phase, RoundNumber, Salt, TaskId,
    commitment::GoldResult,
};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::{BlockNumberProvider, Zero};

/// Whether gold results of a round can be revealed.
enum Window {
    /// The round is not over.
    Ahead,
    /// They can.
    Open,
    /// They could, and it is too late.
    Over,
    /// They never can: the round ended before its scores were counted, or was ended by its sponsor or its time.
    Never,
}

impl<T: Config> decentralml_traits::Golds for Pallet<T> {
    fn are_pending(task: TaskId, round: RoundNumber) -> bool {
        Golds::<T>::contains_key(task, round)
            && T::Clock::round(task, round)
                .is_some_and(|view| matches!(Self::window(&view), Window::Ahead | Window::Open))
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_announce(
        sponsor: T::AccountId,
        task: TaskId,
        round: RoundNumber,
        seal: Hash,
    ) -> DispatchResult {
        ensure!(T::Clock::sponsor(task).as_ref() == Some(&sponsor), Error::<T>::NotSponsor);
        let spec = T::Clock::spec(task).ok_or(Error::<T>::NoRound)?;
        let view = T::Clock::round(task, round).ok_or(Error::<T>::NoRound)?;
        ensure!(view.phase == Phase::Training, Error::<T>::WrongPhase);
        ensure!(!view.due, Error::<T>::TooLate);
        let known = Golds::<T>::get(task, round);
        let is_first = known.is_none();
        let mut row = known.unwrap_or_else(|| Announced {
            sponsor: sponsor.clone(),
            made: 0,
            hidden: Default::default(),
        });
        ensure!(row.made < spec.terms.golds, Error::<T>::TooMany);
        ensure!(!row.hidden.iter().any(|gold| gold.seal == seal), Error::<T>::AlreadyAnnounced);

        let deposit = T::Deposit::get();
        row.hidden.try_push(Gold { seal, deposit }).map_err(|_| Error::<T>::TooMany)?;
        row.made = row.made.saturating_add(1);
        Self::hold(&sponsor, deposit)?;
        Golds::<T>::insert(task, round, row);
        if is_first {
            T::Escrow::row_opened(task, round);
        }
        Self::deposit_event(Event::GoldAnnounced { task, round, sponsor, seal, deposit });
        Ok(())
    }

    pub(crate) fn do_reveal(
        who: T::AccountId,
        task: TaskId,
        round: RoundNumber,
        trainer: T::AccountId,
        label: Label,
        secret: Salt,
    ) -> DispatchResult {
        let mut row = Golds::<T>::get(task, round).ok_or(Error::<T>::NothingAnnounced)?;
        ensure!(row.sponsor == who, Error::<T>::NotSponsor);
        let view = T::Clock::round(task, round).ok_or(Error::<T>::NoRound)?;
        match Self::window(&view) {
            Window::Open => {}
            Window::Ahead | Window::Never => return Err(Error::<T>::WrongPhase.into()),
            Window::Over => return Err(Error::<T>::TooLate.into()),
        }
        let block = BlockNumberFor::<T>::zero();
        let genesis = frame_system::Pallet::<T>::block_hash(block).into();
        let result = GoldResult { genesis, task, round, trainer: &trainer, label, secret };
        let seal = result.seal();
        let position = row.hidden.iter().position(|gold| gold.seal == seal);
        let gold = row.hidden.remove(position.ok_or(Error::<T>::UnknownSeal)?);
        let Assayed { confirmed, missed } = match label {
            Label::Blank => Assayed::default(),
            Label::Good | Label::Bad => {
                let marked = T::Salted::is_salted(task, round, &trainer, result.mark());
                ensure!(marked.ok_or(Error::<T>::NoUpdate)?, Error::<T>::NotMarked);
                T::Assay::assay(task, round, &trainer, label).ok_or(Error::<T>::NoUpdate)?
            }
        };

        Self::release(&who, gold.deposit);
        if row.hidden.is_empty() {
            Self::remove(task, round, &who)?;
        } else {
            Golds::<T>::insert(task, round, row);
        }
        let sponsor = who;
        Self::deposit_event(Event::GoldRevealed {
            task,
            round,
            sponsor,
            trainer,
            label,
            confirmed,
            missed,
        });
        Ok(())
    }

    pub(crate) fn do_conclude(task: TaskId, round: RoundNumber) -> DispatchResult {
        let row = Golds::<T>::get(task, round).ok_or(Error::<T>::NothingAnnounced)?;
        let view = T::Clock::round(task, round).ok_or(Error::<T>::NoRound)?;
        let sum: Balance =
            row.hidden.iter().fold(0, |sum: Balance, gold| sum.saturating_add(gold.deposit));
        let sponsor = row.sponsor;
        let forfeited = match Self::window(&view) {
            Window::Ahead | Window::Open => return Err(Error::<T>::TooEarly.into()),
            Window::Over => Self::forfeit(&sponsor, sum),
            Window::Never => {
                Self::release(&sponsor, sum);
                0
            }
        };
        Self::remove(task, round, &sponsor)?;
        let returned = sum.saturating_sub(forfeited);
        Self::deposit_event(Event::GoldsConcluded { task, round, sponsor, returned, forfeited });
        Ok(())
    }

    fn remove(task: TaskId, round: RoundNumber, sponsor: &T::AccountId) -> DispatchResult {
        Golds::<T>::remove(task, round);
        T::Escrow::row_settled(task, round, sponsor, 0)
    }

    fn window(view: &RoundView) -> Window {
        let counted = match (view.phase, view.failure) {
            (Phase::Settled, _) => true,
            (Phase::Void, Some(Failure::NothingAccepted | Failure::NoAgreement)) => true,
            (Phase::Void, _) => false,
            _ => return Window::Ahead,
        };
        let Some(ended) = view.ended_at.filter(|_| counted) else { return Window::Never };
        match Self::now() <= gold::deadline(ended) {
            true => Window::Open,
            false => Window::Over,
        }
    }

    pub(crate) fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }
}
