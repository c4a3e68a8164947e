//! Tasks over several rounds on the real runtime: what binds one round to the next, and what is left in the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_runtime::*;
use decentralml_types::{
    Fault, Opinion, Outcome, Phase, Role, RoundNumber, TaskId, TaskSpec, TaskStatus, limits,
};
use sp_io::hashing::twox_128;
use std::collections::BTreeSet;
use support::*;

fn status(task: TaskId) -> TaskStatus {
    pallet_tasks::Tasks::<Runtime>::get(task).unwrap().status
}

/// Rounds without a target that would end the task early.
fn rounds(rounds: u32) -> TaskSpec {
    TaskSpec { rounds, target: None, ..digits() }
}

fn claim(task: TaskId, round: RoundNumber, name: u8) {
    ok(SPONSOR, pallet_validation::Call::claim { task, round, account: account(name) });
}

fn verdict(task: TaskId, round: RoundNumber, name: u8) -> Option<Outcome> {
    pallet_validation::Verdicts::<Runtime>::get((task, round, account(name)))
        .and_then(|verdict| verdict.outcome)
}

#[test]
fn a_tasks_money_adds_up_over_its_rounds() {
    chain(|| {
        let spec = rounds(3);
        let (sponsor, chest) = (balance(SPONSOR), treasury());
        let earners: Vec<u8> = TRAINERS.into_iter().chain(SEATS).collect();
        let before: u128 = earners.iter().map(|&name| balance(name)).sum();
        let task = running(spec.clone());
        for number in 1..=3 {
            assert_eq!(round(task).0, number);
            play_until(task, Phase::Settled);
            settle(task, number);
            check();
        }
        assert_eq!(status(task), TaskStatus::Completed);
        clear(task);
        let earned: u128 = earners.iter().map(|&name| balance(name)).sum::<u128>() - before;
        let pay = 3 * spec.round_pay().unwrap();
        // Shares are rounded down, by less than a planck each.
        assert!(earned <= pay && pay - earned < 3 * 4, "{earned} of {pay}");
        assert_eq!(treasury() - chest, 3 * charge(&spec), "each round is charged once");
        assert_eq!(sponsor - balance(SPONSOR), earned + 3 * charge(&spec), "to the last planck");
    });
}

#[test]
fn charges_are_prepaid_and_those_of_rounds_that_never_start_come_back() {
    chain(|| {
        let spec = rounds(5);
        let sponsor = balance(SPONSOR);
        let task = pallet_tasks::NextTask::<Runtime>::get();
        ok(SPONSOR, pallet_tasks::Call::create { spec: Box::new(spec.clone()) });
        let money = pallet_tasks::Tasks::<Runtime>::get(task).unwrap().money;
        let attempts = u128::from(spec.attempts());
        assert_eq!(money.free, 5 * spec.round_pay().unwrap());
        assert_eq!(money.charges, attempts * charge(&spec));
        clear(task);
        assert_eq!(balance(SPONSOR), sponsor);
    });
}

