//! Who did what in which round, by what our events say, and what everybody is due for it, by a second reading of the rules.

use super::rules::{Judgment, Memory};
use crate::invariants::ensure;
use decentralml_runtime::*;
use decentralml_types::{
    BlockNumber, Cid, CommitteeNumber, Failure, Fault, Label, Opinion, Opinions, Outcome,
    Penalties, RoundNumber, Score, TaskId, TaskSpec,
};
use std::collections::{BTreeMap, BTreeSet};

type Key = (TaskId, RoundNumber);

/// What settling somebody's part has to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Pay,
    Accused(Fault),
}

/// A committee.
#[derive(Default)]
struct Committee {
    committed: usize,
    opened: Vec<(AccountId, Opinions)>,
    attested: Vec<(AccountId, (Cid, Option<Cid>))>,
    judgments: BTreeMap<AccountId, Judgment>,
    /// Updates of which the chain has said what they came to.
    judged: BTreeSet<AccountId>,
    total: i128,
    /// About how many gold results each seat was wrong.
    missed: BTreeMap<AccountId, u32>,
}

/// A round.
#[derive(Default)]
struct Round {
    /// By their numbers.
    updates: BTreeMap<u32, AccountId>,
    committees: BTreeMap<CommitteeNumber, Committee>,
    /// The committee at work, or the last one.
    latest: CommitteeNumber,
    failure: Option<Failure>,
    ended: Option<BlockNumber>,
    /// Updates of which a block was demanded and not shown.
    withheld: BTreeSet<AccountId>,
    /// Updates that were known to be bad, and found so.
    bad: BTreeSet<AccountId>,
}

/// All rounds.
#[derive(Default)]
pub(super) struct Rounds {
    rounds: BTreeMap<Key, Round>,
    memory: Memory,
}

impl Rounds {
    fn of(&mut self, task: TaskId, round: RoundNumber) -> &mut Round {
        self.rounds.entry((task, round)).or_default()
    }

    pub(super) fn task(&mut self, event: &pallet_tasks::Event<Runtime>, now: BlockNumber) {
        use pallet_tasks::Event::*;
        match event {
            CommitteeRedrawn { task, round, committee, .. } => {
                self.of(*task, *round).latest = *committee;
            }
            RoundSettled { task, round, .. } => self.of(*task, *round).ended = Some(now),
            RoundVoided { task, round, failure } => {
                let row = self.of(*task, *round);
                (row.ended, row.failure) = (Some(now), Some(*failure));
            }
            _ => {}
        }
    }

    pub(super) fn revealed(&mut self, event: &pallet_results::Event<Runtime>) {
        if let pallet_results::Event::Revealed { task, round, who, index, .. } = event {
            self.of(*task, *round).updates.insert(*index, who.clone());
        }
    }

    pub(super) fn withheld(&mut self, event: &pallet_challenges::Event<Runtime>) {
        if let pallet_challenges::Event::Unanswered { task, round, trainer, .. } = event {
            self.of(*task, *round).withheld.insert(trainer.clone());
        }
    }

    pub(super) fn opened(
        &mut self,
        (task, round): Key,
        number: CommitteeNumber,
        seat: &AccountId,
        opinions: &Opinions,
    ) {
        let committee = self.of(task, round).committees.entry(number).or_default();
        committee.opened.push((seat.clone(), opinions.clone()));
    }

