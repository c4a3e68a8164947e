use crate::{Committees, Due, Error, Event, Seats, Sheets, mock::*};
use decentralml_types::{Failure, Fault, Phase, Role, Score};
use frame_support::{assert_noop, dispatch::Pays};
use std::collections::BTreeMap;

/// Seats 11, 12 and 13 have opened, 14 has committed only, 15 is absent.
fn scored(test: impl FnOnce()) {
    build_and_execute(|| {
        World::mutate(|world| world.quorum = 3);
        start(&[1, 2], &[11, 12, 13, 14, 15]);
        try_commit(14, [1; 32]).unwrap();
        score(&[11, 12, 13].map(|seat| (seat, scores(&[5, 6]))));
        test();
    });
}

/// As [`scored`]; the first `agreeing` of the opened seats attest the model, the next attests another.
fn settled(agreeing: usize, test: impl FnOnce()) {
    scored(|| {
        tally();
        enter(Phase::Aggregating);
        for seat in [11, 12, 13].iter().take(agreeing) {
            try_attest(*seat, 50, 900_000).unwrap();
        }
        if let Some(seat) = [11, 12, 13].get(agreeing) {
            try_attest(*seat, 66, 900_000).unwrap();
        }
        enter(Phase::Settled);
        test();
    });
}

fn paid_seats() -> Vec<AccountId> {
    World::get().paid.into_iter().map(|(who, _)| who).collect()
}

#[test]
fn a_seat_of_a_settled_round_is_paid_its_fee() {
    settled(3, || {
        assert_eq!(Validation::seat_due(TASK, ROUND, 0, &11).unwrap(), Due::Pay(FEE));
        let info = try_claim_seat(0, 11).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        assert_eq!(World::get().paid, [(11, FEE)]);
        System::assert_last_event(
            Event::Rewarded {
                task: TASK,
                round: ROUND,
                who: 11,
                role: Role::Evaluator,
                amount: FEE,
            }
            .into(),
        );
    });
}

/// Five seats open these scores of two updates, and all attest the same model.
fn opened(scored: [[Score; 2]; 5], test: impl FnOnce()) {
    build_and_execute(|| {
        World::mutate(|world| world.quorum = 3);
        let seats = [11, 12, 13, 14, 15];
        start(&[1, 2], &seats);
        let sheets: Vec<_> =
            seats.into_iter().zip(scored).map(|(seat, said)| (seat, scores(&said))).collect();
        score(&sheets);
        tally();
        enter(Phase::Aggregating);
        seats.into_iter().for_each(|seat| {
            try_attest(seat, 50, 900_000).unwrap();
        });
        enter(Phase::Settled);
        test();
    });
}

#[test]
fn a_fee_falls_with_the_distance_from_the_medians() {
    let (one, other) = (3_000_000, -1_000_000);
    let said = [[one, other], [one, other], [one, other], [one / 2, other / 2], [-one, other]];
    opened(said, || {
        for seat in [11, 12, 13, 14, 15] {
            try_claim_seat(0, seat).unwrap();
        }
        let paid: BTreeMap<_, _> = World::get().paid.into_iter().collect();
        // Half of what is worth something, and half of what harms, of all that is worth something.
        let less = FEE * 1_000_200 / 3_000_200;
        assert_eq!(paid, BTreeMap::from([(11, FEE), (12, FEE), (13, FEE), (14, less)]));
    });
}

#[test]
fn attack_a_seat_that_says_all_updates_are_worth_nothing_is_hardly_paid() {
    let (said, lazy) = ([3_000_000, -1_000_000], [0, 0]);
    opened([said, said, said, lazy, lazy], || {
        assert_eq!(Validation::seat_due(TASK, ROUND, 0, &14).unwrap(), Due::Pay(0));
    });
}

#[test]
fn a_seat_that_attested_another_model_gets_no_fee_and_is_accused() {
    settled(2, || {
        let amount = EVALUATOR_BOND / 2;
        let due = Due::Slash(Fault::WrongAggregate, amount);
        assert_eq!(Validation::seat_due(TASK, ROUND, 0, &13).unwrap(), due);
        for seat in [11, 12, 13] {
            try_claim_seat(0, seat).unwrap();
        }
        assert_eq!(paid_seats(), [11, 12]);
        assert_eq!(World::get().accused, [(13, Role::Evaluator, Fault::WrongAggregate, amount)]);
    });
}

