use crate::{Commitments, Error, Event, Reveals, Update, WeightInfo, mock::*};
use decentralml_traits::{Evidence, EvidenceCounts};
use decentralml_types::{Phase, commitment::UpdateCommitment};
use frame_support::{assert_noop, dispatch::Pays};

/// Commits for accounts 1 to 3 and enters Revealing.
fn committed(test: impl FnOnce()) {
    build_and_execute(|| {
        (1..=3).for_each(commit);
        CurrentPhase::set(Phase::Revealing);
        test();
    });
}

#[test]
fn reveals_are_numbered_in_their_order_and_free() {
    committed(|| {
        for (index, who) in [(0, 2), (1, 3), (2, 1)] {
            let info = try_reveal(who, &update_of(&who)).unwrap();
            assert_eq!(info.pays_fee, Pays::No);
            assert_eq!(info.actual_weight, Some(<() as WeightInfo>::reveal()));
            assert_eq!(Reveals::<Test>::get((TASK, ROUND, index)), Some(who));
            assert_eq!(Results::trainer(TASK, ROUND, index), Some(who));
        }
        assert_eq!(Results::counts(TASK, ROUND), EvidenceCounts { committed: 3, revealed: 3 });
        let row = Commitments::<Test>::get((TASK, ROUND, 3)).unwrap();
        let update = Update { cid: cid(3), plain_hash: None, samples: 100, handover: None };
        assert_eq!(row.revealed, Some((1, update)));
        let number = |who| Commitments::<Test>::get((TASK, ROUND, who)).unwrap().number;
        assert_eq!([1, 2, 3].map(number), [0, 1, 2], "as they were committed to");
        System::assert_last_event(
            Event::Revealed {
                task: TASK,
                round: ROUND,
                who: 1,
                index: 2,
                cid: cid(1),
                plain_hash: None,
                samples: 100,
            }
            .into(),
        );
        assert_eq!(Acted::get(), 6);
    });
}

#[test]
fn a_bond_stays_at_risk_when_its_owner_has_revealed() {
    committed(|| {
        (1..=3).for_each(reveal);
        Results::take(TASK, ROUND, &1);
        assert!(Freed::get().is_empty());
    });
}

#[test]
fn a_reveal_must_be_what_was_committed_to() {
    committed(|| {
        let update = update_of(&1);
        let others = [
            UpdateCommitment { cid: cid(99), ..update.clone() },
            UpdateCommitment { samples: 101, ..update.clone() },
            UpdateCommitment { salt: [99; 32], ..update },
        ];
        for other in others {
            assert_noop!(try_reveal(1, &other), Error::<Test>::Mismatch);
        }
        reveal(1);
    });
}

#[test]
fn a_commitment_to_another_base_task_round_or_chain_cannot_be_revealed() {
    build_and_execute(|| {
        let update = update_of(&1);
        let others = [
            UpdateCommitment { base: Some(cid(99)), ..update.clone() },
            UpdateCommitment { base: None, ..update.clone() },
            UpdateCommitment { task: TASK + 1, ..update.clone() },
            UpdateCommitment { round: ROUND - 1, ..update.clone() },
            UpdateCommitment { genesis: [99; 32], ..update.clone() },
        ];
        for other in others {
            CurrentPhase::set(Phase::Training);
            Results::take(TASK, ROUND, &1);
            Results::commit(RuntimeOrigin::signed(1), TASK, ROUND, other.hash()).unwrap();
            CurrentPhase::set(Phase::Revealing);
            assert_noop!(try_reveal(1, &update), Error::<Test>::Mismatch);
        }
    });
}

#[test]
fn a_sealed_update_is_revealed_with_the_hash_of_the_plain_one() {
    Sealed::set(true);
    committed(|| {
        let update = update_of(&1);
        let bare = UpdateCommitment { plain_hash: None, ..update.clone() };
        assert_noop!(try_reveal(1, &bare), Error::<Test>::PlainHashMissing);
        let other = UpdateCommitment { plain_hash: Some([99; 32]), ..update.clone() };
        assert_noop!(try_reveal(1, &other), Error::<Test>::Mismatch);
        try_reveal(1, &update).unwrap();
        let (_, revealed) = Commitments::<Test>::get((TASK, ROUND, 1)).unwrap().revealed.unwrap();
        assert_eq!((revealed.plain_hash, revealed.handover), (Some([1; 32]), None));
    });
}

#[test]
fn an_open_update_has_no_other_hash() {
    committed(|| {
        let sealed = UpdateCommitment { plain_hash: Some([1; 32]), ..update_of(&1) };
        assert_noop!(try_reveal(1, &sealed), Error::<Test>::NotSealed);
        reveal(1);
    });
}

#[test]
fn a_commitment_without_the_hash_cannot_be_revealed_in_a_sealed_task() {
    build_and_execute(|| {
        commit(1);
        Sealed::set(true);
        CurrentPhase::set(Phase::Revealing);
        assert_noop!(try_reveal(1, &update_of(&1)), Error::<Test>::Mismatch);
    });
}

#[test]
fn a_first_round_starts_from_no_model() {
    build_and_execute(|| {
        Base::set(None);
        commit(1);
        CurrentPhase::set(Phase::Revealing);
        reveal(1);
    });
}

#[test]
fn attack_a_copied_commitment_cannot_be_revealed_by_the_copier() {
    build_and_execute(|| {
        commit(1);
        let stolen = Commitments::<Test>::get((TASK, ROUND, 1)).unwrap().hash;
        Results::commit(RuntimeOrigin::signed(2), TASK, ROUND, stolen).unwrap();
        CurrentPhase::set(Phase::Revealing);
        reveal(1);
        let victim = 1;
        assert_noop!(try_reveal(2, &update_of(&victim)), Error::<Test>::Mismatch);
        assert_noop!(try_reveal(2, &update_of(&2)), Error::<Test>::Mismatch);
    });
}

#[test]
fn nobody_reveals_before_or_after_the_phase() {
    committed(|| {
        for phase in [
            Phase::Training,
            Phase::Scoring,
            Phase::Verdict,
            Phase::Tallying,
            Phase::Aggregating,
            Phase::Settled,
            Phase::Void,
        ] {
            CurrentPhase::set(phase);
            assert_noop!(try_reveal(1, &update_of(&1)), Error::<Test>::WrongPhase);
        }
    });
}

#[test]
fn a_commitment_of_an_earlier_round_cannot_be_revealed_in_the_next() {
    committed(|| {
        CurrentRound::set(ROUND + 1);
        assert_noop!(try_reveal(1, &update_of(&1)), Error::<Test>::NotCurrentRound);
        let replayed = UpdateCommitment { round: ROUND + 1, ..update_of(&1) };
        assert_noop!(try_reveal(1, &replayed), Error::<Test>::NotCommitted);
    });
}

#[test]
fn who_has_not_committed_cannot_reveal() {
    committed(|| {
        assert_noop!(try_reveal(4, &update_of(&4)), Error::<Test>::NotCommitted);
    });
}

#[test]
fn an_update_is_revealed_once() {
    committed(|| {
        reveal(1);
        assert_noop!(try_reveal(1, &update_of(&1)), Error::<Test>::AlreadyRevealed);
        assert_eq!(Results::counts(TASK, ROUND).revealed, 1);
    });
}

#[test]
fn a_late_reveal_is_refused() {
    committed(|| {
        Due::set(true);
        assert_noop!(try_reveal(1, &update_of(&1)), Error::<Test>::TooLate);
    });
}
