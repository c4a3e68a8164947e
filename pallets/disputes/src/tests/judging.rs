//! What the votes come to, and when.

use super::*;
use crate::{Ballots, Error, Event};
use decentralml_protocol::slashing::FAULTS;
use decentralml_types::{Role, Ruling};
use frame_support::assert_noop;

#[test]
fn more_than_half_of_the_council_free_the_accused_at_once() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        votes(case, 0, 2);
        assert_noop!(conclude(case), Error::<Test>::TooEarly);
        assert_ok!(vote(COUNCIL[2], case, false));
        assert_ok!(conclude(case));
        System::assert_last_event(
            Event::Freed {
                case,
                accused: ACCUSED,
                ruling: Some(Ruling::Freed),
                amount: BOND,
                costs: COSTS,
            }
            .into(),
        );
        assert_eq!(bond(ACCUSED, Role::Trainer), BOND);
        assert_eq!((held(ACCUSED), total(ACCUSED)), (0, FUNDS + COSTS));
        assert_eq!((Cases::<Test>::iter().count(), Ballots::<Test>::iter().count()), (0, 0));
    });
}

#[test]
fn more_than_half_of_the_council_execute_at_once() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        votes(case, 2, 0);
        assert_noop!(conclude(case), Error::<Test>::TooEarly);
        assert_ok!(vote(COUNCIL[2], case, true));
        assert_ok!(conclude(case));
        System::assert_last_event(
            Event::Executed {
                case,
                accused: ACCUSED,
                ruling: Some(Ruling::Guilty),
                amount: BOND,
                to_harmed: 0,
                to_reporter: 0,
                bond_lost: APPEAL_BOND,
            }
            .into(),
        );
        assert_eq!(bond(ACCUSED, Role::Trainer), 0);
        assert_eq!(total(ACCUSED), FUNDS - APPEAL_BOND);
        assert_eq!(total(THE_TREASURY), FUNDS + BOND + APPEAL_BOND);
    });
}

#[test]
fn at_the_deadline_the_majority_of_those_that_voted_decides() {
    for (guilty, innocent) in [(1, 0), (0, 1), (2, 1), (1, 2)] {
        build_and_execute(|| {
            let case = appealed(Fault::Malformed, None);
            votes(case, guilty, innocent);
            go_to(JUDGMENT);
            assert_noop!(conclude(case), Error::<Test>::TooEarly);
            go_to(JUDGMENT + 1);
            assert_ok!(conclude(case));
            let left = if guilty > innocent { 0 } else { BOND };
            assert_eq!(bond(ACCUSED, Role::Trainer), left, "{guilty} against {innocent}");
        });
    }
}

#[test]
fn where_nobody_decides_what_the_chain_proves_stands_and_all_else_falls_at_nobodys_cost() {
    for (each, fault) in [0, 2].into_iter().flat_map(|each| FAULTS.map(|fault| (each, fault))) {
        build_and_execute(|| {
            let case = appealed(fault, Some(REPORTER));
            votes(case, each, each);
            wait(case);
            assert_ok!(conclude(case));
            let stands =
                matches!(fault, Fault::NotRevealed | Fault::NotOpened | Fault::Equivocated);
            let role = decentralml_protocol::slashing::rule(fault).punished;
            let left = if stands { 0 } else { BOND };
            assert_eq!(bond(ACCUSED, role), left, "{fault:?} with {each} votes on each side");
            assert_eq!((held(ACCUSED), total(ACCUSED)), (0, FUNDS), "{fault:?}");
            assert_eq!(bond(REPORTER, Role::Evaluator), BOND, "{fault:?}");
        });
    }
}

#[test]
fn the_votes_of_those_that_have_left_the_council_do_not_count() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        votes(case, 3, 0);
        Members::set(vec![COUNCIL[0], 21, 22, 23, 24]);
        assert_noop!(conclude(case), Error::<Test>::TooEarly);
        assert_ok!(vote(21, case, false));
        assert_ok!(vote(22, case, false));
        wait(case);
        assert_ok!(conclude(case));
        assert_eq!(bond(ACCUSED, Role::Trainer), BOND);
    });
}

#[test]
fn a_council_of_nobody_judges_nothing() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        Members::set(vec![]);
        assert_noop!(conclude(case), Error::<Test>::TooEarly);
        wait(case);
        assert_ok!(conclude(case));
        assert_eq!(bond(ACCUSED, Role::Trainer), BOND);
    });
}