#[test]
fn a_seat_that_weighs_more_loses_so_many_times_as_much() {
    settled(2, || {
        World::mutate(|world| world.weights = [(13, 16)].into());
        let due = Due::Slash(Fault::WrongAggregate, 16 * EVALUATOR_BOND / 2);
        assert_eq!(Validation::seat_due(TASK, ROUND, 0, &13).unwrap(), due);
    });
}

#[test]
fn a_wrong_attestation_does_not_expire_with_the_fee() {
    settled(2, || {
        World::mutate(|world| world.claims_expired = true);
        try_claim_seat(0, 11).unwrap();
        try_claim_seat(0, 13).unwrap();
        assert_eq!(World::get().paid, []);
        let accused: Vec<_> = World::get().accused.iter().map(|(who, ..)| *who).collect();
        assert_eq!(accused, [13]);
    });
}

#[test]
fn nobody_is_accused_of_an_attestation_where_no_model_was_agreed_on() {
    scored(|| {
        tally();
        enter(Phase::Aggregating);
        try_attest(11, 50, 900_000).unwrap();
        try_attest(12, 66, 900_000).unwrap();
        void(Failure::NoAgreement);
        for seat in [11, 12, 13] {
            try_claim_seat(0, seat).unwrap();
        }
        assert_eq!(World::get().accused, []);
    });
}

#[test]
fn the_bond_of_a_seat_that_has_attested_stands_for_the_round_until_it_is_settled() {
    scored(|| {
        tally();
        enter(Phase::Aggregating);
        assert!(!World::get().at_risk.contains_key(&(true, 11)), "opened, not attested");
        try_attest(11, 50, 900_000).unwrap();
        assert_eq!(World::get().at_risk.get(&(true, 11)), Some(&ROUND));
        enter(Phase::Settled);
        try_claim_seat(0, 11).unwrap();
        assert!(!World::get().at_risk.contains_key(&(true, 11)));
    });
}

#[test]
fn another_model_than_the_settled_one_cannot_be_attested_any_more() {
    settled_by_two(|| {
        assert_noop!(try_attest(13, 66, 900_000), Error::<Test>::Outvoted);
        World::mutate(|world| world.at_risk = [((true, 13), ROUND + 1)].into());
        // The bond may stand for the next round already, as nothing is risked any more.
        try_attest(13, 50, 900_000).unwrap();
    });
}

/// As [`scored`]; 11 and 12 have agreed, and 13 has attested nothing.
fn settled_by_two(test: impl FnOnce()) {
    scored(|| {
        tally();
        enter(Phase::Aggregating);
        try_attest(11, 50, 900_000).unwrap();
        try_attest(12, 50, 900_000).unwrap();
        enter(Phase::Settled);
        test();
    });
}

#[test]
fn a_seat_that_was_too_slow_is_paid_for_attesting_late() {
    settled_by_two(|| {
        assert_noop!(try_claim_seat(0, 13), Error::<Test>::TooEarly);
        try_attest(13, 50, 900_000).unwrap();
        try_claim_seat(0, 13).unwrap();
        assert_eq!(paid_seats(), [13]);
    });
}

#[test]
fn attack_a_seat_that_attests_nothing_is_paid_nothing() {
    settled_by_two(|| {
        assert_noop!(try_claim_seat(0, 13), Error::<Test>::TooEarly);
        World::mutate(|world| world.claims_expired = true);
        try_claim_seat(0, 13).unwrap();
        assert_eq!((World::get().paid, World::get().accused), (vec![], vec![]));
        System::assert_last_event(
            Event::Closed { task: TASK, round: ROUND, who: 13, role: Role::Evaluator }.into(),
        );
    });
}

#[test]
fn a_silent_seat_of_a_round_that_did_not_settle_is_settled_at_once() {
    scored(|| {
        tally();
        void(Failure::NoAgreement);
        try_claim_seat(0, 13).unwrap();
        redraw(&[21, 22, 23]);
        try_claim_seat(0, 12).unwrap();
        assert_eq!(World::get().paid, []);
    });
}

#[test]
fn scores_that_were_not_opened_cost_the_bond_as_soon_as_the_verdict_is_over() {
    scored(|| {
        enter(Phase::Verdict);
        assert_noop!(try_claim_seat(0, 14), Error::<Test>::TooEarly);
        enter(Phase::Tallying);
        try_claim_seat(0, 14).unwrap();
        assert_eq!(World::get().accused, [(14, Role::Evaluator, Fault::NotOpened, EVALUATOR_BOND)]);
        System::assert_last_event(
            Event::Accused {
                task: TASK,
                round: ROUND,
                who: 14,
                role: Role::Evaluator,
                fault: Fault::NotOpened,
                amount: EVALUATOR_BOND,
            }
            .into(),
        );
    });
}

