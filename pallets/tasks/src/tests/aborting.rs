//! A sponsor cancels in whatever phase, and money adds up.

use super::*;
use decentralml_types::Failure;

/// Cancels with the live round in a phase: all but the round's charge is back at once.
fn cancel_in(phase: Phase) {
    build_and_execute(|| {
        let task = start();
        bring_to(task, phase);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!((status(task), at(task)), (TaskStatus::Cancelled, (1, Phase::Void)));
        let failure = Failure::Cancelled;
        assert!(has_event(Event::RoundVoided { task, round: 1, failure }));
        assert!(has_event(ended(task, TaskStatus::Cancelled, 3, ATTEMPTS - 1)));
        assert_eq!(money(task), Money::default());
        assert_eq!(total(SPONSOR), FUNDS - CHARGE - EXISTENTIAL_DEPOSIT);
        assert_eq!(OpenDraws::get(), []);
        nothing_to_advance(task);
        assert_noop!(Tasks::cancel(signed(SPONSOR), task), Error::<Test>::TaskOver);

        claim_all(task, 1, &[]);
        assert_ok!(Tasks::reap(signed(OTHER), task, 1));
        assert_eq!(total(SPONSOR), FUNDS - CHARGE);
        assert_eq!(System::account(SPONSOR).data.reserved, 0);
    });
}

#[test]
fn cancelling_while_training_refunds_all_but_the_charge() {
    cancel_in(Phase::Training);
}

#[test]
fn cancelling_while_revealing_refunds_all_but_the_charge() {
    cancel_in(Phase::Revealing);
}

#[test]
fn cancelling_while_scoring_refunds_all_but_the_charge() {
    cancel_in(Phase::Scoring);
}

#[test]
fn cancelling_during_the_verdict_refunds_all_but_the_charge() {
    cancel_in(Phase::Verdict);
}

#[test]
fn cancelling_while_tallying_refunds_all_but_the_charge() {
    cancel_in(Phase::Tallying);
}

#[test]
fn cancelling_while_aggregating_refunds_all_but_the_charge() {
    cancel_in(Phase::Aggregating);
}

#[test]
fn cancelling_while_participants_enroll_refunds_everything() {
    build_and_execute(|| {
        let task = create();
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(status(task), TaskStatus::Cancelled);
        enroll(task, 6, 3);
        assert_eq!(Tasks::current(task), None);
        assert_ok!(Tasks::reap(signed(OTHER), task, 0));
        assert_eq!(total(SPONSOR), FUNDS);
    });
}

#[test]
fn cancelling_a_paused_task_refunds_all_but_the_charge() {
    build_and_execute(|| {
        let task = start();
        assert_ok!(Tasks::pause(signed(SPONSOR), task));
        bring_to(task, Phase::Verdict);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(total(SPONSOR), FUNDS - CHARGE - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn cancelling_leaves_what_settled_rounds_owe() {
    build_and_execute(|| {
        let task = start();
        settle(task, 1, 1);
        bring_to(task, Phase::Scoring);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(money(task), purse(0, 0, 0, ROUND_PAY));
        assert_eq!(total(SPONSOR), FUNDS - ROUND_PAY - 2 * CHARGE - EXISTENTIAL_DEPOSIT);

        assert_ok!(Tasks::row_settled(task, 1, &TRAINER, 200));
        assert_eq!(total(TRAINER), FUNDS + 200);
        claim_all(task, 1, &[]);
        claim_all(task, 2, &[]);
        assert!(has_event(Event::Refunded { task, asset: Asset::Native, amount: ROUND_PAY - 200 }));
        assert_eq!(total(SPONSOR), FUNDS - 200 - 2 * CHARGE - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn only_the_sponsor_cancels() {
    build_and_execute(|| {
        let task = start();
        assert_noop!(Tasks::cancel(signed(OTHER), task), Error::<Test>::NotSponsor);
        assert_noop!(Tasks::cancel(signed(OTHER), task + 1), Error::<Test>::UnknownTask);
        assert_noop!(
            Tasks::cancel(RuntimeOrigin::root(), task),
            sp_runtime::DispatchError::BadOrigin
        );
    });
}
