use crate::{Draws, Error, Seeds, mock::*};
use decentralml_traits::{Draw, Roster};
use decentralml_types::Role;
use frame_support::{assert_err, assert_ok};

fn place(draw: Draw) -> Result<u32, sp_runtime::DispatchError> {
    Assignments::place(TASK, 1, draw, &1)
}

#[test]
fn nobody_knows_its_place_before_the_next_block_has_given_the_seed() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        Assignments::open_draw(TASK, 1, Draw::Trainers, 1);
        assert_err!(place(Draw::Trainers), Error::<Test>::SeedUnknown);
        // The output of the block that opened the draw was known to whoever opened it.
        next_block(Some(1));
        assert_err!(place(Draw::Trainers), Error::<Test>::SeedUnknown);
        next_block(Some(2));
        assert_ok!(place(Draw::Trainers), 0);
    });
}

#[test]
fn randomness_is_captured_once() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        Assignments::open_draw(TASK, 1, Draw::Trainers, 1);
        next_block(Some(1));
        next_block(Some(2));
        let seed = Seeds::<Test>::get(2).unwrap().seed;
        assert!(seed.is_some());
        next_block(Some(3));
        next_block(Some(4));
        assert_eq!(Seeds::<Test>::get(2).unwrap().seed, seed);
        assert_eq!(Asked::get(), 1);
    });
}

#[test]
fn without_an_output_the_draw_stays_without_seed() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        Assignments::open_draw(TASK, 1, Draw::Trainers, 1);
        next_block(None);
        next_block(None);
        next_block(Some(1));
        assert_err!(place(Draw::Trainers), Error::<Test>::SeedUnknown);
    });
}

#[test]
fn a_seed_goes_with_the_last_draw_that_uses_it() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        enroll(2, Role::Evaluator);
        Assignments::open_draw(TASK, 1, Draw::Trainers, 1);
        Assignments::open_draw(TASK, 1, Draw::Committee(0), 1);
        assert_eq!(Seeds::<Test>::get(2).unwrap().users, 2);
        next_block(None);
        next_block(Some(1));
        Assignments::close_draw(TASK, 1, Draw::Trainers);
        assert_eq!(Seeds::<Test>::get(2).unwrap().users, 1);
        Assignments::close_draw(TASK, 1, Draw::Committee(0));
        assert_eq!(Seeds::<Test>::get(2), None);
        assert_eq!(Draws::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_draw_that_is_closed_before_its_seed_is_known_asks_for_none() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        Assignments::open_draw(TASK, 1, Draw::Trainers, 1);
        Assignments::close_draw(TASK, 1, Draw::Trainers);
        next_block(None);
        next_block(Some(1));
        assert_eq!(Seeds::<Test>::iter().count(), 0);
        assert_eq!(Asked::get(), 0);
    });
}

#[test]
fn opening_a_draw_again_replaces_it() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        Assignments::open_draw(TASK, 1, Draw::Trainers, 1);
        next_block(None);
        Assignments::open_draw(TASK, 1, Draw::Trainers, 1);
        assert_eq!(Seeds::<Test>::get(2), None);
        next_block(Some(1));
        next_block(Some(1));
        assert_ok!(place(Draw::Trainers), 0);
    });
}