#[test]
fn an_absent_evaluator_gets_nothing_and_loses_nothing() {
    settled(3, || {
        assert_noop!(try_claim_seat(0, 15), Error::<Test>::NothingToClaim);
        assert_eq!(World::get().accused, []);
    });
}

#[test]
fn the_fee_is_not_paid_before_the_round_is_over() {
    scored(|| {
        for phase in [Phase::Verdict, Phase::Tallying, Phase::Aggregating] {
            enter(phase);
            assert_noop!(try_claim_seat(0, 11), Error::<Test>::TooEarly);
        }
    });
}

#[test]
fn a_void_round_pays_no_fee() {
    for failure in [Failure::TooFewOpenings, Failure::NothingAccepted, Failure::NoAgreement] {
        scored(|| {
            void(failure);
            try_claim_seat(0, 11).unwrap();
            assert_eq!(World::get().paid, []);
            try_claim_seat(0, 14).unwrap();
            assert_eq!(
                World::get().accused,
                [(14, Role::Evaluator, Fault::NotOpened, EVALUATOR_BOND)]
            );
        });
    }
}

#[test]
fn nobody_is_slashed_for_not_opening_in_a_round_that_ended_before() {
    for failure in [Failure::TooFewScores, Failure::Cancelled, Failure::Expired] {
        build_and_execute(|| {
            start(&[1], &[11, 12, 13]);
            try_commit(11, [1; 32]).unwrap();
            void(failure);
            try_claim_seat(0, 11).unwrap();
            assert_eq!(World::get().accused, []);
            assert_eq!(World::get().rows, 1);
        });
    }
}

#[test]
fn seats_of_a_committee_that_was_replaced_for_want_of_commitments_lose_nothing() {
    build_and_execute(|| {
        start(&[1], &[11, 12, 13]);
        try_commit(11, [1; 32]).unwrap();
        redraw(&[21, 22, 23]);
        try_claim_seat(0, 11).unwrap();
        assert_eq!((World::get().paid, World::get().accused), (vec![], vec![]));
    });
}

#[test]
fn seats_of_a_committee_that_was_replaced_later_lose_what_they_did_not_open() {
    scored(|| {
        redraw(&[21, 22, 23]);
        try_claim_seat(0, 11).unwrap();
        try_claim_seat(0, 14).unwrap();
        assert_eq!(World::get().paid, []);
        assert_eq!(World::get().accused, [(14, Role::Evaluator, Fault::NotOpened, EVALUATOR_BOND)]);
    });
}

#[test]
fn only_the_committee_that_settled_the_round_is_paid() {
    scored(|| {
        tally();
        redraw(&[21, 22, 23]);
        settle(&[21, 22, 23].map(|seat| (seat, scores(&[5, 6]))));
        for seat in [11, 12, 13] {
            try_claim_seat(0, seat).unwrap();
        }
        for seat in [21, 22, 23] {
            try_claim_seat(1, seat).unwrap();
        }
        assert_eq!(paid_seats(), [21, 22, 23]);
    });
}

#[test]
fn an_expired_fee_is_not_paid() {
    settled(3, || {
        World::mutate(|world| world.claims_expired = true);
        try_claim_seat(0, 11).unwrap();
        assert_eq!(World::get().paid, []);
    });
}

#[test]
fn a_seat_is_settled_once_and_the_last_leaves_no_rows() {
    settled(3, || {
        for seat in [11, 12, 13, 14] {
            try_claim_seat(0, seat).unwrap();
            assert_noop!(try_claim_seat(0, seat), Error::<Test>::NothingToClaim);
            assert_eq!(World::get().held[&(true, seat)], 0);
        }
        assert_eq!(Seats::<Test>::iter().count(), 0);
        assert_eq!(Sheets::<Test>::iter().count(), 0);
        assert_eq!(Committees::<Test>::iter().count(), 0);
    });
}

#[test]
fn trainers_are_paid_though_all_seats_are_settled() {
    settled(3, || {
        for seat in [11, 12, 13, 14] {
            try_claim_seat(0, seat).unwrap();
        }
        try_claim(1).unwrap();
        assert_eq!(World::get().paid.last(), Some(&(1, REWARD * 5 / 11)));
    });
}
