//! The accused, and nobody else, may appeal once, in time and at its own risk.

use super::*;
use crate::{Error, Event};
use decentralml_protocol::slashing::{self, TABLE};
use decentralml_types::{Balance, Role};
use frame_support::{
    assert_noop,
    traits::{fungible::Mutate, tokens::Preservation},
};

#[test]
fn an_appeal_puts_a_bond_at_stake_and_gives_the_council_its_time() {
    build_and_execute(|| {
        let case = accuse(Fault::Unavailable, None);
        go_to(WINDOW);
        assert_ok!(appeal(ACCUSED, case));
        let deadline = WINDOW + JUDGMENT;
        System::assert_last_event(Event::Appealed { case, bond: APPEAL_BOND, deadline }.into());
        assert_eq!(held(ACCUSED), APPEAL_BOND);
        let row = Cases::<Test>::get(case).unwrap();
        assert_eq!((row.appeal, row.deadline), (Some(APPEAL_BOND), deadline));
        // What the first window would have ended waits for the council.
        go_to(1 + WINDOW);
        assert_noop!(conclude(case), Error::<Test>::TooEarly);
    });
}

#[test]
fn what_is_at_stake_grows_with_what_was_seized() {
    build_and_execute(|| {
        AppealPercent::set(20);
        let large = accuse(Fault::Unavailable, None);
        accuse_of(Fault::WrongAggregate, Role::Evaluator, BOND / 2, None);
        for (case, stake) in [(large, BOND / 5), (large + 1, APPEAL_BOND)] {
            assert_ok!(appeal(ACCUSED, case));
            assert_eq!(Cases::<Test>::get(case).unwrap().appeal, Some(stake));
        }
        assert_eq!(held(ACCUSED), BOND / 5 + APPEAL_BOND);
    });
}

#[test]
fn of_little_that_was_left_all_is_at_stake_and_costs_are_nine_tenths_of_it() {
    for (seized, costs) in [(1, 0), (30, 27), (APPEAL_BOND - 1, COSTS)] {
        for guilty in [true, false] {
            build_and_execute(|| {
                accuse_of(Fault::Unanswered, Role::Trainer, seized, Some(REPORTER));
                assert_ok!(appeal(ACCUSED, 0));
                assert_eq!(held(ACCUSED), seized);
                votes(0, if guilty { 3 } else { 0 }, if guilty { 0 } else { 3 });
                let reporter = total(REPORTER);
                assert_ok!(conclude(0));
                if guilty {
                    assert_eq!(total(ACCUSED), FUNDS - seized);
                    let part = slashing::split(TABLE.unanswered, seized).to_reporter;
                    assert_eq!(total(REPORTER), reporter + part + costs);
                } else {
                    assert_eq!(total(ACCUSED), FUNDS + costs);
                    assert_eq!(bond(REPORTER, Role::Evaluator), BOND - costs);
                }
            });
        }
    }
}

#[test]
fn a_case_keeps_what_appeals_cost_and_brought_when_it_was_opened() {
    build_and_execute(|| {
        let case = accuse(Fault::Unavailable, None);
        LeastStake::set(BOND);
        AppealPercent::set(100);
        AppealCosts::set(0);
        assert_ok!(appeal(ACCUSED, case));
        assert_eq!(held(ACCUSED), APPEAL_BOND);
        votes(case, 0, 3);
        assert_ok!(conclude(case));
        assert_eq!(total(ACCUSED), FUNDS + COSTS);
    });
}

#[test]
fn only_the_accused_appeals_and_only_once() {
    build_and_execute(|| {
        let case = accuse(Fault::Unavailable, None);
        for other in [ANYBODY, SPONSOR, COUNCIL[0]] {
            assert_noop!(appeal(other, case), Error::<Test>::NotAccused);
        }
        assert_noop!(appeal(ACCUSED, case + 1), Error::<Test>::UnknownCase);
        assert_ok!(appeal(ACCUSED, case));
        assert_noop!(appeal(ACCUSED, case), Error::<Test>::AlreadyAppealed);
    });
}

#[test]
fn an_appeal_in_the_last_block_is_in_time_and_one_block_later_is_not() {
    build_and_execute(|| {
        let case = accuse(Fault::NotOpened, None);
        let late = accuse(Fault::NotRevealed, None);
        go_to(WINDOW);
        assert_ok!(appeal(ACCUSED, case));
        go_to(WINDOW + 1);
        assert_noop!(appeal(ACCUSED, late), Error::<Test>::TooLate);
        assert_ok!(conclude(late));
    });
}

#[test]
fn who_cannot_pay_the_bond_cannot_appeal() {
    build_and_execute(|| {
        let case = accuse(Fault::NotOpened, None);
        let left: Balance = EXISTENTIAL_DEPOSIT + APPEAL_BOND - 1;
        let keep = Preservation::Preserve;
        assert_ok!(Balances::transfer(&ACCUSED, &ANYBODY, FUNDS - left, keep));
        assert!(appeal(ACCUSED, case).is_err());
        assert_eq!((held(ACCUSED), Cases::<Test>::get(case).unwrap().appeal), (0, None));
        assert_ok!(Balances::transfer(&ANYBODY, &ACCUSED, 1, keep));
        assert_ok!(appeal(ACCUSED, case));
    });
}

#[test]
fn appeals_in_two_cases_are_held_and_returned_apart() {
    build_and_execute(|| {
        let cases = [appealed(Fault::Unavailable, None), appealed(Fault::WrongAggregate, None)];
        assert_eq!(held(ACCUSED), 2 * APPEAL_BOND);
        votes(cases[0], 3, 0);
        assert_ok!(conclude(cases[0]));
        assert_eq!(held(ACCUSED), APPEAL_BOND);
        votes(cases[1], 0, 3);
        assert_ok!(conclude(cases[1]));
        assert_eq!(held(ACCUSED), 0);
        assert_eq!(total(ACCUSED), FUNDS - APPEAL_BOND + COSTS);
    });
}
