use crate::{Error, Event, Places, Populations, Slots, mock::*};
use decentralml_traits::Roster;
use decentralml_types::Role;
use frame_support::{assert_noop, assert_ok};

fn try_leave(who: AccountId) -> sp_runtime::DispatchResult {
    Assignments::leave(RuntimeOrigin::signed(who), TASK, Role::Trainer)
}

#[test]
fn a_leaver_gets_its_bond_out_of_risk() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        assert_ok!(try_leave(1));
        assert_eq!(Bonded::get()[&(1, Role::Trainer)], FREE);
        System::assert_last_event(Event::Left { task: TASK, role: Role::Trainer, who: 1 }.into());
        assert_noop!(try_leave(1), Error::<Test>::NotEnrolled);
    });
}

#[test]
fn an_account_with_unsettled_commitments_cannot_leave() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        assert_ok!(Assignments::hold_place(TASK, 1, Role::Trainer, &1));
        Assignments::clear_place(TASK, 1, Role::Trainer, &1);
        assert_ok!(Assignments::hold_place(TASK, 2, Role::Trainer, &1));
        assert_noop!(try_leave(1), Error::<Test>::NotSettled);
        Assignments::release_place(TASK, 1, Role::Trainer, &1);
        assert_noop!(try_leave(1), Error::<Test>::NotSettled);
        Assignments::release_place(TASK, 2, Role::Trainer, &1);
        assert_ok!(try_leave(1));
    });
}

#[test]
fn leaving_works_when_the_task_is_gone() {
    build_and_execute(|| {
        enroll(1, Role::Trainer);
        Status::set(None);
        assert_ok!(try_leave(1));
        assert_eq!(Bonded::get()[&(1, Role::Trainer)], FREE);
    });
}

#[test]
fn the_last_one_out_leaves_no_rows() {
    build_and_execute(|| {
        for who in 1..4 {
            enroll(who, Role::Trainer);
        }
        for who in [2, 1, 3] {
            leave(who, Role::Trainer);
        }
        assert_eq!(Populations::<Test>::iter().count(), 0);
        assert_eq!(Slots::<Test>::iter().count(), 0);
        assert_eq!(Places::<Test>::iter().count(), 0);
    });
}

#[test]
fn the_last_slot_moves_into_the_one_that_becomes_free() {
    build_and_execute(|| {
        for who in 1..5 {
            enroll(who, Role::Trainer);
        }
        leave(2, Role::Trainer);
        assert_eq!(Slots::<Test>::get((TASK, Role::Trainer, 0, 1)), Some(4));
        assert_eq!(Slots::<Test>::get((TASK, Role::Trainer, 0, 3)), None);
        leave(3, Role::Trainer);
        assert_eq!(Slots::<Test>::get((TASK, Role::Trainer, 0, 2)), None);
        assert_eq!(Assignments::enrolled(TASK, Role::Trainer), 2);
    });
}

#[test]
fn attack_many_enroll_and_leave_to_thin_out_the_draws() {
    use decentralml_traits::Draw;
    build_and_execute(|| {
        for who in 1..4 {
            enroll(who, Role::Trainer);
        }
        for who in 10..60 {
            enroll(who, Role::Trainer);
        }
        for who in 10..60 {
            leave(who, Role::Trainer);
        }
        assert_eq!(Assignments::open_draw(TASK, 1, Draw::Trainers, 6), 3);
        next_block(None);
        next_block(Some(1));
        for who in 1..4 {
            assert_ok!(Assignments::place(TASK, 1, Draw::Trainers, &who));
        }
    });
}
