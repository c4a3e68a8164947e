//! Rows of updates that somebody has challenged.

use crate::{Due, Error, Event, mock::*};
use decentralml_traits::{Challenged, EvidenceRow};
use decentralml_types::{Failure, Opinion, Role};
use frame_support::assert_noop;

/// A settled round whose trainers 1 and 2 share the reward, and 3 is malformed; their challenges stand like this.
fn settled(standing: Challenged, test: impl FnOnce()) {
    use Opinion::{Malformed, Score};
    build_and_execute(|| {
        start(&[1, 2, 3], &[11, 12, 13]);
        let found = opinions(&[Score(100), Score(100), Malformed]);
        settle(&[11, 12, 13].map(|seat| (seat, found.clone())));
        Standings::set([(1, standing), (3, standing)].into());
        Forgotten::set(Vec::new());
        test();
    });
}

#[test]
fn the_row_of_a_challenged_update_waits_and_is_paid_once_it_is_answered_for() {
    settled(Challenged::Open, || {
        for who in [1, 3] {
            assert_noop!(try_claim(who), Error::<Test>::TooEarly);
        }
        // Nobody else waits.
        try_claim(2).unwrap();
        Standings::mutate(|standings| standings.insert(1, Challenged::Met));
        try_claim(1).unwrap();
        assert_eq!(World::get().paid, [(2, REWARD / 2), (1, REWARD / 2)]);
        assert_eq!(Forgotten::get(), [2, 1]);
    });
}

#[test]
fn an_update_that_nobody_answered_for_is_neither_paid_nor_accused_again() {
    settled(Challenged::Unanswered, || {
        for who in [1, 3] {
            assert_eq!(Validation::trainer_due(TASK, ROUND, &who).unwrap(), Due::Nothing);
            try_claim(who).unwrap();
            System::assert_last_event(
                Event::Closed { task: TASK, round: ROUND, who, role: Role::Trainer }.into(),
            );
        }
        assert_eq!(World::get().paid, []);
        // What it would have earned stays in the round, and the other trainer's share is what it was.
        try_claim(2).unwrap();
        assert_eq!(World::get().paid, [(2, REWARD / 2)]);
        assert_eq!(Forgotten::get(), [1, 3, 2]);
    });
}

#[test]
fn in_a_void_round_a_challenge_keeps_nobody_from_its_row() {
    settled(Challenged::Open, || {
        void(Failure::NoAgreement);
        try_claim(1).unwrap();
        assert_eq!(Forgotten::get(), [1]);
        assert_eq!(World::get().evidence.get(&1), None::<&EvidenceRow>);
    });
}
