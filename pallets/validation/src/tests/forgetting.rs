use crate::{Committees, Error, Histories, Running, mock::*};
use frame_support::{assert_noop, dispatch::Pays};

fn forget(account: AccountId) -> frame_support::dispatch::DispatchResultWithPostInfo {
    Validation::forget(RuntimeOrigin::signed(77), TASK, account)
}

#[test]
fn a_task_that_exists_is_not_forgotten() {
    build_and_execute(|| {
        start(&[1], &[11]);
        assert_noop!(forget(1), Error::<Test>::TaskExists);
    });
}

#[test]
fn anybody_makes_the_chain_forget_a_task_that_is_gone() {
    build_and_execute(|| {
        start(&[1, 2], &[11]);
        settle(&[(11, scores(&[5, 6]))]);
        for who in [1, 2] {
            try_claim(who).unwrap();
        }
        try_claim_seat(0, 11).unwrap();
        World::mutate(|world| world.exists = false);
        for who in [1, 2] {
            assert_eq!(forget(who).unwrap().pays_fee, Pays::No);
            assert_noop!(forget(who), Error::<Test>::NothingToForget);
        }
        assert_eq!(Running::<Test>::iter().count(), 0);
        assert_eq!(Histories::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_last_committee_of_which_nobody_acted_is_forgotten_too() {
    build_and_execute(|| {
        start(&[1], &[11]);
        void(decentralml_types::Failure::TooFewScores);
        try_claim(1).unwrap();
        assert_eq!(Committees::<Test>::iter().count(), 1);
        World::mutate(|world| world.exists = false);
        forget(1).unwrap();
        assert_eq!(Committees::<Test>::iter().count(), 0);
    });
}
