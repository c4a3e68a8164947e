//! Challenging, answering, concluding.

use crate::{Blocks, Challenge, Config, Error, Event, Pallet, Path, Record, Records, Stage};
use alloc::vec::Vec;
use decentralml_protocol::{
    dag::{self, PathError, Shown},
    slashing,
};
use decentralml_traits::{Charge, Clock, Revealed, Roster, Scene, Tariff, Tribunal};
use decentralml_types::{BlockNumber, Codec, Fault, Phase, Role, RoundNumber, TaskId};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use sp_runtime::traits::BlockNumberProvider;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_challenge(
        challenger: T::AccountId,
        task: TaskId,
        round: RoundNumber,
        trainer: T::AccountId,
        path: Path,
    ) -> DispatchResult {
        ensure!(challenger != trainer, Error::<T>::OwnUpdate);
        let view = T::Clock::round(task, round).ok_or(Error::<T>::NoRound)?;
        ensure!(is_answered_for(view.phase), Error::<T>::WrongPhase);
        let cid = T::Revealed::cid(task, round, &trainer).ok_or(Error::<T>::NoUpdate)?;
        ensure!(cid.codec == Codec::DagPb || path.is_empty(), Error::<T>::NoSuchBlock);
        let made = match Records::<T>::get((task, round, &trainer)) {
            None => 0,
            Some(Record { stage: Stage::Open(_), .. }) => {
                return Err(Error::<T>::AlreadyChallenged.into());
            }
            Some(Record { stage: Stage::Unanswered, .. }) => {
                return Err(Error::<T>::AlreadyUnanswered.into());
            }
            Some(Record { made, stage: Stage::Answered }) => made,
        };
        ensure!(made < T::MaxChallenges::get(), Error::<T>::TooManyChallenges);

        let bond = T::ChallengeBond::get();
        Self::hold(&challenger, bond)?;
        let deadline = Self::now().saturating_add(T::AnswerPeriod::get());
        let challenge = Challenge {
            challenger: challenger.clone(),
            path: path.clone(),
            deadline,
            bond,
            price: T::AnswerPrice::get(),
        };
        let record = Record { made: made.saturating_add(1), stage: Stage::Open(challenge) };
        Records::<T>::insert((task, round, &trainer), record);
        Self::deposit_event(Event::Challenged { task, round, trainer, challenger, path, deadline });
        Ok(())
    }

    pub(crate) fn do_answer(
        by: T::AccountId,
        task: TaskId,
        round: RoundNumber,
        trainer: T::AccountId,
        blocks: &Blocks,
    ) -> DispatchResult {
        let (made, challenge) = Self::open(task, round, &trainer)?;
        ensure!(Self::now() <= challenge.deadline, Error::<T>::TooLate);
        let cid = T::Revealed::cid(task, round, &trainer).ok_or(Error::<T>::NoUpdate)?;
        let blocks: Vec<&[u8]> = blocks.iter().map(|block| block.as_slice()).collect();
        // The node's own SHA2-256, not one that is interpreted.
        let hash = sp_io::hashing::sha2_256;
        let shown = dag::verify(hash, &cid, &challenge.path, &blocks).map_err(Error::<T>::from)?;

        let earned = Self::award(&challenge, &trainer);
        let record = Record { made, stage: Stage::Answered };
        Records::<T>::insert((task, round, &trainer), record);
        let exists = shown == Shown::Block;
        Self::deposit_event(Event::Answered { task, round, trainer, by, exists, earned });
        Ok(())
    }

    pub(crate) fn do_conclude(
        task: TaskId,
        round: RoundNumber,
        trainer: T::AccountId,
    ) -> DispatchResult {
        let (made, challenge) = Self::open(task, round, &trainer)?;
        let view = T::Clock::round(task, round).filter(|view| view.phase != Phase::Void);
        let (Some(_), Some(penalties)) = (view, T::Tariff::penalties(task)) else {
            <Self as decentralml_traits::Challenges<_>>::forget(task, round, &trainer);
            return Ok(());
        };
        ensure!(Self::now() > challenge.deadline, Error::<T>::TooEarly);

        Self::release(&challenge)?;
        let record = Record { made, stage: Stage::Unanswered };
        Records::<T>::insert((task, round, &trainer), record);
        let (fault, penalty) = (Fault::Unanswered, penalties.unanswered);
        let taken = T::Tribunal::accuse(Charge {
            accused: trainer.clone(),
            role: Role::Trainer,
            fault,
            penalty,
            amount: slashing::amount(penalty, T::Roster::engaged(task, Role::Trainer, &trainer)),
            scene: Scene::Round { task, round },
            reporter: Some(challenge.challenger.clone()),
        });
        let challenger = challenge.challenger;
        Self::deposit_event(Event::Unanswered { task, round, trainer, challenger, taken });
        Ok(())
    }

    /// The challenge that is open, and how many there were with it.
    fn open(
        task: TaskId,
        round: RoundNumber,
        trainer: &T::AccountId,
    ) -> Result<(u8, Challenge<T::AccountId>), Error<T>> {
        match Records::<T>::get((task, round, trainer)) {
            Some(Record { made, stage: Stage::Open(challenge) }) => Ok((made, challenge)),
            _ => Err(Error::NoChallenge),
        }
    }

    pub(crate) fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }
}

/// Whether trainers answer for the bytes of their updates in this phase.
const fn is_answered_for(phase: Phase) -> bool {
    match phase {
        Phase::Scoring | Phase::Verdict | Phase::Tallying | Phase::Aggregating => true,
        Phase::Training | Phase::Revealing | Phase::Settled | Phase::Void => false,
    }
}

impl<T: Config> From<PathError> for Error<T> {
    fn from(error: PathError) -> Self {
        match error {
            // The type of a path has no room for a longer one.
            PathError::PathTooLong => Error::NoSuchBlock,
            PathError::TooFew => Error::TooFewBlocks,
            PathError::TooMany => Error::TooManyBlocks,
            PathError::TooLong => Error::BlockTooLong,
            PathError::OtherBlock => Error::OtherBlock,
            PathError::Malformed => Error::MalformedNode,
        }
    }
}
