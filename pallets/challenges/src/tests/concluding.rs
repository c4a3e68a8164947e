//! What becomes of challenges that nobody answers.

use super::*;
use decentralml_protocol::slashing::TABLE;
use decentralml_traits::{Challenged, Challenges as _, Charge, Scene};
use decentralml_types::{Fault, Phase, Role};
use frame_support::{assert_noop, assert_ok, dispatch::Pays};

#[test]
fn silence_is_accused_and_the_challenger_has_its_bond_back() {
    for phase in [Phase::Verdict, Phase::Settled] {
        build_and_execute(|| {
            assert_ok!(challenge(CHALLENGER, TRAINER, &[0, 1]));
            CurrentPhase::set(phase);
            pass(PERIOD + 1);
            assert_eq!(conclude(MALLORY, TRAINER).unwrap().pays_fee, Pays::No);
            assert_eq!((held(CHALLENGER), total(CHALLENGER)), (0, FUNDS));
            // All that the example's task puts at risk.
            let taken = decentralml_protocol::spec::example().terms.trainer_bond;
            let charge = Charge {
                accused: TRAINER,
                role: Role::Trainer,
                fault: Fault::Unanswered,
                penalty: TABLE.unanswered,
                amount: taken,
                scene: Scene::Round { task: TASK, round: ROUND },
                reporter: Some(CHALLENGER),
            };
            assert_eq!(Accused::get(), [charge]);
            assert_eq!(stage(TRAINER), Some(Stage::Unanswered));
            assert_eq!(Challenges::standing(TASK, ROUND, &TRAINER), Challenged::Unanswered);
            let (trainer, challenger) = (TRAINER, CHALLENGER);
            System::assert_last_event(
                Event::Unanswered { task: TASK, round: ROUND, trainer, challenger, taken }.into(),
            );
        });
    }
}

#[test]
fn silence_costs_what_the_task_says() {
    build_and_execute(|| {
        let mut mild = TABLE;
        mild.unanswered.percent = 40;
        CurrentPenalties::set(mild);
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        pass(PERIOD + 1);
        assert_ok!(conclude(CHALLENGER, TRAINER));
        let charge = &Accused::get()[0];
        let bond = decentralml_protocol::spec::example().terms.trainer_bond;
        assert_eq!((charge.amount, charge.penalty), (bond / 10 * 4, mild.unanswered));
    });
}

#[test]
fn silence_costs_a_trainer_that_weighs_more_so_many_times_as_much() {
    build_and_execute(|| {
        Weight::set(8);
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        pass(PERIOD + 1);
        assert_ok!(conclude(CHALLENGER, TRAINER));
        let bond = decentralml_protocol::spec::example().terms.trainer_bond;
        assert_eq!(Accused::get()[0].amount, 8 * bond);
    });
}

#[test]
fn nobody_is_accused_twice_for_an_update() {
    build_and_execute(|| {
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        pass(PERIOD + 1);
        assert_ok!(conclude(CHALLENGER, TRAINER));
        assert_noop!(conclude(CHALLENGER, TRAINER), Error::<Test>::NoChallenge);
        assert_noop!(challenge(MALLORY, TRAINER, &[]), Error::<Test>::AlreadyUnanswered);
        assert_eq!(Accused::get().len(), 1);
    });
}

#[test]
fn a_challenge_lapses_with_its_round() {
    build_and_execute(|| {
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        CurrentPhase::set(Phase::Void);
        assert_ok!(conclude(MALLORY, TRAINER));
        assert_eq!((held(CHALLENGER), total(CHALLENGER)), (0, FUNDS));
        assert_eq!(stage(TRAINER), None);
        assert!(Accused::get().is_empty());
        let (trainer, challenger) = (TRAINER, CHALLENGER);
        System::assert_last_event(
            Event::Lapsed { task: TASK, round: ROUND, trainer, challenger }.into(),
        );
        assert_noop!(conclude(MALLORY, TRAINER), Error::<Test>::NoChallenge);
    });
}

#[test]
fn silence_in_a_void_round_is_accused_of_nothing_however_late() {
    build_and_execute(|| {
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        CurrentPhase::set(Phase::Void);
        pass(2 * PERIOD);
        assert_ok!(conclude(CHALLENGER, TRAINER));
        assert!(Accused::get().is_empty());
        assert_eq!(total(CHALLENGER), FUNDS);
    });
}

#[test]
fn a_settled_row_leaves_nothing_behind() {
    build_and_execute(|| {
        // Nothing, an answered one, one that is open in a void round, one that was not answered.
        Challenges::forget(TASK, ROUND, &TRAINER);
        assert_ok!(challenge(CHALLENGER, TRAINER, &[]));
        assert_ok!(answer(TRAINER, TRAINER, &[&Tree::new().top]));
        Challenges::forget(TASK, ROUND, &TRAINER);
        assert_eq!(stage(TRAINER), None);

        assert_ok!(challenge(MALLORY, TRAINER, &[]));
        CurrentPhase::set(Phase::Void);
        Challenges::forget(TASK, ROUND, &TRAINER);
        assert_eq!((stage(TRAINER), held(MALLORY), total(MALLORY)), (None, 0, FUNDS));

        CurrentPhase::set(Phase::Aggregating);
        assert_ok!(challenge(MALLORY, TRAINER, &[]));
        pass(PERIOD + 1);
        assert_ok!(conclude(MALLORY, TRAINER));
        Challenges::forget(TASK, ROUND, &TRAINER);
        assert_eq!((stage(TRAINER), held(MALLORY)), (None, 0));
    });
}
