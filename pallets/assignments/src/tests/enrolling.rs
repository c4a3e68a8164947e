use crate::{Error, Event, Places, Populations, mock::*};
use decentralml_traits::Roster;
use decentralml_types::{Role, TaskStatus};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

fn try_enroll(who: AccountId, role: Role) -> sp_runtime::DispatchResult {
    Assignments::enroll(RuntimeOrigin::signed(who), TASK, role, 1)
}

#[test]
fn an_enrollment_puts_the_bond_of_its_role_at_risk() {
    build_and_execute(|| {
        assert_ok!(try_enroll(1, Role::Trainer));
        assert_ok!(try_enroll(2, Role::Evaluator));
        assert_eq!(Bonded::get()[&(1, Role::Trainer)], FREE - TRAINER_BOND);
        assert_eq!(Bonded::get()[&(2, Role::Evaluator)], FREE - EVALUATOR_BOND);
        assert_eq!(Assignments::enrolled(TASK, Role::Trainer), 1);
        System::assert_last_event(
            Event::Enrolled { task: TASK, role: Role::Evaluator, who: 2, weight: 1 }.into(),
        );
    });
}

#[test]
fn validators_have_no_part_in_tasks() {
    build_and_execute(|| {
        assert_noop!(try_enroll(1, Role::Validator), Error::<Test>::NoPartInTasks);
    });
}

#[test]
fn every_enrollment_lets_the_task_look_whether_it_can_start() {
    build_and_execute(|| {
        assert_ok!(try_enroll(1, Role::Trainer));
        assert_ok!(try_enroll(2, Role::Evaluator));
        assert_eq!(Acted::get(), [TASK, TASK]);
    });
}

#[test]
fn slots_are_numbered_without_holes() {
    build_and_execute(|| {
        for who in 10..15 {
            enroll(who, Role::Trainer);
        }
        let slots: Vec<u32> = (10..15)
            .map(|who| Places::<Test>::get((TASK, Role::Trainer, who)).unwrap().slot)
            .collect();
        assert_eq!(slots, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_sponsor_cannot_enroll_in_its_own_task() {
    build_and_execute(|| {
        for role in [Role::Trainer, Role::Evaluator] {
            assert_noop!(try_enroll(SPONSOR, role), Error::<Test>::SponsorCannotEnroll);
        }
    });
}

#[test]
fn an_account_has_one_role_in_a_task() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        enroll(2, Role::Evaluator);
        assert_noop!(try_enroll(1, Role::Evaluator), Error::<Test>::EnrolledInOtherRole);
        assert_noop!(try_enroll(2, Role::Trainer), Error::<Test>::EnrolledInOtherRole);
        assert_noop!(try_enroll(1, Role::Trainer), Error::<Test>::AlreadyEnrolled);
    });
}

#[test]
fn a_bond_that_does_not_cover_the_task_is_refused() {
    build_and_execute(|| {
        Bonded::mutate(|bonded| bonded.insert((1, Role::Trainer), TRAINER_BOND - 1));
        assert_noop!(try_enroll(1, Role::Trainer), DispatchError::Other("not covered"));
        assert_eq!(Populations::<Test>::get(TASK, Role::Trainer), None);
    });
}

#[test]
fn who_is_to_read_sealed_updates_needs_a_key() {
    build_and_execute(|| {
        Sealed::set(true);
        WithKey::set(vec![2]);
        assert_noop!(try_enroll(1, Role::Evaluator), Error::<Test>::NoEncryptionKey);
        assert_ok!(try_enroll(2, Role::Evaluator));
        // Trainers encrypt, and need no key that is registered.
        assert_ok!(try_enroll(1, Role::Trainer));
        // A key that is removed later ends no enrollment.
        WithKey::set(Vec::new());
        leave(2, Role::Evaluator);
        assert_noop!(try_enroll(2, Role::Evaluator), Error::<Test>::NoEncryptionKey);
        Sealed::set(false);
        assert_ok!(try_enroll(2, Role::Evaluator));
    });
}

#[test]
fn a_task_may_ask_for_a_score_that_new_accounts_have_or_one_that_is_earned() {
    build_and_execute(|| {
        MinReputation::set(500);
        assert_ok!(try_enroll(1, Role::Trainer));
        MinReputation::set(501);
        assert_noop!(try_enroll(2, Role::Trainer), Error::<Test>::ReputationTooLow);
        Score::set(501);
        assert_ok!(try_enroll(2, Role::Trainer));
        // Who is enrolled stays so.
        Score::set(0);
        assert!(Assignments::is_enrolled(TASK, Role::Trainer, &2));
    });
}

#[test]
fn nobody_enrolls_in_a_task_that_is_over_or_unknown() {
    build_and_execute(|| {
        for status in [TaskStatus::Completed, TaskStatus::Cancelled, TaskStatus::Expired] {
            Status::set(Some(status));
            assert_noop!(try_enroll(1, Role::Trainer), Error::<Test>::TaskOver);
        }
        Status::set(None);
        assert_noop!(try_enroll(1, Role::Trainer), Error::<Test>::UnknownTask);
    });
}

#[test]
fn running_and_paused_tasks_take_newcomers() {
    build_and_execute(|| {
        Status::set(Some(TaskStatus::Running));
        assert_ok!(try_enroll(1, Role::Trainer));
        Status::set(Some(TaskStatus::Paused));
        assert_ok!(try_enroll(2, Role::Trainer));
    });
}

#[test]
fn a_full_role_takes_nobody_until_somebody_leaves() {
    build_and_execute(|| {
        for who in 100..200 {
            enroll(who, Role::Trainer);
        }
        assert_noop!(try_enroll(1, Role::Trainer), Error::<Test>::Full);
        assert_ok!(try_enroll(1, Role::Evaluator));
        leave(150, Role::Trainer);
        assert_ok!(try_enroll(2, Role::Trainer));
    });
}
