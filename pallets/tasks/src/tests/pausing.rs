//! Pausing lets the live round end; resuming goes on from there.

use super::*;
use crate::PauseReason;
use frame_support::traits::{fungible::Mutate, tokens::Preservation};

fn pause(task: TaskId) {
    assert_ok!(Tasks::pause(signed(SPONSOR), task));
    assert_eq!(status(task), TaskStatus::Paused);
}

fn resume(task: TaskId) {
    assert_ok!(Tasks::resume(signed(SPONSOR), task));
}

#[test]
fn a_round_goes_on_to_its_end_and_no_other_starts() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Revealing);
        pause(task);
        assert!(has_event(Event::TaskPaused { task, reason: PauseReason::Sponsor }));
        settle(task, 1, 1);
        assert_eq!((status(task), at(task)), (TaskStatus::Paused, (1, Phase::Settled)));
        nothing_to_advance(task);
        Tasks::acted(task);
        assert_eq!(at(task), (1, Phase::Settled));
        resume(task);
        assert!(has_event(Event::TaskResumed { task }));
        assert_eq!((status(task), at(task)), (TaskStatus::Running, (2, Phase::Training)));
    });
}

#[test]
fn resuming_in_mid_round_changes_nothing_of_it() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Scoring);
        let before = round(task);
        pause(task);
        go_by(5);
        resume(task);
        assert_eq!((status(task), round(task)), (TaskStatus::Running, before));
        settle(task, 1, 1);
        assert_eq!(at(task), (2, Phase::Training));
    });
}

#[test]
fn a_paused_task_does_not_start_and_starts_when_resumed() {
    build_and_execute(|| {
        let task = create();
        pause(task);
        enroll(task, 6, 3);
        nothing_to_advance(task);
        assert_eq!(Tasks::current(task), None);
        resume(task);
        assert_eq!(at(task), (1, Phase::Training));
    });
}

#[test]
fn resuming_before_enough_enrolled_waits_for_them() {
    build_and_execute(|| {
        let task = create();
        pause(task);
        resume(task);
        assert_eq!(status(task), TaskStatus::Enrolling);
        enroll(task, 6, 3);
        assert_eq!(status(task), TaskStatus::Running);
    });
}

#[test]
fn a_paused_task_can_be_completed_by_its_last_round() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.rounds = 1;
        let task = start_with(spec);
        pause(task);
        settle(task, 1, 1);
        assert_eq!(status(task), TaskStatus::Completed);
    });
}

#[test]
fn a_failing_round_of_a_paused_task_starts_no_other() {
    build_and_execute(|| {
        let task = start();
        pause(task);
        time_out(task);
        assert_eq!((status(task), at(task)), (TaskStatus::Paused, (1, Phase::Void)));
    });
}

#[test]
fn resuming_after_the_retries_are_exhausted_forgives_them() {
    build_and_execute(|| {
        let task = start();
        for _ in 0..3 {
            time_out(task);
        }
        assert_eq!(status(task), TaskStatus::Paused);
        resume(task);
        assert_eq!(at(task), (4, Phase::Training));
        assert_eq!(row(task).failed_in_a_row, 0);
        time_out(task);
        time_out(task);
        assert_eq!(status(task), TaskStatus::Running);
    });
}

#[test]
fn a_task_that_cannot_pay_for_a_round_waits_for_funds() {
    build_and_execute(|| {
        let task = start();
        // No call takes free money out of a task that is not over; this stands for whatever else might.
        assert_ok!(Balances::transfer(
            &Tasks::account_of(task),
            &OTHER,
            free(2, ATTEMPTS - 1),
            Preservation::Preserve
        ));
        crate::Tasks::<Test>::mutate(task, |row| {
            let money = &mut row.as_mut().unwrap().money;
            (money.free, money.charges) = (0, 0);
        });
        settle(task, 1, 1);
        assert_eq!((status(task), at(task)), (TaskStatus::Paused, (1, Phase::Settled)));
        assert!(has_event(Event::TaskPaused { task, reason: PauseReason::OutOfFunds }));
        for (pay, charges) in [(ROUND_PAY - 1, CHARGE - 1), (1, 0)] {
            assert_ok!(Tasks::fund(signed(OTHER), task, pay, charges));
            assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::OutOfFunds);
        }
        assert_ok!(Tasks::fund(signed(OTHER), task, 0, 1));
        resume(task);
        assert_eq!(at(task), (2, Phase::Training));
        assert_eq!(money(task), purse(0, 0, ROUND_PAY, ROUND_PAY));
    });
}

#[test]
fn only_the_sponsor_pauses_and_resumes_and_only_what_can_be() {
    build_and_execute(|| {
        let task = create();
        assert_noop!(Tasks::pause(signed(OTHER), task), Error::<Test>::NotSponsor);
        assert_noop!(Tasks::pause(signed(SPONSOR), task + 1), Error::<Test>::UnknownTask);
        assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::NotPaused);
        pause(task);
        assert_noop!(Tasks::pause(signed(SPONSOR), task), Error::<Test>::AlreadyPaused);
        assert_noop!(Tasks::resume(signed(OTHER), task), Error::<Test>::NotSponsor);
        assert_noop!(Tasks::resume(signed(SPONSOR), task + 1), Error::<Test>::UnknownTask);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_noop!(Tasks::pause(signed(SPONSOR), task), Error::<Test>::TaskOver);
        assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::TaskOver);
    });
}
