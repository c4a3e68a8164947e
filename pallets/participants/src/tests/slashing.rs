//! What is seized waits; it is given back or forfeited, to the planck, and nothing saves a culprit.

use crate::{Error, Event, Member, Members, mock::*};
use decentralml_traits::{Bonds, Forfeited, Receivers};
use decentralml_types::{Balance, Role::Trainer};
use frame_support::{
    assert_noop, assert_ok,
    traits::{fungible::Mutate, tokens::Preservation},
};

fn bond(who: AccountId, amount: Balance) {
    assert_ok!(Participants::bond(RuntimeOrigin::signed(who), Trainer, amount));
}

fn seize(amount: Balance) -> Balance {
    Participants::seize(&ALICE, Trainer, amount)
}

fn to(
    harmed: Option<(AccountId, Balance)>,
    reporter: Option<(AccountId, Balance)>,
) -> Receivers<AccountId> {
    Receivers { harmed, reporter }
}

fn forfeit(amount: Balance, receivers: Receivers<AccountId>) -> Forfeited {
    Participants::forfeit(&ALICE, Trainer, amount, receivers)
}

/// Seizes and forfeits, a part of it to somebody harmed.
fn slash(amount: Balance, harmed: AccountId, part: Balance) -> Forfeited {
    let seized = seize(amount);
    forfeit(seized, to(Some((harmed, part)), None))
}

fn member() -> Member {
    Members::<Test>::get(Trainer, ALICE).unwrap()
}

#[test]
fn what_is_seized_stays_held_and_covers_nothing() {
    build_and_execute(|| {
        bond(ALICE, 200);
        assert_eq!(seize(101), 101);
        System::assert_last_event(Event::Seized { who: ALICE, role: Trainer, amount: 101 }.into());
        assert_eq!((held(ALICE), total(ALICE)), (200, FUNDS));
        assert_eq!((member().bond, member().disputed, member().faults), (99, 101, 1));
        assert_eq!(Participants::seized(&ALICE, Trainer), 101);
        assert_noop!(Participants::engage(&ALICE, Trainer, 100), Error::<Test>::InsufficientBond);
        let unbond = Participants::unbond(RuntimeOrigin::signed(ALICE), Trainer, 100);
        assert_eq!(unbond, Err(Error::<Test>::InsufficientBond.into()));
        // It cannot be seized a second time.
        assert_eq!((seize(200), seize(1)), (99, 0));
    });
}

#[test]
fn the_harmed_and_the_reporter_get_their_parts_and_the_treasury_the_rest() {
    build_and_execute(|| {
        bond(ALICE, 200);
        seize(101);
        let receivers = to(Some((HARMED, 50)), Some((REPORTER, 25)));
        assert_eq!(forfeit(101, receivers), Forfeited { to_harmed: 50, to_reporter: 25 });
        let (to_harmed, to_reporter) = (50, 25);
        System::assert_last_event(
            Event::Slashed { who: ALICE, role: Trainer, amount: 101, to_harmed, to_reporter }
                .into(),
        );
        let moved = [ALICE, HARMED, REPORTER, THE_TREASURY].map(total);
        assert_eq!(moved, [FUNDS - 101, FUNDS + 50, FUNDS + 25, FUNDS + 26]);
        assert_eq!((member().bond, member().disputed, member().faults), (99, 0, 1));
    });
}

#[test]
fn where_nobody_is_harmed_the_treasury_gets_all() {
    build_and_execute(|| {
        bond(ALICE, 200);
        seize(101);
        assert_eq!(forfeit(101, to(None, None)), Forfeited::default());
        assert_eq!((total(ALICE), total(THE_TREASURY)), (FUNDS - 101, FUNDS + 101));
    });
}

#[test]
fn what_is_given_back_is_bonded_again_and_no_fault() {
    build_and_execute(|| {
        bond(ALICE, 200);
        let before = member();
        seize(120);
        Participants::give_back(&ALICE, Trainer, 120);
        System::assert_last_event(
            Event::GivenBack { who: ALICE, role: Trainer, amount: 120 }.into(),
        );
        assert_eq!(member(), before);
        assert_eq!(held(ALICE), 200);
    });
}

