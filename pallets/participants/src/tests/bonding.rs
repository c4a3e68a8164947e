//! Funds go in, wait, and come out once.

use crate::{Error, Event, Members, mock::*};
use decentralml_traits::{Bonds, Stakes};
use decentralml_types::Role::{Evaluator, Trainer, Validator};
use frame_support::{assert_noop, assert_ok, traits::Hooks};
use sp_runtime::TokenError;

fn origin(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

#[test]
fn the_first_bond_must_reach_the_minimum_of_its_role() {
    build_and_execute(|| {
        assert_noop!(
            Participants::bond(origin(ALICE), Evaluator, 499),
            Error::<Test>::BelowMinimum
        );
        assert_ok!(Participants::bond(origin(ALICE), Evaluator, 500));
        System::assert_last_event(
            Event::Bonded { who: ALICE, role: Evaluator, amount: 500 }.into(),
        );
        assert_ok!(Participants::bond(origin(ALICE), Evaluator, 1));
        assert_eq!(Members::<Test>::get(Evaluator, ALICE).unwrap().bond, 501);
        assert_eq!(held(ALICE), 501);
        assert_eq!(total(ALICE), FUNDS);
    });
}

#[test]
fn other_pallets_learn_what_is_bonded_and_what_a_slash_can_reach() {
    build_and_execute(|| {
        assert_ok!(Participants::bond(origin(ALICE), Validator, 3_000));
        assert_ok!(Participants::unbond(origin(ALICE), Validator, 1_500));
        assert_eq!(Participants::bonded(&ALICE, Validator), 1_500);
        assert_eq!(Participants::slashable(&ALICE, Validator), 3_000);
        assert_eq!(<Participants as Stakes<AccountId>>::least(Validator), 1_000);
        go_to(51);
        assert_eq!(Participants::slashable(&ALICE, Validator), 1_500, "the rest is due");
        assert_eq!(Participants::bonded(&ALICE, Trainer), 0);
    });
}

#[test]
fn a_chain_can_begin_with_bonds() {
    build_and_execute(|| {
        use frame_support::traits::BuildGenesisConfig;
        let bonds = vec![(Validator, ALICE, 1_000), (Trainer, BOB, 100)];
        crate::GenesisConfig::<Test> { bonds }.build();
        assert_eq!(Participants::bonded(&ALICE, Validator), 1_000);
        assert_eq!((held(ALICE), held(BOB)), (1_000, 100));
    });
}

#[test]
#[should_panic = "cannot bond"]
fn a_chain_does_not_begin_with_bonds_that_nobody_can_pay() {
    build_and_execute(|| {
        use frame_support::traits::BuildGenesisConfig;
        crate::GenesisConfig::<Test> { bonds: vec![(Validator, NOBODY, 1_000)] }.build();
    });
}

#[test]
fn other_pallets_learn_the_minimum_of_each_role() {
    build_and_execute(|| {
        for (role, minimum) in [(Trainer, 100), (Evaluator, 500), (Validator, 1_000)] {
            assert_eq!(Participants::minimum(role), minimum);
            let bond = |amount| Participants::bond(origin(ALICE), role, amount);
            assert_noop!(bond(minimum - 1), Error::<Test>::BelowMinimum);
            assert_ok!(bond(minimum));
        }
    });
}

#[test]
fn amounts_of_zero_and_amounts_beyond_the_balance_are_refused() {
    build_and_execute(|| {
        assert_noop!(Participants::bond(origin(ALICE), Trainer, 0), Error::<Test>::ZeroAmount);
        assert_noop!(
            Participants::bond(origin(ALICE), Trainer, FUNDS + 1),
            TokenError::FundsUnavailable
        );
        assert_noop!(
            Participants::bond(origin(ALICE), Trainer, u128::MAX),
            TokenError::FundsUnavailable
        );
        assert_ok!(Participants::bond(origin(ALICE), Trainer, 100));
        assert_noop!(Participants::unbond(origin(ALICE), Trainer, 0), Error::<Test>::ZeroAmount);
        assert_noop!(
            Participants::unbond(origin(ALICE), Trainer, 101),
            Error::<Test>::InsufficientBond
        );
    });
}

#[test]
fn roles_have_bonds_of_their_own() {
    build_and_execute(|| {
        assert_ok!(Participants::bond(origin(ALICE), Trainer, 100));
        assert_ok!(Participants::bond(origin(ALICE), Evaluator, 500));
        assert_eq!(held(ALICE), 600);
        assert_ok!(Participants::unbond(origin(ALICE), Trainer, 100));
        assert_eq!(Members::<Test>::get(Evaluator, ALICE).unwrap().bond, 500);
        assert_noop!(Participants::unbond(origin(BOB), Trainer, 100), Error::<Test>::NotBonded);
    });
}

#[test]
fn a_bond_stays_above_its_minimum_or_goes_entirely() {
    build_and_execute(|| {
        assert_ok!(Participants::bond(origin(ALICE), Trainer, 150));
        assert_noop!(Participants::unbond(origin(ALICE), Trainer, 51), Error::<Test>::BelowMinimum);
        assert_ok!(Participants::unbond(origin(ALICE), Trainer, 50));
        assert_ok!(Participants::unbond(origin(ALICE), Trainer, 100));
        assert_noop!(Participants::bond(origin(ALICE), Trainer, 99), Error::<Test>::BelowMinimum);
    });
}

#[test]
fn unbonded_funds_are_held_until_they_are_due() {
    build_and_execute(|| {
        assert_ok!(Participants::bond(origin(ALICE), Trainer, 100));
        assert_noop!(Participants::withdraw(origin(ALICE), Trainer), Error::<Test>::NothingDue);
        assert_ok!(Participants::unbond(origin(ALICE), Trainer, 100));
        System::assert_last_event(
            Event::Unbonded { who: ALICE, role: Trainer, amount: 100, at: 51 }.into(),
        );
        go_to(50);
        assert_eq!(held(ALICE), 100);
        assert_noop!(Participants::withdraw(origin(ALICE), Trainer), Error::<Test>::NothingDue);
        go_to(51);
        assert_ok!(Participants::withdraw(origin(ALICE), Trainer));
        System::assert_last_event(
            Event::Withdrawn { who: ALICE, role: Trainer, amount: 100 }.into(),
        );
        assert_eq!(held(ALICE), 0);
        assert_eq!(Members::<Test>::get(Trainer, ALICE), None);
    });
}

#[test]
fn withdrawing_again_and_again_yields_nothing_more() {
    build_and_execute(|| {
        assert_ok!(Participants::bond(origin(ALICE), Trainer, 300));
        assert_ok!(Participants::bond(origin(BOB), Trainer, 300));
        assert_ok!(Participants::unbond(origin(ALICE), Trainer, 200));
        go_to(60);
        assert_ok!(Participants::withdraw(origin(ALICE), Trainer));
        assert_noop!(Participants::withdraw(origin(ALICE), Trainer), Error::<Test>::NothingDue);
        assert_ok!(Participants::unbond(origin(ALICE), Trainer, 100));
        go_to(200);
        assert_ok!(Participants::withdraw(origin(ALICE), Trainer));
        assert_noop!(Participants::withdraw(origin(ALICE), Trainer), Error::<Test>::NotBonded);
        assert_eq!((total(ALICE), total(BOB)), (FUNDS, FUNDS));
        assert_eq!((held(ALICE), held(BOB)), (0, 300));
    });
}

#[test]
fn only_what_is_due_is_withdrawn() {
    build_and_execute(|| {
        assert_ok!(Participants::bond(origin(ALICE), Trainer, 300));
        assert_ok!(Participants::unbond(origin(ALICE), Trainer, 60));
        go_to(2);
        assert_ok!(Participants::unbond(origin(ALICE), Trainer, 40));
        go_to(51);
        assert_ok!(Participants::withdraw(origin(ALICE), Trainer));
        assert_eq!(held(ALICE), 240);
        go_to(52);
        assert_ok!(Participants::withdraw(origin(ALICE), Trainer));
        assert_eq!(held(ALICE), 200);
    });
}

#[test]
fn amounts_unbonded_in_one_block_share_an_entry_and_entries_are_bounded() {
    build_and_execute(|| {
        assert_ok!(Participants::bond(origin(ALICE), Trainer, 1_000));
        for _ in 0..20 {
            assert_ok!(Participants::unbond(origin(ALICE), Trainer, 1));
        }
        assert_eq!(Members::<Test>::get(Trainer, ALICE).unwrap().unbonding.len(), 1);
        for block in 2..=8 {
            go_to(block);
            assert_ok!(Participants::unbond(origin(ALICE), Trainer, 1));
        }
        go_to(9);
        assert_noop!(
            Participants::unbond(origin(ALICE), Trainer, 1),
            Error::<Test>::TooManyUnbondings
        );
        go_to(51);
        assert_ok!(Participants::withdraw(origin(ALICE), Trainer));
        assert_ok!(Participants::unbond(origin(ALICE), Trainer, 1));
    });
}

#[test]
fn the_constants_fit_each_other() {
    build_and_execute(Participants::integrity_test);
}
