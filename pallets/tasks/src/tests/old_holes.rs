//! What went wrong in earlier systems of this kind does not go wrong here; each test is named after what did.

use super::*;
use crate::{WeightInfo, weights};
use decentralml_traits::Draw;
use decentralml_types::Failure;
use frame_support::weights::Weight;

#[test]
fn escrowed_rewards_that_can_never_leave() {
    build_and_execute(|| {
        // By payment, by refund of what was not earned, by cancelling.
        let task = start();
        settle(task, 1, 1);
        claim_all(task, 1, &[REWARD]);
        assert_eq!(total(TRAINER), FUNDS + REWARD);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert_eq!(total(SPONSOR), FUNDS - REWARD - 2 * CHARGE);
        assert_eq!(total(Tasks::account_of(task)), 0);
    });
}

#[test]
fn statuses_that_nothing_sets() {
    build_and_execute(|| {
        let enrolling = create();
        assert_eq!(status(enrolling), TaskStatus::Enrolling);
        let cancelled = create();
        assert_ok!(Tasks::cancel(signed(SPONSOR), cancelled));
        assert_eq!(status(cancelled), TaskStatus::Cancelled);
        let paused = create();
        assert_ok!(Tasks::pause(signed(SPONSOR), paused));
        assert_eq!(status(paused), TaskStatus::Paused);
        let mut spec = spec();
        spec.rounds = 1;
        let completed = start_with(spec);
        assert_eq!(status(completed), TaskStatus::Running);
        settle(completed, 1, 1);
        assert_eq!(status(completed), TaskStatus::Completed);
        go_by(10_000);
        advance(enrolling);
        assert_eq!(status(enrolling), TaskStatus::Expired);
    });
}

#[test]
fn expired_tasks_stay_assignable() {
    build_and_execute(|| {
        let task = create();
        go_by(10_000);
        // Nobody has called anything since, and whoever asks learns that it is over.
        assert!(Tasks::status(task).unwrap().is_final());
        enroll(task, 6, 3);
        assert_eq!((Tasks::current(task), DrawLog::get()), (None, vec![]));
    });
}

#[test]
fn one_assignment_too_many() {
    build_and_execute(|| {
        let task = create();
        enroll(task, 7, 4);
        assert_eq!(round(task).places, 6);
        bring_to(task, Phase::Scoring);
        assert_eq!(round(task).seats, 3);
        let asked: Vec<_> = DrawLog::get().into_iter().map(|(.., places)| places).collect();
        assert_eq!(asked, [6, 3]);
    });
}

#[test]
fn every_call_weighs_the_same() {
    let heavier = |one: Weight, other: Weight| one.any_gt(other);
    assert!(heavier(weights::advance::<()>(), <() as WeightInfo>::pause()));
    assert!(heavier(<() as WeightInfo>::reap(100), <() as WeightInfo>::reap(1)));
    assert!(weights::advance::<()>().all_gte(<() as WeightInfo>::advance_settle()));
}

#[test]
fn idle_assignees_lock_a_task_for_free() {
    build_and_execute(|| {
        let task = start();
        // Nobody ever does anything; deadlines alone bring the task to rest, and its money is the sponsor's.
        while status(task) == TaskStatus::Running {
            time_out(task);
        }
        assert_eq!(status(task), TaskStatus::Paused);
        assert_eq!(round(task).failure, Some(Failure::TooFewCommitments));
        assert_eq!(money(task), purse(3, ATTEMPTS - 3, 0, 0));
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(total(SPONSOR), FUNDS - 3 * CHARGE - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn reward_times_workers_is_undefined() {
    build_and_execute(|| {
        // The reward is a round's, whoever shares it; the fee is a seat's.
        let mut one = spec();
        one.trainers = TrainerCount { min: 1, max: 1 };
        let mut many = spec();
        many.trainers = TrainerCount { min: 1, max: 256 };
        for spec in [one, many] {
            let charges = ATTEMPTS * spec.round_charge(1).unwrap();
            let task = create_with(spec);
            assert_eq!(purses(task), (3 * (REWARD + 3 * FEE), charges));
        }
    });
}

#[test]
fn funders_withdraw_after_success_and_callers_take_the_rest() {
    build_and_execute(|| {
        let task = start();
        assert_ok!(Tasks::fund(signed(OTHER), task, 500, 0));
        settle(task, 1, 1);
        // The sponsor ends it: earned money stays for those who earned it.
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_eq!(money(task).unclaimed, ROUND_PAY);
        assert_noop!(Tasks::reap(signed(OTHER), task, 10), Error::<Test>::UnsettledRows);
        claim_all(task, 1, &[ROUND_PAY]);
        claim_all(task, 2, &[]);
        assert_ok!(Tasks::reap(signed(OTHER), task, 10));
        assert_eq!(total(OTHER), FUNDS - 500);
        assert_eq!(total(SPONSOR), FUNDS + 500 - ROUND_PAY - 2 * CHARGE);
    });
}

#[test]
fn two_rounds_at_once() {
    build_and_execute(|| {
        let task = start();
        for phase in [Phase::Training, Phase::Revealing, Phase::Scoring, Phase::Verdict] {
            bring_to(task, phase);
            enroll(task, 50, 50);
            nothing_to_advance(task);
            assert_noop!(Tasks::resume(signed(SPONSOR), task), Error::<Test>::NotPaused);
            assert_eq!(at(task), (1, phase));
            assert_eq!(Rounds::<Test>::iter_prefix(task).count(), 1);
        }
    });
}

#[test]
fn results_are_accepted_after_the_period_s_end() {
    build_and_execute(|| {
        let task = start();
        commit(task, 3);
        System::set_block_number(round(task).deadline);
        // From the deadline on the pallets that take results refuse them, and anybody closes the phase.
        assert!(Tasks::round(task, 1).unwrap().due);
        advance(task);
        assert_eq!(at(task), (1, Phase::Revealing));
        assert!(!Tasks::round(task, 1).unwrap().due);
    });
}

#[test]
fn whoever_ticks_picks_the_moment_and_so_the_seed() {
    build_and_execute(|| {
        let task = start();
        commit(task, 3);
        // Before the deadline nobody's call has any effect, and after it the draw that follows takes nothing from the caller:
        // its seed comes from a later block.
        nothing_to_advance(task);
        time_out(task);
        reveal(task, 3);
        assert_eq!(DrawLog::get().last(), Some(&(task, 1, Draw::Committee(0), 3)));
        assert!(round(task).deadline >= System::block_number() + 40 + SEED_DELAY);
    });
}

#[test]
fn any_client_overwrites_the_checkpoint() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Aggregating);
        dissent(task);
        assert_eq!((row(task).model, Recorded::get()), (None, vec![]));
        // One dissenter and two that agree: theirs is the model, and nothing changes it afterwards.
        Progress::mutate(|progress| progress.agreeing = 0);
        attest(task, 2, 1, 900_000);
        assert_eq!(row(task).model, Some((1, cid(1))));
        Progress::mutate(|progress| {
            progress.leading = Some((NextModel::stateless(cid(66)), 1_000_000))
        });
        Tasks::acted(task);
        assert_eq!(row(task).model, Some((1, cid(1))));
        assert_eq!(Recorded::get().len(), 1);
    });
}
