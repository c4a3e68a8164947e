//! A task is paid for in full when it is created, and anybody may add to it.

use super::*;
use decentralml_protocol::slashing::TABLE;
use decentralml_traits::Tariff;
use frame_support::traits::Hooks;
use sp_runtime::TokenError;

const DEPOSIT: Balance = DEPOSIT_BASE + DEPOSIT_PER_ROW * ATTEMPTS * (6 + 2 * 3);

#[test]
fn a_task_takes_its_funds_and_holds_its_deposit() {
    build_and_execute(|| {
        let task = create();
        let (pay, charges) = (3 * ROUND_PAY, ATTEMPTS * CHARGE);
        let funds = pay + charges;
        assert_eq!(money(task), purse(3, ATTEMPTS, 0, 0));
        assert_eq!(total(SPONSOR), FUNDS - funds - EXISTENTIAL_DEPOSIT);
        assert_eq!(System::account(SPONSOR).data.reserved, DEPOSIT);
        assert_eq!(row(task).deposit, DEPOSIT);
        assert_eq!((Tasks::sponsor(task), status(task)), (Some(SPONSOR), TaskStatus::Enrolling));
        assert_eq!(Tasks::spec(task), Some(spec()));
        assert_eq!((Tasks::current(task), Tasks::round(task, 1)), (None, None));
        assert!(has_event(Event::TaskCreated {
            task,
            sponsor: SPONSOR,
            asset: Asset::Native,
            pay,
            charges,
            deposit: DEPOSIT,
        }));
    });
}

#[test]
fn a_specification_that_contradicts_itself_is_refused() {
    build_and_execute(|| {
        let changes: [fn(&mut TaskSpec); 4] = [
            |spec| spec.rounds = 0,
            |spec| spec.trainers.min = 7,
            |spec| spec.committee.quorum = 1,
            |spec| spec.terms.reward_per_round = Balance::MAX,
        ];
        for change in changes {
            let mut spec = spec();
            change(&mut spec);
            assert_noop!(
                Tasks::create(signed(SPONSOR), Box::new(spec)),
                Error::<Test>::InvalidSpec
            );
        }
    });
}

#[test]
fn bonds_below_the_chain_s_minimum_are_refused() {
    build_and_execute(|| {
        let changes: [fn(&mut TaskSpec); 2] = [
            |spec| spec.terms.trainer_bond = MIN_TRAINER_BOND - 1,
            |spec| spec.terms.evaluator_bond = MIN_EVALUATOR_BOND - 1,
        ];
        for change in changes {
            let mut spec = spec();
            change(&mut spec);
            assert_noop!(Tasks::create(signed(SPONSOR), Box::new(spec)), Error::<Test>::BondTooLow);
        }
    });
}

/// As `payoff::check_terms` has it: two fifths of a sixth of the reward against a thousandth of the bond, two fifths of the
/// fee against another one.
#[test]
fn terms_that_do_not_pay_for_the_risk_of_honest_work_are_refused() {
    build_and_execute(|| {
        let mut spec = spec();
        spec.terms.trainer_bond = 1_000 * (REWARD / 6 * 2 / 5) + 999;
        spec.terms.evaluator_bond = 1_000 * (FEE * 2 / 5) + 999;
        assert_ok!(Tasks::create(signed(SPONSOR), Box::new(spec.clone())));
        let refused = |change: fn(&mut Terms), error: Error<Test>| {
            let mut spec = spec.clone();
            change(&mut spec.terms);
            assert_noop!(Tasks::create(signed(SPONSOR), Box::new(spec)), error);
        };
        refused(|terms| terms.trainer_bond += 1, Error::RewardTooLow);
        refused(|terms| terms.evaluator_bond += 1, Error::FeeTooLow);
    });
}

#[test]
fn a_task_keeps_the_penalties_under_which_it_was_created() {
    build_and_execute(|| {
        let first = create();
        let mut mild = TABLE;
        mild.unavailable.percent = 40;
        CurrentPenalties::set(mild);
        let second = create();
        assert_eq!(Tasks::penalties(first), Some(TABLE));
        assert_eq!(Tasks::penalties(second), Some(mild));
        assert_eq!(Tasks::penalties(second + 1), None);
    });
}

#[test]
fn a_sponsor_without_the_funds_creates_nothing() {
    build_and_execute(|| {
        let mut dear = spec();
        dear.terms.reward_per_round = FUNDS / 2;
        assert_noop!(
            Tasks::create(signed(SPONSOR), Box::new(dear.clone())),
            TokenError::FundsUnavailable
        );
        // Enough for the rounds and their charges, and not for the deposit.
        dear.rounds = 1;
        dear.terms.reward_per_round = FUNDS - 3 * FEE - 3 * CHARGE - 2 * EXISTENTIAL_DEPOSIT - 50;
        let origin = signed(SPONSOR);
        let result =
            frame_support::storage::with_storage_layer(|| Tasks::create(origin, Box::new(dear)));
        assert_eq!(result, Err(TokenError::FundsUnavailable.into()));
        assert_eq!(total(SPONSOR), FUNDS);
        assert_eq!(crate::NextTask::<Test>::get(), 0);
    });
}

#[test]
fn ids_run_out_with_an_error() {
    build_and_execute(|| {
        crate::NextTask::<Test>::put(TaskId::MAX);
        assert_noop!(Tasks::create(signed(SPONSOR), Box::new(spec())), Error::<Test>::TooManyTasks);
    });
}

#[test]
fn anybody_funds_a_task_until_it_is_over() {
    build_and_execute(|| {
        let task = create();
        assert_ok!(Tasks::fund(signed(OTHER), task, 55, 44));
        let (who, asset) = (OTHER, Asset::Native);
        assert!(has_event(Event::TaskFunded { task, who, asset, pay: 55, charges: 44 }));
        assert_eq!(purses(task), (3 * ROUND_PAY + 55, ATTEMPTS * CHARGE + 44));
        assert_noop!(Tasks::fund(signed(OTHER), task, 0, FUNDS), TokenError::FundsUnavailable);
        assert_noop!(Tasks::fund(signed(OTHER), task, 0, 0), Error::<Test>::ZeroAmount);
        assert_noop!(Tasks::fund(signed(OTHER), task + 1, 5, 0), Error::<Test>::UnknownTask);
        assert_noop!(Tasks::fund(signed(OTHER), task, FUNDS, 0), TokenError::FundsUnavailable);
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_noop!(Tasks::fund(signed(OTHER), task, 5, 0), Error::<Test>::TaskOver);
    });
}

#[test]
fn a_stranger_s_transfer_into_the_account_harms_nobody() {
    build_and_execute(|| {
        let task = start();
        let account = Tasks::account_of(task);
        assert_ok!(Balances::transfer_allow_death(signed(OTHER), account, 17));
        assert_ok!(Tasks::do_try_state().map_err(|_| sp_runtime::DispatchError::Corruption));
        assert_ok!(Tasks::cancel(signed(SPONSOR), task));
        assert_ok!(Tasks::reap(signed(OTHER), task, 1));
        assert_eq!(total(SPONSOR), FUNDS + 17 - CHARGE);
    });
}

#[test]
fn the_constants_fit_each_other() {
    build_and_execute(Tasks::integrity_test);
}