/// All keys that our pallets have in storage.
fn keys() -> BTreeSet<Vec<u8>> {
    ["Participants", "Tasks", "Assignments", "Results", "Validation", "Models", "Data"]
        .into_iter()
        .flat_map(|pallet| {
            let prefix = twox_128(pallet.as_bytes()).to_vec();
            let next = |key: &Vec<u8>| {
                sp_io::storage::next_key(key).filter(|key| key.starts_with(&prefix))
            };
            std::iter::successors(next(&prefix), next).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn nothing_is_left_of_a_task_but_its_models() {
    nothing_is_left(digits());
}

#[test]
fn nothing_is_left_of_a_sealed_task_but_its_models() {
    nothing_is_left(sealed());
}

/// Plays a task of four rounds in which everything that can fail does.
fn nothing_is_left(spec: TaskSpec) {
    let spec = TaskSpec { rounds: 4, target: None, ..spec };
    chain(|| {
        for (role, names) in [(Role::Trainer, &TRAINERS[..]), (Role::Evaluator, &SEATS[..])] {
            for &name in names {
                ok(name, pallet_participants::Call::bond { role, amount: 100 * UNIT });
            }
        }
        SEATS.into_iter().for_each(with_key);
        let before = keys();
        let task = running(spec);
        // One round settles with a faulty update, one has a committee replaced and is void, and one is cut short.
        play(task, &TRAINERS, &TRAINERS, Phase::Settled, |trainer| match trainer {
            14 => Opinion::Malformed,
            other => honest(other),
        });
        settle(task, 1);
        play_until(task, Phase::Scoring);
        for _ in 0..2 {
            blocks(2);
            assert_eq!(hand_over(task, TRAINERS[0]).is_ok(), round(task).1.sealed);
            commit_scores(task, SEATS[0], &opinions(task, honest)).unwrap();
            due(task);
        }
        settle(task, 2);
        blocks(2);
        play(task, &TRAINERS, &TRAINERS[..3], Phase::Scoring, honest);
        blocks(2);
        commit_scores(task, SEATS[1], &opinions(task, honest)).unwrap();
        ok(SPONSOR, pallet_tasks::Call::cancel { task });
        settle(task, 3);
        // Who does not leave is dismissed, by anybody.
        for name in TRAINERS {
            let (role, who) = (Role::Trainer, account(name));
            ok(SPONSOR, pallet_assignments::Call::dismiss { task, role, who });
        }
        for name in SEATS {
            ok(name, pallet_assignments::Call::leave { task, role: Role::Evaluator });
        }
        forget(task);
        clear(task);

        let of = |pallet: &str, item: &str| {
            [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
        };
        let meant_to_stay = [
            of("Models", "Versions"),
            of("Models", "LastVersion"),
            of("Tasks", "NextTask"),
            of("Assignments", "NextDraw"),
        ];
        let after = keys();
        let left: Vec<_> = after
            .difference(&before)
            .filter(|key| !meant_to_stay.iter().any(|prefix| key.starts_with(prefix)))
            .collect();
        assert!(left.is_empty(), "{left:02x?}");
        let versions = of("Models", "Versions");
        assert_eq!(after.iter().filter(|key| key.starts_with(&versions)).count(), 1);
    });
}

#[test]
fn a_bond_stands_for_one_round_at_a_time() {
    chain(|| {
        let task = running(rounds(4));
        play_until(task, Phase::Settled);
        assert_eq!(round(task), (2, round(task).1));
        assert!(commit(task, TRAINERS[0]).is_err(), "its row of round 1 is not settled");
        claim(task, 1, TRAINERS[0]);
        commit(task, TRAINERS[0]).unwrap();
        clear(task);
    });
}

#[test]
fn seats_judge_the_next_round_before_they_are_paid_for_the_last() {
    chain(|| {
        let task = running(rounds(4));
        play_until(task, Phase::Settled);
        for name in TRAINERS {
            claim(task, 1, name);
        }
        play_until(task, Phase::Settled);
        assert_eq!(round(task).0, 3);
        clear(task);
    });
}

#[test]
fn a_seat_that_opens_and_attests_nothing_is_unpaid() {
    chain(|| {
        let task = running(rounds(1));
        play_until(task, Phase::Aggregating);
        attest(task, SEATS[0]).unwrap();
        attest(task, SEATS[1]).unwrap();
        assert_eq!(status(task), TaskStatus::Completed);
        let before = SEATS.map(balance);
        assert!(claim_seat(task, 1, 0, SEATS[2]).is_err(), "it may still attest");
        clear(task);
        let gained: Vec<_> =
            SEATS.map(balance).iter().zip(before).map(|(after, before)| after - before).collect();
        let fee = digits().terms.fee_per_seat;
        assert_eq!(gained, [fee, fee, 0]);
    });
}

#[test]
fn a_late_attestation_still_earns_the_fee() {
    chain(|| {
        let task = running(rounds(1));
        play_until(task, Phase::Settled);
        let before = balance(SEATS[2]);
        settle(task, 1);
        assert_eq!(balance(SEATS[2]) - before, digits().terms.fee_per_seat);
        clear(task);
    });
}

#[test]
fn one_liar_of_two_opened_seats_does_not_ruin_a_trainer() {
    chain(|| {
        let task = running(rounds(2));
        play_until(task, Phase::Scoring);
        blocks(2);
        let liar = |trainer| match trainer {
            11 => Opinion::Unavailable,
            12 => Opinion::Score(-limits::MAX_SCORE),
            other => honest(other),
        };
        // One of three seats stays away, so a lie is half of what is opened.
        let sheets = [opinions(task, liar), opinions(task, honest)];
        for (name, sheet) in SEATS.into_iter().zip(&sheets) {
            commit_scores(task, name, sheet).unwrap();
        }
        due(task);
        for (name, sheet) in SEATS.into_iter().zip(sheets) {
            open_scores(task, name, sheet).unwrap();
        }
        tally(task);
        for trainer in [11, 12] {
            assert_eq!(verdict(task, 1, trainer), Some(Outcome::Rejected));
        }
        attest(task, SEATS[0]).unwrap();
        attest(task, SEATS[1]).unwrap();
        settle(task, 1);
        blocks(2);
        play_until(task, Phase::Settled);
        for trainer in [11, 12] {
            assert!(matches!(verdict(task, 2, trainer), Some(Outcome::Accepted { .. })));
        }
        let before = [11, 12].map(balance);
        settle(task, 2);
        for (trainer, before) in [11, 12].into_iter().zip(before) {
            assert!(balance(trainer) > before);
            let member =
                pallet_participants::Members::<Runtime>::get(Role::Trainer, account(trainer))
                    .unwrap();
            assert_eq!((member.bond, member.faults), (100 * UNIT, 0));
        }
        clear(task);
    });
}

#[test]
fn a_majority_that_finds_a_fault_still_makes_it_one() {
    chain(|| {
        let task = running(rounds(2));
        play_until(task, Phase::Scoring);
        blocks(2);
        let sheet = |seat: u8| {
            opinions(task, move |trainer| match trainer {
                11 if seat != SEATS[2] => Opinion::Unavailable,
                other => honest(other),
            })
        };
        for name in SEATS {
            commit_scores(task, name, &sheet(name)).unwrap();
        }
        for name in SEATS {
            open_scores(task, name, sheet(name)).unwrap();
        }
        tally(task);
        assert_eq!(verdict(task, 1, 11), Some(Outcome::Faulty(Fault::Unavailable)));
        clear(task);
    });
}

#[test]
fn a_task_that_lost_its_trainers_waits_for_others() {
    chain(|| {
        let spec = TaskSpec { max_retries: 0, ..rounds(3) };
        let task = running(spec.clone());
        play(task, &[], &[], Phase::Training, honest);
        // Two of four leave, so that the minimum of three is not there when the round has failed.
        for name in &TRAINERS[..2] {
            ok(*name, pallet_assignments::Call::leave { task, role: Role::Trainer });
        }
        due(task);
        assert_eq!(status(task), TaskStatus::Enrolling);
        enroll(task, Role::Trainer, TRAINERS[0]);
        assert_eq!(status(task), TaskStatus::Enrolling, "there is time for a fourth");
        enroll(task, Role::Trainer, TRAINERS[1]);
        assert_eq!((status(task), round(task).0), (TaskStatus::Running, 2));
        clear(task);
    });
}

#[test]
fn attempts_that_are_used_up_end_the_rounds() {
    chain(|| {
        let spec = TaskSpec { max_retries: 0, ..rounds(1) };
        let task = running(spec);
        due(task);
        assert_eq!(status(task), TaskStatus::Paused);
        assert!(call(SPONSOR, pallet_tasks::Call::resume { task }).is_err());
        clear(task);
    });
}
