//! An accusation waits; without an appeal it is executed, and everybody gets its part.

use super::*;
use crate::{Ballots, Error, Event, NextCase};
use decentralml_types::{Balance, Role, TaskStatus};
use frame_support::{assert_noop, dispatch::Pays};

/// What the task, its sponsor, the reporter and the treasury have gained.
fn gains() -> [Balance; 4] {
    [THE_TASK, SPONSOR, REPORTER, THE_TREASURY].map(|who| total(who) - FUNDS)
}

#[test]
fn an_accusation_takes_what_is_at_stake_and_waits() {
    build_and_execute(|| {
        assert_eq!(accuse_of(Fault::Unanswered, Role::Trainer, 600, Some(REPORTER)), 600);
        System::assert_last_event(
            Event::Opened {
                case: 0,
                accused: ACCUSED,
                role: Role::Trainer,
                fault: Fault::Unanswered,
                task: TASK,
                round: ROUND,
                amount: 600,
                reporter: Some(REPORTER),
                deadline: 1 + WINDOW,
            }
            .into(),
        );
        assert_eq!(bond(ACCUSED, Role::Trainer), BOND - 600);
        assert_eq!(gains(), [0; 4]);
        go_to(WINDOW);
        assert_noop!(conclude(0), Error::<Test>::TooEarly);
    });
}

#[test]
fn a_case_is_about_what_was_left_and_none_is_about_nothing() {
    build_and_execute(|| {
        assert_eq!(accuse_of(Fault::NotRevealed, Role::Trainer, BOND - 1, None), BOND - 1);
        assert_eq!(accuse_of(Fault::NotRevealed, Role::Trainer, BOND, None), 1);
        assert_eq!(Cases::<Test>::get(1).unwrap().charge.amount, 1);
        System::reset_events();
        assert_eq!(accuse_of(Fault::NotRevealed, Role::Trainer, BOND, None), 0);
        assert_eq!((NextCase::<Test>::get(), System::event_count()), (2, 0));
    });
}

#[test]
fn without_an_appeal_the_slash_is_executed_when_the_window_is_over() {
    build_and_execute(|| {
        let case = accuse(Fault::NotRevealed, None);
        wait(case);
        assert_eq!(conclude(case).unwrap().pays_fee, Pays::No);
        System::assert_last_event(
            Event::Executed {
                case,
                accused: ACCUSED,
                ruling: None,
                amount: BOND,
                to_harmed: BOND / 2,
                to_reporter: 0,
                bond_lost: 0,
            }
            .into(),
        );
        assert_eq!(gains(), [BOND / 2, 0, 0, BOND / 2]);
        assert_eq!(World::get().recovered, BOND / 2);
        assert_noop!(conclude(case), Error::<Test>::UnknownCase);
        assert_eq!((Cases::<Test>::iter().count(), Ballots::<Test>::iter().count()), (0, 0));
    });
}

#[test]
fn every_fault_is_split_as_the_table_says() {
    let parts = [
        (Fault::NotRevealed, [500, 0, 0, 500]),
        (Fault::NotOpened, [500, 0, 0, 500]),
        (Fault::Unavailable, [0, 0, 0, 1_000]),
        (Fault::Malformed, [0, 0, 0, 1_000]),
        (Fault::WrongAggregate, [0, 0, 0, 1_000]),
        (Fault::Unanswered, [250, 0, 250, 500]),
    ];
    for (fault, expected) in parts {
        build_and_execute(|| {
            let reporter = (fault == Fault::Unanswered).then_some(REPORTER);
            let case = accuse(fault, reporter);
            wait(case);
            assert_ok!(conclude(case));
            assert_eq!(gains(), expected, "{fault:?}");
        });
    }
}

#[test]
fn the_part_of_a_reporter_that_is_not_there_falls_to_the_treasury() {
    build_and_execute(|| {
        let case = accuse(Fault::Unanswered, None);
        wait(case);
        assert_ok!(conclude(case));
        assert_eq!(gains(), [250, 0, 0, 750]);
    });
}

#[test]
fn the_sponsor_gets_the_part_of_a_task_that_is_gone() {
    build_and_execute(|| {
        let case = accuse(Fault::NotRevealed, None);
        World::mutate(|world| (world.status, world.sponsor) = (None, None));
        wait(case);
        assert_ok!(conclude(case));
        assert_eq!(gains(), [0, 500, 0, 500]);
        assert_eq!(World::get().recovered, 0);
    });
}

#[test]
fn a_task_that_is_over_but_not_gone_gets_its_part() {
    build_and_execute(|| {
        let case = accuse(Fault::NotRevealed, None);
        World::mutate(|world| world.status = Some(TaskStatus::Cancelled));
        wait(case);
        assert_ok!(conclude(case));
        assert_eq!((gains(), World::get().recovered), ([500, 0, 0, 500], 500));
    });
}

#[test]
fn where_nobody_knows_who_was_harmed_the_treasury_gets_that_part() {
    build_and_execute(|| {
        World::mutate(|world| (world.status, world.sponsor) = (None, None));
        let case = accuse(Fault::NotRevealed, None);
        wait(case);
        assert_ok!(conclude(case));
        assert_eq!(gains(), [0, 0, 0, 1_000]);
    });
}

#[test]
fn a_reporter_that_cannot_exist_saves_nobody() {
    build_and_execute(|| {
        accuse_of(Fault::Unanswered, Role::Trainer, 20, Some(NOBODY));
        wait(0);
        assert_ok!(conclude(0));
        assert_eq!((gains(), total(NOBODY)), ([5, 0, 0, 15], 0));
    });
}

#[test]
fn cases_end_in_any_order() {
    build_and_execute(|| {
        accuse_of(Fault::NotRevealed, Role::Trainer, 300, None);
        go_to(10);
        accuse_of(Fault::NotRevealed, Role::Trainer, 200, None);
        wait(1);
        assert_ok!(conclude(1));
        assert_eq!(total(THE_TASK), FUNDS + 100);
        assert_ok!(conclude(0));
        assert_eq!(total(THE_TASK), FUNDS + 250);
        assert_noop!(conclude(2), Error::<Test>::UnknownCase);
    });
}
