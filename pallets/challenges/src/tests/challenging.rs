//! Who may challenge what, when, and what it takes.

use super::*;
use crate::Challenge;
use decentralml_traits::{Challenged, Challenges as _};
use decentralml_types::Phase;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;

#[test]
fn a_challenge_holds_the_bond_and_waits_for_its_answer() {
    build_and_execute(|| {
        assert_eq!(Challenges::standing(TASK, ROUND, &TRAINER), Challenged::Met);
        assert_ok!(challenge(CHALLENGER, TRAINER, &[1, 0]));
        assert_eq!((held(CHALLENGER), total(CHALLENGER)), (BOND, FUNDS));
        let (challenger, trainer, deadline) = (CHALLENGER, TRAINER, 1 + PERIOD);
        let (bond, price) = (BOND, PRICE);
        let open = Challenge { challenger, path: path(&[1, 0]), deadline, bond, price };
        assert_eq!(stage(TRAINER), Some(Stage::Open(open)));
        assert_eq!(Challenges::standing(TASK, ROUND, &TRAINER), Challenged::Open);
        assert_eq!(Challenges::standing(TASK, ROUND + 1, &TRAINER), Challenged::Met);
        let path = path(&[1, 0]);
        System::assert_last_event(
            Event::Challenged { task: TASK, round: ROUND, trainer, challenger, path, deadline }
                .into(),
        );
    });
}

#[test]
fn updates_are_challenged_while_their_trainers_answer_for_them_and_no_longer() {
    for phase in [Phase::Training, Phase::Revealing, Phase::Settled, Phase::Void] {
        build_and_execute(|| {
            CurrentPhase::set(phase);
            assert_noop!(challenge(CHALLENGER, TRAINER, &[]), Error::<Test>::WrongPhase);
        });
    }
    for phase in [Phase::Scoring, Phase::Verdict, Phase::Tallying, Phase::Aggregating] {
        build_and_execute(|| {
            CurrentPhase::set(phase);
            assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        });
    }
}

#[test]
fn only_revealed_updates_of_others_are_challenged() {
    build_and_execute(|| {
        assert_noop!(challenge(TRAINER, TRAINER, &[]), Error::<Test>::OwnUpdate);
        assert_noop!(challenge(CHALLENGER, HOST, &[]), Error::<Test>::NoUpdate);
        let by = RuntimeOrigin::signed(CHALLENGER);
        assert_noop!(
            Challenges::challenge(by.clone(), TASK, ROUND + 1, TRAINER, path(&[])),
            Error::<Test>::NoRound
        );
        assert_noop!(
            Challenges::challenge(by, TASK + 1, ROUND, TRAINER, path(&[])),
            Error::<Test>::NoRound
        );
        // A trainer challenges others like anybody.
        assert_ok!(challenge(OTHER_TRAINER, TRAINER, &[]));
    });
}

#[test]
fn below_a_single_leaf_there_is_nothing_to_demand() {
    build_and_execute(|| {
        assert_noop!(challenge(CHALLENGER, OTHER_TRAINER, &[0]), Error::<Test>::NoSuchBlock);
        assert_ok!(challenge(CHALLENGER, OTHER_TRAINER, &[]));
    });
}

#[test]
fn a_path_beyond_the_depth_of_the_largest_update_cannot_be_sent() {
    assert!(Path::try_from(vec![0; 3]).is_err());
    assert!(Blocks::try_from(vec![Bytes::default(); 4]).is_err());
    assert!(Bytes::try_from(vec![0; (1 << 20) + 1]).is_err());
}

#[test]
fn who_cannot_pay_the_bond_challenges_nothing() {
    build_and_execute(|| {
        assert_noop!(challenge(77, TRAINER, &[]), TokenError::FundsUnavailable);
        ChallengeBond::set(FUNDS);
        assert_noop!(challenge(CHALLENGER, TRAINER, &[]), TokenError::FundsUnavailable);
        assert_eq!(stage(TRAINER), None);
    });
}