    /// What seats do, and whether updates are judged as they should be.
    pub(super) fn validation(
        &mut self,
        event: &pallet_validation::Event<Runtime>,
    ) -> Result<(), String> {
        use pallet_validation::Event::*;
        match event {
            ScoresCommitted { task, round, committee, .. } => {
                let row = self.of(*task, *round);
                row.committees.entry(*committee).or_default().committed += 1;
            }
            Attested { task, round, committee, who, cid, state, .. } => {
                let committee = self.of(*task, *round).committees.entry(*committee).or_default();
                committee.attested.push((who.clone(), (*cid, *state)));
            }
            Judged { task, round, trainer, score, running, outcome } => {
                let should = self.judgment(*task, *round, trainer)?;
                let is = (*score, *running, *outcome);
                ensure(is == should, || {
                    format!(
                        "judged: {trainer} in {task}/{round} by {is:?}, it should be {should:?}"
                    )
                })?;
            }
            Tallied { task, round, committee, accepted } => {
                let row = self.of(*task, *round);
                let (updates, latest) = (row.updates.len(), row.latest);
                let committee_row = row.committees.entry(*committee).or_default();
                let all = committee_row.judgments.values();
                let fit = all.filter(|(.., outcome)| matches!(outcome, Outcome::Accepted { .. }));
                let (fit, judged) = (fit.count(), committee_row.judged.len());
                ensure(
                    latest == *committee && judged == updates && fit == *accepted as usize,
                    || {
                        format!(
                            "judged: {judged} of {updates} updates, {accepted} accepted and not {fit}"
                        )
                    },
                )?;
            }
            _ => {}
        }
        Ok(())
    }

    fn judgment(
        &mut self,
        task: TaskId,
        round: RoundNumber,
        trainer: &AccountId,
    ) -> Result<Judgment, String> {
        let row = self.rounds.entry((task, round)).or_default();
        let committee = row.committees.get_mut(&row.latest);
        let committee = committee.ok_or("judged: by a committee that has done nothing")?;
        if committee.judgments.is_empty() {
            let said = |index: &u32| {
                let all = committee.opened.iter();
                all.filter_map(|(_, said)| said.get(*index as usize).copied()).collect()
            };
            let updates: Vec<(AccountId, Vec<Opinion>)> =
                row.updates.iter().map(|(index, who)| (who.clone(), said(index))).collect();
            let (judgments, total) = self.memory.judge(task, round, &updates);
            (committee.judgments, committee.total) = (judgments, total);
        }
        let first = committee.judged.insert(trainer.clone());
        ensure(first, || format!("judged: {trainer} twice in {task}/{round}"))?;
        let judgment = committee.judgments.get(trainer).copied();
        judgment.ok_or_else(|| format!("judged: {trainer} has revealed nothing in {task}/{round}"))
    }

    /// A gold result was shown: whether the right seats are found wrong.
    pub(super) fn gold(&mut self, event: &pallet_golds::Event<Runtime>) -> Result<(), String> {
        let pallet_golds::Event::GoldRevealed {
            task,
            round,
            trainer,
            label,
            confirmed,
            missed,
            ..
        } = event
        else {
            return Ok(());
        };
        let row = self.of(*task, *round);
        let index = row.updates.iter().find(|(_, who)| *who == trainer).map(|(index, _)| *index);
        let latest = row.latest;
        let sign = match label {
            Label::Good => 1,
            Label::Bad => -1,
            Label::Blank => 0,
        };
        let committee = row.committees.entry(latest).or_default();
        let total = committee.total;
        let is_clear = |score: Score, sign: i128| i128::from(score) * sign > total / 100 * 2 + 100;
        let judgment = committee.judgments.get(trainer);
        let agrees = judgment.is_some_and(|(score, ..)| is_clear(*score, sign));
        let mut wrong = 0;
        for (seat, said) in committee.opened.iter().filter(|_| agrees) {
            // Who has no score of an update that is neither faulty nor a copy could not have it, and is not measured.
            let has_all = row.updates.iter().all(|(index, who)| {
                let judged = committee.judgments.get(who);
                let is_sound = judged.is_some_and(|(.., outcome)| {
                    matches!(outcome, Outcome::Accepted { .. } | Outcome::Rejected)
                });
                !is_sound || matches!(said.get(*index as usize), Some(Opinion::Score(_)))
            });
            if !has_all {
                continue;
            }
            let said = index.and_then(|index| said.get(index as usize));
            if matches!(said, Some(Opinion::Score(score)) if is_clear(*score, -sign)) {
                *committee.missed.entry(seat.clone()).or_default() += 1;
                wrong += 1;
            }
        }
        if agrees && *label == Label::Bad {
            row.bad.insert(trainer.clone());
        }
        ensure((agrees, wrong) == (*confirmed, *missed), || {
            format!(
                "gold: {label:?} of {trainer}: {confirmed}, {missed} wrong; it should be {agrees}, {wrong}"
            )
        })
    }

