//! A slash always lands, takes no more than is there, and is split.

use crate::{Event, Members, mock::*};
use decentralml_traits::{Bonds, Slashed};
use decentralml_types::Role::Trainer;
use frame_support::{assert_ok, traits::fungible::Mutate, traits::tokens::Preservation};

fn bond(who: AccountId, amount: u128) {
    assert_ok!(Participants::bond(RuntimeOrigin::signed(who), Trainer, amount));
}

fn slash(amount: u128, harmed: AccountId) -> Slashed {
    Participants::slash(&ALICE, Trainer, amount, Some(&harmed))
}

#[test]
fn the_accused_loses_and_the_harmed_gets_only_half() {
    build_and_execute(|| {
        bond(ALICE, 200);
        assert_eq!(slash(101, HARMED), Slashed { total: 101, to_harmed: 50 });
        System::assert_last_event(
            Event::Slashed { who: ALICE, role: Trainer, amount: 101, to_harmed: 50 }.into(),
        );
        assert_eq!(total(ALICE), FUNDS - 101);
        assert_eq!(total(HARMED), FUNDS + 50);
        assert_eq!(total(THE_TREASURY), FUNDS + 51);
        let member = Members::<Test>::get(Trainer, ALICE).unwrap();
        assert_eq!((member.bond, member.faults), (99, 1));
    });
}

#[test]
fn where_nobody_is_harmed_the_treasury_gets_all() {
    build_and_execute(|| {
        bond(ALICE, 200);
        let slashed = Participants::slash(&ALICE, Trainer, 101, None);
        assert_eq!(slashed, Slashed { total: 101, to_harmed: 0 });
        System::assert_last_event(
            Event::Slashed { who: ALICE, role: Trainer, amount: 101, to_harmed: 0 }.into(),
        );
        assert_eq!(total(ALICE), FUNDS - 101);
        assert_eq!(total(THE_TREASURY), FUNDS + 101);
        assert_eq!(Members::<Test>::get(Trainer, ALICE).unwrap().bond, 99);
    });
}

#[test]
fn where_nobody_is_harmed_and_the_treasury_cannot_receive_all_is_burned() {
    build_and_execute(|| {
        bond(ALICE, 200);
        Treasury::set(NOBODY + 1_000);
        let issuance = Balances::total_issuance();
        let slashed = Participants::slash(&ALICE, Trainer, EXISTENTIAL_DEPOSIT - 1, None);
        assert_eq!(slashed, Slashed { total: EXISTENTIAL_DEPOSIT - 1, to_harmed: 0 });
        assert_eq!(Balances::total_issuance(), issuance - (EXISTENTIAL_DEPOSIT - 1));
    });
}

#[test]
fn a_slash_tells_of_no_money_that_did_not_move() {
    build_and_execute(|| {
        bond(ALICE, 200);
        System::reset_events();
        Participants::slash(&ALICE, Trainer, 100, None);
        // One transfer, and that the bond was slashed; nothing was left to burn.
        assert_eq!(System::event_count(), 2);
    });
}

#[test]
fn a_slash_takes_no_more_than_is_there() {
    build_and_execute(|| {
        bond(ALICE, 200);
        bond(BOB, 200);
        assert_eq!(slash(u128::MAX, HARMED), Slashed { total: 200, to_harmed: 100 });
        assert_eq!(slash(100, HARMED), Slashed::default());
        assert_eq!(held(BOB), 200);
        assert_eq!(Members::<Test>::get(Trainer, ALICE), None);
    });
}

#[test]
fn leaving_does_not_outrun_a_slash_until_the_unbonding_is_over() {
    build_and_execute(|| {
        bond(ALICE, 300);
        let alice = RuntimeOrigin::signed(ALICE);
        assert_ok!(Participants::unbond(alice.clone(), Trainer, 100));
        go_to(2);
        assert_ok!(Participants::unbond(alice.clone(), Trainer, 100));
        go_to(51);
        // The first amount is due, the second is not, and 100 are bonded.
        assert_eq!(slash(150, HARMED).total, 150);
        let member = Members::<Test>::get(Trainer, ALICE).unwrap();
        assert_eq!(member.bond, 0);
        assert_eq!(
            member.unbonding.iter().map(|chunk| chunk.amount).collect::<Vec<_>>(),
            [100, 50]
        );
        assert_eq!(slash(150, HARMED).total, 50);
        assert_eq!(slash(150, HARMED).total, 0);
        assert_ok!(Participants::withdraw(alice, Trainer));
        assert_eq!(total(ALICE), FUNDS - 200);
        assert_eq!(held(ALICE), 0);
    });
}

#[test]
fn a_receiver_that_cannot_exist_does_not_save_the_culprit() {
    build_and_execute(|| {
        bond(ALICE, 200);
        // Half of 10 is below the existential deposit.
        assert_eq!(slash(10, NOBODY), Slashed { total: 10, to_harmed: 0 });
        assert_eq!(total(NOBODY), 0);
        assert_eq!(total(THE_TREASURY), FUNDS + 10);
        // Half of 20 creates the account.
        assert_eq!(slash(20, NOBODY), Slashed { total: 20, to_harmed: 10 });
        assert_eq!(total(NOBODY), 10);
    });
}

#[test]
fn what_nobody_can_receive_is_burned() {
    build_and_execute(|| {
        bond(ALICE, 200);
        Treasury::set(NOBODY + 1_000);
        let issuance = Balances::total_issuance();
        assert_eq!(slash(8, NOBODY), Slashed { total: 8, to_harmed: 0 });
        assert_eq!(Balances::total_issuance(), issuance - 8);
        assert_eq!(held(ALICE), 192);
    });
}

#[test]
fn a_culprit_without_other_funds_is_slashed_as_well() {
    build_and_execute(|| {
        bond(ALICE, 200);
        let free = FUNDS - 200 - EXISTENTIAL_DEPOSIT;
        assert_ok!(Balances::transfer(&ALICE, &BOB, free, Preservation::Preserve));
        assert_eq!(slash(200, HARMED).total, 200);
        assert_eq!(held(ALICE), 0);
        assert_eq!(total(HARMED), FUNDS + 100);
    });
}

#[test]
fn accounts_without_a_bond_cannot_be_slashed() {
    build_and_execute(|| {
        assert_eq!(slash(100, HARMED), Slashed::default());
        assert_eq!(total(ALICE), FUNDS);
        assert_eq!(System::event_count(), 0);
    });
}
