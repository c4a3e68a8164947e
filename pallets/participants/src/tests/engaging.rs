//! Tasks put bonds at risk; what is at risk cannot leave, and no bond can be at risk twice.

use crate::{Error, Members, mock::*};
use decentralml_traits::{Bonds, Receivers};
use decentralml_types::Role::{Evaluator, Trainer};
use frame_support::{assert_noop, assert_ok};

fn bond(who: AccountId, amount: u128) {
    assert_ok!(Participants::bond(RuntimeOrigin::signed(who), Trainer, amount));
}

#[test]
fn one_bond_cannot_stand_for_two_engagements() {
    build_and_execute(|| {
        bond(ALICE, 250);
        assert_ok!(Participants::engage(&ALICE, Trainer, 100));
        assert_ok!(Participants::engage(&ALICE, Trainer, 100));
        assert_noop!(Participants::engage(&ALICE, Trainer, 100), Error::<Test>::InsufficientBond);
        assert_noop!(
            Participants::engage(&ALICE, Trainer, u128::MAX),
            Error::<Test>::InsufficientBond
        );
        assert_noop!(Participants::engage(&ALICE, Evaluator, 1), Error::<Test>::NotBonded);
        assert_noop!(Participants::engage(&BOB, Trainer, 1), Error::<Test>::NotBonded);
    });
}

#[test]
fn collateral_cannot_leave_while_it_is_at_risk() {
    build_and_execute(|| {
        bond(ALICE, 200);
        assert_ok!(Participants::engage(&ALICE, Trainer, 150));
        let unbond = |amount| Participants::unbond(RuntimeOrigin::signed(ALICE), Trainer, amount);
        assert_noop!(unbond(51), Error::<Test>::InsufficientBond);
        assert_ok!(unbond(50));
        assert_noop!(unbond(1), Error::<Test>::InsufficientBond);
        Participants::disengage(&ALICE, Trainer, 150);
        assert_ok!(unbond(150));
    });
}

#[test]
fn unbonding_funds_cannot_be_put_at_risk_anew() {
    build_and_execute(|| {
        bond(ALICE, 200);
        assert_ok!(Participants::unbond(RuntimeOrigin::signed(ALICE), Trainer, 100));
        assert_ok!(Participants::engage(&ALICE, Trainer, 100));
        assert_noop!(Participants::engage(&ALICE, Trainer, 1), Error::<Test>::InsufficientBond);
    });
}

#[test]
fn an_account_that_was_slashed_tops_up_before_it_acts() {
    build_and_execute(|| {
        bond(ALICE, 200);
        assert_ok!(Participants::engage(&ALICE, Trainer, 200));
        assert_ok!(Participants::ensure_covered(&ALICE, Trainer));
        assert_eq!(Participants::seize(&ALICE, Trainer, 1), 1);
        assert_noop!(Participants::ensure_covered(&ALICE, Trainer), Error::<Test>::NotCovered);
        bond(ALICE, 1);
        assert_ok!(Participants::ensure_covered(&ALICE, Trainer));
        assert_noop!(Participants::ensure_covered(&BOB, Trainer), Error::<Test>::NotBonded);
    });
}

#[test]
fn the_row_of_an_account_that_lost_everything_goes_when_it_leaves_its_tasks() {
    build_and_execute(|| {
        bond(ALICE, 100);
        assert_ok!(Participants::engage(&ALICE, Trainer, 100));
        assert_eq!(Participants::seize(&ALICE, Trainer, 100), 100);
        let receivers = Receivers { harmed: None, reporter: None };
        Participants::forfeit(&ALICE, Trainer, 100, receivers);
        assert!(Members::<Test>::contains_key(Trainer, ALICE));
        Participants::disengage(&ALICE, Trainer, 100);
        assert!(!Members::<Test>::contains_key(Trainer, ALICE));
        Participants::disengage(&ALICE, Trainer, 100);
    });
}
