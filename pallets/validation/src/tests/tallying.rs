use crate::{Event, Histories, Running, Shares, Verdict, Verdicts, mock::*};
use decentralml_traits::Judgment;
use decentralml_types::{Fault, Opinion, Outcome, Score, limits::MAX_SCORE};

fn verdict_of(trainer: AccountId) -> Verdict {
    Verdicts::<Test>::get((TASK, World::get().round, trainer)).unwrap()
}

fn running_of(trainer: AccountId) -> Score {
    Running::<Test>::get(TASK, trainer).unwrap().score
}

#[test]
fn an_update_is_judged_by_the_median_of_the_seats() {
    build_and_execute(|| {
        start(&[1, 2, 3], &[11, 12, 13]);
        score(&[
            (11, scores(&[100, -10, 7])),
            (12, scores(&[300, -20, 5])),
            (13, scores(&[200, -30, 6])),
        ]);
        assert_eq!(tally(), (1, 2));
        let expected = [
            (1, Verdict::new(200, Some(Outcome::Accepted { weight: 200 }))),
            (2, Verdict::new(-20, Some(Outcome::Rejected))),
            (3, Verdict::new(6, Some(Outcome::Accepted { weight: 6 }))),
        ];
        for (trainer, verdict) in expected {
            assert_eq!(verdict_of(trainer), verdict);
            assert_eq!(running_of(trainer), verdict.score);
        }
        assert_eq!(Shares::<Test>::get(TASK, ROUND).unwrap().weight, 206);
        assert_eq!(Histories::<Test>::get(TASK).unwrap().trend.unwrap().value, 206);
        System::assert_has_event(
            Event::Judged {
                task: TASK,
                round: ROUND,
                trainer: 2,
                score: -20,
                running: -20,
                outcome: Outcome::Rejected,
            }
            .into(),
        );
        System::assert_last_event(
            Event::Tallied { task: TASK, round: ROUND, committee: 0, accepted: 2 }.into(),
        );
    });
}

#[test]
fn absent_seats_have_no_say() {
    build_and_execute(|| {
        start(&[1], &[11, 12, 13, 14, 15]);
        // 13 commits and does not open, 14 and 15 never act.
        for seat in [11, 12, 13] {
            try_commit(seat, hash_of(seat, &scores(&[40 + seat as i64]))).unwrap();
        }
        enter(decentralml_types::Phase::Verdict);
        for seat in [11, 12] {
            try_open(seat, scores(&[40 + seat as i64])).unwrap();
        }
        assert_eq!(tally(), (1, 1));
        assert_eq!(verdict_of(1).score, 51);
    });
}

#[test]
fn faults_need_a_majority_and_leave_the_running_score_alone() {
    use Opinion::{Malformed, Score, Unavailable};
    build_and_execute(|| {
        start(&[1, 2, 3], &[11, 12, 13]);
        score(&[
            (11, opinions(&[Unavailable, Malformed, Unavailable])),
            (12, opinions(&[Unavailable, Malformed, Score(9)])),
            (13, opinions(&[Score(9), Unavailable, Score(9)])),
        ]);
        assert_eq!(tally(), (1, 1));
        assert_eq!(verdict_of(1).outcome, Some(Outcome::Faulty(Fault::Unavailable)));
        assert_eq!(verdict_of(2).outcome, Some(Outcome::Faulty(Fault::Malformed)));
        assert_eq!(verdict_of(3).outcome, Some(Outcome::Accepted { weight: 9 }));
        assert_eq!((running_of(1), running_of(2)), (0, 0));
    });
}

#[test]
fn a_copy_needs_a_majority_leaves_the_running_score_alone_and_is_not_in_the_total() {
    use Opinion::{Copied, Malformed, Score, Unavailable};
    build_and_execute(|| {
        start(&[1, 2, 3, 4], &[11, 12, 13]);
        let first = opinions(&[Score(90), Score(50), Score(10), Score(10)]);
        settle(&[11, 12, 13].map(|seat| (seat, first.clone())));
        next_round();
        score(&[
            (11, opinions(&[Copied, Copied, Copied, Score(70)])),
            (12, opinions(&[Copied, Score(60), Unavailable, Score(70)])),
            (13, opinions(&[Score(MAX_SCORE), Score(80), Malformed, Score(70)])),
        ]);
        assert_eq!(tally().1, 2);
        assert_eq!(verdict_of(1), Verdict::new(0, Some(Outcome::Copied)));
        assert_eq!(running_of(1), 90, "a copy takes nothing of what was earned");
        assert_eq!(verdict_of(2).score, 60, "one seat makes no copy");
        // Two report a fault, though not the same.
        assert_eq!(verdict_of(3).outcome, Some(Outcome::Faulty(Fault::Malformed)));
        let trend = Histories::<Test>::get(TASK).unwrap().trend.unwrap().value;
        assert_eq!(trend, (160 * 70 + (60 + 70) * 30) / 100);
        System::assert_has_event(
            Event::Judged {
                task: TASK,
                round: ROUND + 1,
                trainer: 1,
                score: 0,
                running: 90,
                outcome: Outcome::Copied,
            }
            .into(),
        );
    });
}

