use crate::{Due, Error, Event, Shares, Verdicts, mock::*};
use decentralml_traits::EvidenceRow;
use decentralml_types::{Balance, Failure, Fault, Opinion, Phase, Role, limits::MAX_SCORE};
use frame_support::{assert_noop, dispatch::Pays};

/// A settled round: trainer 1 has weight 300, 2 has 100, 3 is rejected, 4 is malformed.
fn settled(test: impl FnOnce()) {
    use Opinion::{Malformed, Score};
    build_and_execute(|| {
        start(&[1, 2, 3, 4], &[11, 12, 13]);
        let found = opinions(&[Score(300), Score(100), Score(-50), Malformed]);
        settle(&[11, 12, 13].map(|seat| (seat, found.clone())));
        test();
    });
}

/// Adds a trainer that has committed and not revealed.
fn silent(who: AccountId) {
    World::mutate(|world| {
        world.evidence.insert(who, EvidenceRow::Committed);
        world.rows += 1;
    });
}

#[test]
fn accepted_updates_share_the_reward_in_proportion() {
    settled(|| {
        assert_eq!(Validation::trainer_due(TASK, ROUND, &1).unwrap(), Due::Pay(REWARD * 3 / 4));
        for who in [1, 2] {
            assert_eq!(try_claim(who).unwrap().pays_fee, Pays::No);
        }
        assert_eq!(World::get().paid, [(1, REWARD * 3 / 4), (2, REWARD / 4)]);
        System::assert_last_event(
            Event::Rewarded {
                task: TASK,
                round: ROUND,
                who: 2,
                role: Role::Trainer,
                amount: REWARD / 4,
            }
            .into(),
        );
    });
}

#[test]
fn rejected_updates_get_nothing_and_lose_nothing() {
    settled(|| {
        try_claim(3).unwrap();
        assert_eq!((World::get().paid, World::get().accused), (vec![], vec![]));
        System::assert_last_event(
            Event::Closed { task: TASK, round: ROUND, who: 3, role: Role::Trainer }.into(),
        );
    });
}

#[test]
fn copies_get_nothing_and_lose_nothing_and_the_original_is_paid() {
    use Opinion::{Copied, Score};
    build_and_execute(|| {
        start(&[1, 2], &[11, 12, 13]);
        let found = opinions(&[Copied, Score(100)]);
        settle(&[11, 12, 13].map(|seat| (seat, found.clone())));
        for who in [1, 2] {
            try_claim(who).unwrap();
        }
        assert_eq!((World::get().paid, World::get().accused), (vec![(2, REWARD)], vec![]));
    });
}

#[test]
fn a_trainer_is_accused_of_what_a_committee_finds() {
    settled(|| {
        let rows = World::get().rows;
        try_claim(4).unwrap();
        let world = World::get();
        assert_eq!(world.accused, [(4, Role::Trainer, Fault::Malformed, TRAINER_BOND)]);
        assert_eq!(world.rows, rows - 1);
        System::assert_last_event(
            Event::Accused {
                task: TASK,
                round: ROUND,
                who: 4,
                role: Role::Trainer,
                fault: Fault::Malformed,
                amount: TRAINER_BOND,
            }
            .into(),
        );
    });
}

#[test]
fn an_accusation_takes_what_is_left_and_never_fails() {
    settled(|| {
        World::mutate(|world| world.bonds = [(4, 0), (5, 30)].into());
        try_claim(4).unwrap();
        silent(5);
        try_claim(5).unwrap();
        assert_eq!(
            World::get().accused,
            [(4, Role::Trainer, Fault::Malformed, 0), (5, Role::Trainer, Fault::NotRevealed, 30),]
        );
    });
}

#[test]
fn a_commitment_that_was_not_revealed_costs_the_bond_as_soon_as_revealing_is_over() {
    build_and_execute(|| {
        start(&[1], &[11]);
        silent(2);
        enter(Phase::Revealing);
        assert_noop!(try_claim(2), Error::<Test>::TooEarly);
        enter(Phase::Scoring);
        try_claim(2).unwrap();
        assert_eq!(World::get().accused, [(2, Role::Trainer, Fault::NotRevealed, TRAINER_BOND)]);
    });
}

#[test]
fn a_fault_costs_what_the_task_says() {
    build_and_execute(|| {
        World::mutate(|world| world.penalties.not_revealed.percent = 30);
        silent(2);
        void(Failure::TooFewReveals);
        try_claim(2).unwrap();
        let amount = TRAINER_BOND / 10 * 3;
        assert_eq!(World::get().accused, [(2, Role::Trainer, Fault::NotRevealed, amount)]);
    });
}

