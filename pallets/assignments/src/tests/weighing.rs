use crate::{Error, Event, OpenDraw, Places, Populations, Slots, mock::*};
use decentralml_traits::{Draw as Drawn, Roster};
use decentralml_types::{Role, TaskStatus, spec::Chances};
use frame_support::{assert_err, assert_noop, assert_ok};
use sp_runtime::DispatchError;

const ROLE: Role = Role::Trainer;
const WEIGHTS: [u8; 5] = [1, 2, 4, 8, 16];

fn try_enroll(who: AccountId, weight: u8) -> sp_runtime::DispatchResult {
    Assignments::enroll(RuntimeOrigin::signed(who), TASK, ROLE, weight)
}

/// A task that draws by bond, and accounts 1 to 49 who can all afford 16 times its bond.
fn by_bond(cap: u8, test: impl FnOnce()) {
    build_and_execute(|| {
        Draw::set(Chances::ByBond { cap });
        let rich = (1..50).map(|who| ((who, ROLE), 16 * TRAINER_BOND));
        Bonded::set(rich.collect());
        test();
    });
}

fn free(who: AccountId) -> u128 {
    Bonded::get()[&(who, ROLE)]
}

fn place(round: u32, who: AccountId) -> Option<u32> {
    Assignments::place(TASK, round, Drawn::Trainers, &who).ok()
}

/// Draws so many, and says who that is, by their places.
fn draw(round: u32, places: u32, output: u8) -> Vec<AccountId> {
    Assignments::open_draw(TASK, round, Drawn::Trainers, places);
    next_block(None);
    next_block(Some(output));
    by_place(round)
}

fn by_place(round: u32) -> Vec<AccountId> {
    let mut drawn: Vec<_> = (1..50).filter_map(|who| Some((place(round, who)?, who))).collect();
    drawn.sort_unstable();
    let places: Vec<u32> = drawn.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, (0..drawn.len() as u32).collect::<Vec<_>>(), "one account for each place");
    drawn.into_iter().map(|(_, who)| who).collect()
}

#[test]
fn a_weight_puts_so_many_bonds_at_risk_and_leaving_frees_them_all() {
    by_bond(16, || {
        for (who, weight) in (1..).zip(WEIGHTS) {
            assert_ok!(try_enroll(who, weight));
            let engaged = TRAINER_BOND * u128::from(weight);
            assert_eq!(free(who), 16 * TRAINER_BOND - engaged);
            assert_eq!(Assignments::engaged(TASK, ROLE, &who), engaged);
            System::assert_last_event(
                Event::Enrolled { task: TASK, role: ROLE, who, weight }.into(),
            );
        }
        assert_eq!(Assignments::enrolled(TASK, ROLE), 5);
        assert_eq!(Populations::<Test>::get(TASK, ROLE).unwrap().classes, [1; 5]);
        leave(5, ROLE);
        Status::set(Some(TaskStatus::Completed));
        assert_ok!(Assignments::dismiss(RuntimeOrigin::signed(9), TASK, ROLE, 4));
        for who in [4, 5] {
            assert_eq!(free(who), 16 * TRAINER_BOND);
            assert_eq!(Assignments::engaged(TASK, ROLE, &who), 0);
        }
        (1..4).for_each(|who| leave(who, ROLE));
        assert_eq!(Populations::<Test>::iter().count() + Slots::<Test>::iter().count(), 0);
    });
}

#[test]
fn only_powers_of_two_up_to_the_cap_of_the_task_are_weights() {
    by_bond(8, || {
        for weight in (0..=u8::MAX).filter(|weight| ![1, 2, 4, 8].contains(weight)) {
            assert_noop!(try_enroll(1, weight), Error::<Test>::WrongWeight);
        }
        assert_ok!(try_enroll(1, 8));
    });
    build_and_execute(|| {
        Draw::set(Chances::Equal);
        Bonded::set([((1, ROLE), 16 * TRAINER_BOND)].into());
        for weight in [0, 2, 4, 8, 16] {
            assert_noop!(try_enroll(1, weight), Error::<Test>::WrongWeight);
        }
        assert_ok!(try_enroll(1, 1));
    });
}

#[test]
fn a_weight_that_the_free_bond_does_not_back_is_refused() {
    by_bond(16, || {
        Bonded::mutate(|bonded| bonded.insert((1, ROLE), 8 * TRAINER_BOND - 1));
        assert_noop!(try_enroll(1, 8), DispatchError::Other("not covered"));
        assert_ok!(try_enroll(1, 4));
        assert_eq!(free(1), 4 * TRAINER_BOND - 1);
    });
}

#[test]
fn a_draw_freezes_how_many_there_are_of_each_class() {
    by_bond(16, || {
        for (who, weight) in (1..).zip([1, 1, 1, 2, 8, 8]) {
            weighing(who, ROLE, weight);
        }
        assert_eq!(Assignments::open_draw(TASK, 1, Drawn::Trainers, 4), 4);
        weighing(7, ROLE, 16);
        let open = crate::Draws::<Test>::get((TASK, 1, Drawn::Trainers)).unwrap();
        assert_eq!(
            open,
            OpenDraw { number: 0, seed_block: 2, population: [3, 1, 0, 2, 0], places: 4 }
        );
        next_block(None);
        next_block(Some(1));
        assert_eq!(by_place(1).len(), 4);
        assert_eq!(place(1, 7), None, "it came later");
        // 4 · 8 is more than the weight of all, 21: who weighs as much is drawn for certain.
        assert!(place(1, 5).is_some() && place(1, 6).is_some());
    });
}

