//! What answers a challenge, and what does not.

use super::*;
use decentralml_traits::{Challenged, Challenges as _};
use decentralml_types::Phase;
use frame_support::{assert_noop, assert_ok, dispatch::Pays};

#[test]
fn an_answer_earns_the_trainer_the_bond_less_the_price() {
    build_and_execute(|| {
        let tree = Tree::new();
        assert_ok!(challenge(CHALLENGER, TRAINER, &[1, 0]));
        let post = answer(TRAINER, TRAINER, &tree.along(1, 0)).unwrap();
        assert_eq!(post.pays_fee, Pays::No);
        let earned = BOND - PRICE;
        assert_eq!((held(CHALLENGER), total(CHALLENGER)), (0, FUNDS - BOND));
        assert_eq!((total(TRAINER), total(TREASURY)), (FUNDS + earned, FUNDS + PRICE));
        assert_eq!(stage(TRAINER), Some(Stage::Answered));
        assert_eq!(Challenges::standing(TASK, ROUND, &TRAINER), Challenged::Met);
        let (trainer, by, exists) = (TRAINER, TRAINER, true);
        System::assert_last_event(
            Event::Answered { task: TASK, round: ROUND, trainer, by, exists, earned }.into(),
        );
        assert_noop!(answer(TRAINER, TRAINER, &tree.along(1, 0)), Error::<Test>::NoChallenge);
        assert!(Accused::get().is_empty());
    });
}

#[test]
fn a_challenge_keeps_the_bond_and_the_price_of_its_day() {
    build_and_execute(|| {
        assert_ok!(challenge(CHALLENGER, OTHER_TRAINER, &[]));
        ChallengeBond::set(2 * BOND);
        AnswerPrice::set(0);
        assert_ok!(answer(HOST, OTHER_TRAINER, &[b"small"]));
        assert_eq!(total(CHALLENGER), FUNDS - BOND);
        assert_eq!((total(OTHER_TRAINER), total(TREASURY)), (FUNDS + BOND - PRICE, FUNDS + PRICE));
    });
}

#[test]
fn a_host_answers_for_a_trainer() {
    build_and_execute(|| {
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        assert_ok!(answer(HOST, TRAINER, &[&Tree::new().top]));
        assert_eq!((total(HOST), total(TRAINER)), (FUNDS, FUNDS + BOND - PRICE));
    });
}

#[test]
fn nodes_and_single_leaves_are_shown_too() {
    build_and_execute(|| {
        let tree = Tree::new();
        assert_ok!(challenge(CHALLENGER, TRAINER, &[1]));
        assert_ok!(answer(TRAINER, TRAINER, &[&tree.top, &tree.nodes[1]]));
        assert_ok!(challenge(CHALLENGER, OTHER_TRAINER, &[]));
        assert_ok!(answer(OTHER_TRAINER, OTHER_TRAINER, &[b"small"]));
    });
}

#[test]
fn what_is_not_there_is_answered_by_the_node_that_has_no_such_link() {
    build_and_execute(|| {
        let tree = Tree::new();
        assert_ok!(challenge(CHALLENGER, TRAINER, &[2, 0]));
        assert_noop!(answer(TRAINER, TRAINER, &[]), Error::<Test>::TooFewBlocks);
        assert_ok!(answer(TRAINER, TRAINER, &[&tree.top]));
        assert_ok!(challenge(CHALLENGER, TRAINER, &[0, u16::MAX]));
        assert_noop!(answer(TRAINER, TRAINER, &[&tree.top]), Error::<Test>::TooFewBlocks);
        assert_ok!(answer(TRAINER, TRAINER, &[&tree.top, &tree.nodes[0]]));
        let (trainer, by, earned) = (TRAINER, TRAINER, BOND - PRICE);
        System::assert_last_event(
            Event::Answered { task: TASK, round: ROUND, trainer, by, exists: false, earned }.into(),
        );
    });
}

