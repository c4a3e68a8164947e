//! Draws by bond on the real runtime: what a weight puts at risk, costs and brings. After each test all money is accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_runtime::*;
use decentralml_traits::{Draw, Roster};
use decentralml_types::{Balance, Phase, Role, TaskId, spec::Chances};
use support::*;

fn member(role: Role, name: u8) -> pallet_participants::Member {
    pallet_participants::Members::<Runtime>::get(role, account(name)).unwrap()
}

fn engaged(task: TaskId, role: Role, name: u8) -> Balance {
    <Assignments as Roster<AccountId>>::engaged(task, role, &account(name))
}

#[test]
fn a_weight_is_backed_by_what_is_at_risk_and_all_of_it_is_free_in_the_end() {
    chain(|| {
        let task = running(by_bond(digits()));
        for (name, weight) in TRAINERS.into_iter().zip([2, 4, 8, 16]) {
            let expected = weight * digits().terms.trainer_bond;
            assert_eq!(engaged(task, Role::Trainer, name), expected);
            assert_eq!(member(Role::Trainer, name).engaged, expected);
        }
        clear(task);
        for name in TRAINERS {
            ok(name, pallet_assignments::Call::leave { task, role: Role::Trainer });
            assert_eq!(member(Role::Trainer, name).engaged, 0);
        }
    });
}

#[test]
fn a_bond_that_two_tasks_have_engaged_backs_no_weight_in_a_third() {
    chain(|| {
        // 80 of 100 tokens are at risk in the first task.
        let (name, role) = (TRAINERS[3], Role::Trainer);
        running(by_bond(digits()));
        let task = pallet_tasks::NextTask::<Runtime>::get();
        ok(SPONSOR, pallet_tasks::Call::create { spec: Box::new(by_bond(digits())) });
        let enroll = |weight| call(name, pallet_assignments::Call::enroll { task, role, weight });
        let refused = enroll(8).unwrap_err().error;
        assert_eq!(refused, pallet_participants::Error::<Runtime>::InsufficientBond.into());
        enroll(4).unwrap();
        assert_eq!(member(role, name).unengaged(), 0);
    });
}

#[test]
fn a_fault_costs_its_share_of_what_the_weight_has_put_at_risk() {
    chain(|| {
        let task = running(by_bond(digits()));
        play(task, &TRAINERS, &TRAINERS[..3], Phase::Settled, honest);
        let before = member(Role::Trainer, TRAINERS[3]).bond;
        settle(task, 1);
        let after = member(Role::Trainer, TRAINERS[3]);
        assert_eq!(before - after.bond, 16 * digits().terms.trainer_bond);
        assert_eq!(after.disputed, 16 * digits().terms.trainer_bond);
        conclude_all();
        clear(task);
    });
}

#[test]
fn a_place_pays_the_same_whoever_has_it() {
    let gained = |spec| {
        let mut gained = Vec::new();
        chain(|| {
            let everybody = || TRAINERS.into_iter().chain(SEATS).map(balance);
            let before: Vec<_> = everybody().collect();
            let task = running(spec);
            play(task, &TRAINERS, &TRAINERS, Phase::Settled, honest);
            settle(task, 1);
            clear(task);
            gained = everybody().zip(before).map(|(after, before)| after - before).collect();
        });
        gained
    };
    assert_eq!(gained(by_bond(digits())), gained(digits()));
}

#[test]
fn who_weighs_more_than_all_others_is_drawn_first_of_all_and_for_one_place() {
    chain(|| {
        let mut spec = by_bond(digits());
        (spec.trainers.min, spec.trainers.max) = (1, 1);
        // The heaviest weighs 16 of 30: in 60 rounds, 32 are expected, with a standard deviation of 3.9.
        let task = pallet_tasks::NextTask::<Runtime>::get();
        ok(SPONSOR, pallet_tasks::Call::create { spec: Box::new(spec) });
        TRAINERS.into_iter().for_each(|name| enroll(task, Role::Trainer, name));
        let mut drawn = [0; 4];
        for round in 1..=60 {
            Assignments::open_draw(task, round, Draw::Trainers, 1);
            blocks(2);
            let places = TRAINERS.map(|name| {
                Assignments::place(task, round, Draw::Trainers, &account(name)).is_ok()
            });
            assert_eq!(places.iter().filter(|drawn| **drawn).count(), 1);
            for (count, drawn) in drawn.iter_mut().zip(places) {
                *count += u32::from(drawn);
            }
            Assignments::close_draw(task, round, Draw::Trainers);
        }
        assert!((17..=47).contains(&drawn[3]) && drawn[3] > drawn[2], "{drawn:?}");
    });
}

#[test]
fn a_cap_whose_risk_no_round_pays_for_is_refused() {
    chain(|| {
        let create = |cap| {
            let mut spec = digits();
            // Two fifths of a fourth of 10 tokens against a thousandth of the bond: enough for 1,000 tokens.
            spec.terms.trainer_bond = 125 * UNIT;
            spec.terms.draw = Chances::ByBond { cap };
            call(SPONSOR, pallet_tasks::Call::create { spec: Box::new(spec) })
        };
        create(8).unwrap();
        let refused = create(16).unwrap_err().error;
        assert_eq!(refused, pallet_tasks::Error::<Runtime>::RewardTooLow.into());
    });
}
