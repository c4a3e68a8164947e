use crate::{Commitments, Error, Event, Handover, mock::*};
use decentralml_traits::Evidence;
use decentralml_types::{CommitteeNumber, Phase, RoundNumber, TaskId};
use frame_support::{assert_noop, dispatch::DispatchResultWithPostInfo, dispatch::Pays};
use sp_runtime::DispatchError;

/// Accounts 1 and 2 have revealed, 3 has committed only; the committee is drawn.
fn sealed(test: impl FnOnce()) {
    revealed(true, test);
}

fn revealed(sealed: bool, test: impl FnOnce()) {
    Sealed::set(sealed);
    build_and_execute(|| {
        (1..=3).for_each(commit);
        CurrentPhase::set(Phase::Revealing);
        (1..=2).for_each(reveal);
        CurrentPhase::set(Phase::Scoring);
        test();
    });
}

fn hand_over(who: AccountId, committee: CommitteeNumber) -> DispatchResultWithPostInfo {
    hand_over_in(TASK, ROUND, who, committee)
}

fn hand_over_in(
    task: TaskId,
    round: RoundNumber,
    who: AccountId,
    committee: CommitteeNumber,
) -> DispatchResultWithPostInfo {
    let keys = cid(100 + who as u8 + committee);
    Results::hand_over(RuntimeOrigin::signed(who), task, round, committee, keys)
}

fn handover(who: AccountId) -> Option<Handover> {
    let (_, update) = Commitments::<Test>::get((TASK, ROUND, who)).unwrap().revealed.unwrap();
    update.handover
}

#[test]
fn a_key_is_handed_over_for_free_and_stands_with_the_update() {
    sealed(|| {
        let acted = Acted::get();
        let info = hand_over(2, 0).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        assert_eq!(handover(2), Some(Handover { committee: 0, keys: cid(102) }));
        assert_eq!(handover(1), None);
        System::assert_last_event(
            Event::HandedOver {
                task: TASK,
                round: ROUND,
                committee: 0,
                who: 2,
                index: 1,
                keys: cid(102),
            }
            .into(),
        );
        assert_eq!(Acted::get(), acted, "no phase waits for it");
    });
}

#[test]
fn another_committee_gets_keys_of_its_own() {
    sealed(|| {
        hand_over(1, 0).unwrap();
        Committee::set(1);
        assert_noop!(hand_over(1, 0), Error::<Test>::WrongCommittee);
        hand_over(1, 1).unwrap();
        assert_eq!(handover(1), Some(Handover { committee: 1, keys: cid(102) }));
        // Who was late for the first may be in time for the second.
        hand_over(2, 1).unwrap();
    });
}

#[test]
fn attack_keys_are_not_replaced_once_seats_may_have_read_them() {
    sealed(|| {
        hand_over(1, 0).unwrap();
        let before = handover(1);
        assert_noop!(hand_over(1, 0), Error::<Test>::AlreadyHandedOver);
        let other = Results::hand_over(RuntimeOrigin::signed(1), TASK, ROUND, 0, cid(200));
        assert_eq!(other.unwrap_err().error, Error::<Test>::AlreadyHandedOver.into());
        assert_eq!(handover(1), before);
    });
}

#[test]
fn attack_nobody_hands_over_for_another() {
    sealed(|| {
        assert_noop!(hand_over(4, 0), Error::<Test>::NotCommitted);
        assert_noop!(hand_over(3, 0), Error::<Test>::NotRevealed);
        for origin in [RuntimeOrigin::none(), RuntimeOrigin::root()] {
            let refused = Results::hand_over(origin, TASK, ROUND, 0, cid(1));
            assert_eq!(refused.unwrap_err().error, DispatchError::BadOrigin);
        }
        assert_eq!((handover(1), handover(2)), (None, None));
    });
}

#[test]
fn only_the_committee_at_work_gets_keys() {
    sealed(|| {
        assert_noop!(hand_over(1, 1), Error::<Test>::WrongCommittee);
        Committee::set(1);
        assert_noop!(hand_over(1, 0), Error::<Test>::WrongCommittee);
        assert_noop!(hand_over(1, 2), Error::<Test>::WrongCommittee);
    });
}

#[test]
fn nobody_hands_over_before_it_can_be_known_to_whom() {
    sealed(|| {
        CommitteeDrawn::set(false);
        assert_noop!(hand_over(1, 0), SEED_UNKNOWN);
        CommitteeDrawn::set(true);
        hand_over(1, 0).unwrap();
    });
}

#[test]
fn nobody_hands_over_before_or_after_the_phase() {
    sealed(|| {
        for phase in [
            Phase::Training,
            Phase::Revealing,
            Phase::Verdict,
            Phase::Tallying,
            Phase::Aggregating,
            Phase::Settled,
            Phase::Void,
        ] {
            CurrentPhase::set(phase);
            assert_noop!(hand_over(1, 0), Error::<Test>::WrongPhase);
        }
    });
}

#[test]
fn a_late_key_is_refused() {
    sealed(|| {
        Due::set(true);
        assert_noop!(hand_over(1, 0), Error::<Test>::TooLate);
    });
}

#[test]
fn attack_keys_of_another_round_or_task_are_refused() {
    sealed(|| {
        for round in [ROUND - 1, ROUND + 1] {
            let refused = hand_over_in(TASK, round, 1, 0).unwrap_err().error;
            assert_eq!(refused, Error::<Test>::NotCurrentRound.into());
        }
        let elsewhere = hand_over_in(TASK + 1, ROUND, 1, 0).unwrap_err().error;
        assert_eq!(elsewhere, Error::<Test>::NoRound.into());
        // An update of the last round opens nothing in this one.
        CurrentRound::set(ROUND + 1);
        assert_noop!(hand_over_in(TASK, ROUND + 1, 1, 0), Error::<Test>::NotCommitted);
    });
}

#[test]
fn an_open_task_has_no_keys() {
    revealed(false, || {
        assert_noop!(hand_over(1, 0), Error::<Test>::NotSealed);
    });
}

#[test]
fn a_settled_row_takes_its_keys_with_it() {
    sealed(|| {
        hand_over(1, 0).unwrap();
        Results::take(TASK, ROUND, &1);
        assert_noop!(hand_over(1, 0), Error::<Test>::NotCommitted);
    });
}
