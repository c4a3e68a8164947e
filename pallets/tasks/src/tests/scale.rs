//! Sizes at which others broke.

use super::*;
use codec::{Encode, MaxEncodedLen};
use decentralml_types::limits::{MAX_ROUNDS, MAX_SEATS, MAX_TRAINERS};

#[test]
fn a_full_round_settles() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.trainers = TrainerCount { min: 1, max: MAX_TRAINERS as u16 };
        spec.committee = Committee { seats: MAX_SEATS as u8, quorum: 21 };
        let task = create_with(spec);
        enroll(task, 100_000, 1_000);
        assert_eq!(round(task).places, MAX_TRAINERS);
        commit(task, MAX_TRAINERS);
        reveal(task, MAX_TRAINERS);
        assert_eq!(round(task).seats, MAX_SEATS);
        score(task, MAX_SEATS);
        open(task, MAX_SEATS);
        tally(task, MAX_TRAINERS);
        attest(task, 21, 1, 1);
        assert_eq!(at(task).0, 2);
        let fees = FEE * Balance::from(MAX_SEATS);
        assert_eq!(Rounds::<Test>::get(task, 1).unwrap().pot, REWARD + fees);
        assert_eq!(Rounds::<Test>::get(task, 1).unwrap().open_rows, MAX_TRAINERS + MAX_SEATS);
    });
}

#[test]
fn the_ten_thousandth_round_is_like_the_first() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.rounds = MAX_ROUNDS;
        spec.max_retries = 0;
        spec.trainers.max = 3;
        spec.terms.reward_per_round = 1;
        spec.terms.fee_per_seat = 0;
        let task = create_with(spec);
        enroll(task, 3, 3);
        for number in 1..=MAX_ROUNDS {
            assert_eq!(at(task), (number, Phase::Training));
            Counts::mutate(|counts| (counts.committed, counts.revealed) = (3, 3));
            Tasks::acted(task);
            Tasks::acted(task);
            Progress::mutate(|seen| (seen.committed, seen.opened) = (3, 3));
            Tasks::acted(task);
            Tasks::acted(task);
            tally(task, 3);
            Recorded::set(vec![]);
            attest(task, 2, 1, 1);
            System::reset_events();
        }
        assert_eq!(status(task), TaskStatus::Completed);
        assert_eq!(money(task).unclaimed, Balance::from(MAX_ROUNDS));
    });
}

#[test]
fn a_task_s_row_does_not_grow_with_its_rounds_or_participants() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.rounds = 4;
        let task = start_with(spec);
        settle(task, 1, 1);
        let before = row(task).encode().len();
        for byte in 2..=3 {
            settle(task, byte, 1);
        }
        assert_eq!(row(task).encode().len(), before);
        assert!(before <= Task::<AccountId>::max_encoded_len());
        assert!(Task::<AccountId>::max_encoded_len() < 1_024);
        assert!(Round::max_encoded_len() < 256);
    });
}

#[test]
fn tasks_do_not_share_rows_or_money() {
    build_and_execute(|| {
        let tasks: Vec<_> = (0..50).map(|_| create()).collect();
        enroll(tasks[0], 6, 3);
        assert_ok!(Tasks::cancel(signed(SPONSOR), tasks[1]));
        for &task in &tasks[2..] {
            assert_eq!(status(task), TaskStatus::Enrolling);
            assert_eq!(purses(task), (3 * ROUND_PAY, ATTEMPTS * CHARGE));
        }
        let accounts: std::collections::BTreeSet<_> =
            tasks.iter().map(|&task| Tasks::account_of(task)).collect();
        assert_eq!(accounts.len(), 50);
    });
}
