//! A lifetime ends every task, in every state.

use super::*;
use decentralml_types::Failure;

fn expire(task: TaskId) {
    System::set_block_number(row(task).created_at + 10_000 - 1);
    assert_ne!(status(task), TaskStatus::Expired);
    go_by(1);
    assert_eq!(status(task), TaskStatus::Expired);
}

#[test]
fn a_lifetime_that_is_over_voids_the_live_round_and_refunds() {
    for phase in
        [Phase::Training, Phase::Revealing, Phase::Scoring, Phase::Tallying, Phase::Aggregating]
    {
        build_and_execute(|| {
            let task = start();
            bring_to(task, phase);
            expire(task);
            advance(task);
            assert_eq!(round(task).failure, Some(Failure::Expired));
            assert!(has_event(ended(task, TaskStatus::Expired, 3, ATTEMPTS - 1)));
            assert_eq!(total(SPONSOR), FUNDS - CHARGE - EXISTENTIAL_DEPOSIT);
            nothing_to_advance(task);
            assert_noop!(Tasks::cancel(signed(SPONSOR), task), Error::<Test>::TaskOver);
        });
    }
}

#[test]
fn a_task_that_nobody_enrolled_for_expires() {
    build_and_execute(|| {
        let task = create();
        expire(task);
        enroll(task, 6, 3);
        assert_eq!(Tasks::current(task), None);
        advance(task);
        assert_eq!(row(task).status, TaskStatus::Expired);
        assert_eq!(total(SPONSOR), FUNDS - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn a_paused_task_expires_too() {
    build_and_execute(|| {
        let task = create();
        assert_ok!(Tasks::pause(signed(SPONSOR), task));
        expire(task);
        assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::TaskOver);
        advance(task);
        assert_eq!(row(task).status, TaskStatus::Expired);
    });
}

#[test]
fn a_task_that_is_over_in_fact_takes_no_money_and_no_orders() {
    build_and_execute(|| {
        let task = start();
        expire(task);
        assert_noop!(Tasks::fund(signed(OTHER), task, 5, 0), Error::<Test>::TaskOver);
        assert_noop!(Tasks::pause(signed(SPONSOR), task), Error::<Test>::TaskOver);
        assert_noop!(Tasks::reap(signed(OTHER), task, 1), Error::<Test>::TaskNotOver);
        // Cancelling comes to the same as expiring.
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(status(task), TaskStatus::Cancelled);
    });
}

#[test]
fn work_after_the_lifetime_moves_nothing_and_is_too_late() {
    build_and_execute(|| {
        let task = create();
        System::set_block_number(9_999);
        enroll(task, 6, 3);
        bring_to(task, Phase::Aggregating);
        attest(task, 1, 1, 1);
        assert!(!Tasks::round(task, 1).unwrap().due);
        expire(task);
        assert!(Tasks::round(task, 1).unwrap().due);
        // The last seat is quicker than whoever would advance, and still too late.
        attest(task, 1, 1, 1);
        assert_eq!((at(task), row(task).status), ((1, Phase::Aggregating), TaskStatus::Running));
        assert_eq!(Recorded::get(), []);
        advance(task);
        assert_eq!((at(task), row(task).status), ((1, Phase::Void), TaskStatus::Expired));
        assert_eq!(total(SPONSOR), FUNDS - CHARGE - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn no_phase_is_longer_than_the_lifetime() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.deadlines.lifetime = 250;
        let task = create_with(spec);
        let end = row(task).created_at + 250;
        // Every phase would end after the lifetime; each but the last step has less time than the specification gives it.
        System::set_block_number(end - 5);
        enroll(task, 6, 3);
        let started = Event::RoundStarted { task, round: 1, places: 6, base: None, deadline: end };
        assert!(has_event(started));
        for phase in [Phase::Training, Phase::Revealing, Phase::Scoring, Phase::Verdict] {
            bring_to(task, phase);
            assert_eq!((phase, round(task).deadline), (phase, end));
        }
        bring_to(task, Phase::Aggregating);
        assert_eq!(round(task).deadline, end);
        System::set_block_number(end - 1);
        nothing_to_advance(task);
        assert!(!Tasks::round(task, 1).unwrap().due);
        go_by(1);
        assert!(Tasks::round(task, 1).unwrap().due);
        advance(task);
        assert_eq!(status(task), TaskStatus::Expired);
    });
}

#[test]
fn a_round_that_settled_just_in_time_is_paid_for() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Aggregating);
        attest(task, 2, 1, 1);
        expire(task);
        advance(task);
        assert_eq!(money(task), purse(0, 0, 0, ROUND_PAY));
        assert!(!Tasks::round(task, 2).unwrap().due);
        claim_all(task, 1, &[ROUND_PAY]);
        assert_eq!(total(TRAINER), FUNDS + ROUND_PAY);
    });
}

#[test]
fn a_waiting_task_expires_too() {
    build_and_execute(|| {
        let task = start();
        Trainers::set(2);
        time_out(task);
        assert_eq!(status(task), TaskStatus::Enrolling);
        expire(task);
        enroll(task, 6, 3);
        assert_eq!(at(task), (1, Phase::Void));
        advance(task);
        assert_eq!(row(task).status, TaskStatus::Expired);
        assert_eq!(total(SPONSOR), FUNDS - CHARGE - EXISTENTIAL_DEPOSIT);
    });
}
