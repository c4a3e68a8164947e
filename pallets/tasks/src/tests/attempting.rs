//! A task attempts no more rounds than its sponsor has paid for.

use super::*;
use crate::PauseReason;

/// Fails rounds, and has the sponsor go on, until none is left.
fn exhaust(task: TaskId) {
    while at(task) != (9, Phase::Void) {
        if status(task) == TaskStatus::Paused {
            assert_ok!(Tasks::resume(signed(SPONSOR), task));
        }
        time_out(task);
    }
}

#[test]
fn attempts_are_bounded_however_often_a_task_is_resumed() {
    build_and_execute(|| {
        let task = start();
        exhaust(task);
        assert_eq!(status(task), TaskStatus::Paused);
        assert!(has_event(Event::TaskPaused { task, reason: PauseReason::AttemptsExhausted }));
        assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::AttemptsExhausted);
        nothing_to_advance(task);
        assert_eq!(money(task), purse(3, 0, 0, 0));
        assert_eq!(Rounds::<Test>::iter_prefix(task).count(), 9);
    });
}

#[test]
fn money_does_not_buy_more_attempts() {
    build_and_execute(|| {
        let task = start();
        exhaust(task);
        assert_ok!(Tasks::fund(signed(OTHER), task, FUNDS / 2, 0));
        assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::AttemptsExhausted);
    });
}

#[test]
fn a_task_without_attempts_left_does_not_wait_for_people() {
    build_and_execute(|| {
        let task = start();
        while at(task).0 < 9 {
            if status(task) == TaskStatus::Paused {
                assert_ok!(Tasks::resume(signed(SPONSOR), task));
            } else {
                time_out(task);
            }
        }
        Trainers::set(0);
        time_out(task);
        assert_eq!(status(task), TaskStatus::Paused);
        assert!(has_event(Event::TaskPaused { task, reason: PauseReason::AttemptsExhausted }));
        assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::AttemptsExhausted);
    });
}

#[test]
fn the_last_attempt_is_as_good_as_any() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.rounds = 1;
        let task = start_with(spec);
        time_out(task);
        time_out(task);
        assert_eq!(at(task), (3, Phase::Training));
        assert_ok!(Tasks::pause(signed(SPONSOR), task));
        assert_ok!(Tasks::resume(signed(SPONSOR), task));
        settle(task, 1, 1);
        assert_eq!(status(task), TaskStatus::Completed);
    });
}

#[test]
fn a_task_without_attempts_left_can_be_cancelled_and_reaped() {
    build_and_execute(|| {
        let task = start();
        exhaust(task);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_ok!(Tasks::reap(signed(OTHER), task, 9));
        assert_eq!(total(SPONSOR), FUNDS - ATTEMPTS * CHARGE);
    });
}

#[test]
fn the_deposit_covers_the_rows_of_every_attempt() {
    build_and_execute(|| {
        let mut patient = spec();
        patient.max_retries = 5;
        let rows = |attempts| DEPOSIT_BASE + DEPOSIT_PER_ROW * attempts * (6 + 2 * 3);
        assert_eq!(Tasks::deposit_for(&spec()), rows(9));
        assert_eq!(Tasks::deposit_for(&patient), rows(18));
    });
}
