//! Versions are counted per task and know where they come from.

use super::{cid, record};
use crate::{Event, LastVersion, ModelVersion, Release, Versions, mock::*};
use decentralml_types::spec::Text;
use frame_support::traits::Hooks;

#[test]
fn a_settled_round_becomes_a_candidate_with_all_it_comes_from() {
    build_and_execute(|| {
        System::set_block_number(7);
        assert_eq!(record(1, 3, None), 1);
        let expected = ModelVersion {
            cid: cid(3),
            parent: None,
            round: 3,
            metric: 900_000,
            updates: 5,
            license: Text::truncate_from(b"Apache-2.0".to_vec()),
            recorded_at: 7,
            status: Release::Candidate,
        };
        assert_eq!(Versions::<Test>::get(1, 1), Some(expected));
        System::assert_last_event(
            Event::Recorded {
                task: 1,
                version: 1,
                cid: cid(3),
                parent: None,
                round: 3,
                metric: 900_000,
            }
            .into(),
        );
    });
}

#[test]
fn tasks_count_their_versions_independently_and_never_overwrite_one() {
    build_and_execute(|| {
        assert_eq!(record(1, 1, None), 1);
        assert_eq!(record(2, 2, None), 1);
        assert_eq!(record(1, 3, Some(1)), 2);
        assert_eq!(Versions::<Test>::get(1, 1).unwrap().cid, cid(1));
        assert_eq!(Versions::<Test>::get(1, 2).unwrap().parent, Some(1));
        assert_eq!(LastVersion::<Test>::get(1), Some(2));
    });
}

#[test]
fn the_constants_fit_each_other() {
    build_and_execute(Models::integrity_test);
}
