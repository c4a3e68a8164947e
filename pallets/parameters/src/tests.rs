//! Setting parameters.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{Current, Error, Event, mock::*};
use decentralml_types::{Parameters, Penalty};
use frame_support::{
    assert_noop, assert_ok,
    traits::{Get, Hooks},
};
use sp_runtime::{DispatchError, traits::BadOrigin};

fn set(change: impl FnOnce(&mut Parameters)) -> Result<(), DispatchError> {
    let mut parameters = Current::<Test>::get();
    change(&mut parameters);
    Settable::set_parameters(RuntimeOrigin::root(), parameters)
}

#[test]
fn a_chain_starts_with_what_its_configuration_says() {
    build_and_execute(|| {
        assert_eq!(Current::<Test>::get(), INITIAL);
        assert!(!Current::<Test>::exists(), "nothing is stored until somebody sets it");
        Settable::integrity_test();
    });
}

#[test]
fn governance_sets_all_of_them_and_others_read_each() {
    build_and_execute(|| {
        assert_ok!(set(|p| {
            p.min_trainer_bond = 2 * UNIT;
            p.min_evaluator_bond = 3 * UNIT;
            p.penalties.wrong_aggregate.percent = 60;
            p.appeal_bond = UNIT / 4;
            p.appeal_percent = 20;
            p.appeal_costs = UNIT / 8;
            p.challenge_bond = 4 * UNIT;
            p.answer_price = 2 * UNIT;
        }));
        let new = Current::<Test>::get();
        let (old, set) = (Box::new(INITIAL), Box::new(new));
        System::assert_last_event(Event::ParametersSet { old, new: set }.into());
        assert_eq!(crate::MinTrainerBond::<Test>::get(), 2 * UNIT);
        assert_eq!(crate::MinEvaluatorBond::<Test>::get(), 3 * UNIT);
        assert_eq!(crate::CurrentPenalties::<Test>::get().wrong_aggregate.percent, 60);
        assert_eq!(crate::AppealBond::<Test>::get(), UNIT / 4);
        assert_eq!(crate::AppealPercent::<Test>::get(), 20);
        assert_eq!(crate::AppealCosts::<Test>::get(), UNIT / 8);
        assert_eq!(crate::ChallengeBond::<Test>::get(), 4 * UNIT);
        assert_eq!(crate::AnswerPrice::<Test>::get(), 2 * UNIT);
    });
}

#[test]
fn nobody_else_sets_them() {
    build_and_execute(|| {
        for origin in [RuntimeOrigin::signed(1), RuntimeOrigin::none()] {
            assert_noop!(Settable::set_parameters(origin, INITIAL), BadOrigin);
        }
    });
}

#[test]
fn each_condition_is_refused_by_its_name_and_changes_nothing() {
    type Change = fn(&mut Parameters);
    let cases: [(Change, Error<Test>); 14] = [
        (|p| p.penalties.malformed.percent = 0, Error::Share),
        (
            |p| p.penalties.unanswered = Penalty { percent: 100, to_task: 51, to_reporter: 25 },
            Error::Treasury,
        ),
        (|p| p.penalties.unavailable.to_task = 1, Error::FalseVerdict),
        (|p| p.penalties.not_revealed.percent = 99, Error::TrainersSilence),
        (|p| p.penalties.not_opened.percent = 49, Error::SeatsSilence),
        (|p| p.penalties.equivocated.percent = 99, Error::Equivocation),
        (|p| p.min_evaluator_bond = UNIT / 10, Error::FreeCalls),
        (|p| p.answer_price = UNIT - 1, Error::AnswerPrice),
        (|p| p.challenge_bond = 2 * UNIT, Error::AnswerReward),
        (|p| p.challenge_bond = 20 * UNIT, Error::Reporting),
        (|p| p.appeal_percent = 5, Error::GuiltyAppeal),
        (|p| (p.min_validator_bond, p.appeal_costs) = (1, 0), Error::InnocentAppeal),
        (|p| p.appeal_bond = 0, Error::AppealBond),
        (|p| p.appeal_costs = UNIT, Error::AppealCosts),
    ];
    build_and_execute(|| {
        for (change, error) in cases {
            assert_noop!(set(change), error);
        }
        assert_eq!(System::event_count(), 0);
    });
}

#[test]
#[should_panic(expected = "what a chain starts with could not be set")]
fn a_chain_does_not_start_with_what_could_not_be_set() {
    Start::set(Parameters { appeal_percent: 0, ..INITIAL });
    Settable::integrity_test();
}