#[test]
fn as_many_are_drawn_as_there_are_places_whatever_they_weigh() {
    by_bond(16, || {
        for who in 1..=20 {
            weighing(who, ROLE, WEIGHTS[who as usize % 5]);
        }
        for (round, places) in (1..).zip([0, 1, 3, 7, 19, 20, 40]) {
            let drawn = draw(round, places, round as u8);
            assert_eq!(drawn.len() as u32, places.min(20));
            let none = (1..=20).find(|who| !drawn.contains(who));
            if let Some(none) = none {
                let refused = Assignments::place(TASK, round, Drawn::Trainers, &none);
                assert_err!(refused, Error::<Test>::NotDrawn);
            }
            Assignments::close_draw(TASK, round, Drawn::Trainers);
        }
    });
}

#[test]
fn an_account_is_drawn_about_as_often_as_its_weight_says() {
    by_bond(4, || {
        // Of weight 24 in all: 12 of 1, 2 of 2 and 2 of 4.
        for who in 1..=16 {
            weighing(
                who,
                ROLE,
                if who <= 12 {
                    1
                } else if who <= 14 {
                    2
                } else {
                    4
                },
            );
        }
        let mut drawn = [0u32; 17];
        for round in 1..=600 {
            for who in draw(round, 3, (round % 251) as u8) {
                drawn[who as usize] += 1;
            }
            Assignments::close_draw(TASK, round, Drawn::Trainers);
        }
        // Sums over accounts of one weight: half of 1,800 places, a sixth, a third; four standard deviations are 85, 64 and 81 at most.
        let sums = [&drawn[1..=12], &drawn[13..=14], &drawn[15..]].map(|of| of.iter().sum::<u32>());
        for (found, (expected, bound)) in sums.into_iter().zip([(900, 85), (300, 64), (600, 81)]) {
            assert!(found.abs_diff(expected) <= bound, "{sums:?}");
        }
    });
}

#[test]
fn a_task_that_draws_equally_draws_as_it_always_has() {
    use codec::Encode;
    use decentralml_protocol::draw;
    build_and_execute(|| {
        (1..=20).for_each(|who| enroll(who, ROLE));
        draw_and_compare();
    });
    // With equal weights a draw by bond is the same.
    by_bond(16, || {
        (1..=20).for_each(|who| weighing(who, ROLE, 1));
        draw_and_compare();
    });

    fn draw_and_compare() {
        draw(1, 6, 7);
        let seed = crate::Seeds::<Test>::get(2).unwrap().seed.unwrap();
        let key = draw::key(&seed, &(TASK, 1u32, Drawn::Trainers).encode());
        for who in 1..=20 {
            let expected =
                Some(draw::place_of(&key, who as u32 - 1, 20)).filter(|place| *place < 6);
            assert_eq!(place(1, who), expected);
        }
    }
}

#[test]
fn leavers_of_any_class_change_nobody_elses_place_and_leave_no_holes() {
    by_bond(16, || {
        for who in 1..=25 {
            weighing(who, ROLE, WEIGHTS[who as usize % 5]);
        }
        let before = draw(1, 12, 3);
        let leavers = [5, 1, 25, 8, 17, 10];
        for leaver in leavers {
            leave(leaver, ROLE);
        }
        for who in before {
            let place = place(1, who);
            assert_eq!(place.is_none(), leavers.contains(&who), "account {who}");
        }
        weighing(30, ROLE, 16);
        assert_eq!(place(1, 30), None, "nobody inherits a place");
        assert_eq!(draw(2, 19, 4).len(), 19);
        assert_eq!(draw(3, 40, 5).len(), 20);
    });
}

#[test]
fn places_of_those_who_stay_do_not_move_when_others_leave() {
    by_bond(16, || {
        for who in 1..=25 {
            weighing(who, ROLE, WEIGHTS[who as usize % 5]);
        }
        draw(1, 12, 3);
        let places: Vec<_> = (1..=25).map(|who| place(1, who)).collect();
        for leaver in [5, 1, 25] {
            leave(leaver, ROLE);
        }
        for (who, before) in (1..=25).zip(places) {
            assert!([5, 1, 25].contains(&who) || place(1, who) == before, "account {who}");
        }
    });
}

#[test]
fn who_leaves_and_comes_back_may_weigh_something_else_from_the_next_draw_on() {
    by_bond(16, || {
        weighing(1, ROLE, 16);
        weighing(2, ROLE, 1);
        assert_eq!(draw(1, 1, 1), [1], "16 of 17: with this seed it is the heavy one");
        leave(1, ROLE);
        weighing(1, ROLE, 2);
        assert_eq!(free(1), 14 * TRAINER_BOND);
        assert!(by_place(1).is_empty());
        let row = Places::<Test>::get((TASK, ROLE, 1)).unwrap();
        assert_eq!((row.class, row.slot, row.engaged), (1, 0, 2 * TRAINER_BOND));
        assert_eq!(draw(2, 2, 2).len(), 2);
    });
}

#[test]
fn a_full_role_is_full_whatever_its_accounts_weigh() {
    by_bond(2, || {
        for who in 100..200 {
            weighing(who, ROLE, 1 + (who % 2) as u8);
        }
        assert_noop!(try_enroll(1, 1), Error::<Test>::Full);
        leave(150, ROLE);
        assert_ok!(try_enroll(1, 2));
    });
}

#[test]
fn attack_an_account_that_weighs_most_has_one_seat_at_most() {
    by_bond(16, || {
        weighing(1, ROLE, 16);
        (2..=4).for_each(|who| weighing(who, ROLE, 1));
        for round in 1..20 {
            let drawn = draw(round, 3, round as u8);
            assert_eq!(drawn.iter().filter(|who| **who == 1).count(), 1);
            assert_eq!(drawn.len(), 3);
            Assignments::close_draw(TASK, round, Drawn::Trainers);
        }
    });
}
