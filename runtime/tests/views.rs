//! What applications are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_runtime::{
    federated_api::{
        Assignment, Claims, MAX_CLAIM_ROUNDS, runtime_decl_for_federated_api::FederatedApiV1,
    },
    *,
};
use decentralml_types::{Phase, Role, RoundNumber, TaskId, TaskStatus};
use support::*;

fn claimable(task: TaskId, name: u8, from: Option<RoundNumber>, limit: u32) -> Claims {
    <Runtime as FederatedApiV1<Block, AccountId>>::claimable(task, account(name), from, limit)
}

/// The rounds of a page.
fn rounds(page: &Claims) -> Vec<RoundNumber> {
    page.claims.iter().map(|claim| claim.round).collect()
}

fn view(task: TaskId) -> federated_api::TaskView<AccountId> {
    <Runtime as FederatedApiV1<Block, AccountId>>::task(task).unwrap()
}

fn assignment(task: TaskId, name: u8) -> Option<Assignment> {
    <Runtime as FederatedApiV1<Block, AccountId>>::assignment(task, account(name))
}

/// A task in its fourth round. The trainers are settled, the seats are not.
fn three_settled_rounds() -> TaskId {
    let mut spec = digits();
    spec.target = None;
    let task = running(spec);
    for round in 1..=3 {
        play_until(task, Phase::Settled);
        for name in TRAINERS {
            let account = account(name);
            ok(SPONSOR, pallet_validation::Call::claim { task, round, account });
        }
    }
    task
}

#[test]
fn claims_come_in_pages() {
    chain(|| {
        let task = three_settled_rounds();
        let all = claimable(task, SEATS[0], None, u32::MAX);
        assert_eq!((rounds(&all), all.next), (vec![1, 2, 3], None));
        assert!(all.claims.iter().all(|claim| claim.amount == digits().terms.fee_per_seat));
        assert!(all.claims.iter().all(|claim| claim.committee == Some(0)));

        let first = claimable(task, SEATS[0], None, 2);
        assert_eq!((rounds(&first), first.next), (vec![1, 2], Some(3)));
        let second = claimable(task, SEATS[0], first.next, 2);
        assert_eq!((rounds(&second), second.next), (vec![3], None));
        assert_eq!(claimable(task, SEATS[0], Some(5), 2), Claims::default());
        assert_eq!(claimable(task, SEATS[0], Some(RoundNumber::MAX), 2), Claims::default());

        claim_seat(task, 2, 0, SEATS[0]).unwrap();
        assert_eq!(rounds(&claimable(task, SEATS[0], None, 10)), [1, 3]);
        assert_eq!(claimable(task, TRAINERS[0], None, 10), Claims::default(), "all is settled");
        clear(task);
        assert_eq!(claimable(task, SEATS[0], None, 10), Claims::default());
    });
}

#[test]
fn a_rounds_outcome_outlasts_its_rows() {
    chain(|| {
        let task = three_settled_rounds();
        let round = <Runtime as FederatedApiV1<Block, AccountId>>::round(task, 2).unwrap();
        assert_eq!((round.phase, round.model, round.failure), (Phase::Settled, Some(2), None));
        assert_eq!((round.updates, round.accepted), (TRAINERS.len() as u32, TRAINERS.len() as u32));
        assert!(<Runtime as FederatedApiV1<Block, AccountId>>::updates(task, 2).is_empty());
        assert_eq!(<Runtime as FederatedApiV1<Block, AccountId>>::round(task, 9), None);
        clear(task);
    });
}

#[test]
fn a_page_of_claims_has_an_end() {
    chain(|| {
        let task = running(digits());
        // As after many failed attempts.
        let many = 3 * MAX_CLAIM_ROUNDS;
        pallet_tasks::Tasks::<Runtime>::mutate(task, |row| {
            row.as_mut().unwrap().current = Some(many)
        });
        let page = claimable(task, SEATS[0], None, u32::MAX);
        assert_eq!(page.next, Some(1 + MAX_CLAIM_ROUNDS));
        let page = claimable(task, SEATS[0], Some(1 + 2 * MAX_CLAIM_ROUNDS), u32::MAX);
        assert_eq!(page.next, None);
        pallet_tasks::Tasks::<Runtime>::mutate(task, |row| row.as_mut().unwrap().current = Some(1));
    });
}

#[test]
fn a_tasks_view_says_how_many_rounds_may_start() {
    chain(|| {
        let task = pallet_tasks::NextTask::<Runtime>::get();
        ok(SPONSOR, pallet_tasks::Call::create { spec: Box::new(digits()) });
        let enrolling = view(task);
        assert_eq!(enrolling.status, TaskStatus::Enrolling);
        let until = System::block_number() + digits().deadlines.enrolling;
        assert_eq!(enrolling.enrolling_until, Some(until));
        assert_eq!(enrolling.attempts, (0, digits().attempts()));
        assert_eq!(enrolling.round_charge, charge(&digits()));
        clear(task);

        let task = running(digits());
        let first = view(task);
        assert_eq!((first.attempts.0, first.enrolling_until), (1, None));
        due(task);
        assert_eq!(view(task).attempts.0, 2, "the first failed");
        clear(task);
    });
}

#[test]
fn an_assignment_says_which_round_the_bond_stands_for() {
    chain(|| {
        let task = running(digits());
        assert_eq!(assignment(task, TRAINERS[0]).unwrap().at_risk, None);
        play_until(task, Phase::Settled);
        let waiting = assignment(task, TRAINERS[0]).unwrap();
        assert_eq!(
            (waiting.role, waiting.round, waiting.at_risk),
            (Role::Trainer, Some(2), Some(1))
        );
        settle(task, 1);
        assert_eq!(assignment(task, TRAINERS[0]).unwrap().at_risk, None);
        assert_eq!(assignment(task, SPONSOR), None);
        clear(task);
    });
}
