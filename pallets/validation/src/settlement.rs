//! What everybody gets: rewards, fees, accusations.

use crate::{
    Committees, Config, Due, Error, Event, Histories, Pallet, Running, Seats, Shares, Sheets,
    Verdicts,
};
use decentralml_protocol::{gold, payout, slashing};
use decentralml_traits::{
    Challenged, Challenges, Charge, Clock, Escrow, Evidence, EvidenceRow, Golds, Reputation,
    Roster, RoundView, Scene, Tariff, Tribunal,
};
use decentralml_types::{
    CommitteeNumber, Conduct, Failure, Fault, Outcome, Phase, Role, RoundNumber, TaskId, TaskSpec,
    TaskStatus, limits::TALLY_BATCH,
};
use frame_support::{dispatch::DispatchResult, ensure};

impl<T: Config> Pallet<T> {
    /// What [`Pallet::claim`] would do for a trainer.
    ///
    /// Errors: `NoRound`, `NothingToClaim`, `TooEarly`.
    pub fn trainer_due(
        task: TaskId,
        round: RoundNumber,
        who: &T::AccountId,
    ) -> Result<Due, Error<T>> {
        let (spec, view) = Self::terms(task, round)?;
        let slash = |fault| Self::slash(task, fault, Role::Trainer, who);
        match T::Evidence::row(task, round, who).ok_or(Error::NothingToClaim)? {
            EvidenceRow::Committed => {
                ensure!(view.phase > Phase::Revealing, Error::TooEarly);
                Ok(if reveals_are_over(&view) { slash(Fault::NotRevealed)? } else { Due::Nothing })
            }
            EvidenceRow::Revealed { .. } => {
                ensure!(view.phase.is_final(), Error::TooEarly);
                // Which of the updates are gold results, nobody knows yet.
                ensure!(!T::Golds::are_pending(task, round), Error::TooEarly);
                if view.phase != Phase::Settled {
                    return Ok(Due::Nothing);
                }
                match T::Challenges::standing(task, round, who) {
                    Challenged::Met => {}
                    Challenged::Open => return Err(Error::TooEarly),
                    // Its bond in the task has gone already, so whatever the committee has found costs no second one.
                    Challenged::Unanswered => return Ok(Due::Nothing),
                }
                let verdict = Verdicts::<T>::get((task, round, who));
                let is_gold = verdict.is_some_and(|verdict| verdict.gold);
                Ok(match verdict.and_then(|verdict| verdict.outcome) {
                    Some(Outcome::Faulty(fault)) => slash(fault)?,
                    Some(Outcome::Accepted { weight }) if !view.claims_expired => {
                        let total = Shares::<T>::get(task, round).map_or(0, |shares| shares.weight);
                        Due::Pay(payout::share(spec.terms.reward_per_round, weight, total))
                    }
                    Some(Outcome::Rejected) if is_gold && !view.claims_expired => {
                        Due::Pay(spec.gold_pay())
                    }
                    _ => Due::Nothing,
                })
            }
        }
    }

    /// What [`Pallet::claim_seat`] would do for a seat.
    ///
    /// Errors: `NoRound`, `NothingToClaim`, `TooEarly`.
    pub fn seat_due(
        task: TaskId,
        round: RoundNumber,
        number: CommitteeNumber,
        who: &T::AccountId,
    ) -> Result<Due, Error<T>> {
        let (spec, view) = Self::terms(task, round)?;
        let seat = Seats::<T>::get((task, round, number, who)).ok_or(Error::NothingToClaim)?;
        let committee = Committees::<T>::get((task, round, number)).ok_or(Error::NothingToClaim)?;
        // Settling any seat of a round clears the account's place in it, so the one that still stands for the bond goes first.
        let acting =
            |later| Seats::<T>::get((task, round, later, who)).is_some_and(|seat| !seat.opened);
        let mut later = number.saturating_add(1)..=view.committee;
        ensure!(!later.any(acting), Error::TooEarly);
        if !seat.opened {
            let quorum = spec.committee.quorum.into();
            return Ok(if openings_are_over(&view, number, committee.committed, quorum)? {
                Self::slash(task, Fault::NotOpened, Role::Evaluator, who)?
            } else {
                Due::Nothing
            });
        }
        let replaced = number < view.committee;
        ensure!(replaced || view.phase.is_final(), Error::TooEarly);
        if replaced {
            return Ok(Due::Nothing);
        }
        ensure!(!T::Golds::are_pending(task, round), Error::TooEarly);
        let is_settled = view.phase == Phase::Settled;
        let leading = committee.leading().map(|(leading, ..)| leading).filter(|_| is_settled);
        let is_wrong = leading.zip(seat.attested).is_some_and(|(leading, own)| leading != own);
        let faults = [
            is_wrong.then_some(Fault::WrongAggregate),
            (committee.missed(who) >= gold::MISSES).then_some(Fault::GoldMissed),
        ];
        // One row, one case: the dearer of the two.
        let penalties = T::Tariff::penalties(task).ok_or(Error::NoRound)?;
        let dearest = faults.into_iter().flatten().max_by_key(|fault| penalties.of(*fault).percent);
        if let Some(fault) = dearest {
            return Self::slash(task, fault, Role::Evaluator, who);
        }
        if !is_settled {
            return Ok(Due::Nothing);
        }
        if seat.attested.is_none() {
            // It still may.
            ensure!(view.claims_expired, Error::TooEarly);
            return Ok(Due::Nothing);
        }
        Ok(if view.claims_expired {
            Due::Nothing
        } else {
            let distance = committee.distance(who).unwrap_or(u64::MAX);
            let (total, updates) = (committee.tally.total, committee.updates);
            Due::Pay(payout::fee(spec.terms.fee_per_seat, distance, total, updates))
        })
    }

