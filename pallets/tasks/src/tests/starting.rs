//! When round 1 starts, and from what.

use super::*;
use decentralml_traits::Draw;
use decentralml_types::spec::InitialModel;

#[test]
fn it_starts_at_once_when_everybody_who_would_be_drawn_is_enrolled() {
    build_and_execute(|| {
        let task = create();
        enroll(task, 6, 2);
        assert_eq!(status(task), TaskStatus::Enrolling);
        enroll(task, 5, 3);
        assert_eq!(status(task), TaskStatus::Enrolling);
        nothing_to_advance(task);
        enroll(task, 6, 3);
        assert_eq!(status(task), TaskStatus::Running);
        assert_eq!(at(task), (1, Phase::Training));
        let deadline = 1 + 50 + SEED_DELAY;
        assert!(has_event(Event::RoundStarted { task, round: 1, places: 6, base: None, deadline }));
        assert_eq!(DrawLog::get(), [(task, 1, Draw::Trainers, 6)]);
        assert_eq!(money(task), purse(2, ATTEMPTS - 1, ROUND_PAY, 0));
    });
}

#[test]
fn it_starts_with_the_minimum_once_the_time_to_enroll_is_over() {
    build_and_execute(|| {
        let task = create();
        enroll(task, 3, 2);
        go_by(59);
        nothing_to_advance(task);
        go_by(1);
        advance(task);
        assert_eq!(at(task), (1, Phase::Training));
        assert_eq!(round(task).places, 3);
    });
}

#[test]
fn too_few_never_start_it_and_the_one_that_is_missing_does() {
    build_and_execute(|| {
        let task = create();
        go_by(60);
        enroll(task, 2, 3);
        nothing_to_advance(task);
        enroll(task, 3, 1);
        nothing_to_advance(task);
        enroll(task, 3, 2);
        assert_eq!(status(task), TaskStatus::Running);
    });
}

#[test]
fn weights_that_exist_are_the_first_base_and_the_model_is_the_next() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.initial = InitialModel::Weights(cid(77));
        let task = start_with(spec);
        assert_eq!(Tasks::round(task, 1).unwrap().base, Some(cid(77)));
        settle(task, 5, 1);
        assert_eq!(Tasks::round(task, 2).unwrap().base, Some(cid(5)));
        assert_eq!(Tasks::round(task, 1).unwrap().base, Some(cid(77)));
    });
}

#[test]
fn a_round_starts_from_the_state_that_the_last_settled_one_agreed_on() {
    build_and_execute(|| {
        let task = start();
        let first = Rounds::<Test>::get(task, 1).unwrap();
        assert_eq!((row(task).state, first.state), (None, None));
        bring_to(task, Phase::Aggregating);
        let next = NextModel { cid: cid(5), state: Some(cid(6)) };
        Progress::mutate(|progress| {
            (progress.attested, progress.agreeing) = (2, 2);
            progress.leading = Some((next, 900_000));
        });
        Tasks::acted(task);
        assert!(has_event(Event::RoundSettled {
            task,
            round: 1,
            version: 1,
            cid: cid(5),
            state: Some(cid(6)),
            metric: 900_000,
            accepted: 5,
        }));
        assert_eq!(row(task).state, Some(cid(6)));

        // A round that fails changes neither; the one after it starts from them as well.
        time_out(task);
        for round in [2, 3] {
            let started = Rounds::<Test>::get(task, round).unwrap();
            assert_eq!((started.base, started.state), (Some(cid(5)), Some(cid(6))), "{round}");
        }
    });
}

#[test]
fn unknown_tasks_do_not_move() {
    build_and_execute(|| {
        Tasks::acted(7);
        assert_noop!(Tasks::advance(signed(OTHER), 7), Error::<Test>::UnknownTask);
        assert_eq!(Tasks::status(7), None);
    });
}
