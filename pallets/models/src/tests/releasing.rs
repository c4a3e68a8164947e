//! Only governance releases and recalls, and each only once.

use super::{cid, record, signed};
use crate::{Error, Event, Release, Versions, mock::*};
use decentralml_types::spec::Text;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError::BadOrigin;

fn reason(text: &[u8]) -> Text {
    Text::truncate_from(text.to_vec())
}

#[test]
fn governance_releases_a_candidate_once() {
    build_and_execute(|| {
        record(1, 1, None);
        System::set_block_number(9);
        assert_ok!(Models::release(RuntimeOrigin::root(), 1, 1));
        assert_eq!(Versions::<Test>::get(1, 1).unwrap().status, Release::Released { at: 9 });
        System::assert_last_event(Event::Released { task: 1, version: 1, cid: cid(1) }.into());
        assert_noop!(Models::release(RuntimeOrigin::root(), 1, 1), Error::<Test>::NotACandidate);
    });
}

#[test]
fn nobody_else_releases_or_recalls() {
    build_and_execute(|| {
        record(1, 1, None);
        assert_noop!(Models::release(signed(1), 1, 1), BadOrigin);
        assert_ok!(Models::release(RuntimeOrigin::root(), 1, 1));
        assert_noop!(Models::recall(signed(1), 1, 1, reason(b"mine")), BadOrigin);
        assert_noop!(Models::recall(RuntimeOrigin::none(), 1, 1, reason(b"mine")), BadOrigin);
    });
}

#[test]
fn a_recall_says_why_and_is_final() {
    build_and_execute(|| {
        record(1, 1, None);
        let recall = |text: &[u8]| Models::recall(RuntimeOrigin::root(), 1, 1, reason(text));
        assert_noop!(recall(b"biased"), Error::<Test>::NotReleased);
        assert_ok!(Models::release(RuntimeOrigin::root(), 1, 1));
        assert_noop!(recall(b""), Error::<Test>::InvalidReason);
        assert_noop!(recall(&[0xff]), Error::<Test>::InvalidReason);
        assert_ok!(recall(b"biased"));
        assert_eq!(
            Versions::<Test>::get(1, 1).unwrap().status,
            Release::Recalled { at: 1, reason: reason(b"biased") }
        );
        System::assert_last_event(
            Event::Recalled { task: 1, version: 1, reason: reason(b"biased") }.into(),
        );
        assert_noop!(recall(b"biased"), Error::<Test>::NotReleased);
        assert_noop!(Models::release(RuntimeOrigin::root(), 1, 1), Error::<Test>::NotACandidate);
    });
}

#[test]
fn versions_that_do_not_exist_cannot_be_released_or_recalled() {
    build_and_execute(|| {
        record(1, 1, None);
        for (task, version) in [(1, 0), (1, 2), (3, 1)] {
            assert_noop!(
                Models::release(RuntimeOrigin::root(), task, version),
                Error::<Test>::UnknownVersion
            );
            assert_noop!(
                Models::recall(RuntimeOrigin::root(), task, version, reason(b"gone")),
                Error::<Test>::UnknownVersion
            );
        }
    });
}

#[test]
fn an_older_version_can_be_released_after_a_newer_one() {
    build_and_execute(|| {
        record(1, 1, None);
        record(1, 2, Some(1));
        for version in [2, 1] {
            assert_ok!(Models::release(RuntimeOrigin::root(), 1, version));
            let status = Versions::<Test>::get(1, version).unwrap().status;
            assert_eq!(status, Release::Released { at: 1 });
        }
    });
}
