//! A round that goes well: every phase ends when everybody has acted, or at its deadline with enough of them.

use super::*;
use decentralml_traits::{Draw, NewModel};

#[test]
fn everybody_acting_needs_no_deadline() {
    build_and_execute(|| {
        let task = start();
        let block = System::block_number();
        let enters = |phase, deadline| {
            assert_eq!(at(task), (1, phase));
            let deadline = block + deadline;
            assert!(has_event(Event::PhaseEntered { task, round: 1, phase, deadline }));
        };
        commit(task, 5);
        assert_eq!(at(task), (1, Phase::Training));
        commit(task, 1);
        enters(Phase::Revealing, 30);
        reveal(task, 5);
        assert_eq!(at(task), (1, Phase::Revealing));
        reveal(task, 1);
        enters(Phase::Scoring, 40 + SEED_DELAY);
        assert_eq!(Committees::get(), [(task, 1, 0, 3, 6)]);
        score(task, 2);
        assert_eq!(at(task), (1, Phase::Scoring));
        score(task, 1);
        enters(Phase::Verdict, 20);
        open(task, 3);
        enters(Phase::Tallying, 0);
        tally(task, 5);
        enters(Phase::Aggregating, 10);
        attest(task, 1, 9, 900_000);
        assert_eq!(at(task), (1, Phase::Aggregating));
        attest(task, 1, 9, 900_000);
        assert_eq!(Rounds::<Test>::get(task, 1).unwrap().phase, Phase::Settled);
        assert_eq!(at(task), (2, Phase::Training));
        assert_eq!(System::block_number(), block);
    });
}

#[test]
fn deadlines_end_phases_with_those_who_acted() {
    build_and_execute(|| {
        let task = start();
        commit(task, 4);
        go_by(50 + SEED_DELAY - 1);
        nothing_to_advance(task);
        time_out(task);
        assert_eq!(at(task), (1, Phase::Revealing));
        reveal(task, 3);
        nothing_to_advance(task);
        time_out(task);
        assert_eq!(at(task), (1, Phase::Scoring));
        assert_eq!(round(task).updates, 3);
        score(task, 2);
        nothing_to_advance(task);
        time_out(task);
        assert_eq!(at(task), (1, Phase::Verdict));
        // Both seats that committed open, so the phase ends early again.
        open(task, 2);
        assert_eq!(at(task), (1, Phase::Tallying));
        tally(task, 2);
        attest(task, 2, 9, 1);
        assert_eq!(at(task), (2, Phase::Training));
    });
}

#[test]
fn a_settled_round_records_its_model_and_sets_its_debts_aside() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Scoring);
        score(task, 3);
        open(task, 2);
        time_out(task);
        tally(task, 4);
        go_by(3);
        attest(task, 2, 9, 900_000);

        let expected =
            NewModel { task, round: 1, cid: cid(9), parent: None, metric: 900_000, updates: 4 };
        assert_eq!(Recorded::get(), [expected]);
        assert!(has_event(Event::RoundSettled {
            task,
            round: 1,
            version: 1,
            cid: cid(9),
            state: None,
            metric: 900_000,
            accepted: 4,
        }));
        let settled = Rounds::<Test>::get(task, 1).unwrap();
        // Two seats opened, so the third seat's fee is free again.
        assert_eq!(settled.pot, REWARD + 2 * FEE);
        assert_eq!((settled.model, settled.accepted, settled.updates), (Some(1), 4, 6));
        assert_eq!(settled.ended_at, Some(System::block_number()));
        assert_eq!(
            money(task),
            Money { free: ROUND_PAY + FEE, ..purse(1, ATTEMPTS - 2, ROUND_PAY, REWARD + 2 * FEE) }
        );
        assert_eq!((row(task).model, row(task).metric), (Some((1, cid(9))), Some(900_000)));

        settle(task, 10, 910_000);
        assert_eq!(Recorded::get()[1].parent, Some(1));
    });
}

#[test]
fn all_rounds_settled_complete_the_task_and_the_rest_goes_back() {
    build_and_execute(|| {
        let task = start();
        assert_ok!(Tasks::fund(signed(OTHER), task, 50, 0));
        for byte in 1..=3 {
            settle(task, byte, 1);
        }
        assert_eq!(status(task), TaskStatus::Completed);
        assert_eq!(at(task), (3, Phase::Settled));
        let status = TaskStatus::Completed;
        assert!(has_event(Event::TaskEnded { task, status, refunded: 50, charges: 6 * CHARGE }));
        assert_eq!(money(task), purse(0, 0, 0, 3 * ROUND_PAY));
        nothing_to_advance(task);
    });
}

#[test]
fn the_target_completes_the_task_early() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.target = Some(950_000);
        let task = start_with(spec);
        settle(task, 1, 949_999);
        assert_eq!(status(task), TaskStatus::Running);
        settle(task, 2, 950_000);
        assert_eq!(status(task), TaskStatus::Completed);
        assert_eq!(money(task), purse(0, 0, 0, 2 * ROUND_PAY));
        assert_eq!(total(SPONSOR), FUNDS - free(2, 2) - EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn scores_are_counted_batch_by_batch_and_only_by_advance() {
    build_and_execute(|| {
        let task = start();
        bring_to(task, Phase::Tallying);
        Batches::set(3);
        Accepted::set(5);
        Tasks::acted(task);
        assert_eq!(Batches::get(), 3);
        for left in [2, 1] {
            advance(task);
            assert_eq!((Batches::get(), at(task)), (left, (1, Phase::Tallying)));
        }
        advance(task);
        assert_eq!(at(task), (1, Phase::Aggregating));
    });
}

#[test]
fn acts_end_no_phase_at_its_deadline() {
    build_and_execute(|| {
        let task = start();
        commit(task, 3);
        System::set_block_number(round(task).deadline);
        // Somebody enrolls, or attests an earlier round.
        Tasks::acted(task);
        assert_eq!(at(task), (1, Phase::Training));
        advance(task);
        assert_eq!(at(task), (1, Phase::Revealing));
    });
}

#[test]
fn draws_are_open_only_while_somebody_may_need_them() {
    build_and_execute(|| {
        let task = start();
        assert_eq!(OpenDraws::get(), [(task, 1, Draw::Trainers)]);
        bring_to(task, Phase::Revealing);
        assert_eq!(OpenDraws::get(), []);
        bring_to(task, Phase::Scoring);
        assert_eq!(OpenDraws::get(), [(task, 1, Draw::Committee(0))]);
        bring_to(task, Phase::Verdict);
        assert_eq!(OpenDraws::get(), []);
    });
}

#[test]
fn one_call_moves_a_task_by_one_step() {
    build_and_execute(|| {
        let task = start();
        // Everybody has acted in two phases before anybody tells the clock.
        Counts::mutate(|counts| (counts.committed, counts.revealed) = (6, 6));
        Tasks::acted(task);
        assert_eq!(at(task), (1, Phase::Revealing));
        Tasks::acted(task);
        assert_eq!(at(task), (1, Phase::Scoring));
    });
}
