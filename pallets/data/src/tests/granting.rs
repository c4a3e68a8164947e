//! The owner says who may read, and no longer may.

use super::*;
use crate::{Error, Event, Grant, Grants};
use frame_support::{assert_noop, assert_ok};

#[test]
fn content_is_granted_and_revoked() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        System::set_block_number(5);
        assert_ok!(grant(OWNER, CID, ALICE));
        System::assert_last_event(
            Event::Granted { cid: CID, account: ALICE, envelope: ENVELOPE }.into(),
        );
        let row = Grant { envelope: ENVELOPE, since: 5, deposit: 100 };
        assert_eq!(Grants::<Test>::get(CID, ALICE), Some(row));
        assert_ok!(grant(OWNER, CID, BOB));
        assert_eq!(grants(CID), 2);
        assert_eq!(held(OWNER), 1_200);
        assert_eq!(total(ALICE), 0, "a grant costs the owner, not the reader");

        assert_ok!(revoke(OWNER, CID, ALICE));
        System::assert_last_event(Event::Revoked { cid: CID, account: ALICE }.into());
        assert_eq!(Grants::<Test>::get(CID, ALICE), None);
        assert!(Grants::<Test>::contains_key(CID, BOB));
        assert_eq!(grants(CID), 1);
        assert_eq!(held(OWNER), 1_100);
    });
}

#[test]
fn who_has_no_key_cannot_be_granted_anything() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_noop!(grant(OWNER, CID, MALLORY), Error::<Test>::NoEncryptionKey);
        // Nor the owner itself.
        assert_noop!(grant(OWNER, CID, OWNER), Error::<Test>::NoEncryptionKey);
        WithKey::set(vec![MALLORY]);
        assert_ok!(grant(OWNER, CID, MALLORY));
    });
}

#[test]
fn a_grant_outlives_the_key_and_can_be_revoked_without_it() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(grant(OWNER, CID, ALICE));
        WithKey::set(vec![]);
        assert!(Grants::<Test>::contains_key(CID, ALICE));
        assert_ok!(revoke(OWNER, CID, ALICE));
        assert_noop!(grant(OWNER, CID, ALICE), Error::<Test>::NoEncryptionKey);
    });
}

#[test]
fn who_was_revoked_may_be_granted_again() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_ok!(revoke(OWNER, CID, ALICE));
        System::set_block_number(9);
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_eq!(Grants::<Test>::get(CID, ALICE).unwrap().since, 9);
    });
}

#[test]
fn contents_count_their_own_grants() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(register(OWNER, cid(2)));
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_ok!(grant(OWNER, cid(2), ALICE));
        assert_ok!(grant(OWNER, cid(2), BOB));
        assert_eq!((grants(CID), grants(cid(2))), (1, 2));
        assert_ok!(revoke(OWNER, cid(2), ALICE));
        assert_eq!((grants(CID), grants(cid(2))), (1, 1));
    });
}
