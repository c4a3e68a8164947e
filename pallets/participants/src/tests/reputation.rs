//! Records are kept with the bond, fade, and are not washed off.

use crate::{Error, Event, Members, mock::*};
use decentralml_protocol::reputation::{NEUTRAL, ONE};
use decentralml_traits::{Bonds, Receivers, Reputation};
use decentralml_types::{Conduct, Role::Trainer};
use frame_support::{assert_noop, assert_ok, dispatch::Pays};

fn bond(amount: u128) {
    assert_ok!(Participants::bond(RuntimeOrigin::signed(ALICE), Trainer, amount));
}

fn note(conduct: Conduct) {
    Participants::note(&ALICE, Trainer, conduct);
}

fn score() -> u16 {
    Participants::score(&ALICE, Trainer)
}

fn forget() -> frame_support::dispatch::DispatchResultWithPostInfo {
    Participants::forget(RuntimeOrigin::signed(BOB), Trainer, ALICE)
}

/// Alice loses her whole bond.
fn slash_all() {
    let all = Members::<Test>::get(Trainer, ALICE).unwrap().bond;
    let seized = Participants::seize(&ALICE, Trainer, all);
    note(Conduct::Slashed);
    Participants::forfeit(&ALICE, Trainer, seized, Receivers { harmed: None, reporter: None });
}

#[test]
fn a_record_is_the_accounts_in_that_role_and_fades_with_the_periods() {
    build_and_execute(|| {
        assert_eq!(score(), NEUTRAL);
        bond(200);
        assert_eq!(score(), NEUTRAL);
        (0..8).for_each(|_| note(Conduct::Accepted));
        assert_eq!(score(), 750);
        assert_eq!(Participants::score(&ALICE, decentralml_types::Role::Evaluator), NEUTRAL);
        assert_eq!(Participants::score(&BOB, Trainer), NEUTRAL);
        go_to(10);
        assert_eq!(score(), 666, "four are left of eight");
        note(Conduct::Rejected);
        let record = Members::<Test>::get(Trainer, ALICE).unwrap().record;
        assert_eq!((record.accepted, record.rejected, record.period), (4 * ONE, ONE, 1));
    });
}

#[test]
fn nothing_is_remembered_of_who_has_no_bond() {
    build_and_execute(|| {
        note(Conduct::Slashed);
        assert_eq!(Members::<Test>::get(Trainer, ALICE), None);
    });
}

#[test]
fn who_has_lost_its_whole_bond_does_not_come_back_without_a_record() {
    build_and_execute(|| {
        bond(200);
        slash_all();
        assert_eq!((held(ALICE), score()), (0, 166));
        bond(200);
        assert_eq!(score(), 166);
    });
}

#[test]
fn a_row_that_remembers_a_slash_is_forgotten_once_that_has_faded() {
    build_and_execute(|| {
        assert_noop!(forget(), Error::<Test>::NotBonded);
        bond(200);
        assert_noop!(forget(), Error::<Test>::StillKept);
        slash_all();
        go_to(89);
        assert_noop!(forget(), Error::<Test>::StillKept);
        go_to(90);
        assert_eq!(forget().unwrap().pays_fee, Pays::No);
        System::assert_last_event(Event::Forgotten { who: ALICE, role: Trainer }.into());
        assert_eq!(Members::<Test>::get(Trainer, ALICE), None);
    });
}

#[test]
fn a_bond_is_never_forgotten_however_old_its_record() {
    build_and_execute(|| {
        bond(200);
        note(Conduct::Slashed);
        go_to(1_000);
        assert_noop!(forget(), Error::<Test>::StillKept);
    });
}

#[test]
fn who_leaves_without_a_slash_leaves_no_row() {
    build_and_execute(|| {
        bond(200);
        note(Conduct::Accepted);
        assert_ok!(Participants::unbond(RuntimeOrigin::signed(ALICE), Trainer, 200));
        go_to(51);
        assert_ok!(Participants::withdraw(RuntimeOrigin::signed(ALICE), Trainer));
        assert_eq!(Members::<Test>::get(Trainer, ALICE), None);
    });
}

#[test]
fn a_record_that_outlives_the_unbonding_is_refused() {
    use frame_support::traits::Hooks;
    for (period, holds) in [(0, false), (10, true), (12, true), (13, false)] {
        ReputationPeriod::set(period);
        let tested = std::panic::catch_unwind(<Participants as Hooks<u32>>::integrity_test);
        assert_eq!(tested.is_ok(), holds, "{period}");
        ReputationPeriod::set(10);
    }
}
