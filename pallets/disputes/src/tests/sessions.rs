//! Cases against validators: they belong to no task, and harm none.

use super::*;
use crate::Event;
use decentralml_types::{Balance, Role};

/// What the accused, the task, its sponsor, the reporter and the treasury have gained.
fn gains() -> [i128; 5] {
    let gained = |who| i128::try_from(total(who)).unwrap() - i128::try_from(FUNDS).unwrap();
    [ACCUSED, THE_TASK, SPONSOR, REPORTER, THE_TREASURY].map(gained)
}

#[test]
fn an_equivocation_is_a_case_of_its_session() {
    build_and_execute(|| {
        let case = accuse(Fault::Equivocated, Some(REPORTER));
        System::assert_last_event(
            Event::OpenedInSession {
                case,
                accused: ACCUSED,
                role: Role::Validator,
                fault: Fault::Equivocated,
                session: SESSION,
                amount: BOND,
                reporter: Some(REPORTER),
                deadline: 1 + WINDOW,
            }
            .into(),
        );
        assert_eq!(Cases::<Test>::get(case).unwrap().sponsor, None);
    });
}

#[test]
fn its_slash_goes_to_the_reporter_and_the_treasury() {
    build_and_execute(|| {
        let case = accuse(Fault::Equivocated, Some(REPORTER));
        wait(case);
        assert_ok!(conclude(case));
        assert_eq!(gains(), [0, 0, 0, 100, 900]);
        assert_eq!(World::get().recovered, 0);
    });
}

#[test]
fn without_a_reporter_the_treasury_has_it_all_and_the_stake_of_a_lost_appeal() {
    build_and_execute(|| {
        let case = appealed(Fault::Equivocated, None);
        votes(case, 3, 0);
        assert_ok!(conclude(case));
        let stake: Balance = 101;
        assert_eq!(gains(), [-101, 0, 0, 0, (BOND + stake) as i128]);
    });
}

#[test]
fn who_was_only_reported_is_freed_at_the_treasurys_cost() {
    build_and_execute(|| {
        let case = appealed(Fault::Equivocated, Some(REPORTER));
        votes(case, 0, 3);
        assert_ok!(conclude(case));
        let costs = COSTS as i128;
        assert_eq!(gains(), [costs, 0, 0, 0, -costs]);
        assert_eq!(bond(REPORTER, Role::Evaluator), BOND, "the proof is not the reporter's word");
        assert_eq!(bond(ACCUSED, Role::Validator), BOND);
    });
}

#[test]
fn what_the_council_does_not_decide_stands() {
    build_and_execute(|| {
        let case = appealed(Fault::Equivocated, Some(REPORTER));
        wait(case);
        assert_ok!(conclude(case));
        assert_eq!(gains(), [0, 0, 0, 100, 900]);
    });
}

#[test]
fn members_that_take_part_in_tasks_judge_validators() {
    build_and_execute(|| {
        let case = appealed(Fault::Equivocated, None);
        World::mutate(|world| world.enrolled = vec![(Role::Trainer, COUNCIL[0])]);
        assert_ok!(vote(COUNCIL[0], case, true));
    });
}
