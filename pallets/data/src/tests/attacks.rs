//! What nobody may do.

use super::*;
use crate::{Contents, Error, Grants};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn a_stranger_cannot_touch_the_content_of_others() {
    build_and_execute(|| {
        WithKey::mutate(|accounts| accounts.push(MALLORY));
        assert_ok!(register(OWNER, CID));
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_noop!(grant(MALLORY, CID, MALLORY), Error::<Test>::NotOwner);
        assert_noop!(grant(MALLORY, CID, BOB), Error::<Test>::NotOwner);
        assert_noop!(revoke(MALLORY, CID, ALICE), Error::<Test>::NotOwner);
        assert_noop!(retire(MALLORY, CID), Error::<Test>::NotOwner);
        // Who may read may not give away.
        assert_noop!(grant(ALICE, CID, BOB), Error::<Test>::NotOwner);
        assert_noop!(revoke(ALICE, CID, ALICE), Error::<Test>::NotOwner);
        assert_eq!((held(OWNER), held(MALLORY)), (1_100, 0));
    });
}

#[test]
fn content_cannot_be_taken_over_by_registering_it_again() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        let mallory = RuntimeOrigin::signed(MALLORY);
        assert_noop!(
            Data::register(mallory, CID, [0; 32], u64::MAX),
            Error::<Test>::AlreadyRegistered
        );
        assert_eq!(Contents::<Test>::get(CID).unwrap().owner, OWNER);
    });
}

#[test]
fn who_is_forestalled_encrypts_again_and_the_copy_grants_nothing() {
    build_and_execute(|| {
        assert_ok!(register(MALLORY, CID));
        assert_noop!(register(OWNER, CID), Error::<Test>::AlreadyRegistered);
        assert_noop!(grant(OWNER, CID, ALICE), Error::<Test>::NotOwner);
        assert_ok!(register(OWNER, cid(2)));
        assert_ok!(grant(OWNER, cid(2), ALICE));
    });
}

#[test]
fn a_second_grant_is_refused_and_costs_no_deposit() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_noop!(grant(OWNER, CID, ALICE), Error::<Test>::AlreadyGranted);
        assert_eq!((grants(CID), held(OWNER)), (1, 1_100));
    });
}

#[test]
fn what_was_never_granted_cannot_be_revoked_for_a_deposit() {
    build_and_execute(|| {
        assert_noop!(revoke(OWNER, CID, ALICE), Error::<Test>::UnknownContent);
        assert_ok!(register(OWNER, CID));
        assert_noop!(revoke(OWNER, CID, ALICE), Error::<Test>::NotGranted);
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_noop!(revoke(OWNER, CID, BOB), Error::<Test>::NotGranted);
        assert_ok!(revoke(OWNER, CID, ALICE));
        assert_noop!(revoke(OWNER, CID, ALICE), Error::<Test>::NotGranted);
        assert_eq!((grants(CID), held(OWNER)), (0, 1_000));
    });
}

#[test]
fn what_was_never_registered_cannot_be_granted_or_retired() {
    build_and_execute(|| {
        assert_noop!(grant(OWNER, CID, ALICE), Error::<Test>::UnknownContent);
        assert_noop!(retire(OWNER, CID), Error::<Test>::UnknownContent);
        assert_eq!(Grants::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_new_owner_inherits_no_grants() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_ok!(revoke(OWNER, CID, ALICE));
        assert_ok!(retire(OWNER, CID));
        assert_ok!(register(MALLORY, CID));
        assert_eq!(grants(CID), 0);
        assert_noop!(revoke(MALLORY, CID, ALICE), Error::<Test>::NotGranted);
        assert_noop!(grant(OWNER, CID, ALICE), Error::<Test>::NotOwner);
    });
}

#[test]
fn only_signed_accounts_act() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(grant(OWNER, CID, ALICE));
        for origin in [RuntimeOrigin::none(), RuntimeOrigin::root()] {
            let refused = Err(DispatchError::BadOrigin);
            assert_eq!(Data::register(origin.clone(), cid(2), PLAIN_HASH, SIZE), refused);
            assert_eq!(Data::grant(origin.clone(), CID, BOB, ENVELOPE), refused);
            assert_eq!(Data::revoke(origin.clone(), CID, ALICE), refused);
            assert_eq!(Data::retire(origin, CID), refused);
        }
    });
}

#[test]
fn a_full_counter_stops_grants_instead_of_starting_anew() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        let set = |count| {
            Contents::<Test>::mutate(CID, |row| row.as_mut().unwrap().grants = count);
        };
        set(u32::MAX);
        assert_noop!(grant(OWNER, CID, ALICE), sp_runtime::ArithmeticError::Overflow);
        set(0);
    });
}