    pub(crate) fn do_claim(who: &T::AccountId, task: TaskId, round: RoundNumber) -> DispatchResult {
        let due = Self::trainer_due(task, round, who)?;
        let conduct = Self::trainer_conduct(task, round, who);
        // Before the update goes, by which a challenge is one.
        T::Challenges::forget(task, round, who);
        let row = T::Evidence::take(task, round, who);
        if matches!(row, Some(EvidenceRow::Revealed { .. })) {
            Verdicts::<T>::remove((task, round, who));
            Shares::<T>::mutate_exists(task, round, |row| {
                if let Some(shares) = row {
                    shares.rows = shares.rows.saturating_sub(1);
                    if shares.rows == 0 {
                        *row = None;
                    }
                }
            });
        }
        Self::settle(task, round, who, Role::Trainer, due, conduct)
    }

    pub(crate) fn do_claim_seat(
        who: &T::AccountId,
        task: TaskId,
        round: RoundNumber,
        number: CommitteeNumber,
    ) -> DispatchResult {
        let due = Self::seat_due(task, round, number, who)?;
        let conduct = Self::seat_conduct(task, round, number, who);
        let opened = Seats::<T>::take((task, round, number, who)).is_some_and(|seat| seat.opened);
        Committees::<T>::mutate_exists((task, round, number), |row| {
            let Some(committee) = row else { return };
            if opened {
                for batch in 0..committee.updates.div_ceil(TALLY_BATCH) {
                    Sheets::<T>::remove((task, round, number, batch, who));
                }
            }
            committee.rows = committee.rows.saturating_sub(1);
            if committee.rows == 0 {
                *row = None;
            }
        });
        Self::settle(task, round, who, Role::Evaluator, due, conduct)
    }

    pub(crate) fn do_forget(who: &T::AccountId, task: TaskId) -> DispatchResult {
        let is_over = T::Clock::status(task).is_none_or(TaskStatus::is_final);
        ensure!(is_over, Error::<T>::TaskNotOver);
        Running::<T>::take(task, who).ok_or(Error::<T>::NothingToForget)?;
        if let Some(mut history) = Histories::<T>::get(task) {
            history.standings = history.standings.saturating_sub(1);
            if history.standings == 0 {
                Self::remove_history(task, history);
            } else {
                Histories::<T>::insert(task, history);
            }
        }
        Ok(())
    }

    /// Pays or accuses, and tells the others that the row is gone. An accusation takes what there is and cannot fail.
    fn settle(
        task: TaskId,
        round: RoundNumber,
        who: &T::AccountId,
        role: Role,
        due: Due,
        conduct: Option<Conduct>,
    ) -> DispatchResult {
        let (pay, event) = match due {
            Due::Pay(amount) if amount > 0 => {
                (amount, Event::Rewarded { task, round, who: who.clone(), role, amount })
            }
            Due::Pay(_) | Due::Nothing => {
                (0, Event::Closed { task, round, who: who.clone(), role })
            }
            Due::Slash(fault, amount) => {
                let penalty = T::Tariff::penalties(task).ok_or(Error::<T>::NoRound)?.of(fault);
                let (accused, scene) = (who.clone(), Scene::Round { task, round });
                let reporter = None;
                let charge = Charge { accused, role, fault, penalty, amount, scene, reporter };
                let amount = T::Tribunal::accuse(charge);
                (0, Event::Accused { task, round, who: who.clone(), role, fault, amount })
            }
        };
        T::Escrow::row_settled(task, round, who, pay)?;
        if let Some(conduct) = conduct {
            T::Reputation::note(who, role, conduct);
        }
        T::Roster::release_place(task, round, role, who);
        Self::deposit_event(event);
        Ok(())
    }

