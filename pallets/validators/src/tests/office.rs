use super::{offences::report, *};
use frame_support::traits::Hooks;
use pallet_session::historical;

#[test]
fn who_is_appointed_and_bonded_and_has_keys_is_in_the_next_set() {
    build_and_execute(|| {
        bond(MALLORY, 10 * LEAST);
        assert_eq!(planned(), Some(vec![ALICE, BOB, CHARLIE]));
        bond(ALICE, LEAST - 1);
        assert_eq!(planned(), Some(vec![BOB, CHARLIE]));
        Keyless::mutate(|keyless| keyless.insert(BOB));
        assert_eq!(planned(), Some(vec![CHARLIE]));
        let identified = <Validators as historical::SessionManager<AccountId, ()>>::new_session(1);
        assert_eq!(identified, Some(vec![(CHARLIE, ())]));
    });
}

#[test]
fn where_few_qualify_those_in_office_stay_beside_them() {
    build_and_execute(|| {
        Bonds::set(Default::default());
        InOffice::set(vec![BOB, CHARLIE]);
        assert_eq!(planned(), Some(vec![BOB, CHARLIE]));
        bond(ALICE, LEAST);
        assert_eq!(planned(), Some(vec![ALICE, BOB, CHARLIE]), "the first one is not alone");
        bond(BOB, LEAST);
        assert_eq!(planned(), Some(vec![ALICE, BOB]), "two thirds are enough");
    });
}

#[test]
fn the_council_can_remove_those_that_stay_for_want_of_others() {
    build_and_execute(|| {
        Bonds::set(Default::default());
        InOffice::set(vec![ALICE, BOB, CHARLIE]);
        Appointed::set(vec![ALICE, CHARLIE]);
        assert_eq!(planned(), Some(vec![ALICE, CHARLIE]));
        Keyless::mutate(|keyless| keyless.insert(ALICE));
        assert_eq!(planned(), Some(vec![CHARLIE]));
        Appointed::set(vec![MALLORY]);
        assert_eq!(planned(), Some(vec![ALICE, BOB, CHARLIE]), "somebody has to");
    });
}

#[test]
fn who_was_reported_does_not_stay_for_want_of_others() {
    build_and_execute(|| {
        InOffice::set(vec![ALICE, BOB, CHARLIE]);
        Bonds::set(Default::default());
        bond(ALICE, LEAST);
        report(&[(BOB, None)], 0);
        assert_eq!(planned(), Some(vec![ALICE, CHARLIE]));
        Bonds::set(Default::default());
        report(&[(ALICE, None)], 0);
        report(&[(CHARLIE, None)], 0);
        assert_eq!(planned(), Some(vec![ALICE, BOB, CHARLIE]), "somebody has to");
    });
}

#[test]
fn a_chain_begins_with_whom_its_genesis_names() {
    build_and_execute(|| {
        Appointed::set(Vec::new());
        assert_eq!(planned(), None);
    });
}

#[test]
fn no_set_is_larger_than_it_may_be() {
    build_and_execute(|| {
        Appointed::set((1..=6).collect());
        (1..=6).for_each(|who| bond(who, LEAST));
        assert_eq!(planned(), Some(vec![1, 2, 3, 4]));
    });
}

#[test]
fn sessions_are_remembered_for_as_long_as_they_can_be_reported() {
    build_and_execute(|| {
        go_to(24);
        assert_eq!(Remembered::get(), 0);
        go_to(25);
        assert_eq!(Remembered::get(), 1);
    });
}

#[test]
#[should_panic = "UnbondingPeriod must be longer"]
fn a_bond_that_leaves_before_its_owner_can_be_reported_is_refused() {
    build_and_execute(|| {
        Validators::integrity_test();
        UnbondingPeriod::set(270);
        Validators::integrity_test();
    });
}
