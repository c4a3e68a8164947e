//! A task that is over and settled leaves nothing behind.

use super::*;

/// A completed task of three rounds with nothing claimed.
fn completed() -> TaskId {
    let task = start();
    for byte in 1..=3 {
        settle(task, byte, 1);
    }
    assert_eq!(status(task), TaskStatus::Completed);
    task
}

#[test]
fn nothing_is_left_and_everything_adds_up() {
    build_and_execute(|| {
        let task = completed();
        for number in 1..=3 {
            claim_all(task, number, &[REWARD, FEE]);
        }
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        let deposit = Tasks::deposit_for(&spec());
        assert!(has_event(Event::TaskReaped { task, returned: EXISTENTIAL_DEPOSIT + deposit }));
        assert_eq!(crate::Tasks::<Test>::iter().count() + Rounds::<Test>::iter().count(), 0);
        assert!(!System::account_exists(&Tasks::account_of(task)));
        assert_eq!(System::account(SPONSOR).data.reserved, 0);
        let earned = 3 * (REWARD + FEE);
        let spent = earned + 3 * CHARGE;
        assert_eq!((total(SPONSOR), total(TRAINER)), (FUNDS - spent, FUNDS + earned));
        assert_eq!((Tasks::status(task), Tasks::round(task, 1)), (None, None));
        assert_noop!(Tasks::reap(signed(OTHER), task, 10), Error::<Test>::UnknownTask);
    });
}

#[test]
fn a_task_with_open_rows_stays() {
    build_and_execute(|| {
        let task = completed();
        assert_noop!(Tasks::reap(signed(OTHER), task, 10), Error::<Test>::UnsettledRows);
        claim_all(task, 1, &[]);
        claim_all(task, 2, &[]);
        // What is settled may go earlier; the round that is not keeps its record, and the task.
        while Tasks::reap(signed(OTHER), task, 10).is_ok() {}
        assert_noop!(Tasks::reap(signed(OTHER), task, 10), Error::<Test>::UnsettledRows);
        assert_eq!(Rounds::<Test>::get(task, 3).unwrap().open_rows, 9);
        claim_all(task, 3, &[ROUND_PAY]);
        assert_eq!(total(TRAINER), FUNDS + ROUND_PAY);
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert_eq!(Tasks::status(task), None);
    });
}

#[test]
fn a_record_with_open_rows_is_never_removed_whichever_it_is() {
    for open in 1..=3 {
        build_and_execute(|| {
            let task = completed();
            for number in (1..=3).filter(|number| *number != open) {
                claim_all(task, number, &[]);
            }
            while Tasks::reap(signed(OTHER), task, 1).is_ok() {}
            assert_eq!(Rounds::<Test>::get(task, open).unwrap().open_rows, 9);
            assert_eq!(money(task).unclaimed, ROUND_PAY);
            claim_all(task, open, &[]);
            assert_ok!(Tasks::reap(signed(OTHER), task, 10));
            assert_eq!(total(SPONSOR), FUNDS - 3 * CHARGE);
        });
    }
}

#[test]
fn a_task_whose_running_scores_are_not_forgotten_stays() {
    build_and_execute(|| {
        let task = start();
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        Standings::set(1);
        assert_noop!(Tasks::reap(signed(OTHER), task, 10), Error::<Test>::StandingsLeft);
        Standings::set(0);
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert_eq!(Tasks::status(task), None);
    });
}

#[test]
fn a_task_that_is_not_over_stays() {
    build_and_execute(|| {
        let task = create();
        assert_noop!(Tasks::reap(signed(SPONSOR), task, 10), Error::<Test>::TaskNotOver);
        assert_ok!(Tasks::pause(signed(SPONSOR), task));
        assert_noop!(Tasks::reap(signed(SPONSOR), task, 10), Error::<Test>::TaskNotOver);
    });
}

#[test]
fn records_go_in_bounded_steps() {
    build_and_execute(|| {
        let task = completed();
        for number in 1..=3 {
            claim_all(task, number, &[]);
        }
        assert_ok!(Tasks::reap(signed(OTHER), task, 2));
        assert_eq!(Rounds::<Test>::iter_prefix(task).count(), 1);
        assert_eq!(status(task), TaskStatus::Completed);
        assert_ok!(Tasks::reap(signed(OTHER), task, 2));
        assert_eq!(Tasks::status(task), None);
    });
}

#[test]
fn the_caller_pays_for_what_was_removed() {
    build_and_execute(|| {
        use crate::WeightInfo;
        let task = start();
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        let post = Tasks::reap(signed(OTHER), task, 1_000).unwrap();
        assert_eq!(post.actual_weight, Some(<() as WeightInfo>::reap(1)));
    });
}

#[test]
fn ids_are_not_used_again() {
    build_and_execute(|| {
        let task = create();
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_ok!(Tasks::reap(signed(OTHER), task, 1));
        assert_eq!(create(), task + 1);
    });
}
