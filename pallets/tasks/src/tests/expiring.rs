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
            let (status, refunded) = (TaskStatus::Expired, 3 * ROUND_COST);
            assert!(has_event(Event::TaskEnded { task, status, refunded }));
            assert_eq!(total(SPONSOR), FUNDS - EXISTENTIAL_DEPOSIT);
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
        assert_noop!(Tasks::fund(signed(OTHER), task, 5), Error::<Test>::TaskOver);
        assert_noop!(Tasks::pause(signed(SPONSOR), task), Error::<Test>::TaskOver);
        assert_noop!(Tasks::reap(signed(OTHER), task, 1), Error::<Test>::TaskNotOver);
        // Cancelling comes to the same as expiring.
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(status(task), TaskStatus::Cancelled);
    });
}

#[test]
fn no_round_starts_after_the_lifetime() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Aggregating);
        attest(task, 1, 1, 1);
        expire(task);
        // The last seat is quicker than whoever would advance: its round counts.
        attest(task, 1, 1, 1);
        assert_eq!(row(task).status, TaskStatus::Expired);
        assert_eq!(at(task), (1, Phase::Settled));
        assert_eq!(money(task), Money { free: 0, reserved: 0, unclaimed: ROUND_COST });
        assert_eq!(total(SPONSOR), FUNDS - ROUND_COST - EXISTENTIAL_DEPOSIT);
    });
}
