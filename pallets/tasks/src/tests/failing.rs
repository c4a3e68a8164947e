//! Rounds that fail: what each phase fails at, second committees, retries.

use super::*;
use crate::PauseReason;
use decentralml_traits::Draw;
use decentralml_types::Failure;

/// The live round was void for this reason, nobody is owed anything, and the next round is live.
fn failed(task: TaskId, number: RoundNumber, failure: Failure) {
    let void = Rounds::<Test>::get(task, number).unwrap();
    assert_eq!((void.phase, void.failure, void.pot), (Phase::Void, Some(failure), 0));
    assert_eq!(void.ended_at, Some(System::block_number()));
    assert!(has_event(Event::RoundVoided { task, round: number, failure }));
    assert_eq!(at(task), (number + 1, Phase::Training));
    assert_eq!(money(task), purse(2, ATTEMPTS - 2, ROUND_PAY, 0));
    assert_eq!(row(task).failed_in_a_row, 1);
}

/// Another committee is at work.
fn redrawn(task: TaskId, failure: Failure) {
    assert_eq!(at(task), (1, Phase::Scoring));
    assert!(has_event(Event::CommitteeRedrawn { task, round: 1, committee: 1, failure }));
    assert_eq!(Tasks::round(task, 1).unwrap().committee, 1);
    assert_eq!(Committees::get(), [(task, 1, 0, 3, 6), (task, 1, 1, 3, 6)]);
    assert_eq!(OpenDraws::get(), [(task, 1, Draw::Committee(1))]);
    assert_eq!(round(task).deadline, System::block_number() + 40 + SEED_DELAY);
}

#[test]
fn too_few_commitments_void_the_round_at_the_deadline_and_not_earlier() {
    build_and_execute(|| {
        let task = start();
        commit(task, 2);
        nothing_to_advance(task);
        time_out(task);
        failed(task, 1, Failure::TooFewCommitments);
    });
}

#[test]
fn too_few_reveals_void_the_round() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Revealing);
        reveal(task, 2);
        time_out(task);
        failed(task, 1, Failure::TooFewReveals);
    });
}

#[test]
fn a_quorum_that_does_not_score_is_redrawn_and_then_void() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Scoring);
        score(task, 1);
        time_out(task);
        redrawn(task, Failure::TooFewScores);
        time_out(task);
        failed(task, 1, Failure::TooFewScores);
    });
}

#[test]
fn a_quorum_that_does_not_open_is_redrawn_and_then_void() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Verdict);
        open(task, 1);
        time_out(task);
        redrawn(task, Failure::TooFewOpenings);
        score(task, 3);
        time_out(task);
        failed(task, 1, Failure::TooFewOpenings);
    });
}

#[test]
fn seats_that_do_not_attest_are_redrawn_and_then_void() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Aggregating);
        attest(task, 1, 1, 1);
        time_out(task);
        redrawn(task, Failure::NoAgreement);
        assert_eq!(round(task).accepted, 0);
        score(task, 3);
        open(task, 3);
        tally(task, 5);
        time_out(task);
        failed(task, 1, Failure::NoAgreement);
    });
}

#[test]
fn seats_that_cannot_agree_any_more_are_redrawn_at_once() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Aggregating);
        dissent(task);
        dissent(task);
        assert_eq!(at(task), (1, Phase::Aggregating));
        dissent(task);
        redrawn(task, Failure::NoAgreement);
    });
}

#[test]
fn a_second_committee_can_save_the_round() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Scoring);
        time_out(task);
        settle(task, 4, 7);
        let settled = Rounds::<Test>::get(task, 1).unwrap();
        assert_eq!((settled.phase, settled.committee), (Phase::Settled, 1));
        assert_eq!(row(task).model, Some((1, cid(4))));
    });
}

#[test]
fn nothing_accepted_voids_the_round() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Tallying);
        tally(task, 0);
        failed(task, 1, Failure::NothingAccepted);
    });
}

#[test]
fn more_failures_in_a_row_than_allowed_pause_the_task() {
    build_and_execute(|| {
        let task = start();
        time_out(task);
        time_out(task);
        assert_eq!(at(task), (3, Phase::Training));
        time_out(task);
        assert_eq!((status(task), at(task)), (TaskStatus::Paused, (3, Phase::Void)));
        let reason = PauseReason::RetriesExhausted;
        assert!(has_event(Event::TaskPaused { task, reason }));
        assert_eq!(money(task), purse(3, ATTEMPTS - 3, 0, 0));
        nothing_to_advance(task);
    });
}

#[test]
fn a_settled_round_forgives_the_failures_before_it() {
    build_and_execute(|| {
        let task = start();
        time_out(task);
        time_out(task);
        settle(task, 1, 1);
        assert_eq!(row(task).failed_in_a_row, 0);
        time_out(task);
        assert_eq!(status(task), TaskStatus::Running);
    });
}

#[test]
fn as_many_retries_as_a_specification_can_say_are_counted() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.max_retries = u8::MAX;
        spec.deadlines.lifetime = 100_000;
        let task = start_with(spec);
        for _ in 0..=u8::MAX {
            assert_eq!(status(task), TaskStatus::Running);
            time_out(task);
        }
        assert_eq!(status(task), TaskStatus::Paused);
    });
}

#[test]
fn evaluators_that_all_left_fail_both_committees_and_lock_nothing() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Revealing);
        Evaluators::set(0);
        reveal(task, 6);
        // Nobody is drawn, which is no reason to burn the round at once.
        Tasks::acted(task);
        assert_noop!(
            Tasks::advance(RuntimeOrigin::signed(SPONSOR), task),
            Error::<Test>::NothingToAdvance
        );
        assert_eq!(at(task), (1, Phase::Scoring));
        time_out(task);
        time_out(task);
        assert_eq!((status(task), at(task)), (TaskStatus::Enrolling, (1, Phase::Void)));
        assert_eq!(purses(task), (3 * ROUND_PAY, (ATTEMPTS - 1) * CHARGE));
    });
}
