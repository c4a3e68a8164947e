use crate::{Error, Event, Seats, Sheets, mock::*};
use decentralml_traits::Judgment;
use decentralml_types::{Phase, limits::MAX_SCORE};
use frame_support::{assert_noop, dispatch::Pays};

/// Two updates; seats 11 and 12 have committed, 13 is absent.
fn committed(test: impl FnOnce()) {
    build_and_execute(|| {
        start(&[1, 2], &[11, 12, 13]);
        for seat in [11, 12] {
            try_commit(seat, hash_of(seat, &scores(&[5, -5]))).unwrap();
        }
        enter(Phase::Verdict);
        test();
    });
}

#[test]
fn a_seat_opens_its_scores_for_free() {
    committed(|| {
        let info = try_open(11, scores(&[5, -5])).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        assert_eq!(Validation::progress(TASK, ROUND, 0).opened, 1);
        assert_eq!(
            Sheets::<Test>::get((TASK, ROUND, 0, 0, 11)).unwrap().to_vec(),
            scores(&[5, -5]).to_vec()
        );
        System::assert_last_event(
            Event::ScoresOpened { task: TASK, round: ROUND, committee: 0, who: 11 }.into(),
        );
    });
}

#[test]
fn there_is_one_opinion_for_each_update() {
    committed(|| {
        for wrong in [scores(&[]), scores(&[5]), scores(&[5, -5, 0])] {
            assert_noop!(try_open(11, wrong), Error::<Test>::WrongLength);
        }
    });
}

#[test]
fn a_commitment_to_too_few_opinions_can_never_be_opened() {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        let short = scores(&[5]);
        try_commit(11, hash_of(11, &short)).unwrap();
        enter(Phase::Verdict);
        assert_noop!(try_open(11, short), Error::<Test>::WrongLength);
        assert_noop!(try_open(11, scores(&[5, 5])), Error::<Test>::Mismatch);
    });
}

#[test]
fn scores_beyond_the_limit_are_refused() {
    build_and_execute(|| {
        start(&[1, 2], &[11, 12]);
        for (seat, wild) in [(11, MAX_SCORE + 1), (12, i64::MIN)] {
            try_commit(seat, hash_of(seat, &scores(&[5, wild]))).unwrap();
        }
        enter(Phase::Verdict);
        assert_noop!(try_open(11, scores(&[5, MAX_SCORE + 1])), Error::<Test>::ScoreOutOfRange);
        assert_noop!(try_open(12, scores(&[5, i64::MIN])), Error::<Test>::ScoreOutOfRange);
    });
}

#[test]
fn scores_at_the_limit_are_taken() {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        let extreme = scores(&[MAX_SCORE, -MAX_SCORE]);
        try_commit(11, hash_of(11, &extreme)).unwrap();
        enter(Phase::Verdict);
        try_open(11, extreme).unwrap();
    });
}

#[test]
fn a_seat_that_has_opened_may_commit_in_the_next_round_though_it_is_not_settled() {
    committed(|| {
        try_open(11, scores(&[5, -5])).unwrap();
        next_round();
        try_commit(11, [1; 32]).unwrap();
        assert_eq!(World::get().held[&(true, 11)], 2);
        assert_noop!(try_commit(12, [1; 32]), STILL_AT_RISK);
    });
}

#[test]
fn scores_and_salt_must_be_what_was_committed_to() {
    committed(|| {
        assert_noop!(try_open(11, scores(&[5, -4])), Error::<Test>::Mismatch);
        assert_noop!(try_open(11, scores(&[-5, 5])), Error::<Test>::Mismatch);
        let salted = Validation::open_scores(
            RuntimeOrigin::signed(11),
            TASK,
            ROUND,
            scores(&[5, -5]),
            [6; 32],
        );
        assert_noop!(salted, Error::<Test>::Mismatch);
    });
}

#[test]
fn attack_a_copied_commitment_cannot_be_opened_by_the_copier() {
    build_and_execute(|| {
        start(&[1, 2], &[11, 12]);
        let honest = scores(&[5, -5]);
        try_commit(11, hash_of(11, &honest)).unwrap();
        let stolen = Seats::<Test>::get((TASK, ROUND, 0, 11)).unwrap().commitment;
        try_commit(12, stolen).unwrap();
        enter(Phase::Verdict);
        try_open(11, honest.clone()).unwrap();
        assert_noop!(try_open(12, honest), Error::<Test>::Mismatch);
    });
}

#[test]
fn scores_are_opened_once_by_who_has_committed() {
    committed(|| {
        try_open(11, scores(&[5, -5])).unwrap();
        assert_noop!(try_open(11, scores(&[5, -5])), Error::<Test>::AlreadyOpened);
        assert_noop!(try_open(13, scores(&[5, -5])), Error::<Test>::NotCommitted);
        assert_eq!(Validation::progress(TASK, ROUND, 0).opened, 1);
    });
}

#[test]
fn scores_are_opened_in_phase_verdict_only() {
    committed(|| {
        for phase in
            [Phase::Scoring, Phase::Tallying, Phase::Aggregating, Phase::Settled, Phase::Void]
        {
            enter(phase);
            assert_noop!(try_open(11, scores(&[5, -5])), Error::<Test>::WrongPhase);
        }
    });
}

#[test]
fn scores_of_a_full_round_fill_whole_sheets() {
    build_and_execute(|| {
        let trainers: Vec<AccountId> = (1..=256).collect();
        start(&trainers, &[1_001]);
        let all: Vec<i64> = (0..256).collect();
        try_commit(1_001, hash_of(1_001, &scores(&all))).unwrap();
        enter(Phase::Verdict);
        try_open(1_001, scores(&all)).unwrap();
        let sheets: Vec<usize> = (0..9)
            .map(|batch| {
                Sheets::<Test>::get((TASK, ROUND, 0, batch, 1_001)).map_or(0, |sheet| sheet.len())
            })
            .collect();
        assert_eq!(sheets, [32, 32, 32, 32, 32, 32, 32, 32, 0]);
    });
}
