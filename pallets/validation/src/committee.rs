//! What seats do: commit, open, attest.

use crate::{
    Attestation, CommitteeState, Committees, Config, Due, Error, Pallet, Seat, Seats, Sheets,
};
use decentralml_protocol::{clock::MAX_REDRAWS, verdict};
use decentralml_traits::{Bonds, Clock, Draw, Escrow, Roster};
use decentralml_types::{
    CommitteeNumber, Hash, Opinions, Phase, Role, RoundNumber, Salt, TaskId,
    commitment::ScoresCommitment, limits::TALLY_BATCH,
};
use frame_support::{BoundedVec, dispatch::DispatchResult, ensure};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchError, traits::Zero};

/// One, in parts per million.
const WHOLE: u32 = 1_000_000;

/// A committee and its number.
type Numbered<T> = (CommitteeNumber, CommitteeState<<T as frame_system::Config>::AccountId>);

impl<T: Config> Pallet<T> {
    pub(crate) fn do_commit_scores(
        who: &T::AccountId,
        task: TaskId,
        round: RoundNumber,
        named: CommitteeNumber,
        hash: Hash,
    ) -> DispatchResult {
        let (number, mut committee) = Self::committee_in(task, round, Phase::Scoring)?;
        ensure!(named == number, Error::<T>::WrongCommittee);
        ensure!(
            !Seats::<T>::contains_key((task, round, number, who)),
            Error::<T>::AlreadyCommitted
        );
        T::Roster::place(task, round, Draw::Committee(number), who)?;
        T::Bonds::ensure_covered(who, Role::Evaluator)?;
        // `hold_place` tells rounds apart, not the committees of one.
        let at_risk =
            |earlier| matches!(Self::seat_due(task, round, earlier, who), Ok(Due::Slash(..)));
        ensure!(!(0..number).any(at_risk), Error::<T>::EarlierSeatAtRisk);
        Self::clear_earlier_round(who, task, round);
        T::Roster::hold_place(task, round, Role::Evaluator, who)?;

        let seat = Seat { commitment: hash, opened: false, attested: None };
        Seats::<T>::insert((task, round, number, who), seat);
        committee.committed = committee.committed.saturating_add(1);
        committee.rows = committee.rows.saturating_add(1);
        Committees::<T>::insert((task, round, number), committee);
        T::Escrow::row_opened(task, round);
        Ok(())
    }

    /// A seat that attested the model with which an earlier round settled has nothing more to lose there, and need not be settled
    /// before it acts in the next one.
    fn clear_earlier_round(who: &T::AccountId, task: TaskId, round: RoundNumber) {
        let at_risk = T::Roster::at_risk(task, Role::Evaluator, who);
        let Some(earlier) = at_risk.filter(|earlier| *earlier != round) else { return };
        // Of what is not decided, nobody knows what it costs.
        let costs_nothing = |number| match Self::seat_due(task, earlier, number, who) {
            Ok(due) => !matches!(due, Due::Slash(..)),
            Err(error) => matches!(error, Error::NothingToClaim),
        };
        if (0..=MAX_REDRAWS).all(costs_nothing) {
            T::Roster::clear_place(task, earlier, Role::Evaluator, who);
        }
    }

    pub(crate) fn do_open_scores(
        who: &T::AccountId,
        task: TaskId,
        round: RoundNumber,
        opinions: &Opinions,
        salt: Salt,
    ) -> Result<CommitteeNumber, DispatchError> {
        let (number, mut committee) = Self::committee_in(task, round, Phase::Verdict)?;
        let mut seat =
            Seats::<T>::get((task, round, number, who)).ok_or(Error::<T>::NotCommitted)?;
        ensure!(!seat.opened, Error::<T>::AlreadyOpened);
        ensure!(opinions.len() as u32 == committee.updates, Error::<T>::WrongLength);
        ensure!(opinions.iter().all(verdict::in_range), Error::<T>::ScoreOutOfRange);
        let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()).into();
        let committed_to = ScoresCommitment {
            genesis,
            task,
            round,
            committee: number,
            account: who,
            opinions,
            salt,
        };
        ensure!(committed_to.hash() == seat.commitment, Error::<T>::Mismatch);

        // More seats than the limit are never drawn.
        committee.opened.try_push(who.clone()).map_err(|_| Error::<T>::NoCommittee)?;
        Committees::<T>::insert((task, round, number), committee);
        seat.opened = true;
        Seats::<T>::insert((task, round, number, who), seat);
        for (batch, sheet) in (0u32..).zip(opinions.chunks(TALLY_BATCH as usize)) {
            let sheet = BoundedVec::truncate_from(sheet.to_vec());
            Sheets::<T>::insert((task, round, number, batch, who), sheet);
        }
        T::Roster::clear_place(task, round, Role::Evaluator, who);
        Ok(number)
    }

    pub(crate) fn do_attest(
        who: &T::AccountId,
        task: TaskId,
        round: RoundNumber,
        attestation: Attestation,
    ) -> Result<CommitteeNumber, DispatchError> {
        let ((number, mut committee), settled) = Self::committee_that_attests(task, round)?;
        let mut seat =
            Seats::<T>::get((task, round, number, who)).ok_or(Error::<T>::NotCommitted)?;
        ensure!(seat.opened, Error::<T>::NotOpened);
        ensure!(seat.attested.is_none(), Error::<T>::AlreadyAttested);
        ensure!(attestation.metric <= WHOLE, Error::<T>::InvalidMetric);

        if settled {
            let agrees = committee.leading().is_some_and(|(next, ..)| next == attestation.next);
            ensure!(agrees, Error::<T>::Outvoted);
        } else {
            T::Roster::expose_place(task, round, Role::Evaluator, who)?;
        }
        // There are no more attestations than opened seats.
        committee.attestations.try_push(attestation).map_err(|_| Error::<T>::NoCommittee)?;
        Committees::<T>::insert((task, round, number), committee);
        seat.attested = Some(attestation.next);
        Seats::<T>::insert((task, round, number, who), seat);
        Ok(number)
    }

    /// The committee of an aggregating round, or of a settled one: the quorum settles a round while the slower seats'
    /// attestations are on their way, and an honest one should not cost its sender a fee. It changes nothing any more, as a
    /// quorum cannot be outvoted, and is taken for as long as it can be paid. Says whether the round is settled.
    fn committee_that_attests(
        task: TaskId,
        round: RoundNumber,
    ) -> Result<(Numbered<T>, bool), Error<T>> {
        let view = T::Clock::round(task, round).ok_or(Error::NoRound)?;
        if view.phase != Phase::Settled {
            return Ok((Self::committee_in(task, round, Phase::Aggregating)?, false));
        }
        ensure!(!view.claims_expired, Error::TooLate);
        let number = view.committee;
        let committee = Committees::<T>::get((task, round, number)).ok_or(Error::NoCommittee)?;
        Ok(((number, committee), true))
    }

    /// The committee at work, where the task's current round is `round` and in `phase`.
    fn committee_in(
        task: TaskId,
        round: RoundNumber,
        phase: Phase,
    ) -> Result<Numbered<T>, Error<T>> {
        let (current, current_phase) = T::Clock::current(task).ok_or(Error::NoRound)?;
        ensure!(current == round, Error::NotCurrentRound);
        ensure!(current_phase == phase, Error::WrongPhase);
        let view = T::Clock::round(task, round).ok_or(Error::NoRound)?;
        ensure!(!view.due, Error::TooLate);
        let number = view.committee;
        let committee = Committees::<T>::get((task, round, number)).ok_or(Error::NoCommittee)?;
        Ok((number, committee))
    }
}
