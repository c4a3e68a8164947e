use crate::{Committees, Error, Histories, Running, Shares, Verdicts, mock::*};
use decentralml_traits::Judgment;
use decentralml_types::{Failure, Fault, Opinion, Outcome, Phase, Role, Score};
use frame_support::assert_noop;

fn running_of(trainer: AccountId) -> Score {
    Running::<Test>::get(TASK, trainer).unwrap().score
}

#[test]
fn a_second_committee_judges_the_round_anew() {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        settle(&[(11, scores(&[100, 100]))]);
        next_round();
        score(&[(11, scores(&[50, -150]))]);
        tally();
        assert_eq!((running_of(1), running_of(2)), (150, -50));
        let trend = Histories::<Test>::get(TASK).unwrap().trend;

        redraw(&[21, 22]);
        assert_eq!(Shares::<Test>::get(TASK, ROUND + 1).unwrap().weight, 0);
        score(&[(21, scores(&[-50, 150])), (22, scores(&[-50, 150]))]);
        tally();
        // Neither the first committee's scores nor its total count any more.
        assert_eq!((running_of(1), running_of(2)), (50, 185));
        let trend = trend.unwrap().previous;
        assert_eq!(Histories::<Test>::get(TASK).unwrap().trend.unwrap().previous, trend);
        assert_eq!(Shares::<Test>::get(TASK, ROUND + 1).unwrap().weight, 150);
        let second = Verdicts::<Test>::get((TASK, ROUND + 1, 2)).unwrap();
        assert_eq!((second.score, second.outcome), (150, Some(Outcome::Accepted { weight: 150 })));
    });
}

#[test]
fn seats_of_a_replaced_committee_have_no_say() {
    build_and_execute(|| {
        start(&[1], &[11, 12]);
        try_commit(11, hash_of(11, &scores(&[5]))).unwrap();
        redraw(&[21, 22]);
        assert!(try_commit(12, [1; 32]).is_err());
        enter(Phase::Verdict);
        assert!(try_open(11, scores(&[5])).is_err());
        assert_eq!(Validation::progress(TASK, ROUND, 1).committed, 0);
    });
}

#[test]
fn a_committee_of_which_nobody_acted_leaves_no_record() {
    build_and_execute(|| {
        start(&[1], &[11, 12]);
        redraw(&[21, 22]);
        assert!(!Committees::<Test>::contains_key((TASK, ROUND, 0)));
        next_round();
        assert!(!Committees::<Test>::contains_key((TASK, ROUND, 1)));
        assert_eq!(Committees::<Test>::iter().count(), 1);
    });
}

#[test]
fn a_committee_that_acted_keeps_its_record_until_it_is_settled() {
    build_and_execute(|| {
        start(&[1], &[11, 12]);
        try_commit(11, [1; 32]).unwrap();
        redraw(&[21, 22]);
        assert!(Committees::<Test>::contains_key((TASK, ROUND, 0)));
        try_claim_seat(0, 11).unwrap();
        assert!(!Committees::<Test>::contains_key((TASK, ROUND, 0)));
    });
}

#[test]
fn attack_one_bond_does_not_stand_for_two_committees() {
    build_and_execute(|| {
        start(&[1], &[11, 12, 13]);
        for seat in [11, 12, 13] {
            try_commit(seat, hash_of(seat, &scores(&[5]))).unwrap();
        }
        enter(Phase::Verdict);
        try_open(11, scores(&[5])).unwrap();
        redraw(&[11, 12, 13]);
        // 11 has opened; 12 and 13 have not, and that is a fault.
        try_commit(11, [1; 32]).unwrap();
        assert_noop!(try_commit(12, [1; 32]), Error::<Test>::EarlierSeatAtRisk);
        try_claim_seat(0, 12).unwrap();
        assert_eq!(World::get().accused, [(12, Role::Evaluator, Fault::NotOpened, EVALUATOR_BOND)]);
        try_commit(12, [1; 32]).unwrap();
        assert_noop!(try_commit(13, [1; 32]), Error::<Test>::EarlierSeatAtRisk);
    });
}

#[test]
fn a_seat_that_committed_in_vain_may_commit_in_the_next_committee() {
    build_and_execute(|| {
        start(&[1], &[11, 12, 13]);
        try_commit(11, [1; 32]).unwrap();
        redraw(&[11, 12, 13]);
        try_commit(11, [1; 32]).unwrap();
        assert_eq!(World::get().held[&(true, 11)], 2);
    });
}

#[test]
fn attack_settling_an_earlier_seat_does_not_clear_the_one_at_risk() {
    build_and_execute(|| {
        start(&[1], &[11, 12]);
        score(&[11, 12].map(|seat| (seat, scores(&[5]))));
        redraw(&[11, 12]);
        for seat in [11, 12] {
            try_commit(seat, hash_of(seat, &scores(&[5]))).unwrap();
        }
        assert_noop!(try_claim_seat(0, 11), Error::<Test>::TooEarly);
        enter(Phase::Verdict);
        try_open(11, scores(&[5])).unwrap();
        try_claim_seat(0, 11).unwrap();
        // The later one goes first, and nothing is left in the end.
        void(Failure::TooFewOpenings);
        assert_noop!(try_claim_seat(0, 12), Error::<Test>::TooEarly);
        try_claim_seat(1, 12).unwrap();
        try_claim_seat(0, 12).unwrap();
        try_claim_seat(1, 11).unwrap();
        assert_eq!(World::get().accused, [(12, Role::Evaluator, Fault::NotOpened, EVALUATOR_BOND)]);
        assert_eq!(Committees::<Test>::iter().count(), 0);
        assert!([11, 12].iter().all(|seat| World::get().held[&(true, *seat)] == 0));
    });
}

#[test]
fn verdicts_of_a_replaced_committee_pay_and_punish_nobody() {
    build_and_execute(|| {
        start(&[1, 2], &[11, 12]);
        let found = opinions(&[Opinion::Score(5), Opinion::Malformed]);
        score(&[(11, found.clone()), (12, found)]);
        tally();
        redraw(&[21, 22]);
        void(Failure::TooFewScores);
        for trainer in [1, 2] {
            try_claim(trainer).unwrap();
        }
        assert_eq!((World::get().paid, World::get().accused), (vec![], vec![]));
        assert_eq!((Verdicts::<Test>::iter().count(), Shares::<Test>::iter().count()), (0, 0));
    });
}
