//! The loser's bond pays the winner's costs, to the planck.

use super::*;
use decentralml_types::{Balance, Role};
use frame_support::traits::{
    fungible::{Mutate, MutateHold},
    tokens::Preservation,
};

fn funds() -> [Balance; 5] {
    [ACCUSED, THE_TASK, SPONSOR, REPORTER, THE_TREASURY].map(total)
}

/// As [`funds`], with what was gained or lost.
fn changed(by: [i128; 5]) -> [Balance; 5] {
    by.map(|change| FUNDS.checked_add_signed(change).unwrap())
}

#[test]
fn a_reporter_gets_its_costs_of_the_bond_of_an_appellant_who_loses() {
    build_and_execute(|| {
        let case = appealed(Fault::Unanswered, Some(REPORTER));
        votes(case, 3, 0);
        assert_ok!(conclude(case));
        assert_eq!(funds(), changed([-101, 250, 0, 250 + 40, 500 + 61]));
    });
}

#[test]
fn without_a_reporter_that_bond_is_the_treasurys() {
    build_and_execute(|| {
        let case = appealed(Fault::NotRevealed, None);
        votes(case, 3, 0);
        assert_ok!(conclude(case));
        assert_eq!(funds(), changed([-101, 500, 0, 0, 500 + 101]));
        assert_eq!(World::get().recovered, 500);
    });
}

#[test]
fn the_sponsor_gets_the_tasks_part_of_the_slash_alone_when_the_task_is_gone() {
    build_and_execute(|| {
        let case = appealed(Fault::NotRevealed, None);
        World::mutate(|world| world.status = None);
        votes(case, 3, 0);
        assert_ok!(conclude(case));
        assert_eq!(funds(), changed([-101, 0, 500, 0, 601]));
        assert_eq!(World::get().recovered, 0);
    });
}

#[test]
fn a_reporter_that_loses_pays_from_its_bonds() {
    build_and_execute(|| {
        let case = appealed(Fault::Unanswered, Some(REPORTER));
        votes(case, 0, 3);
        assert_ok!(conclude(case));
        assert_eq!(funds(), changed([40, 0, 0, 0, 0]));
        assert_eq!(bond(REPORTER, Role::Evaluator), BOND - COSTS);
        assert_eq!(bond(REPORTER, Role::Trainer), BOND);
    });
}

#[test]
fn what_one_bond_of_the_reporter_lacks_the_other_pays_and_then_the_treasury() {
    build_and_execute(|| {
        World::mutate(|world| {
            world.bonds.insert((REPORTER, Role::Evaluator), 15);
            world.bonds.insert((REPORTER, Role::Trainer), 5);
        });
        let case = appealed(Fault::Unanswered, Some(REPORTER));
        votes(case, 0, 3);
        assert_ok!(conclude(case));
        assert_eq!(funds(), changed([40, 0, 0, 0, -20]));
        assert_eq!(bond(REPORTER, Role::Evaluator) + bond(REPORTER, Role::Trainer), 0);
    });
}

#[test]
fn where_nobody_has_reported_the_treasury_pays_as_far_as_it_has_it() {
    for left in [FUNDS, EXISTENTIAL_DEPOSIT + 7, EXISTENTIAL_DEPOSIT] {
        build_and_execute(|| {
            let gone = FUNDS - left;
            let keep = Preservation::Preserve;
            assert_ok!(Balances::transfer(&THE_TREASURY, &ANYBODY, gone, keep));
            let case = appealed(Fault::Unavailable, None);
            votes(case, 0, 3);
            assert_ok!(conclude(case));
            let paid = COSTS.min(left - EXISTENTIAL_DEPOSIT);
            assert_eq!(total(ACCUSED), FUNDS + paid);
            assert_eq!(total(THE_TREASURY), left - paid);
        });
    }
}

#[test]
fn a_treasury_that_does_not_exist_stops_no_case() {
    build_and_execute(|| {
        Treasury::set(NOBODY);
        let case = appealed(Fault::Unavailable, None);
        votes(case, 0, 3);
        assert_ok!(conclude(case));
        assert_eq!(total(ACCUSED), FUNDS);
    });
}

#[test]
fn a_lost_bond_that_nobody_can_receive_is_burned() {
    externalities().execute_with(|| {
        Treasury::set(NOBODY);
        // Held, half of it for a task whose account has gone, and less than an account needs.
        let case = appealed(Fault::NotRevealed, None);
        let rest = total(THE_TASK);
        assert_ok!(Balances::transfer(&THE_TASK, &ANYBODY, rest, Preservation::Expendable));
        let issuance = Balances::total_issuance();
        votes(case, 3, 0);
        Cases::<Test>::mutate(case, |row| {
            let row = row.as_mut().unwrap();
            row.charge.penalty.to_task = 0;
        });
        assert_ok!(Balances::release(
            &crate::HoldReason::AppealBond.into(),
            &ACCUSED,
            APPEAL_BOND - 9,
            frame_support::traits::tokens::Precision::Exact
        ));
        assert_ok!(conclude(case));
        assert_eq!((held(ACCUSED), Balances::total_issuance()), (0, issuance - 9));
    });
}

#[test]
fn an_appellant_whose_other_funds_are_frozen_loses_its_bond_as_well() {
    use frame_support::traits::{LockableCurrency, WithdrawReasons};
    build_and_execute(|| {
        let case = appealed(Fault::Unanswered, Some(REPORTER));
        Balances::set_lock(*b"frozen!!", &ACCUSED, FUNDS, WithdrawReasons::all());
        votes(case, 3, 0);
        assert_ok!(conclude(case));
        assert_eq!((held(ACCUSED), total(ACCUSED)), (0, FUNDS - APPEAL_BOND));
    });
}

#[test]
fn a_reporter_that_cannot_exist_loses_the_bond_to_the_treasury() {
    build_and_execute(|| {
        accuse_of(Fault::Unanswered, Role::Trainer, BOND, Some(NOBODY));
        assert_ok!(appeal(ACCUSED, 0));
        // What is held has shrunk below what an account needs to exist.
        Cases::<Test>::mutate(0, |row| row.as_mut().unwrap().appeal = Some(9));
        let reason = crate::HoldReason::AppealBond.into();
        let exact = frame_support::traits::tokens::Precision::Exact;
        assert_ok!(Balances::release(&reason, &ACCUSED, APPEAL_BOND - 9, exact));
        World::mutate(|world| world.seized.insert((ACCUSED, Role::Trainer), BOND));
        votes(0, 3, 0);
        let before = total(THE_TREASURY);
        assert_ok!(conclude(0));
        assert_eq!(total(NOBODY), 250, "its part of the slash is large enough");
        assert_eq!(total(THE_TREASURY), before + 500 + 250 - 250 + 9);
    });
}
