//! What nobody gets by challenging or answering.

use super::*;
use crate::WeightInfo;
use decentralml_protocol::dag::MAX_ANSWER;
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo};

#[test]
fn attack_challenges_in_a_flood() {
    build_and_execute(|| {
        let top = Tree::new().top;
        for made in 1..=MAX_CHALLENGES {
            assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
            assert_noop!(challenge(MALLORY, TRAINER, &[1]), Error::<Test>::AlreadyChallenged);
            assert_ok!(answer(TRAINER, TRAINER, &[&top]));
            // The trainer gains by each of them, and whoever floods it loses.
            assert_eq!(total(TRAINER), FUNDS + u128::from(made) * (BOND - PRICE));
            assert_eq!(total(CHALLENGER), FUNDS - u128::from(made) * BOND);
        }
        assert_noop!(challenge(MALLORY, TRAINER, &[]), Error::<Test>::TooManyChallenges);
        // Other updates can still be challenged.
        assert_ok!(challenge(MALLORY, OTHER_TRAINER, &[]));
    });
}

#[test]
fn attack_answers_copied_from_the_pool() {
    build_and_execute(|| {
        let top = Tree::new().top;
        assert_ok!(challenge(MALLORY, TRAINER, &[]));
        // Whoever is first, the bond goes to the trainer.
        assert_ok!(answer(MALLORY, TRAINER, &[&top]));
        assert_eq!((total(MALLORY), total(TRAINER)), (FUNDS - BOND, FUNDS + BOND - PRICE));
    });
}

#[test]
fn attack_blocks_filled_with_answers_to_oneself() {
    build_and_execute(|| {
        let accomplices = total(MALLORY) + total(TRAINER);
        assert_ok!(challenge(MALLORY, TRAINER, &[]));
        assert_ok!(answer(TRAINER, TRAINER, &[&Tree::new().top]));
        // The answer's fee is given back, and its price is not.
        assert_eq!(total(MALLORY) + total(TRAINER), accomplices - PRICE);
    });
}

#[test]
fn attack_a_bond_drawn_back_by_a_late_challenge_of_the_same_update() {
    build_and_execute(|| {
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        pass(PERIOD + 1);
        // A friend of the trainer's cannot put its own challenge in the place of the one that is due.
        assert_noop!(challenge(MALLORY, TRAINER, &[]), Error::<Test>::AlreadyChallenged);
        assert_ok!(conclude(HOST, TRAINER));
        assert_eq!(Accused::get().len(), 1);
    });
}

#[test]
fn an_answer_weighs_as_much_as_it_has_bytes() {
    let weight = |with: &[&[u8]]| {
        let (task, round, trainer) = (TASK, ROUND, TRAINER);
        let call = crate::Call::<Test>::answer { task, round, trainer, blocks: blocks(with) };
        call.get_dispatch_info().call_weight
    };
    assert_eq!(weight(&[]), <() as WeightInfo>::answer(0));
    assert_eq!(weight(&[&[0; 9], &[0; 5]]), <() as WeightInfo>::answer(14));
    let most = <() as WeightInfo>::answer(MAX_ANSWER as u32);
    assert!(most.ref_time() > 4 * <() as WeightInfo>::answer(0).ref_time(), "{most}");
}
