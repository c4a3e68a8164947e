use crate::{Error, Event, Places, Populations, Slots, mock::*};
use decentralml_traits::Roster;
use decentralml_types::{Role, TaskStatus};
use frame_support::{
    assert_noop, assert_ok,
    dispatch::{DispatchResultWithPostInfo, Pays},
};

/// Somebody who has nothing to do with the task.
const STRANGER: AccountId = 77;

fn dismiss(who: AccountId) -> DispatchResultWithPostInfo {
    Assignments::dismiss(RuntimeOrigin::signed(STRANGER), TASK, Role::Trainer, who)
}

#[test]
fn anybody_dismisses_an_account_from_a_task_that_is_over_for_free() {
    for status in [TaskStatus::Completed, TaskStatus::Cancelled, TaskStatus::Expired] {
        build_and_execute(|| {
            Status::set(Some(TaskStatus::Running));
            enroll(1, Role::Trainer);
            Status::set(Some(status));
            assert_eq!(dismiss(1).unwrap().pays_fee, Pays::No);
            assert_eq!(Bonded::get()[&(1, Role::Trainer)], FREE);
            System::assert_last_event(
                Event::Left { task: TASK, role: Role::Trainer, who: 1 }.into(),
            );
            assert_noop!(dismiss(1), Error::<Test>::NotEnrolled);
        });
    }
}

#[test]
fn a_task_that_is_gone_leaves_no_enrollments_that_only_their_owners_could_end() {
    build_and_execute(|| {
        (1..=3).for_each(|who| enroll(who, Role::Trainer));
        Status::set(None);
        for who in [2, 3, 1] {
            assert_ok!(dismiss(who));
        }
        assert_eq!(Places::<Test>::iter().count(), 0);
        assert_eq!(Slots::<Test>::iter().count(), 0);
        assert_eq!(Populations::<Test>::iter().count(), 0);
    });
}

#[test]
fn attack_a_rival_cannot_dismiss_anybody_from_a_task_that_goes_on() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        for status in [TaskStatus::Enrolling, TaskStatus::Running, TaskStatus::Paused] {
            Status::set(Some(status));
            assert_noop!(dismiss(1), Error::<Test>::TaskNotOver);
        }
    });
}

#[test]
fn an_account_with_unsettled_commitments_cannot_be_dismissed() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        assert_ok!(Assignments::hold_place(TASK, 1, Role::Trainer, &1));
        Status::set(Some(TaskStatus::Cancelled));
        assert_noop!(dismiss(1), Error::<Test>::NotSettled);
        Assignments::release_place(TASK, 1, Role::Trainer, &1);
        assert_ok!(dismiss(1));
    });
}
