//! Answers to what applications ask: storage of several pallets put together, and nothing decided.

use crate::{
    AccountId, Assignments, Results, Runtime, Tasks, Validation,
    federated_api::{
        Assignment, Claim, Claims, MAX_CLAIM_ROUNDS, RoundPosition, TaskView, UpdateView,
    },
};
use alloc::vec::Vec;
use decentralml_traits::{Clock, Draw, Evidence, Judgment, Roster};
use decentralml_types::{
    Balance, CommitteeNumber, Outcome, Phase, Role, RoundNumber, TaskId, TaskStatus,
    limits::MAX_TRAINERS,
};
use pallet_validation::Due;

pub fn task(task: TaskId) -> Option<TaskView<AccountId>> {
    let record = pallet_tasks::Tasks::<Runtime>::get(task)?;
    let status = Tasks::status(task)?;
    let enrolling_until = record.enrolling_since.saturating_add(record.spec.deadlines.enrolling);
    let price = <Runtime as pallet_tasks::Config>::CallPrice::get();
    Some(TaskView {
        sponsor: record.sponsor,
        status,
        enrolling_until: (status == TaskStatus::Enrolling).then_some(enrolling_until),
        attempts: (record.current.unwrap_or(0), record.spec.attempts()),
        // A charge that does not fit would have kept the task from being created.
        round_charge: record.spec.round_charge(price).unwrap_or(Balance::MAX),
        spec: record.spec,
        round: record.current.and_then(|number| position(task, number)),
        model: record.model,
        metric: record.metric,
        settled_rounds: record.settled_rounds,
        enrolled: (
            Assignments::enrolled(task, Role::Trainer),
            Assignments::enrolled(task, Role::Evaluator),
        ),
    })
}

fn position(task: TaskId, number: RoundNumber) -> Option<RoundPosition> {
    let round = pallet_tasks::Rounds::<Runtime>::get(task, number)?;
    let updates = <Results as Evidence<AccountId>>::counts(task, number);
    let judgment = <Validation as Judgment>::progress(task, number, round.committee);
    let (expected, acted) = match round.phase {
        Phase::Training => (round.places, updates.committed),
        Phase::Revealing => (updates.committed, updates.revealed),
        Phase::Scoring => (round.seats, judgment.committed),
        Phase::Verdict => (judgment.committed, judgment.opened),
        Phase::Aggregating => (judgment.opened, judgment.attested),
        Phase::Tallying | Phase::Settled | Phase::Void => (0, 0),
    };
    Some(RoundPosition {
        number,
        phase: round.phase,
        deadline: round.deadline,
        expected,
        acted,
        committee: round.committee,
    })
}

pub fn assignment(task: TaskId, who: &AccountId) -> Option<Assignment> {
    let (role, enrollment) = [Role::Trainer, Role::Evaluator].into_iter().find_map(|role| {
        let enrollment = pallet_assignments::Places::<Runtime>::get((task, role, who))?;
        Some((role, enrollment))
    })?;
    let round = pallet_tasks::Tasks::<Runtime>::get(task).and_then(|record| record.current);
    let place = round.and_then(|number| {
        let draw = match role {
            Role::Trainer => Draw::Trainers,
            Role::Evaluator => {
                Draw::Committee(pallet_tasks::Rounds::<Runtime>::get(task, number)?.committee)
            }
            Role::Validator => return None,
        };
        Assignments::place_in(task, number, draw, who).ok()
    });
    Some(Assignment { role, round, place, at_risk: enrollment.at_risk })
}

pub fn updates(task: TaskId, round: RoundNumber) -> Vec<UpdateView<AccountId>> {
    (0..MAX_TRAINERS)
        .filter_map(|index| {
            let trainer = pallet_results::Reveals::<Runtime>::get((task, round, index))?;
            let row = pallet_results::Commitments::<Runtime>::get((task, round, &trainer))?;
            let (_, update) = row.revealed?;
            let verdict = pallet_validation::Verdicts::<Runtime>::get((task, round, &trainer));
            let outcome = verdict.and_then(|verdict| verdict.outcome);
            let score = verdict
                .filter(|_| !matches!(outcome, Some(Outcome::Faulty(_) | Outcome::Copied)))
                .map(|verdict| verdict.score);
            Some(UpdateView {
                trainer,
                cid: update.cid,
                plain_hash: update.plain_hash,
                samples: update.samples,
                handover: update.handover,
                score,
                outcome,
            })
        })
        .collect()
}

pub fn claimable(task: TaskId, who: &AccountId, from: Option<RoundNumber>, limit: u32) -> Claims {
    let Some(record) = pallet_tasks::Tasks::<Runtime>::get(task) else {
        return Claims::default();
    };
    let last = record.current.unwrap_or(0);
    let first = from.unwrap_or(1).max(1);
    let after = first.saturating_add(limit.min(MAX_CLAIM_ROUNDS));
    Claims {
        claims: (first..after.min(last.saturating_add(1)))
            .flat_map(|round| claims(task, round, who))
            .collect(),
        next: (after <= last).then_some(after),
        asset: record.spec.terms.asset,
        owed: pallet_tasks::Owed::<Runtime>::get(task, who).map_or(0, |debt| debt.amount),
    }
}

fn claims(task: TaskId, round: RoundNumber, who: &AccountId) -> Vec<Claim> {
    let mut claims = Vec::new();
    if let Ok(Due::Pay(amount)) = Validation::trainer_due(task, round, who) {
        claims.push(Claim { round, committee: None, amount });
    }
    let committees = 0..=decentralml_protocol::clock::MAX_REDRAWS;
    claims.extend(committees.filter_map(|committee: CommitteeNumber| {
        match Validation::seat_due(task, round, committee, who) {
            Ok(Due::Pay(amount)) => Some(Claim { round, committee: Some(committee), amount }),
            _ => None,
        }
    }));
    claims
}
