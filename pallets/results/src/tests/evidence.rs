use crate::{Counts, Reveals, mock::*};
use decentralml_traits::{Evidence, EvidenceCounts, EvidenceRow, Revealed, Salted};
use decentralml_types::Phase;

#[test]
fn a_row_is_taken_once() {
    build_and_execute(|| {
        commit(1);
        commit(2);
        CurrentPhase::set(Phase::Revealing);
        reveal(2);
        assert_eq!(Results::take(TASK, ROUND, &1), Some(EvidenceRow::Committed));
        assert_eq!(Results::take(TASK, ROUND, &1), None);
        assert_eq!(Results::take(TASK, ROUND, &2), Some(EvidenceRow::Revealed { index: 0 }));
        assert_eq!(Results::row(TASK, ROUND, &2), None);
        assert_eq!(Results::take(TASK, ROUND, &3), None);
    });
}

#[test]
fn counters_stay_until_the_last_row_is_settled() {
    build_and_execute(|| {
        commit(1);
        commit(2);
        CurrentPhase::set(Phase::Revealing);
        reveal(1);
        Results::take(TASK, ROUND, &2);
        assert_eq!(Results::counts(TASK, ROUND), EvidenceCounts { committed: 2, revealed: 1 });
        Results::take(TASK, ROUND, &1);
        assert_eq!(Counts::<Test>::iter().count(), 0);
        assert_eq!(Reveals::<Test>::iter().count(), 0);
    });
}

#[test]
fn the_bytes_of_an_update_are_known_from_its_reveal_until_its_row_is_settled() {
    build_and_execute(|| {
        commit(1);
        assert_eq!(Results::cid(TASK, ROUND, &1), None);
        CurrentPhase::set(Phase::Revealing);
        reveal(1);
        assert_eq!(Results::cid(TASK, ROUND, &1), Some(cid(1)));
        assert_eq!(Results::cid(TASK, ROUND + 1, &1), None);
        Results::take(TASK, ROUND, &1);
        assert_eq!(Results::cid(TASK, ROUND, &1), None);
    });
}

#[test]
fn rounds_do_not_mix() {
    build_and_execute(|| {
        commit(1);
        CurrentRound::set(ROUND + 1);
        Results::commit(RuntimeOrigin::signed(1), TASK, ROUND + 1, [5; 32]).unwrap();
        Results::take(TASK, ROUND, &1);
        assert_eq!(Results::row(TASK, ROUND + 1, &1), Some(EvidenceRow::Committed));
        assert_eq!(Results::counts(TASK, ROUND), EvidenceCounts::default());
        assert_eq!(Results::counts(TASK, ROUND + 1).committed, 1);
    });
}

#[test]
fn a_revealed_update_tells_with_what_it_was_salted_and_nothing_else_does() {
    build_and_execute(|| {
        commit(1);
        let salted = |salt| Results::is_salted(TASK, ROUND, &1, salt);
        assert_eq!(salted([1; 32]), None, "not revealed");
        CurrentPhase::set(Phase::Revealing);
        reveal(1);
        assert_eq!((salted([1; 32]), salted([9; 32])), (Some(true), Some(false)));
        assert_eq!(Results::is_salted(TASK, ROUND, &2, [2; 32]), None);
    });
}
