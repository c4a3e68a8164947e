use crate::{Due, Error, Event, mock::*};
use decentralml_traits::{Judgment, JudgmentProgress};
use decentralml_types::{NextModel, Phase};
use frame_support::{assert_noop, dispatch::Pays};

/// Two updates scored by seats 11, 12 and 13; 14 has committed only.
fn aggregating(test: impl FnOnce()) {
    build_and_execute(|| {
        start(&[1, 2], &[11, 12, 13, 14, 15]);
        try_commit(14, [1; 32]).unwrap();
        score(&[11, 12, 13].map(|seat| (seat, scores(&[5, 6]))));
        tally();
        enter(Phase::Aggregating);
        test();
    });
}

fn stateless(byte: u8) -> NextModel {
    NextModel::stateless(cid(byte))
}

fn progress() -> JudgmentProgress {
    Validation::progress(TASK, ROUND, 0)
}

#[test]
fn a_seat_attests_for_free() {
    aggregating(|| {
        let info = try_attest(11, 50, 900_000).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        System::assert_last_event(
            Event::Attested {
                task: TASK,
                round: ROUND,
                committee: 0,
                who: 11,
                cid: cid(50),
                state: None,
                metric: 900_000,
            }
            .into(),
        );
    });
}

#[test]
fn agreeing_seats_make_a_quorum() {
    aggregating(|| {
        assert_eq!(progress().leading, None);
        for (seat, agreeing) in [(11, 1), (12, 2), (13, 3)] {
            try_attest(seat, 50, 900_000).unwrap();
            assert_eq!((progress().agreeing, progress().attested), (agreeing, agreeing));
        }
        assert_eq!(progress().leading, Some((stateless(50), 900_000)));
    });
}

#[test]
fn disagreeing_seats_are_counted_apart() {
    aggregating(|| {
        try_attest(11, 66, 1_000_000).unwrap();
        try_attest(12, 50, 900_000).unwrap();
        assert_eq!((progress().agreeing, progress().attested), (1, 2));
        try_attest(13, 50, 910_000).unwrap();
        assert_eq!((progress().agreeing, progress().attested), (2, 3));
        assert_eq!(progress().leading, Some((stateless(50), 900_000)));
    });
}

#[test]
fn seats_that_agree_on_the_model_and_not_on_the_state_disagree() {
    aggregating(|| {
        let of = |state| NextModel { cid: cid(50), state };
        try_attest_next(11, of(Some(cid(7))), 900_000).unwrap();
        try_attest_next(12, of(None), 900_000).unwrap();
        assert_eq!((progress().agreeing, progress().attested), (1, 2));
        let info = try_attest_next(13, of(Some(cid(7))), 910_000).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        assert_eq!((progress().agreeing, progress().attested), (2, 3));
        assert_eq!(progress().leading, Some((of(Some(cid(7))), 900_000)));
        System::assert_last_event(
            Event::Attested {
                task: TASK,
                round: ROUND,
                committee: 0,
                who: 13,
                cid: cid(50),
                state: Some(cid(7)),
                metric: 910_000,
            }
            .into(),
        );

        enter(Phase::Settled);
        assert!(matches!(Validation::seat_due(TASK, ROUND, 0, &12), Ok(Due::Slash(..))));
        assert!(matches!(Validation::seat_due(TASK, ROUND, 0, &13), Ok(Due::Pay(_))));
    });
}

#[test]
fn the_metric_is_the_lower_median_of_the_agreeing_seats() {
    aggregating(|| {
        for (seat, metric) in [(11, 1_000_000), (12, 0), (13, 900_000)] {
            try_attest(seat, 50, metric).unwrap();
        }
        assert_eq!(progress().leading, Some((stateless(50), 900_000)));
    });
}

#[test]
fn a_seat_attests_once() {
    aggregating(|| {
        try_attest(11, 50, 900_000).unwrap();
        assert_noop!(try_attest(11, 50, 900_000), Error::<Test>::AlreadyAttested);
        assert_noop!(try_attest(11, 66, 900_000), Error::<Test>::AlreadyAttested);
        assert_eq!(progress().attested, 1);
    });
}

#[test]
fn only_seats_that_opened_their_scores_attest() {
    aggregating(|| {
        assert_noop!(try_attest(14, 50, 900_000), Error::<Test>::NotOpened);
        assert_noop!(try_attest(15, 50, 900_000), Error::<Test>::NotCommitted);
    });
}

#[test]
fn a_metric_is_at_most_everything() {
    aggregating(|| {
        assert_noop!(try_attest(11, 50, 1_000_001), Error::<Test>::InvalidMetric);
        try_attest(11, 50, 1_000_000).unwrap();
    });
}

#[test]
fn seats_attest_once_the_scores_are_counted() {
    aggregating(|| {
        for phase in [Phase::Scoring, Phase::Verdict, Phase::Tallying, Phase::Void] {
            enter(phase);
            assert_noop!(try_attest(11, 50, 900_000), Error::<Test>::WrongPhase);
        }
    });
}

#[test]
fn an_attestation_after_the_quorum_is_taken_for_free_and_changes_nothing() {
    aggregating(|| {
        try_attest(11, 50, 900_000).unwrap();
        try_attest(12, 50, 900_000).unwrap();
        enter(Phase::Settled);
        let info = try_attest(13, 50, 900_000).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        assert_eq!(progress().leading, Some((stateless(50), 900_000)));
        assert_noop!(try_attest(13, 50, 900_000), Error::<Test>::AlreadyAttested);
        assert_noop!(try_attest(14, 50, 900_000), Error::<Test>::NotOpened);
    });
}

#[test]
fn an_attestation_after_the_time_to_claim_is_refused() {
    aggregating(|| {
        try_attest(11, 50, 900_000).unwrap();
        try_attest(12, 50, 900_000).unwrap();
        enter(Phase::Settled);
        World::mutate(|world| world.claims_expired = true);
        assert_noop!(try_attest(13, 50, 900_000), Error::<Test>::TooLate);
    });
}