#[test]
fn an_empty_update_is_rejected_whatever_was_earned_and_what_was_earned_stays() {
    build_and_execute(|| {
        start(&[1, 2], &[11, 12, 13]);
        settle(&[11, 12, 13].map(|seat| (seat, scores(&[100, 100]))));
        next_round();
        score(&[(11, scores(&[0, 100])), (12, scores(&[0, 100])), (13, scores(&[MAX_SCORE, 0]))]);
        assert_eq!(tally().1, 1);
        assert_eq!(verdict_of(1), Verdict::new(0, Some(Outcome::Rejected)));
        assert!(matches!(verdict_of(2).outcome, Some(Outcome::Accepted { .. })));
        assert_eq!(running_of(1), 100);
    });
}

#[test]
fn more_updates_than_a_batch_take_several_calls() {
    build_and_execute(|| {
        let trainers: Vec<AccountId> = (1..=70).collect();
        start(&trainers, &[1_001, 1_002]);
        let all: Vec<i64> = (0..70).map(|index| index - 9).collect();
        score(&[(1_001, scores(&all)), (1_002, scores(&all))]);
        // Three batches of medians, the last together with the first of three batches of outcomes.
        assert_eq!(tally(), (5, 60));
        for (trainer, score) in (1..=70).zip(all) {
            assert_eq!(verdict_of(trainer).score, score);
            let accepted = matches!(verdict_of(trainer).outcome, Some(Outcome::Accepted { .. }));
            assert_eq!(accepted, score > 0);
        }
        let weight: u128 = (1..=60).sum();
        assert_eq!(Shares::<Test>::get(TASK, ROUND).unwrap().weight, weight);
    });
}

#[test]
fn a_full_round_is_tallied() {
    build_and_execute(|| {
        let trainers: Vec<AccountId> = (1..=256).collect();
        let seats: Vec<AccountId> = (1_001..=1_031).collect();
        start(&trainers, &seats);
        let all: Vec<i64> = (0..256).map(|index| 1_000 + index).collect();
        let sheets: Vec<_> = seats.iter().map(|seat| (*seat, scores(&all))).collect();
        score(&sheets);
        assert_eq!(tally(), (15, 256));
    });
}

#[test]
fn a_finished_tally_says_the_same_again() {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        score(&[(11, scores(&[5, -5]))]);
        assert_eq!(Validation::tally(TASK, ROUND, 0), Some(1));
        let (verdict, running) = (verdict_of(1), running_of(1));
        assert_eq!(Validation::tally(TASK, ROUND, 0), Some(1));
        assert_eq!((verdict_of(1), running_of(1)), (verdict, running));
    });
}

#[test]
fn a_committee_that_is_not_open_tallies_nothing() {
    build_and_execute(|| {
        assert_eq!(Validation::tally(TASK, ROUND, 0), None);
    });
}

#[test]
fn nothing_is_accepted_where_nobody_contributes() {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        score(&[(11, scores(&[0, -5]))]);
        assert_eq!(tally(), (1, 0));
    });
}

#[test]
fn running_scores_add_up_over_rounds() {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        settle(&[(11, scores(&[1_000, -300]))]);
        next_round();
        settle(&[(11, scores(&[-100, 200]))]);
        // A bad round does not undo a good past, and a good one does not undo a bad past.
        assert_eq!((running_of(1), running_of(2)), (760, -100));
        // Accepted for its past, and paid for its round: nothing.
        assert_eq!(verdict_of(1).outcome, Some(Outcome::Accepted { weight: 0 }));
        assert_eq!(verdict_of(2).outcome, Some(Outcome::Rejected));
        // 0.7 · 1000 + 0.3 · 200, which bounds the standings, too.
        assert_eq!(Histories::<Test>::get(TASK).unwrap().trend.unwrap().value, 760);
    });
}

#[test]
fn attack_a_sleeper_cannot_spend_its_past_on_one_terrible_round() {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        for _ in 0..5 {
            settle(&[(11, scores(&[1_000, 1_000]))]);
            next_round();
        }
        // The cap: one average round, whatever was earned.
        assert_eq!(running_of(1), 2_000);
        settle(&[(11, scores(&[-900, 1_000]))]);
        assert_eq!(verdict_of(1).outcome, Some(Outcome::Rejected));
        assert_eq!(running_of(1), 1_100);
    });
}

#[test]
fn the_largest_scores_of_a_full_round_are_counted_exactly() {
    build_and_execute(|| {
        let trainers: Vec<AccountId> = (1..=256).collect();
        start(&trainers, &[1_001]);
        let mut all = [MAX_SCORE; 256];
        all[1] = -MAX_SCORE;
        settle(&[(1_001, scores(&all))]);
        next_round();
        settle(&[(1_001, scores(&all))]);
        assert_eq!((running_of(1), running_of(2)), (2 * MAX_SCORE, -2 * MAX_SCORE));
        let total = 255 * MAX_SCORE as u64;
        assert_eq!(Histories::<Test>::get(TASK).unwrap().trend.unwrap().value, total);
        let weight = 255 * MAX_SCORE as u128;
        assert_eq!(Shares::<Test>::get(TASK, ROUND + 1).unwrap().weight, weight);
    });
}

#[test]
fn accounts_with_a_running_score_are_counted_once() {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        settle(&[(11, scores(&[5, -5]))]);
        assert_eq!(Histories::<Test>::get(TASK).unwrap().standings, 2);
        next_round();
        settle(&[(11, scores(&[5, -5]))]);
        assert_eq!(Histories::<Test>::get(TASK).unwrap().standings, 2);
    });
}
