use crate::{Error, Event, WeightInfo, mock::*};
use decentralml_traits::{Evidence, EvidenceRow};
use decentralml_types::{Phase, Role};
use frame_support::{
    assert_err_ignore_postinfo, assert_noop,
    dispatch::{DispatchResultWithPostInfo, Pays},
};

fn try_commit(who: AccountId) -> DispatchResultWithPostInfo {
    Results::commit(RuntimeOrigin::signed(who), TASK, ROUND, [9; 32])
}

#[test]
fn a_drawn_trainer_commits_for_free() {
    build_and_execute(|| {
        let info = try_commit(1).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        assert_eq!(info.actual_weight, Some(<() as WeightInfo>::commit()));
        assert_eq!(Results::counts(TASK, ROUND).committed, 1);
        assert_eq!(Results::row(TASK, ROUND, &1), Some(EvidenceRow::Committed));
        System::assert_last_event(
            Event::Committed { task: TASK, round: ROUND, who: 1, hash: [9; 32] }.into(),
        );
    });
}

#[test]
fn only_who_ends_the_phase_weighs_what_that_takes() {
    build_and_execute(|| {
        Moves::set(true);
        let info = try_commit(1).unwrap();
        assert_eq!((info.pays_fee, info.actual_weight), (Pays::No, None));
    });
}

#[test]
fn a_commitment_is_counted_until_it_is_settled() {
    build_and_execute(|| {
        commit(1);
        commit(2);
        assert_eq!(OpenedRows::get(), [(TASK, ROUND); 2]);
        assert_eq!(Held::get(), [1, 2].map(|who| (TASK, ROUND, Role::Trainer, who)));
        assert_eq!(Acted::get(), 2);
    });
}

#[test]
fn nobody_commits_in_another_phase() {
    build_and_execute(|| {
        for phase in [
            Phase::Revealing,
            Phase::Scoring,
            Phase::Verdict,
            Phase::Tallying,
            Phase::Aggregating,
            Phase::Settled,
            Phase::Void,
        ] {
            CurrentPhase::set(phase);
            assert_noop!(try_commit(1), Error::<Test>::WrongPhase);
        }
    });
}

#[test]
fn nobody_commits_in_another_round_or_task() {
    build_and_execute(|| {
        for round in [ROUND - 1, ROUND + 1] {
            let late = Results::commit(RuntimeOrigin::signed(1), TASK, round, [9; 32]);
            assert_err_ignore_postinfo!(late, Error::<Test>::NotCurrentRound);
        }
        let elsewhere = Results::commit(RuntimeOrigin::signed(1), TASK + 1, ROUND, [9; 32]);
        assert_err_ignore_postinfo!(elsewhere, Error::<Test>::NoRound);
    });
}

#[test]
fn who_is_not_drawn_cannot_commit() {
    build_and_execute(|| {
        assert_noop!(try_commit(4), NOT_DRAWN);
    });
}

#[test]
fn a_bond_that_slashes_have_eaten_must_be_topped_up_first() {
    build_and_execute(|| {
        Uncovered::set(vec![1]);
        assert_noop!(try_commit(1), NOT_COVERED);
        Uncovered::set(Vec::new());
        commit(1);
    });
}

#[test]
fn a_trainer_whose_bond_stands_for_another_round_cannot_commit() {
    build_and_execute(|| {
        StandsElsewhere::set(vec![1]);
        assert_noop!(try_commit(1), STILL_AT_RISK);
        assert!(OpenedRows::get().is_empty());
        StandsElsewhere::set(Vec::new());
        commit(1);
    });
}

#[test]
fn a_refused_commitment_holds_no_place() {
    build_and_execute(|| {
        Uncovered::set(vec![1]);
        try_commit(1).unwrap_err();
        try_commit(4).unwrap_err();
        Due::set(true);
        try_commit(2).unwrap_err();
        assert!(Held::get().is_empty());
    });
}

#[test]
fn a_trainer_commits_once() {
    build_and_execute(|| {
        commit(1);
        assert_noop!(try_commit(1), Error::<Test>::AlreadyCommitted);
        assert_eq!(Results::counts(TASK, ROUND).committed, 1);
    });
}

#[test]
fn a_late_commitment_is_refused() {
    build_and_execute(|| {
        Due::set(true);
        assert_noop!(try_commit(1), Error::<Test>::TooLate);
    });
}