#[test]
fn a_fault_costs_who_weighs_more_so_many_times_as_much() {
    build_and_execute(|| {
        World::mutate(|world| {
            world.weights = [(2, 4)].into();
            world.penalties.not_revealed.percent = 30;
        });
        [2, 3].into_iter().for_each(silent);
        void(Failure::TooFewReveals);
        for who in [2, 3] {
            try_claim(who).unwrap();
        }
        let (role, fault, amount) = (Role::Trainer, Fault::NotRevealed, TRAINER_BOND / 10 * 3);
        assert_eq!(World::get().accused, [(2, role, fault, 4 * amount), (3, role, fault, amount)]);
    });
}

#[test]
fn too_few_reveals_cost_those_that_were_silent() {
    build_and_execute(|| {
        silent(2);
        void(Failure::TooFewReveals);
        try_claim(2).unwrap();
        assert_eq!(World::get().accused, [(2, Role::Trainer, Fault::NotRevealed, TRAINER_BOND)]);
    });
}

#[test]
fn nobody_is_slashed_for_not_revealing_in_a_round_that_ended_before() {
    for failure in [Failure::TooFewCommitments, Failure::Cancelled, Failure::Expired] {
        build_and_execute(|| {
            silent(2);
            void(failure);
            try_claim(2).unwrap();
            assert_eq!(World::get().accused, []);
            assert_eq!(World::get().rows, 0);
        });
    }
}

#[test]
fn a_void_round_pays_nobody_and_punishes_no_verdict() {
    for failure in [Failure::NothingAccepted, Failure::NoAgreement, Failure::Cancelled] {
        settled(|| {
            void(failure);
            for who in 1..=4 {
                try_claim(who).unwrap();
            }
            assert_eq!((World::get().paid, World::get().accused), (vec![], vec![]));
        });
    }
}

#[test]
fn an_expired_claim_pays_nothing_and_still_settles_the_row() {
    settled(|| {
        World::mutate(|world| world.claims_expired = true);
        let rows = World::get().rows;
        try_claim(1).unwrap();
        assert_eq!(World::get().paid, []);
        assert_eq!(World::get().rows, rows - 1);
        // A fault stays a fault.
        try_claim(4).unwrap();
        assert_eq!(World::get().accused.len(), 1);
    });
}

#[test]
fn a_claim_is_made_once() {
    settled(|| {
        for who in 1..=4 {
            try_claim(who).unwrap();
            assert_noop!(try_claim(who), Error::<Test>::NothingToClaim);
        }
        assert_noop!(try_claim(99), Error::<Test>::NothingToClaim);
    });
}

#[test]
fn nothing_is_paid_before_the_round_is_over() {
    settled(|| {
        for phase in [Phase::Scoring, Phase::Verdict, Phase::Tallying, Phase::Aggregating] {
            enter(phase);
            assert_noop!(try_claim(1), Error::<Test>::TooEarly);
        }
    });
}

#[test]
fn rounds_that_do_not_exist_have_no_claims() {
    settled(|| {
        let origin = || RuntimeOrigin::signed(1);
        assert_noop!(Validation::claim(origin(), TASK, ROUND + 1, 1), Error::<Test>::NoRound);
        assert_noop!(Validation::claim(origin(), TASK + 1, ROUND, 1), Error::<Test>::NoRound);
    });
}

#[test]
fn the_last_claim_leaves_no_rows() {
    settled(|| {
        for who in [4, 2, 1, 3] {
            try_claim(who).unwrap();
        }
        assert_eq!(Verdicts::<Test>::iter().count(), 0);
        assert_eq!(Shares::<Test>::iter().count(), 0);
        assert!((1..=4).all(|who| World::get().held[&(false, who)] == 0));
    });
}

#[test]
fn the_order_of_claims_changes_no_payment() {
    for order in [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3]] {
        settled(|| {
            for who in order {
                try_claim(who).unwrap();
            }
            let mut paid = World::get().paid;
            paid.sort_unstable();
            assert_eq!(paid, [(1, REWARD * 3 / 4), (2, REWARD / 4)]);
        });
    }
}

#[test]
fn payouts_never_exceed_the_pot() {
    // Weights that do not divide the reward, from one planck-sized share to almost all.
    for round in
        [[1, 1, 1, 1], [1, 2, 3, 5], [MAX_SCORE, 1, 7, MAX_SCORE], [333, 333, 334, 999_983]]
    {
        build_and_execute(|| {
            start(&[1, 2, 3, 4], &[11]);
            settle(&[(11, scores(&round))]);
            for who in 1..=4 {
                try_claim(who).unwrap();
            }
            let paid: Balance = World::get().paid.iter().map(|(_, amount)| amount).sum();
            assert!(paid <= REWARD && paid + 4 > REWARD, "{round:?}: {paid}");
        });
    }
}

#[test]
fn a_payment_that_fails_leaves_the_claim_open() {
    settled(|| {
        World::mutate(|world| world.broke = true);
        let result =
            frame_support::storage::with_storage_layer(|| try_claim(1).map_err(|e| e.error));
        assert_eq!(result.map(|_| ()), Err(NOT_PAYABLE));
        assert!(Verdicts::<Test>::contains_key((TASK, ROUND, 1)));
    });
}
