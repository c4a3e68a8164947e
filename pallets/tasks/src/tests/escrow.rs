//! What a settled round owes is paid once, and what it does not owe comes back.

use super::*;
use sp_runtime::TokenError;

#[test]
fn claims_are_paid_and_the_last_one_returns_the_rest_to_the_task() {
    build_and_execute(|| {
        let task = start();
        settle(task, 1, 1);
        let free = money(task).free;
        assert_eq!(rows_of(task, 1), 9);
        assert_ok!(Tasks::row_settled(task, 1, &TRAINER, 333));
        assert!(has_event(Event::Paid {
            task,
            round: 1,
            who: TRAINER,
            asset: Asset::Native,
            amount: 333
        }));
        for _ in 0..7 {
            assert_ok!(Tasks::row_settled(task, 1, &TRAINER, 0));
        }
        assert_eq!(money(task).free, free);
        assert_ok!(Tasks::row_settled(task, 1, &OTHER, FEE));
        let returned = ROUND_PAY - 333 - FEE;
        assert!(has_event(Event::RoundClosed { task, round: 1, returned }));
        assert_eq!(
            money(task),
            Money { free: free + returned, ..purse(0, ATTEMPTS - 2, ROUND_PAY, 0) }
        );
        assert_eq!((total(TRAINER), total(OTHER)), (FUNDS + 333, FUNDS + FEE));
        assert_eq!(rows_of(task, 1), 0);
    });
}

#[test]
fn no_round_pays_more_than_it_owes() {
    build_and_execute(|| {
        let task = start();
        settle(task, 1, 1);
        let pay = |amount| Tasks::row_settled(task, 1, &TRAINER, amount);
        assert_noop!(pay(ROUND_PAY + 1), Error::<Test>::Overdrawn);
        assert_ok!(pay(ROUND_PAY));
        assert_noop!(pay(1), Error::<Test>::Overdrawn);
        claim_all(task, 1, &[]);
        assert_noop!(pay(0), Error::<Test>::NothingToSettle);
    });
}

#[test]
fn only_settled_rounds_pay() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Aggregating);
        let pay = |amount| Tasks::row_settled(task, 1, &TRAINER, amount);
        assert_noop!(pay(1), Error::<Test>::Overdrawn);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_noop!(pay(1), Error::<Test>::Overdrawn);
        assert_ok!(pay(0));
        assert_noop!(Tasks::row_settled(task, 2, &TRAINER, 0), Error::<Test>::UnknownRound);
        assert_noop!(Tasks::row_settled(task + 1, 1, &TRAINER, 0), Error::<Test>::UnknownTask);
    });
}

#[test]
fn rows_settled_in_mid_round_return_nothing_yet() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Scoring);
        for _ in 0..6 {
            assert_ok!(Tasks::row_settled(task, 1, &TRAINER, 0));
        }
        assert_eq!(round(task).open_rows, 0);
        assert_eq!(money(task).reserved, ROUND_PAY);
        settle(task, 1, 1);
        assert_eq!(Rounds::<Test>::get(task, 1).unwrap().pot, ROUND_PAY);
    });
}

#[test]
fn rounds_do_not_pay_each_other_s_debts() {
    build_and_execute(|| {
        let task = start();
        settle(task, 1, 1);
        settle(task, 2, 1);
        claim_all(task, 1, &[ROUND_PAY]);
        assert_eq!(Rounds::<Test>::get(task, 2).unwrap().pot, ROUND_PAY);
        claim_all(task, 2, &[REWARD / 2, REWARD / 2, FEE, FEE, FEE]);
        assert_eq!(money(task).unclaimed, 0);
        assert_eq!(total(TRAINER), FUNDS + 2 * ROUND_PAY);
    });
}

#[test]
fn the_rest_of_a_task_that_is_over_goes_to_the_sponsor_at_once() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.rounds = 1;
        let task = start_with(spec);
        settle(task, 1, 1);
        assert_eq!(status(task), TaskStatus::Completed);
        claim_all(task, 1, &[100]);
        let amount = ROUND_PAY - 100;
        assert!(has_event(Event::Refunded { task, asset: Asset::Native, amount }));
        assert_eq!(money(task), Money::default());
        assert_eq!(total(SPONSOR), FUNDS - 100 - CHARGE - EXISTENTIAL_DEPOSIT);
    });
}

/// A slash sends funds to the account and says so.
fn recover(task: TaskId, amount: Balance) {
    assert_ok!(Balances::transfer_allow_death(signed(OTHER), Tasks::account_of(task), amount));
    Tasks::recovered(task, amount);
}

#[test]
fn slashed_funds_are_the_task_s_or_the_sponsor_s_once_it_is_over() {
    build_and_execute(|| {
        let task = start();
        let charges = money(task).charges;
        recover(task, 40);
        assert!(has_event(Event::Recovered { task, amount: 40 }));
        assert_eq!(money(task).charges, charges + 40);
        Tasks::recovered(task, 0);
        Tasks::recovered(task + 1, 7);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        recover(task, 60);
        assert!(has_event(Event::Refunded { task, asset: Asset::Native, amount: 60 }));
        assert_eq!(total(SPONSOR), FUNDS + 100 - CHARGE - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn claims_expire_after_their_time() {
    build_and_execute(|| {
        let task = start();
        assert!(!Tasks::round(task, 1).unwrap().claims_expired);
        settle(task, 1, 1);
        go_by(1_000);
        assert!(!Tasks::round(task, 1).unwrap().claims_expired);
        go_by(1);
        assert!(Tasks::round(task, 1).unwrap().claims_expired);
        assert!(!Tasks::round(task, 2).unwrap().claims_expired);
    });
}

#[test]
fn an_account_that_cannot_be_paid_is_owed_until_the_sum_suffices() {
    build_and_execute(|| {
        let task = start();
        settle(task, 1, 1);
        let nobody = 99;
        assert_ok!(Tasks::row_settled(task, 1, &nobody, EXISTENTIAL_DEPOSIT - 1));
        assert_eq!((money(task).owed, rows_of(task, 1)), (EXISTENTIAL_DEPOSIT - 1, 8));
        assert_noop!(Tasks::collect(signed(OTHER), task, nobody), TokenError::BelowMinimum);
        assert_ok!(Tasks::row_settled(task, 1, &nobody, 1));
        assert_eq!((total(nobody), money(task).owed), (EXISTENTIAL_DEPOSIT, 0));
    });
}

fn rows_of(task: TaskId, number: RoundNumber) -> u32 {
    Rounds::<Test>::get(task, number).unwrap().open_rows
}

#[test]
fn rows_of_rounds_that_do_not_exist_are_not_counted() {
    build_and_execute(|| {
        let task = start();
        Tasks::row_opened(task, 2);
        Tasks::row_opened(task + 1, 1);
        assert_eq!(rows_of(task, 1), 0);
        assert_eq!(Rounds::<Test>::iter().count(), 1);
    });
}

#[test]
fn opening_a_row_touches_nothing_but_its_round_s_record() {
    build_and_execute(|| {
        let task = start();
        let before = row(task);
        Tasks::row_opened(task, 1);
        assert_eq!((row(task), rows_of(task, 1)), (before, 1));
    });
}
