//! Rounds: what each step does to one, and what follows its end.
//!
//! When a step is due is not decided here but by `decentralml_protocol::clock`.

use crate::{Config, Event, Pallet, Round, Rounds, SEED_DELAY, TaskOf};
use decentralml_protocol::clock::{self, Acts, Step};
use decentralml_traits::{Draw, Evidence, Judgment, JudgmentProgress, NewModel, Registry, Roster};
use decentralml_types::{
    BlockNumber, CommitteeNumber, Failure, NextModel, Phase, RoundNumber, TaskId, TaskStatus,
};
use frame_support::defensive;

impl<T: Config> Pallet<T> {
    /// The round that is not over, if there is one.
    pub(crate) fn live_round(task: TaskId, row: &TaskOf<T>) -> Option<(RoundNumber, Round)> {
        let number = row.current?;
        let round = Rounds::<T>::get(task, number)?;
        (!round.phase.is_final()).then_some((number, round))
    }

    /// Moves a task by at most one step and says whether it moved. Only where `advancing` is set, scores are counted and deadlines
    /// end a phase: that is work which ordinary calls do not weigh.
    pub(crate) fn step(task: TaskId, row: &mut TaskOf<T>, advancing: bool) -> bool {
        match Self::live_round(task, row) {
            Some((number, round)) if round.phase == Phase::Tallying => {
                advancing && Self::count_scores(task, row, number, round)
            }
            Some((number, round)) => Self::step_round(task, row, number, round, advancing),
            None => row.status == TaskStatus::Enrolling && Self::start_if_ready(task, row),
        }
    }

    fn step_round(
        task: TaskId,
        row: &mut TaskOf<T>,
        number: RoundNumber,
        round: Round,
        advancing: bool,
    ) -> bool {
        let due = advancing && Self::now() >= round.deadline;
        let quorum = u32::from(row.spec.committee.quorum);
        let min_trainers = u32::from(row.spec.trainers.min);
        let next = match round.phase {
            Phase::Training | Phase::Revealing => {
                let counts = T::Evidence::counts(task, number);
                let (expected, acted) = match round.phase {
                    Phase::Training => (round.places, counts.committed),
                    _ => (counts.committed, counts.revealed),
                };
                let acts = Acts { expected, acted, needed: min_trainers };
                clock::step(round.phase, acts, due, round.committee)
            }
            _ => {
                let seen = T::Judgment::progress(task, number, round.committee);
                match round.phase {
                    Phase::Aggregating => clock::aggregating(
                        seen.agreeing,
                        seen.attested,
                        seen.opened,
                        quorum,
                        due,
                        round.committee,
                    ),
                    phase => {
                        let (expected, acted) = match phase {
                            Phase::Scoring => (round.seats, seen.committed),
                            _ => (seen.committed, seen.opened),
                        };
                        let acts = Acts { expected, acted, needed: quorum };
                        clock::step(phase, acts, due, round.committee)
                    }
                }
            }
        };
        Self::apply(task, row, number, round, next)
    }

    /// Counts a batch of scores. Always moves something.
    fn count_scores(
        task: TaskId,
        row: &mut TaskOf<T>,
        number: RoundNumber,
        mut round: Round,
    ) -> bool {
        if let Some(accepted) = T::Judgment::tally(task, number, round.committee) {
            round.accepted = accepted;
            Self::apply(task, row, number, round, clock::tallied(accepted));
        }
        true
    }

    fn apply(
        task: TaskId,
        row: &mut TaskOf<T>,
        number: RoundNumber,
        mut round: Round,
        step: Step,
    ) -> bool {
        match step {
            Step::Wait => return false,
            Step::Enter(Phase::Settled) => Self::settle(task, row, number, round),
            Step::Enter(Phase::Scoring) => {
                round.updates = T::Evidence::counts(task, number).revealed;
                Self::open_committee(task, row, number, round, 0);
            }
            Step::Enter(phase) => {
                Self::close_draw(task, number, &round);
                Self::enter(task, row, number, round, phase, 0);
            }
            Step::Redraw(failure) => {
                Self::close_draw(task, number, &round);
                // The protocol allows for few redraws, so this is far from the type's end.
                let committee = round.committee.saturating_add(1);
                let event = Event::CommitteeRedrawn { task, round: number, committee, failure };
                Self::deposit_event(event);
                round.accepted = 0;
                Self::open_committee(task, row, number, round, committee);
            }
            Step::Void(failure) => {
                Self::void(task, row, number, round, failure);
                row.failed_in_a_row = row.failed_in_a_row.saturating_add(1);
                Self::after_round(task, row);
            }
        }
        true
    }

