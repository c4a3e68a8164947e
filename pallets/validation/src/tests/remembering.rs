//! What is noted of accounts when their rows are settled.

use crate::mock::*;
use decentralml_traits::Challenged;
use decentralml_types::{Conduct, Failure, Opinion, Phase, Role};

/// A settled round: trainer 1 is accepted, 2 is rejected, 3 is malformed, 4 is a copy.
fn judged(test: impl FnOnce()) {
    use Opinion::{Copied, Malformed, Score};
    build_and_execute(|| {
        start(&[1, 2, 3, 4], &[11, 12, 13]);
        let found = opinions(&[Score(300), Score(-50), Malformed, Copied]);
        settle(&[11, 12, 13].map(|seat| (seat, found.clone())));
        test();
    });
}

fn noted() -> Vec<(AccountId, Role, Conduct)> {
    World::get().noted
}

#[test]
fn a_settled_round_is_remembered_of_its_trainers_and_a_fault_is_left_to_its_case() {
    judged(|| {
        for who in [1, 2, 3, 4] {
            try_claim(who).unwrap();
        }
        let expected = [
            (1, Role::Trainer, Conduct::Accepted),
            (2, Role::Trainer, Conduct::Rejected),
            (4, Role::Trainer, Conduct::Rejected),
        ];
        assert_eq!(noted(), expected);
    });
}

#[test]
fn an_update_that_is_claimed_too_late_to_be_paid_was_accepted_all_the_same() {
    judged(|| {
        World::mutate(|world| world.claims_expired = true);
        try_claim(1).unwrap();
        assert_eq!(World::get().paid, []);
        assert_eq!(noted(), [(1, Role::Trainer, Conduct::Accepted)]);
    });
}

#[test]
fn an_update_that_nobody_answered_for_was_not_accepted() {
    judged(|| {
        Standings::set([(1, Challenged::Unanswered)].into());
        try_claim(1).unwrap();
        assert_eq!(noted(), []);
    });
}

#[test]
fn a_void_round_tells_nothing_about_anybody() {
    judged(|| {
        void(Failure::NoAgreement);
        for who in [1, 2, 3] {
            try_claim(who).unwrap();
        }
        for seat in [11, 12, 13] {
            try_claim_seat(0, seat).unwrap();
        }
        assert_eq!(noted(), []);
    });
}

#[test]
fn seats_that_agree_are_accepted_and_one_that_attests_nothing_is_absent() {
    build_and_execute(|| {
        start(&[1, 2], &[11, 12, 13, 14]);
        score(&[11, 12, 13, 14].map(|seat| (seat, scores(&[5, 6]))));
        tally();
        enter(Phase::Aggregating);
        for (seat, model) in [(11, 50), (12, 50), (13, 66)] {
            try_attest(seat, model, 900_000).unwrap();
        }
        enter(Phase::Settled);
        World::mutate(|world| world.claims_expired = true);
        for seat in [11, 12, 13, 14] {
            try_claim_seat(0, seat).unwrap();
        }
        // Of seat 13 its case will tell.
        let expected = [(11, Conduct::Accepted), (12, Conduct::Accepted), (14, Conduct::Absent)];
        assert_eq!(noted(), expected.map(|(who, conduct)| (who, Role::Evaluator, conduct)));
    });
}