#[test]
fn an_account_that_has_left_gets_free_funds_back_and_leaves_no_row() {
    build_and_execute(|| {
        bond(ALICE, 200);
        seize(200);
        assert_eq!(held(ALICE), 200);
        Participants::give_back(&ALICE, Trainer, 50);
        // Another case about the rest is still open.
        assert_eq!((held(ALICE), member().disputed), (150, 150));
        Participants::give_back(&ALICE, Trainer, 150);
        assert_eq!((held(ALICE), total(ALICE)), (0, FUNDS));
        assert_eq!(Members::<Test>::get(Trainer, ALICE), None);
    });
}

#[test]
fn two_cases_are_decided_apart() {
    build_and_execute(|| {
        bond(ALICE, 300);
        assert_eq!((seize(100), seize(100)), (100, 100));
        assert_eq!(member().faults, 2);
        Participants::give_back(&ALICE, Trainer, 100);
        forfeit(100, to(None, None));
        assert_eq!((member().bond, member().disputed, member().faults), (200, 0, 1));
        assert_eq!(total(ALICE), FUNDS - 100);
    });
}

#[test]
fn nothing_is_decided_about_more_than_was_seized() {
    build_and_execute(|| {
        bond(ALICE, 200);
        seize(50);
        forfeit(51, to(Some((HARMED, 51)), None));
        assert_eq!((member().bond, total(HARMED)), (150, FUNDS + 50));
        Participants::give_back(&ALICE, Trainer, 1);
        assert_eq!((member().bond, held(ALICE)), (150, 150));
    });
}

#[test]
fn receivers_get_no_more_together_than_was_seized() {
    build_and_execute(|| {
        bond(ALICE, 200);
        seize(100);
        let receivers = to(Some((HARMED, 80)), Some((REPORTER, 80)));
        assert_eq!(forfeit(100, receivers), Forfeited { to_harmed: 80, to_reporter: 20 });
        assert_eq!((total(ALICE), total(THE_TREASURY)), (FUNDS - 100, FUNDS));
    });
}

#[test]
fn costs_are_paid_from_the_bond_to_whoever_was_accused() {
    build_and_execute(|| {
        bond(ALICE, 200);
        assert_eq!(Participants::charge(&ALICE, Trainer, 30, &BOB), 30);
        let (who, role, amount) = (ALICE, Trainer, 30);
        System::assert_last_event(Event::Charged { who, role, amount, to: BOB }.into());
        assert_eq!((total(ALICE), total(BOB)), (FUNDS - 30, FUNDS + 30));
        assert_eq!((member().bond, member().faults), (170, 1));
        // No more than there is, and nothing where there is nothing.
        assert_eq!(Participants::charge(&ALICE, Trainer, 300, &BOB), 170);
        assert_eq!(Participants::charge(&ALICE, Trainer, 300, &BOB), 0);
        assert_eq!(total(THE_TREASURY), FUNDS);
    });
}

#[test]
fn costs_that_cannot_be_received_are_not_taken() {
    build_and_execute(|| {
        bond(ALICE, 200);
        assert_eq!(Participants::charge(&ALICE, Trainer, EXISTENTIAL_DEPOSIT - 1, &NOBODY), 0);
        assert_eq!((member().bond, member().faults), (200, 0));
    });
}

#[test]
fn where_nobody_is_harmed_and_the_treasury_cannot_receive_all_is_burned() {
    build_and_execute(|| {
        bond(ALICE, 200);
        Treasury::set(NOBODY + 1_000);
        let issuance = Balances::total_issuance();
        seize(EXISTENTIAL_DEPOSIT - 1);
        assert_eq!(forfeit(EXISTENTIAL_DEPOSIT - 1, to(None, None)), Forfeited::default());
        assert_eq!(Balances::total_issuance(), issuance - (EXISTENTIAL_DEPOSIT - 1));
    });
}

