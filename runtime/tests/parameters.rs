//! What governance may set, on the real runtime: with its council, its fees, and tasks and cases that run meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/calls.rs"]
mod calls;
mod support;

use decentralml_protocol::{
    payoff::{self, Condition, Prices, Stakes, TermsCondition},
    slashing::TABLE,
    spec::example,
};
use decentralml_runtime::*;
use decentralml_types::{Balance, Phase, Role};
use frame_support::{assert_noop, assert_ok, traits::Get};
use pallet_collective::RawOrigin;
use sp_runtime::{DispatchError, DispatchResult, traits::BadOrigin};
use support::*;

const DOCUMENT: &str = include_str!("../../docs/security.md");

type Settable = decentralml_types::Parameters;

fn initial() -> Settable {
    <Runtime as pallet_parameters::Config>::Initial::get()
}

fn prices() -> Prices {
    <Runtime as pallet_parameters::Config>::Prices::get()
}

/// With so many of the council's ayes.
fn set(ayes: u32, change: impl FnOnce(&mut Settable)) -> DispatchResult {
    let mut parameters = pallet_parameters::Current::<Runtime>::get();
    change(&mut parameters);
    let origin = RawOrigin::<AccountId, configs::CouncilInstance>::Members(ayes, 3);
    Parameters::set_parameters(origin.into(), parameters)
}

#[test]
fn the_document_has_the_same_table() {
    let stakes = Stakes::of(&example(), &TABLE);
    let table = payoff::markdown(&payoff::choices(&initial(), &prices(), &stakes), UNIT);
    assert!(DOCUMENT.contains(&table), "docs/security.md has another table than\n{table}");
    let rows = DOCUMENT.lines().skip_while(|line| *line != table.lines().next().unwrap());
    assert_eq!(rows.take_while(|line| !line.is_empty()).count(), table.lines().count());
}

#[test]
fn the_document_names_every_condition() {
    let parameters = Condition::ALL.map(|condition| format!("| `{condition:?}` | {condition} |"));
    let terms = [TermsCondition::TrainersPay, TermsCondition::SeatsPay]
        .map(|condition| format!("| `{condition:?}` | {condition} |"));
    for row in parameters.iter().chain(&terms) {
        assert!(DOCUMENT.contains(row), "docs/security.md lacks\n{row}");
    }
}

#[test]
fn parameters_are_measured_by_what_calls_cost() {
    sp_io::TestExternalities::default().execute_with(|| {
        let Prices { call, answer, fee } = prices();
        assert_eq!(call, <Runtime as pallet_tasks::Config>::CallPrice::get());
        let longest = calls::fee(calls::longest_answer());
        assert!(longest <= answer && answer <= longest * 11 / 10, "{answer} for {longest}");
        for (pallet, name) in [("Challenges", "challenge"), ("Disputes", "appeal")] {
            let cost = calls::fee(calls::named(pallet, name).unwrap());
            assert!(cost <= fee, "{fee} for {cost} of {name}");
        }
    });
}

#[test]
fn more_than_half_of_the_council_sets_them_and_nobody_else() {
    sp_io::TestExternalities::default().execute_with(|| {
        assert_noop!(set(1, |_| ()), BadOrigin);
        let by_somebody = RuntimeOrigin::signed(account(1));
        assert_noop!(Parameters::set_parameters(by_somebody, initial()), BadOrigin);
        assert_ok!(set(2, |p| p.appeal_costs = UNIT / 5));
        assert_eq!(<Runtime as pallet_disputes::Config>::AppealCosts::get(), UNIT / 5);
    });
}

fn refusal(change: impl FnOnce(&mut Settable)) -> DispatchError {
    set(3, change).unwrap_err()
}

#[test]
fn what_makes_dishonest_play_pay_is_refused_by_name() {
    sp_io::TestExternalities::default().execute_with(|| {
        type Error = pallet_parameters::Error<Runtime>;
        assert_eq!(refusal(|p| p.answer_price = UNIT), Error::AnswerPrice.into());
        assert_eq!(refusal(|p| p.min_trainer_bond = UNIT / 100), Error::FreeCalls.into());
        assert_eq!(refusal(|p| p.penalties.malformed.to_task = 50), Error::FalseVerdict.into());
        assert_eq!(pallet_parameters::Current::<Runtime>::get(), initial());
    });
}

/// The case of a trainer that vanishes costs what its task says, although governance has changed its mind meanwhile; and what an appeal
/// costs is what it was when the case was opened.
#[test]
fn tasks_and_cases_that_run_keep_what_they_began_with() {
    chain(|| {
        let task = running(digits());
        let milder = |p: &mut Settable| {
            for fault in decentralml_protocol::slashing::FAULTS {
                p.penalties.of_mut(fault).percent = 60;
            }
            // A validator's whole bond is at stake, whatever governance wants.
            p.penalties.equivocated = TABLE.equivocated;
        };
        assert_ok!(set(2, milder));
        play(task, &TRAINERS, &TRAINERS[..3], Phase::Settled, honest);
        settle(task, 1);
        let bond = digits().terms.trainer_bond;
        let opened = pallet_disputes::Cases::<Runtime>::get(0).unwrap();
        assert_eq!((opened.charge.amount, opened.stake), (bond, UNIT / 2));

        assert_ok!(set(2, |p| (p.appeal_bond, p.appeal_percent) = (UNIT, 50)));
        let accused = opened.charge.accused;
        assert_ok!(Disputes::appeal(RuntimeOrigin::signed(accused), 0));
        let appealed = pallet_disputes::Cases::<Runtime>::get(0).unwrap();
        assert_eq!(appealed.appeal, Some(UNIT / 2));
    });
}

#[test]
fn a_higher_least_bond_ejects_nobody_and_counts_for_what_comes() {
    chain(|| {
        let task = running(digits());
        let before = pallet_participants::Members::<Runtime>::get(Role::Trainer, account(11));
        let least: Balance = 1_000 * UNIT;
        assert_ok!(set(2, |p| p.min_trainer_bond = least));
        play(task, &TRAINERS, &TRAINERS, Phase::Settled, honest);
        let row = pallet_participants::Members::<Runtime>::get(Role::Trainer, account(11));
        assert_eq!(row, before);
        let origin = RuntimeOrigin::signed(account(11));
        assert_noop!(
            Participants::unbond(origin, Role::Trainer, UNIT),
            pallet_participants::Error::<Runtime>::BelowMinimum
        );
        assert_noop!(
            Tasks::create(RuntimeOrigin::signed(account(SPONSOR)), Box::new(digits())),
            pallet_tasks::Error::<Runtime>::BondTooLow
        );
    });
}
