//! A task for whose next round too few are enrolled waits for more, and goes on by itself.

use super::*;
use crate::PauseReason;

/// A task that waits for a third trainer after a void round 1.
fn waiting() -> TaskId {
    let task = start();
    Trainers::set(2);
    time_out(task);
    assert_eq!((status(task), at(task)), (TaskStatus::Enrolling, (1, Phase::Void)));
    task
}

fn was_paused(task: TaskId) -> bool {
    let reasons = [
        PauseReason::Sponsor,
        PauseReason::RetriesExhausted,
        PauseReason::OutOfFunds,
        PauseReason::AttemptsExhausted,
    ];
    reasons.into_iter().any(|reason| has_event(Event::TaskPaused { task, reason }))
}

#[test]
fn too_few_for_the_next_round_reopen_enrollment() {
    build_and_execute(|| {
        let task = waiting();
        let now = System::block_number();
        assert!(has_event(Event::EnrollmentReopened { task, deadline: now + 60 }));
        assert_eq!((row(task).enrolling_since, row(task).created_at), (now, 1));
        assert!(!was_paused(task));
        assert_eq!(money(task), purse(3, ATTEMPTS - 1, 0, 0));
        nothing_to_advance(task);
    });
}

#[test]
fn it_goes_on_at_once_when_everybody_who_would_be_drawn_is_enrolled() {
    build_and_execute(|| {
        let task = waiting();
        enroll(task, 5, 3);
        assert_eq!(status(task), TaskStatus::Enrolling);
        enroll(task, 6, 3);
        assert_eq!((status(task), at(task)), (TaskStatus::Running, (2, Phase::Training)));
        assert_eq!(purses(task), (2 * ROUND_PAY, (ATTEMPTS - 2) * CHARGE));
    });
}

#[test]
fn it_goes_on_with_the_minimum_after_a_fresh_time_to_enroll() {
    build_and_execute(|| {
        let task = waiting();
        go_by(59);
        enroll(task, 3, 2);
        nothing_to_advance(task);
        go_by(1);
        advance(task);
        assert_eq!((at(task), round(task).places), ((2, Phase::Training), 3));
    });
}

#[test]
fn it_goes_on_with_the_one_that_was_missing_after_that_time() {
    build_and_execute(|| {
        let task = waiting();
        go_by(60);
        nothing_to_advance(task);
        enroll(task, 3, 2);
        assert_eq!(at(task), (2, Phase::Training));
    });
}

#[test]
fn a_settled_last_round_is_followed_like_a_void_one() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Aggregating);
        Evaluators::set(1);
        attest(task, 2, 1, 1);
        assert_eq!((status(task), at(task)), (TaskStatus::Enrolling, (1, Phase::Settled)));
        claim_all(task, 1, &[REWARD]);
        enroll(task, 6, 3);
        assert_eq!(at(task), (2, Phase::Training));
        assert_eq!(round(task).base, Some(cid(1)));
        settle(task, 2, 1);
        settle(task, 3, 1);
        assert_eq!(status(task), TaskStatus::Completed);
    });
}

#[test]
fn a_waiting_task_can_be_paused_and_resumed() {
    build_and_execute(|| {
        let task = waiting();
        assert_ok!(Tasks::pause(signed(SPONSOR), task));
        enroll(task, 6, 3);
        nothing_to_advance(task);
        assert_eq!((status(task), at(task)), (TaskStatus::Paused, (1, Phase::Void)));
        assert_ok!(Tasks::resume(signed(SPONSOR), task));
        assert_eq!(at(task), (2, Phase::Training));
    });
}

#[test]
fn resuming_without_people_waits_for_them() {
    build_and_execute(|| {
        let task = start();
        assert_ok!(Tasks::pause(signed(SPONSOR), task));
        Trainers::set(2);
        time_out(task);
        assert_eq!(status(task), TaskStatus::Paused);
        go_by(500);
        assert_ok!(Tasks::resume(signed(SPONSOR), task));
        assert!(has_event(Event::TaskResumed { task }));
        let deadline = System::block_number() + 60;
        assert!(has_event(Event::EnrollmentReopened { task, deadline }));
        assert_eq!((status(task), at(task)), (TaskStatus::Enrolling, (1, Phase::Void)));
        enroll(task, 3, 3);
        assert_eq!(status(task), TaskStatus::Enrolling);
        go_by(60);
        advance(task);
        assert_eq!(at(task), (2, Phase::Training));
    });
}

#[test]
fn resuming_round_1_leaves_those_who_would_complete_it_their_time() {
    build_and_execute(|| {
        let task = create();
        assert_ok!(Tasks::pause(signed(SPONSOR), task));
        enroll(task, 3, 2);
        assert_ok!(Tasks::resume(signed(SPONSOR), task));
        assert_eq!((status(task), row(task).enrolling_since), (TaskStatus::Enrolling, 1));
        go_by(60);
        advance(task);
        assert_eq!(at(task), (1, Phase::Training));
    });
}

#[test]
fn a_waiting_task_can_be_cancelled() {
    build_and_execute(|| {
        let task = waiting();
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(total(SPONSOR), FUNDS - CHARGE - EXISTENTIAL_DEPOSIT);
        enroll(task, 6, 3);
        assert_eq!(at(task), (1, Phase::Void));
    });
}

#[test]
fn the_time_to_enroll_anew_is_no_longer_than_the_lifetime() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Aggregating);
        Evaluators::set(0);
        System::set_block_number(9_990);
        crate::Rounds::<Test>::mutate(task, 1, |round| round.as_mut().unwrap().deadline = 9_999);
        attest(task, 2, 1, 1);
        assert!(has_event(Event::EnrollmentReopened { task, deadline: 10_001 }));
    });
}

#[test]
fn enrolling_and_leaving_at_once_does_not_pause_a_task() {
    build_and_execute(|| {
        let task = waiting();
        // Once more often than rounds may fail in a row.
        for number in 2..=4 {
            go_by(60);
            enroll(task, 3, 2);
            Trainers::set(2);
            assert_eq!(at(task), (number, Phase::Training));
            commit(task, 2);
            time_out(task);
            assert_eq!((status(task), at(task)), (TaskStatus::Enrolling, (number, Phase::Void)));
        }
        assert!(!was_paused(task));
        // Nobody but those who enroll is needed to go on.
        enroll(task, 6, 3);
        assert_eq!(at(task), (5, Phase::Training));
        settle(task, 1, 1);
        assert_eq!(status(task), TaskStatus::Running);
    });
}

#[test]
fn failures_before_enrollment_reopened_are_not_held_against_those_who_come() {
    build_and_execute(|| {
        let task = start();
        time_out(task);
        time_out(task);
        Trainers::set(2);
        time_out(task);
        assert_eq!((status(task), row(task).failed_in_a_row), (TaskStatus::Enrolling, 0));
        enroll(task, 6, 3);
        time_out(task);
        assert_eq!((status(task), row(task).failed_in_a_row), (TaskStatus::Running, 1));
    });
}