#[test]
fn a_slash_tells_of_no_money_that_did_not_move() {
    build_and_execute(|| {
        bond(ALICE, 200);
        seize(100);
        System::reset_events();
        forfeit(100, to(None, None));
        // One transfer, and that the bond was slashed; nothing was left to burn.
        assert_eq!(System::event_count(), 2);
    });
}

#[test]
fn a_slash_takes_no_more_than_is_there() {
    build_and_execute(|| {
        bond(ALICE, 200);
        bond(BOB, 200);
        assert_eq!(seize(u128::MAX), 200);
        assert_eq!(seize(100), 0);
        forfeit(200, to(Some((HARMED, 100)), None));
        assert_eq!(held(BOB), 200);
        assert_eq!(Members::<Test>::get(Trainer, ALICE), None);
        assert_eq!(total(ALICE), FUNDS - 200);
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
        assert_eq!(seize(150), 150);
        let unbonding: Vec<Balance> = member().unbonding.iter().map(|chunk| chunk.amount).collect();
        assert_eq!((member().bond, unbonding), (0, vec![100, 50]));
        assert_eq!((seize(150), seize(150)), (50, 0));
        assert_ok!(Participants::withdraw(alice, Trainer));
        assert_eq!(held(ALICE), 200);
        forfeit(200, to(None, None));
        assert_eq!((total(ALICE), held(ALICE)), (FUNDS - 200, 0));
    });
}

#[test]
fn a_receiver_that_cannot_exist_does_not_save_the_culprit() {
    build_and_execute(|| {
        bond(ALICE, 200);
        // 5 is below the existential deposit.
        assert_eq!(slash(10, NOBODY, 5), Forfeited::default());
        assert_eq!(total(NOBODY), 0);
        assert_eq!(total(THE_TREASURY), FUNDS + 10);
        // 10 creates the account.
        assert_eq!(slash(20, NOBODY, 10), Forfeited { to_harmed: 10, to_reporter: 0 });
        assert_eq!(total(NOBODY), 10);
    });
}

#[test]
fn what_nobody_can_receive_is_burned() {
    build_and_execute(|| {
        bond(ALICE, 200);
        Treasury::set(NOBODY + 1_000);
        let issuance = Balances::total_issuance();
        assert_eq!(slash(8, NOBODY, 4), Forfeited::default());
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
        slash(200, HARMED, 100);
        assert_eq!(held(ALICE), 0);
        assert_eq!(total(HARMED), FUNDS + 100);
    });
}

#[test]
fn a_culprit_whose_free_funds_are_frozen_is_slashed_as_well() {
    use frame_support::traits::{LockableCurrency, WithdrawReasons};
    build_and_execute(|| {
        bond(ALICE, 200);
        Balances::set_lock(*b"frozen!!", &ALICE, FUNDS, WithdrawReasons::all());
        slash(200, HARMED, 100);
        assert_eq!((held(ALICE), total(HARMED)), (0, FUNDS + 100));
    });
}

#[test]
fn accounts_without_a_bond_cannot_be_slashed() {
    build_and_execute(|| {
        assert_eq!(seize(100), 0);
        assert_eq!(forfeit(100, to(Some((HARMED, 100)), None)), Forfeited::default());
        Participants::give_back(&ALICE, Trainer, 100);
        assert_eq!(Participants::charge(&ALICE, Trainer, 100, &BOB), 0);
        assert_eq!(total(ALICE), FUNDS);
        assert_eq!(System::event_count(), 0);
    });
}

#[test]
#[should_panic(expected = "UnbondingPeriod must be longer")]
fn a_bond_that_could_leave_before_its_faults_are_known_stops_the_runtime() {
    use frame_support::traits::Hooks;
    build_and_execute(|| {
        Liability::set(50);
        Participants::integrity_test();
    });
}