    fn enter(
        task: TaskId,
        row: &TaskOf<T>,
        number: RoundNumber,
        mut round: Round,
        phase: Phase,
        delay: BlockNumber,
    ) {
        let deadlines = &row.spec.deadlines;
        let time = match phase {
            Phase::Training => deadlines.training,
            Phase::Revealing => deadlines.revealing,
            Phase::Scoring => deadlines.scoring,
            Phase::Verdict => deadlines.verdict,
            Phase::Aggregating => deadlines.aggregating,
            // Counting waits for nobody, and what is over is not waited for.
            Phase::Tallying | Phase::Settled | Phase::Void => 0,
        };
        let deadline = row.deadline(Self::now(), time.saturating_add(delay));
        round.phase = phase;
        round.deadline = deadline;
        Rounds::<T>::insert(task, number, round);
        Self::deposit_event(Event::PhaseEntered { task, round: number, phase, deadline });
    }

    fn open_committee(
        task: TaskId,
        row: &TaskOf<T>,
        number: RoundNumber,
        mut round: Round,
        committee: CommitteeNumber,
    ) {
        let seats = row.spec.committee.seats.into();
        let seats = T::Roster::open_draw(task, number, Draw::Committee(committee), seats);
        T::Judgment::open(task, number, committee, seats, round.updates);
        round.committee = committee;
        round.seats = seats;
        Self::enter(task, row, number, round, Phase::Scoring, SEED_DELAY);
    }

    /// Forgets the draw of the phase that a round is about to leave; later phases need none.
    fn close_draw(task: TaskId, number: RoundNumber, round: &Round) {
        match round.phase {
            Phase::Training => T::Roster::close_draw(task, number, Draw::Trainers),
            Phase::Scoring => T::Roster::close_draw(task, number, Draw::Committee(round.committee)),
            _ => {}
        }
    }

    /// The agreed model stands. What the round owes is set aside, the rest is free again.
    fn settle(task: TaskId, row: &mut TaskOf<T>, number: RoundNumber, mut round: Round) {
        let seen: JudgmentProgress = T::Judgment::progress(task, number, round.committee);
        let Some((NextModel { cid, state }, metric)) = seen.leading else {
            // A quorum is positive, so a model that a quorum agreed on exists.
            defensive!("a round settled without a leading model");
            return;
        };
        let terms = &row.spec.terms;
        let fees = terms.fee_per_seat.saturating_mul(seen.opened.into());
        let owed = terms.reward_per_round.saturating_add(fees);
        let owed = owed.saturating_add(row.spec.golds_pay()).min(round.pot);
        row.money.end_round(round.pot, owed);
        round.pot = owed;

        let updates = round.accepted;
        let parent = row.model.map(|(version, _)| version);
        let version =
            T::Registry::record(NewModel { task, round: number, cid, parent, metric, updates });
        row.model = Some((version, cid));
        row.metric = Some(metric);
        row.state = state;
        row.settled_rounds = row.settled_rounds.saturating_add(1);
        row.failed_in_a_row = 0;
        round.model = Some(version);
        Self::close(task, row, number, round, Phase::Settled);
        let (round, accepted) = (number, updates);
        Self::deposit_event(Event::RoundSettled {
            task,
            round,
            version,
            cid,
            state,
            metric,
            accepted,
        });
        Self::after_round(task, row);
    }

    /// A round ends without a model, and all that was reserved for it is free again.
    pub(crate) fn void(
        task: TaskId,
        row: &mut TaskOf<T>,
        number: RoundNumber,
        mut round: Round,
        failure: Failure,
    ) {
        Self::close_draw(task, number, &round);
        row.money.end_round(round.pot, 0);
        round.pot = 0;
        round.failure = Some(failure);
        Self::close(task, row, number, round, Phase::Void);
        Self::deposit_event(Event::RoundVoided { task, round: number, failure });
    }

    fn close(task: TaskId, row: &TaskOf<T>, number: RoundNumber, mut round: Round, phase: Phase) {
        let now = Self::now();
        round.phase = phase;
        round.ended_at = Some(now);
        round.deadline = now.saturating_add(row.spec.deadlines.claiming);
        Rounds::<T>::insert(task, number, round);
    }

    /// What follows a round: another one, unless something speaks against it.
    fn after_round(task: TaskId, row: &mut TaskOf<T>) {
        let reached = row.spec.target.is_some_and(|target| row.metric >= Some(target));
        if reached || row.settled_rounds >= row.spec.rounds {
            Self::end(task, row, TaskStatus::Completed);
        } else if row.status != TaskStatus::Paused
            && let Err(reason) = Self::next_round(task, row)
        {
            Self::halt(task, row, reason);
        }
    }
}
