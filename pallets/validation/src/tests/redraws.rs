use crate::{Committees, Histories, Running, Shares, Verdicts, mock::*};
use decentralml_traits::Judgment;
use decentralml_types::{Outcome, Phase, Score};

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
        assert_eq!((running_of(1), running_of(2)), (50, 200));
        assert_eq!(Histories::<Test>::get(TASK).unwrap().trend, trend);
        assert_eq!(Shares::<Test>::get(TASK, ROUND + 1).unwrap().weight, 250);
        let second = Verdicts::<Test>::get((TASK, ROUND + 1, 2)).unwrap();
        assert_eq!((second.score, second.outcome), (150, Some(Outcome::Accepted { weight: 200 })));
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