    /// What a trainer is due.
    pub(super) fn due_to_trainer(
        &self,
        (task, round): Key,
        spec: &TaskSpec,
        who: &AccountId,
        now: BlockNumber,
    ) -> Result<Due, String> {
        let row = self.rounds.get(&(task, round)).ok_or("settled: in no round")?;
        if !row.updates.values().any(|other| other == who) {
            // It may not have had its time.
            let cut = matches!(
                row.failure,
                Some(Failure::TooFewCommitments | Failure::Cancelled | Failure::Expired)
            );
            return Ok(if cut { Due::Nothing } else { Due::Accused(Fault::NotRevealed) });
        }
        let ended = row.ended.ok_or("settled: an update of a round that goes on")?;
        if row.failure.is_some() || row.withheld.contains(who) {
            return Ok(Due::Nothing);
        }
        let judgments = row.committees.get(&row.latest).map(|committee| &committee.judgments);
        let judgment = judgments.and_then(|judgments| judgments.get(who));
        let (.., outcome) = judgment.ok_or("settled: an update that nobody has judged")?;
        let in_time = now <= ended + spec.deadlines.claiming;
        Ok(match outcome {
            Outcome::Faulty(fault) => Due::Accused(*fault),
            Outcome::Accepted { .. } if in_time => Due::Pay,
            Outcome::Rejected if in_time && row.bad.contains(who) => Due::Pay,
            _ => Due::Nothing,
        })
    }

    /// What a seat is due.
    pub(super) fn due_to_seat(
        &self,
        (task, round): Key,
        number: CommitteeNumber,
        (spec, penalties): (&TaskSpec, &Penalties),
        who: &AccountId,
        now: BlockNumber,
    ) -> Result<Due, String> {
        let row = self.rounds.get(&(task, round)).ok_or("settled: in no round")?;
        let committee = row.committees.get(&number).ok_or("settled: in no committee")?;
        let is_last = number == row.latest;
        if !committee.opened.iter().any(|(seat, _)| seat == who) {
            let had_its_time = match row.failure {
                _ if !is_last => committee.committed >= usize::from(spec.committee.quorum),
                Some(Failure::Cancelled | Failure::Expired | Failure::TooFewScores) => false,
                _ => true,
            };
            return Ok(match had_its_time {
                true => Due::Accused(Fault::NotOpened),
                false => Due::Nothing,
            });
        }
        if !is_last {
            return Ok(Due::Nothing);
        }
        let ended = row.ended.ok_or("settled: a seat of a round that goes on")?;
        let said = committee.attested.iter().find(|(seat, _)| seat == who).map(|(_, next)| next);
        let has_missed = committee.missed.get(who).is_some_and(|missed| *missed >= 2);
        let said = said.filter(|_| row.failure.is_none());
        let votes = |next| committee.attested.iter().filter(|(_, other)| other == next).count();
        let most = committee.attested.iter().map(|(_, next)| votes(next)).max();
        // Of two with as many, the one attested first.
        let settled = committee.attested.iter().find(|(_, next)| Some(votes(next)) == most);
        let is_wrong = said.is_some() && settled.map(|(_, next)| next) != said;
        // The dearer of the two in this task; of two that cost as much, the one about gold results.
        let of_both = match penalties.wrong_aggregate.percent > penalties.gold_missed.percent {
            true => Fault::WrongAggregate,
            false => Fault::GoldMissed,
        };
        Ok(match (is_wrong, has_missed, said) {
            (true, true, _) => Due::Accused(of_both),
            (true, false, _) => Due::Accused(Fault::WrongAggregate),
            (false, true, _) => Due::Accused(Fault::GoldMissed),
            (false, false, Some(_)) if now <= ended + spec.deadlines.claiming => Due::Pay,
            _ => Due::Nothing,
        })
    }
}