#[test]
fn wrong_answers_change_nothing_and_can_be_tried_again() {
    build_and_execute(|| {
        let tree = Tree::new();
        assert_ok!(challenge(CHALLENGER, TRAINER, &[1, 0]));
        let [top, node, leaf] = tree.along(1, 0);
        let mut damaged = leaf.to_vec();
        damaged[0] ^= 1;
        let other = Error::<Test>::OtherBlock;
        assert_noop!(answer(TRAINER, TRAINER, &[top, node, &damaged]), other);
        assert_noop!(answer(TRAINER, TRAINER, &tree.along(1, 1)), Error::<Test>::OtherBlock);
        assert_noop!(answer(TRAINER, TRAINER, &tree.along(0, 0)), Error::<Test>::OtherBlock);
        assert_noop!(answer(TRAINER, TRAINER, &[leaf]), Error::<Test>::OtherBlock);
        assert_noop!(answer(TRAINER, TRAINER, &[top, node]), Error::<Test>::TooFewBlocks);
        let long = vec![0; (64 << 10) + 1];
        assert_noop!(answer(TRAINER, TRAINER, &[&long, node, leaf]), Error::<Test>::BlockTooLong);
        assert_ok!(answer(TRAINER, TRAINER, &[top, node, leaf]));
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        assert_noop!(answer(TRAINER, TRAINER, &[top, node]), Error::<Test>::TooManyBlocks);
    });
}

#[test]
fn an_update_in_another_form_cannot_be_answered_for_below_its_root() {
    build_and_execute(|| {
        let bytes = b"not a node at all";
        Updates::mutate(|updates| {
            let cid = updates.get_mut(&TRAINER).unwrap();
            cid.digest = sp_io::hashing::sha2_256(bytes);
        });
        assert_ok!(challenge(CHALLENGER, TRAINER, &[0]));
        assert_noop!(answer(TRAINER, TRAINER, &[bytes, b""]), Error::<Test>::MalformedNode);
    });
}

#[test]
fn an_answer_counts_up_to_its_deadline() {
    build_and_execute(|| {
        let top = Tree::new().top;
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        pass(PERIOD);
        assert_noop!(conclude(CHALLENGER, TRAINER), Error::<Test>::TooEarly);
        assert_ok!(answer(TRAINER, TRAINER, &[&top]));
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        pass(PERIOD + 1);
        assert_noop!(answer(TRAINER, TRAINER, &[&top]), Error::<Test>::TooLate);
        assert_ok!(conclude(CHALLENGER, TRAINER));
        assert_noop!(answer(TRAINER, TRAINER, &[&top]), Error::<Test>::NoChallenge);
    });
}

#[test]
fn an_answer_counts_after_the_rounds_end() {
    for phase in [Phase::Settled, Phase::Void] {
        build_and_execute(|| {
            assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
            CurrentPhase::set(phase);
            assert_ok!(answer(TRAINER, TRAINER, &[&Tree::new().top]));
            assert_eq!(total(TRAINER), FUNDS + BOND - PRICE);
        });
    }
}

#[test]
fn no_receiver_can_undo_an_answer() {
    build_and_execute(|| {
        // Less than an account needs to exist, for accounts that are gone.
        ChallengeBond::set(PRICE + EXISTENTIAL_DEPOSIT - 1);
        let everything = FUNDS;
        for gone in [TRAINER, TREASURY] {
            use frame_support::traits::{fungible::Mutate, tokens::Preservation};
            assert_ok!(Balances::transfer(&gone, &HOST, everything, Preservation::Expendable));
        }
        AnswerPrice::set(PRICE);
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        assert_ok!(answer(HOST, TRAINER, &[&Tree::new().top]));
        assert_eq!((total(TRAINER), held(CHALLENGER)), (0, 0));
        assert_eq!(total(TREASURY), PRICE + EXISTENTIAL_DEPOSIT - 1);
        assert_eq!(stage(TRAINER), Some(Stage::Answered));
    });
}
