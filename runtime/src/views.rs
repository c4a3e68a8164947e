//! Answers to what applications ask: storage of several pallets put together, and nothing decided.

use crate::{
    AccountId, Assignments, Results, Runtime, Tasks, Validation,
    federated_api::{Assignment, Claim, RoundPosition, TaskView, UpdateView},
};
use alloc::vec::Vec;
use decentralml_traits::{Clock, Draw, Evidence, Judgment, Roster};
use decentralml_types::{
    CommitteeNumber, Outcome, Phase, Role, RoundNumber, TaskId, limits::MAX_TRAINERS,
};
use pallet_validation::Due;

pub fn task(task: TaskId) -> Option<TaskView<AccountId>> {
    let record = pallet_tasks::Tasks::<Runtime>::get(task)?;
    Some(TaskView {
        sponsor: record.sponsor,
        spec: record.spec,
        status: Tasks::status(task)?,
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
    let role = [Role::Trainer, Role::Evaluator]
        .into_iter()
        .find(|role| pallet_assignments::Places::<Runtime>::contains_key((task, *role, who)))?;
    let round = pallet_tasks::Tasks::<Runtime>::get(task).and_then(|record| record.current);
    let place = round.and_then(|number| {
        let draw = match role {
            Role::Trainer => Draw::Trainers,
            Role::Evaluator => {
                Draw::Committee(pallet_tasks::Rounds::<Runtime>::get(task, number)?.committee)
            }
        };
        Assignments::place_in(task, number, draw, who).ok()
    });
    Some(Assignment { role, round, place })
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
                .filter(|_| !matches!(outcome, Some(Outcome::Faulty(_))))
                .map(|verdict| verdict.score);
            Some(UpdateView { trainer, cid: update.cid, samples: update.samples, score, outcome })
        })
        .collect()
}

pub fn claimable(task: TaskId, who: &AccountId) -> Vec<Claim> {
    let Some(last) = pallet_tasks::Tasks::<Runtime>::get(task).and_then(|record| record.current)
    else {
        return Vec::new();
    };
    (1..=last).flat_map(|round| claims(task, round, who)).collect()
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
