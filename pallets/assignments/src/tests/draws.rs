use crate::{Error, mock::*};
use decentralml_traits::{Draw, Roster};
use decentralml_types::Role;
use frame_support::{assert_err, assert_ok};

const ROUND: u32 = 1;

fn open(places: u32) -> u32 {
    Assignments::open_draw(TASK, ROUND, Draw::Trainers, places)
}

/// Two blocks later the seed is known.
fn draw_trainers(places: u32, output: u8) {
    open(places);
    next_block(None);
    next_block(Some(output));
}

fn place(who: AccountId) -> Result<u32, sp_runtime::DispatchError> {
    Assignments::place(TASK, ROUND, Draw::Trainers, &who)
}

fn drawn(accounts: impl Iterator<Item = AccountId>) -> Vec<AccountId> {
    accounts.filter(|who| place(*who).is_ok()).collect()
}

#[test]
fn as_many_are_drawn_as_there_are_places() {
    build_and_execute(|| {
        (1..=20).for_each(|who| enroll(who, Role::Trainer));
        draw_trainers(6, 1);
        let mut places: Vec<u32> = (1..=20).filter_map(|who| place(who).ok()).collect();
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2, 3, 4, 5]);
        let refused = (1..=20).find(|who| place(*who).is_err()).unwrap();
        assert_err!(place(refused), Error::<Test>::NotDrawn);
    });
}

#[test]
fn a_draw_is_done_once_its_seed_is_known_whoever_asks() {
    build_and_execute(|| {
        let drawn = || Assignments::ensure_drawn(TASK, ROUND, Draw::Trainers);
        assert_err!(drawn(), Error::<Test>::NoSuchDraw);
        enroll(1, Role::Trainer);
        open(6);
        assert_err!(drawn(), Error::<Test>::SeedUnknown);
        next_block(None);
        assert_err!(drawn(), Error::<Test>::SeedUnknown);
        next_block(Some(1));
        assert_ok!(drawn());
        let other = Assignments::ensure_drawn(TASK, ROUND, Draw::Committee(0));
        assert_err!(other, Error::<Test>::NoSuchDraw);
        Assignments::close_draw(TASK, ROUND, Draw::Trainers);
        assert_err!(drawn(), Error::<Test>::NoSuchDraw);
    });
}

#[test]
fn all_are_drawn_where_places_suffice() {
    build_and_execute(|| {
        (1..=4).for_each(|who| enroll(who, Role::Trainer));
        assert_eq!(open(6), 4);
        next_block(None);
        next_block(Some(1));
        assert_eq!(drawn(1..=4), [1, 2, 3, 4]);
    });
}

#[test]
fn a_draw_among_nobody_draws_nobody() {
    build_and_execute(|| {
        assert_eq!(open(6), 0);
        enroll(1, Role::Trainer);
        next_block(None);
        next_block(Some(1));
        assert_err!(place(1), Error::<Test>::NotDrawn);
    });
}

#[test]
fn the_seed_decides_who_is_drawn() {
    let who_is_drawn = |output| {
        let mut chosen = Vec::new();
        build_and_execute(|| {
            (1..=20).for_each(|who| enroll(who, Role::Trainer));
            draw_trainers(6, output);
            chosen = drawn(1..=20);
        });
        chosen
    };
    assert_eq!(who_is_drawn(1), who_is_drawn(1));
    assert_ne!(who_is_drawn(1), who_is_drawn(2));
}

#[test]
fn draws_of_the_same_block_differ() {
    build_and_execute(|| {
        (1..=20).for_each(|who| enroll(who, Role::Evaluator));
        let committees = [Draw::Committee(0), Draw::Committee(1)];
        for committee in committees {
            Assignments::open_draw(TASK, ROUND, committee, 3);
        }
        next_block(None);
        next_block(Some(1));
        let [first, second] = committees.map(|committee| {
            (1..=20)
                .filter(|who| Assignments::place(TASK, ROUND, committee, who).is_ok())
                .collect::<Vec<AccountId>>()
        });
        assert_eq!((first.len(), second.len()), (3, 3));
        assert_ne!(first, second);
    });
}

#[test]
fn trainers_are_not_drawn_into_committees() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        enroll(2, Role::Evaluator);
        assert_eq!(Assignments::open_draw(TASK, ROUND, Draw::Committee(0), 3), 1);
        next_block(None);
        next_block(Some(1));
        let place = |who| Assignments::place(TASK, ROUND, Draw::Committee(0), &who);
        assert_err!(place(1), Error::<Test>::NotEnrolled);
        assert_ok!(place(2), 0);
    });
}

#[test]
fn a_newcomer_is_not_drawn_in_the_draw_that_is_open() {
    build_and_execute(|| {
        (1..=3).for_each(|who| enroll(who, Role::Trainer));
        open(6);
        enroll(4, Role::Trainer);
        next_block(None);
        next_block(Some(1));
        enroll(5, Role::Trainer);
        assert_eq!(drawn(1..=5), [1, 2, 3]);
        assert_err!(place(4), Error::<Test>::NotDrawn);

        Assignments::open_draw(TASK, ROUND + 1, Draw::Trainers, 6);
        next_block(None);
        next_block(Some(2));
        for who in 1..=5 {
            assert_ok!(Assignments::place(TASK, ROUND + 1, Draw::Trainers, &who));
        }
    });
}

#[test]
fn a_newcomer_does_not_inherit_the_place_of_a_leaver() {
    build_and_execute(|| {
        (1..=3).for_each(|who| enroll(who, Role::Trainer));
        draw_trainers(6, 1);
        leave(3, Role::Trainer);
        enroll(4, Role::Trainer);
        assert_err!(place(4), Error::<Test>::NotDrawn);
        assert_err!(place(3), Error::<Test>::NotEnrolled);
        enroll(3, Role::Trainer);
        assert_err!(place(3), Error::<Test>::NotDrawn);
    });
}

#[test]
fn a_leaver_changes_nobody_elses_place() {
    build_and_execute(|| {
        (1..=20).for_each(|who| enroll(who, Role::Trainer));
        draw_trainers(10, 1);
        let before: Vec<_> = (1..=20).map(|who| (who, place(who))).collect();
        for leaver in [3, 1, 20, 8] {
            leave(leaver, Role::Trainer);
        }
        for (who, place_before) in before {
            if ![3, 1, 20, 8].contains(&who) {
                assert_eq!(place(who), place_before, "account {who}");
            }
        }
    });
}

#[test]
fn after_leavers_the_next_draw_has_no_empty_places() {
    build_and_execute(|| {
        (1..=20).for_each(|who| enroll(who, Role::Trainer));
        draw_trainers(10, 1);
        for leaver in [3, 1, 20, 8, 17] {
            leave(leaver, Role::Trainer);
        }
        enroll(30, Role::Trainer);
        assert_eq!(Assignments::open_draw(TASK, ROUND + 1, Draw::Trainers, 16), 16);
        next_block(None);
        next_block(Some(2));
        let drawn = (1..=30)
            .filter(|who| Assignments::place(TASK, ROUND + 1, Draw::Trainers, who).is_ok())
            .count();
        assert_eq!(drawn, 16);
    });
}

#[test]
fn nobody_is_drawn_where_no_draw_is_open() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        assert_err!(place(1), Error::<Test>::NoSuchDraw);
        draw_trainers(6, 1);
        assert_ok!(place(1));
        Assignments::close_draw(TASK, ROUND, Draw::Trainers);
        assert_err!(place(1), Error::<Test>::NoSuchDraw);
        Assignments::close_draw(TASK, ROUND, Draw::Trainers);
    });
}