    /// What a fault costs, of what the account has put at risk in the task: who weighs more in draws loses so many times as much. While
    /// a row of it is open, nobody can leave and enroll with another weight.
    fn slash(task: TaskId, fault: Fault, role: Role, who: &T::AccountId) -> Result<Due, Error<T>> {
        let penalties = T::Tariff::penalties(task).ok_or(Error::NoRound)?;
        let engaged = T::Roster::engaged(task, role, who);
        Ok(Due::Slash(fault, slashing::amount(penalties.of(fault), engaged)))
    }

    /// What a settled round says of an update, claimed in time or not. A fault is another matter: it counts once its slash is
    /// executed.
    fn trainer_conduct(task: TaskId, round: RoundNumber, who: &T::AccountId) -> Option<Conduct> {
        let settled = Self::is_settled(task, round, None);
        let met = || T::Challenges::standing(task, round, who) == Challenged::Met;
        let verdict = Verdicts::<T>::get((task, round, who)).filter(|_| settled && met())?;
        match verdict.outcome? {
            Outcome::Accepted { .. } => Some(Conduct::Accepted),
            // Its sponsor wanted it so.
            Outcome::Rejected if verdict.gold => None,
            Outcome::Rejected | Outcome::Copied => Some(Conduct::Rejected),
            Outcome::Faulty(_) => None,
        }
    }

    /// What a settled round says of a seat of its last committee that has opened its scores.
    fn seat_conduct(
        task: TaskId,
        round: RoundNumber,
        number: CommitteeNumber,
        who: &T::AccountId,
    ) -> Option<Conduct> {
        let settled = Self::is_settled(task, round, Some(number));
        let seat = Seats::<T>::get((task, round, number, who)).filter(|_| settled)?;
        let committee = Committees::<T>::get((task, round, number))?;
        if committee.missed(who) >= gold::MISSES {
            return None;
        }
        let leading = committee.leading();
        match seat.attested {
            None => seat.opened.then_some(Conduct::Absent),
            Some(attested) => leading
                .is_some_and(|(leading, ..)| leading == attested)
                .then_some(Conduct::Accepted),
        }
    }

    fn is_settled(task: TaskId, round: RoundNumber, by: Option<CommitteeNumber>) -> bool {
        T::Clock::round(task, round).is_some_and(|view| {
            view.phase == Phase::Settled && by.is_none_or(|number| number == view.committee)
        })
    }

    fn terms(task: TaskId, round: RoundNumber) -> Result<(TaskSpec, RoundView), Error<T>> {
        let spec = T::Clock::spec(task).ok_or(Error::NoRound)?;
        let view = T::Clock::round(task, round).ok_or(Error::NoRound)?;
        Ok((spec, view))
    }
}

/// Whether phase Revealing ran to its end, so that an unrevealed commitment is a fault. Where the sponsor or the lifetime
/// ended the round, the trainer may not have had its time.
fn reveals_are_over(view: &RoundView) -> bool {
    view.phase > Phase::Revealing
        && !matches!(
            view.failure,
            Some(Failure::TooFewCommitments | Failure::Cancelled | Failure::Expired)
        )
}

/// Whether a committee's phase Verdict ran to its end, so that scores not opened are a fault. `TooEarly` where that is open.
///
/// A committee reaches Verdict exactly when its quorum has committed, and one that is replaced from there on is replaced
/// after the phase's end.
fn openings_are_over<T: Config>(
    view: &RoundView,
    number: CommitteeNumber,
    committed: u32,
    quorum: u32,
) -> Result<bool, Error<T>> {
    if number < view.committee {
        return Ok(committed >= quorum);
    }
    match (view.phase, view.failure) {
        (Phase::Tallying | Phase::Aggregating | Phase::Settled, _) => Ok(true),
        (Phase::Void, Some(Failure::Cancelled | Failure::Expired | Failure::TooFewScores)) => {
            Ok(false)
        }
        (Phase::Void, _) => Ok(true),
        _ => Err(Error::TooEarly),
    }
}
