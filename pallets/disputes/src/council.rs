//! Appeals, and the votes on them.

use crate::{Ballot, Ballots, Case, Cases, Config, Error, Event, Pallet};
use decentralml_protocol::slashing::Votes;
use decentralml_traits::Roster;
use decentralml_types::{CaseId, Role};
use frame_support::{
    dispatch::DispatchResult,
    ensure,
    traits::{Get, SortedMembers},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_appeal(who: T::AccountId, case: CaseId) -> DispatchResult {
        let mut row = Cases::<T>::get(case).ok_or(Error::<T>::UnknownCase)?;
        ensure!(row.charge.accused == who, Error::<T>::NotAccused);
        ensure!(row.appeal.is_none(), Error::<T>::AlreadyAppealed);
        let now = Self::now();
        ensure!(now < row.deadline, Error::<T>::TooLate);
        let bond = row.stake;
        Self::hold_appeal(&who, bond)?;
        let deadline = now.saturating_add(T::JudgmentPeriod::get());
        row.appeal = Some(bond);
        row.deadline = deadline;
        Cases::<T>::insert(case, row);
        Self::deposit_event(Event::Appealed { case, bond, deadline });
        Ok(())
    }

    pub(crate) fn do_vote(who: T::AccountId, case: CaseId, guilty: bool) -> DispatchResult {
        let row = Cases::<T>::get(case).ok_or(Error::<T>::UnknownCase)?;
        ensure!(T::Council::contains(&who), Error::<T>::NotCouncilor);
        ensure!(!Self::is_party(&row, &who), Error::<T>::PartyToTheCase);
        ensure!(row.appeal.is_some(), Error::<T>::NotAppealed);
        ensure!(Self::now() < row.deadline, Error::<T>::TooLate);
        Ballots::<T>::try_mutate(case, |ballots| {
            ensure!(ballots.iter().all(|ballot| ballot.who != who), Error::<T>::AlreadyVoted);
            let ballot = Ballot { who: who.clone(), guilty };
            ballots.try_push(ballot).map_err(|_| Error::<T>::TooManyVotes)
        })?;
        Self::deposit_event(Event::Voted { case, who, guilty });
        Ok(())
    }

    fn is_party(row: &Case<T::AccountId>, who: &T::AccountId) -> bool {
        let task = row.charge.scene.task();
        let enrolled = |role| task.is_some_and(|task| T::Roster::is_enrolled(task, role, who));
        row.charge.accused == *who
            || row.charge.reporter.as_ref() == Some(who)
            || row.sponsor.as_ref() == Some(who)
            || enrolled(Role::Trainer)
            || enrolled(Role::Evaluator)
    }

    /// The votes of those that are members now: with a member, its vote leaves the council, lest a seat that changes hands votes
    /// twice. As many steps as there can be votes.
    pub(crate) fn votes(case: CaseId) -> Votes {
        let members = T::Council::sorted_members();
        let (mut guilty, mut innocent) = (0u32, 0u32);
        for ballot in Ballots::<T>::get(case) {
            if members.binary_search(&ballot.who).is_err() {
                continue;
            }
            // At most `MaxVotes`.
            let side = if ballot.guilty { &mut guilty } else { &mut innocent };
            *side = side.saturating_add(1);
        }
        Votes { guilty, innocent, council: members.len() as u32 }
    }
}
