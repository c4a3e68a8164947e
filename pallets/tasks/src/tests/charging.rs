//! The sponsor pays for what is free for others, attempt by attempt.

use super::*;
use crate::PauseReason;

#[test]
fn every_round_is_charged_for_when_it_starts() {
    build_and_execute(|| {
        let task = create();
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT);
        enroll(task, 6, 3);
        assert!(has_event(Event::RoundCharged { task, round: 1, amount: CHARGE }));
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT + CHARGE);
        assert_eq!(round(task).pot, ROUND_PAY);
        settle(task, 1, 1);
        assert!(has_event(Event::RoundCharged { task, round: 2, amount: CHARGE }));
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT + 2 * CHARGE);
    });
}

#[test]
fn a_sealed_task_pays_for_the_keys_that_are_handed_over() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.custody.sealed = true;
        let task = start_with(spec);
        // Each of 6 trainers may do so once for either committee.
        let amount = CHARGE + 2 * 6;
        assert!(has_event(Event::RoundCharged { task, round: 1, amount }));
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT + amount);
    });
}

#[test]
fn a_round_knows_whether_its_task_is_sealed() {
    build_and_execute(|| {
        for sealed in [false, true] {
            let mut spec = spec();
            spec.custody.sealed = sealed;
            let task = start_with(spec);
            assert_eq!(Tasks::round(task, 1).map(|round| round.sealed), Some(sealed));
            Rounds::<Test>::mutate(task, 1, |row| row.as_mut().unwrap().sealed = !sealed);
            assert!(Tasks::do_try_state().is_err());
            Rounds::<Test>::mutate(task, 1, |row| row.as_mut().unwrap().sealed = sealed);
        }
    });
}

#[test]
fn the_charge_for_a_void_round_does_not_come_back() {
    build_and_execute(|| {
        let task = start();
        time_out(task);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT + 2 * CHARGE);
        assert_eq!(total(SPONSOR), FUNDS - 2 * CHARGE - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn charges_for_attempts_that_were_not_made_come_back() {
    build_and_execute(|| {
        let task = start();
        for byte in 1..=3 {
            settle(task, byte, 1);
        }
        assert!(has_event(ended(task, TaskStatus::Completed, 0, ATTEMPTS - 3)));
        assert_eq!(total(SPONSOR), FUNDS - free(3, 3) - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn what_was_paid_at_creation_lasts_for_every_attempt() {
    build_and_execute(|| {
        let task = start();
        for byte in 1..=3 {
            time_out(task);
            time_out(task);
            settle(task, byte, 1);
        }
        assert_eq!((status(task), at(task)), (TaskStatus::Completed, (9, Phase::Settled)));
        assert!(has_event(ended(task, TaskStatus::Completed, 0, 0)));
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT + ATTEMPTS * CHARGE);
    });
}

#[test]
fn what_the_treasury_cannot_receive_is_burned_and_the_round_starts() {
    build_and_execute(|| {
        // Less than the existential deposit cannot go to an account that does not exist.
        let nobody = 99;
        TreasuryAccount::set(nobody);
        Burned::set(CHARGE);
        let task = start();
        assert!(has_event(Event::RoundCharged { task, round: 1, amount: CHARGE }));
        assert_eq!(total(nobody), 0);
        assert_eq!(purses(task), (2 * ROUND_PAY, (ATTEMPTS - 1) * CHARGE));
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(total(SPONSOR), FUNDS - CHARGE - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn a_round_that_cannot_be_charged_for_does_not_start_in_part() {
    build_and_execute(|| {
        let task = create();
        // Calls have become dearer than they were when the task was paid for: one planck is missing.
        let calls = CHARGE;
        let price = (ATTEMPTS * CHARGE).div_ceil(calls) + 1;
        let missing = calls * price - ATTEMPTS * CHARGE;
        CallPrice::set(price);
        enroll(task, 6, 3);
        assert_eq!(status(task), TaskStatus::Paused);
        assert!(has_event(Event::TaskPaused { task, reason: PauseReason::OutOfFunds }));
        assert_eq!((Tasks::current(task), DrawLog::get()), (None, vec![]));
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT);
        assert_eq!(money(task), purse(3, ATTEMPTS, 0, 0));

        assert_ok!(Tasks::fund(signed(OTHER), task, FUNDS / 2, missing - 1));
        assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::OutOfFunds);
        assert_ok!(Tasks::fund(signed(OTHER), task, 0, 1));
        assert_ok!(Tasks::resume(signed(SPONSOR), task));
        assert_eq!(
            money(task),
            Money { free: FUNDS / 2 + 2 * ROUND_PAY, ..purse(0, 0, ROUND_PAY, 0) }
        );
        assert_eq!(total(TREASURY), EXISTENTIAL_DEPOSIT + calls * price);
    });
}
