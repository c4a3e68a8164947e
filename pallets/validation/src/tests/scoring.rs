use crate::{Error, Event, mock::*};
use decentralml_traits::Judgment;
use decentralml_types::{Failure, Phase};
use frame_support::{assert_err_ignore_postinfo, assert_noop, dispatch::Pays};

#[test]
fn a_drawn_seat_commits_for_free() {
    build_and_execute(|| {
        start(&[1, 2], &[11, 12, 13]);
        let info = try_commit(11, [9; 32]).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        assert_eq!(Validation::progress(TASK, ROUND, 0).committed, 1);
        System::assert_last_event(
            Event::ScoresCommitted { task: TASK, round: ROUND, committee: 0, who: 11 }.into(),
        );
        let world = World::get();
        assert_eq!((world.rows, world.held[&(true, 11)], world.acted), (2 + 1, 1, 1));
    });
}

#[test]
fn who_is_not_drawn_has_no_seat() {
    build_and_execute(|| {
        start(&[1, 2], &[11, 12, 13]);
        assert_noop!(try_commit(14, [9; 32]), NOT_DRAWN);
        assert_noop!(try_commit(1, [9; 32]), NOT_DRAWN);
    });
}

#[test]
fn a_seat_whose_bond_is_not_covered_cannot_commit() {
    build_and_execute(|| {
        start(&[1], &[11]);
        World::mutate(|world| world.uncovered.push(11));
        assert_noop!(try_commit(11, [9; 32]), NOT_COVERED);
    });
}

#[test]
fn attack_one_bond_does_not_stand_for_two_rounds() {
    build_and_execute(|| {
        start(&[1], &[11, 12]);
        try_commit(11, [9; 32]).unwrap();
        next_round();
        assert_noop!(try_commit(11, [9; 32]), STILL_AT_RISK);
        try_commit(12, [9; 32]).unwrap();
    });
}

#[test]
fn a_seat_that_is_settled_may_commit_in_the_next_round() {
    build_and_execute(|| {
        start(&[1], &[11, 12]);
        try_commit(11, [9; 32]).unwrap();
        void(Failure::TooFewScores);
        try_claim_seat(0, 11).unwrap();
        next_round();
        try_commit(11, [9; 32]).unwrap();
    });
}

#[test]
fn a_seat_commits_once() {
    build_and_execute(|| {
        start(&[1], &[11, 12]);
        try_commit(11, [9; 32]).unwrap();
        assert_noop!(try_commit(11, [8; 32]), Error::<Test>::AlreadyCommitted);
        assert_eq!(Validation::progress(TASK, ROUND, 0).committed, 1);
    });
}

#[test]
fn seats_commit_in_phase_scoring_of_the_current_round_only() {
    build_and_execute(|| {
        start(&[1], &[11]);
        for phase in [
            Phase::Training,
            Phase::Revealing,
            Phase::Verdict,
            Phase::Tallying,
            Phase::Aggregating,
            Phase::Settled,
            Phase::Void,
        ] {
            enter(phase);
            assert_noop!(try_commit(11, [9; 32]), Error::<Test>::WrongPhase);
        }
        enter(Phase::Scoring);
        let origin = || RuntimeOrigin::signed(11);
        let next = Validation::commit_scores(origin(), TASK, ROUND + 1, 0, [9; 32]);
        assert_err_ignore_postinfo!(next, Error::<Test>::NotCurrentRound);
        let elsewhere = Validation::commit_scores(origin(), TASK + 1, ROUND, 0, [9; 32]);
        assert_err_ignore_postinfo!(elsewhere, Error::<Test>::NoRound);
        let later = Validation::commit_scores(origin(), TASK, ROUND, 1, [9; 32]);
        assert_err_ignore_postinfo!(later, Error::<Test>::WrongCommittee);
    });
}

#[test]
fn there_is_nothing_to_commit_to_before_the_committee_is_open() {
    build_and_execute(|| {
        World::mutate(|world| world.drawn = vec![11]);
        assert_noop!(try_commit(11, [9; 32]), Error::<Test>::NoCommittee);
    });
}
