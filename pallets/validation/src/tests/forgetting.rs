use crate::{Committees, Due, Error, Histories, Running, mock::*};
use decentralml_traits::Judgment;
use decentralml_types::{Failure, Phase, TaskStatus};
use frame_support::{
    assert_noop,
    dispatch::{DispatchResultWithPostInfo, Pays},
};

fn forget(account: AccountId) -> DispatchResultWithPostInfo {
    Validation::forget(RuntimeOrigin::signed(77), TASK, account)
}

fn stand(status: Option<TaskStatus>) {
    World::mutate(|world| world.status = status);
}

/// A settled round of two trainers that nobody has claimed.
fn settled(test: impl FnOnce()) {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        settle(&[(11, scores(&[5, 5]))]);
        test();
    });
}

#[test]
fn a_task_that_is_not_over_is_not_forgotten() {
    settled(|| {
        for status in [TaskStatus::Enrolling, TaskStatus::Running, TaskStatus::Paused] {
            stand(Some(status));
            assert_noop!(forget(1), Error::<Test>::TaskNotOver);
        }
    });
}

#[test]
fn anybody_forgets_the_standings_of_a_task_that_is_over() {
    for status in
        [Some(TaskStatus::Completed), Some(TaskStatus::Cancelled), Some(TaskStatus::Expired), None]
    {
        settled(|| {
            for who in [1, 2] {
                try_claim(who).unwrap();
            }
            try_claim_seat(0, 11).unwrap();
            stand(status);
            for who in [1, 2] {
                assert_eq!(Histories::<Test>::iter().count(), 1);
                assert_eq!(forget(who).unwrap().pays_fee, Pays::No);
                assert_noop!(forget(who), Error::<Test>::NothingToForget);
            }
            assert_eq!(Running::<Test>::iter().count(), 0);
            assert_eq!(Histories::<Test>::iter().count(), 0);
        });
    }
}

#[test]
fn what_is_forgotten_can_still_be_claimed() {
    settled(|| {
        stand(Some(TaskStatus::Completed));
        for who in [1, 2] {
            forget(who).unwrap();
            assert_eq!(Validation::trainer_due(TASK, ROUND, &who).unwrap(), Due::Pay(REWARD / 2));
        }
        for who in [1, 2] {
            try_claim(who).unwrap();
        }
        try_claim_seat(0, 11).unwrap();
        assert_eq!(World::get().paid, [(1, REWARD / 2), (2, REWARD / 2), (11, FEE)]);
        assert_eq!(Committees::<Test>::iter().count(), 0);
    });
}

#[test]
fn accounts_without_a_running_score_are_nothing_to_forget() {
    settled(|| {
        stand(Some(TaskStatus::Completed));
        assert_noop!(forget(11), Error::<Test>::NothingToForget);
        assert_eq!(Histories::<Test>::iter().count(), 1);
    });
}

#[test]
fn a_task_with_standings_is_not_closed() {
    settled(|| {
        stand(Some(TaskStatus::Completed));
        forget(1).unwrap();
        assert!(!Validation::close(TASK));
        assert_eq!(Histories::<Test>::iter().count(), 1);
        forget(2).unwrap();
        assert!(Validation::close(TASK));
    });
}

#[test]
fn a_task_in_which_nobody_was_judged_is_closed_and_leaves_nothing() {
    build_and_execute(|| {
        assert!(Validation::close(TASK), "there was no round at all");
        start(&[1], &[11]);
        void(Failure::TooFewScores);
        try_claim(1).unwrap();
        assert_eq!(Committees::<Test>::iter().count(), 1);
        stand(Some(TaskStatus::Cancelled));
        assert!(Validation::close(TASK));
        assert_eq!(Committees::<Test>::iter().count(), 0);
        assert_eq!(Histories::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_last_committee_of_which_nobody_acted_is_forgotten_with_the_last_standing() {
    settled(|| {
        for who in [1, 2] {
            try_claim(who).unwrap();
        }
        try_claim_seat(0, 11).unwrap();
        next_round();
        void(Failure::Cancelled);
        assert_eq!(Committees::<Test>::iter().count(), 1);
        stand(Some(TaskStatus::Cancelled));
        for who in [1, 2] {
            forget(who).unwrap();
        }
        assert_eq!(Committees::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_seat_that_is_left_is_settled_though_the_standings_are_forgotten() {
    build_and_execute(|| {
        start(&[1], &[11]);
        settle(&[(11, scores(&[5]))]);
        next_round();
        try_commit(11, [1; 32]).unwrap();
        enter(Phase::Verdict);
        void(Failure::Expired);
        stand(Some(TaskStatus::Expired));
        forget(1).unwrap();
        try_claim_seat(0, 11).unwrap();
        assert_eq!(World::get().accused, []);
        assert!(!Committees::<Test>::contains_key((TASK, ROUND + 1, 0)));
    });
}
