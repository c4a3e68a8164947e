//! A bond stands for one round at a time.

use crate::{Error, Places, mock::*};
use decentralml_traits::Roster;
use decentralml_types::{Role, RoundNumber};
use frame_support::{assert_noop, assert_ok};

const ROLE: Role = Role::Evaluator;

fn hold(round: RoundNumber) -> sp_runtime::DispatchResult {
    Assignments::hold_place(TASK, round, ROLE, &1)
}

fn clear(round: RoundNumber) {
    Assignments::clear_place(TASK, round, ROLE, &1);
}

fn release(round: RoundNumber) {
    Assignments::release_place(TASK, round, ROLE, &1);
}

fn at_risk() -> Option<RoundNumber> {
    Places::<Test>::get((TASK, ROLE, 1)).unwrap().at_risk
}

/// An enrolled account that has committed in round 1.
fn committed(test: impl FnOnce()) {
    build_and_execute(|| {
        enroll(1, ROLE);
        assert_ok!(hold(1));
        assert_eq!(at_risk(), Some(1));
        test();
    });
}

#[test]
fn one_bond_cannot_stand_for_two_rounds() {
    committed(|| {
        assert_noop!(hold(2), Error::<Test>::StillAtRisk);
        release(1);
        assert_eq!(at_risk(), None);
        assert_ok!(hold(2));
        assert_noop!(hold(3), Error::<Test>::StillAtRisk);
    });
}

#[test]
fn what_cannot_be_slashed_any_more_does_not_bar_the_next_round() {
    committed(|| {
        clear(1);
        assert_eq!(at_risk(), None);
        assert_ok!(hold(2));
        assert_eq!(at_risk(), Some(2));
    });
}

#[test]
fn what_can_be_slashed_again_bars_the_next_round_and_leaves_the_rows_as_they_are() {
    committed(|| {
        clear(1);
        assert_eq!(Assignments::at_risk(TASK, ROLE, &1), None);
        assert_ok!(Assignments::expose_place(TASK, 1, ROLE, &1));
        assert_eq!(Assignments::at_risk(TASK, ROLE, &1), Some(1));
        assert_noop!(hold(2), Error::<Test>::StillAtRisk);
        release(1);
        assert_eq!(Places::<Test>::get((TASK, ROLE, 1)).unwrap().open_rows, 0);
        assert_ok!(hold(2));
        let exposed = Assignments::expose_place(TASK, 1, ROLE, &1);
        assert_noop!(exposed, Error::<Test>::StillAtRisk);
        let stranger = Assignments::expose_place(TASK, 1, ROLE, &2);
        assert_noop!(stranger, Error::<Test>::NotEnrolled);
    });
}

#[test]
fn who_is_enrolled_is_known_by_role() {
    build_and_execute(|| {
        enroll(1, ROLE);
        assert!(Assignments::is_enrolled(TASK, ROLE, &1));
        assert!(!Assignments::is_enrolled(TASK, Role::Trainer, &1));
        assert!(!Assignments::is_enrolled(TASK + 1, ROLE, &1));
        assert!(!Assignments::is_enrolled(TASK, ROLE, &2));
    });
}

#[test]
fn settling_an_earlier_round_does_not_free_the_bond_of_a_later_one() {
    committed(|| {
        clear(1);
        assert_ok!(hold(2));
        clear(1);
        release(1);
        assert_eq!(at_risk(), Some(2));
        assert_noop!(hold(3), Error::<Test>::StillAtRisk);
    });
}

#[test]
fn a_second_committee_of_the_round_may_draw_the_same_seat() {
    committed(|| {
        assert_ok!(hold(1));
        clear(1);
        assert_eq!(at_risk(), None);
        assert_ok!(hold(2));
        for round in [1, 1, 2] {
            assert_noop!(
                Assignments::leave(RuntimeOrigin::signed(1), TASK, ROLE),
                Error::<Test>::NotSettled
            );
            release(round);
        }
        leave(1, ROLE);
    });
}

#[test]
fn who_leaves_and_comes_back_starts_anew() {
    committed(|| {
        release(1);
        leave(1, ROLE);
        enroll(1, ROLE);
        assert_ok!(hold(2));
        release(2);
    });
}

#[test]
fn roles_and_accounts_do_not_mix() {
    committed(|| {
        enroll(2, ROLE);
        assert_ok!(Assignments::hold_place(TASK, 2, ROLE, &2));
        Assignments::release_place(TASK, 1, Role::Trainer, &1);
        assert_eq!(at_risk(), Some(1));
        assert_noop!(
            Assignments::hold_place(TASK, 1, Role::Trainer, &1),
            Error::<Test>::NotEnrolled
        );
    });
}
