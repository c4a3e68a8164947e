//! What nobody released can go; what was released, and what it descends from, cannot.

use super::{record, signed};
use crate::{Error, Event, LastVersion, Versions, mock::*};
use decentralml_types::TaskStatus;
use frame_support::{assert_noop, assert_ok, dispatch::Pays};

#[test]
fn anybody_prunes_candidates_of_tasks_that_are_gone_at_no_cost() {
    build_and_execute(|| {
        record(1, 1, None);
        record(1, 2, Some(1));
        Existing::set(vec![]);
        System::set_block_number(1 + CANDIDATE_PERIOD);
        let post = Models::prune(signed(5), 1, 2).unwrap();
        assert_eq!(post.pays_fee, Pays::No);
        System::assert_last_event(Event::Pruned { task: 1, version: 2 }.into());
        assert_eq!(LastVersion::<Test>::get(1), Some(2));
        assert_ok!(Models::prune(signed(5), 1, 1));
        assert_eq!(LastVersion::<Test>::get(1), None);
        assert_noop!(Models::prune(signed(5), 1, 2), Error::<Test>::UnknownVersion);
    });
}

#[test]
fn candidates_of_tasks_that_are_not_over_stay() {
    build_and_execute(|| {
        record(1, 1, None);
        record(1, 2, Some(1));
        System::set_block_number(1 + CANDIDATE_PERIOD);
        for status in [TaskStatus::Enrolling, TaskStatus::Running, TaskStatus::Paused] {
            Standing::set(status);
            for version in [1, 2] {
                assert_noop!(Models::prune(signed(5), 1, version), Error::<Test>::TaskNotOver);
            }
        }
    });
}

#[test]
fn candidates_of_a_task_that_nobody_reaps_can_go() {
    for status in [TaskStatus::Completed, TaskStatus::Cancelled, TaskStatus::Expired] {
        build_and_execute(|| {
            record(1, 1, None);
            Standing::set(status);
            System::set_block_number(CANDIDATE_PERIOD);
            assert_noop!(Models::prune(signed(5), 1, 1), Error::<Test>::TooEarly);
            System::set_block_number(1 + CANDIDATE_PERIOD);
            assert_ok!(Models::prune(signed(5), 1, 1));
            assert_eq!(LastVersion::<Test>::get(1), None);
        });
    }
}

#[test]
fn nobody_removes_a_model_before_governance_could_decide() {
    build_and_execute(|| {
        record(1, 1, None);
        Existing::set(vec![]);
        System::set_block_number(CANDIDATE_PERIOD);
        assert_noop!(Models::prune(signed(5), 1, 1), Error::<Test>::TooEarly);
        assert_ok!(Models::release(RuntimeOrigin::root(), 1, 1));
    });
}

#[test]
fn released_versions_and_their_ancestors_stay() {
    build_and_execute(|| {
        record(1, 1, None);
        record(1, 2, Some(1));
        record(1, 3, Some(2));
        assert_ok!(Models::release(RuntimeOrigin::root(), 1, 2));
        Existing::set(vec![]);
        System::set_block_number(1 + CANDIDATE_PERIOD);
        assert_noop!(Models::prune(signed(5), 1, 1), Error::<Test>::Lineage);
        assert_noop!(Models::prune(signed(5), 1, 2), Error::<Test>::NotACandidate);
        assert_ok!(Models::prune(signed(5), 1, 3));
        assert!(Versions::<Test>::contains_key(1, 1));
    });
}

#[test]
fn attack_nobody_prunes_the_lineage_of_a_candidate_before_its_release() {
    build_and_execute(|| {
        record(1, 1, None);
        System::set_block_number(50);
        record(1, 2, Some(1));
        Existing::set(vec![]);
        System::set_block_number(1 + CANDIDATE_PERIOD);
        assert_noop!(Models::prune(signed(5), 1, 1), Error::<Test>::Lineage);
        assert_noop!(Models::prune(signed(5), 1, 2), Error::<Test>::TooEarly);
        assert_ok!(Models::release(RuntimeOrigin::root(), 1, 2));
        assert!(Versions::<Test>::contains_key(1, 1));
    });
}

#[test]
fn unsigned_pruning_is_refused() {
    build_and_execute(|| {
        record(1, 1, None);
        assert_noop!(
            Models::prune(RuntimeOrigin::none(), 1, 1),
            sp_runtime::DispatchError::BadOrigin
        );
    });
}
