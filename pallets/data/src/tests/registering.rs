//! Content has one owner, and its record goes when the owner takes it back.

use super::*;
use crate::{Content, Contents, Error, Event};
use frame_support::{assert_noop, assert_ok, traits::Hooks};

#[test]
fn content_is_registered_and_retired() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        let (plain_hash, size) = (PLAIN_HASH, SIZE);
        System::assert_last_event(
            Event::Registered { cid: CID, owner: OWNER, plain_hash, size }.into(),
        );
        let content = Content { owner: OWNER, plain_hash, size, grants: 0, deposit: 1_000 };
        assert_eq!(Contents::<Test>::get(CID), Some(content));
        assert_eq!((held(OWNER), total(OWNER)), (1_000, FUNDS));

        assert_ok!(retire(OWNER, CID));
        System::assert_last_event(Event::Retired { cid: CID, owner: OWNER }.into());
        assert_eq!(Contents::<Test>::get(CID), None);
        assert_eq!((held(OWNER), total(OWNER)), (0, FUNDS));
        assert_noop!(retire(OWNER, CID), Error::<Test>::UnknownContent);
    });
}

#[test]
fn a_cid_is_registered_once() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_noop!(register(OWNER, CID), Error::<Test>::AlreadyRegistered);
        // The same digest read in another way is other content.
        assert_ok!(register(OWNER, Cid { codec: Codec::DagPb, ..CID }));
        assert_eq!(held(OWNER), 2_000);
    });
}

#[test]
fn retired_content_may_be_registered_by_anybody() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(retire(OWNER, CID));
        assert_ok!(register(MALLORY, CID));
        assert_eq!(Contents::<Test>::get(CID).unwrap().owner, MALLORY);
        assert_eq!((held(OWNER), held(MALLORY)), (0, 1_000));
    });
}

#[test]
fn content_that_is_granted_cannot_be_retired() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_ok!(grant(OWNER, CID, BOB));
        assert_noop!(retire(OWNER, CID), Error::<Test>::StillGranted);
        assert_ok!(revoke(OWNER, CID, ALICE));
        assert_noop!(retire(OWNER, CID), Error::<Test>::StillGranted);
        assert_ok!(revoke(OWNER, CID, BOB));
        assert_ok!(retire(OWNER, CID));
        assert_eq!((held(OWNER), total(OWNER)), (0, FUNDS));
    });
}

#[test]
fn the_constants_fit_each_other() {
    build_and_execute(Data::integrity_test);
}

#[test]
#[should_panic(expected = "records without a deposit would stay for ever")]
fn records_without_a_deposit_are_refused_by_the_runtime() {
    build_and_execute(|| {
        GrantDeposit::set(0);
        Data::integrity_test();
    });
}
