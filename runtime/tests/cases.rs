//! Cases on the real runtime: who is accused, who judges, and where every planck goes. After each test all money is accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_protocol::slashing::{self, TABLE, split};
use decentralml_runtime::*;
use decentralml_types::{
    Balance, CaseId, Phase, Role, TaskId,
    limits::{MAX_CLAIMING_BLOCKS, MAX_ROUND_BLOCKS},
};
use frame_support::{assert_noop, dispatch::Pays, traits::Get};
use pallet_disputes::{Call, Case, Cases, Error};
use support::*;

/// None of them takes part in anything.
const COUNCIL: [u8; 3] = [31, 32, 33];
const ACCUSED: u8 = 14;

/// A council whose members can pay fees.
fn with_council(members: &[u8]) {
    for &name in members {
        let gift =
            pallet_balances::Call::transfer_keep_alive { dest: account(name).into(), value: UNIT };
        ok(SPONSOR, gift);
        let add = pallet_membership::Call::<Runtime, pallet_membership::Instance1>::add_member {
            who: account(name).into(),
        };
        let add: RuntimeCall = add.into();
        sp_runtime::traits::Dispatchable::dispatch(add, RuntimeOrigin::root()).unwrap();
    }
}

fn member(role: Role, name: u8) -> pallet_participants::Member {
    pallet_participants::Members::<Runtime>::get(role, account(name)).unwrap()
}

fn case(case: CaseId) -> Option<Case<AccountId>> {
    Cases::<Runtime>::get(case)
}

fn bond() -> Balance {
    digits().terms.trainer_bond
}

fn appeal_bond() -> Balance {
    <Runtime as pallet_disputes::Config>::AppealBond::get()
}

/// A trainer that has committed and vanished, and its case.
fn vanished() -> TaskId {
    let task = running(digits());
    play(task, &TRAINERS, &TRAINERS[..3], Phase::Settled, honest);
    settle(task, 1);
    assert_eq!(case(0).unwrap().charge.amount, bond());
    task
}

#[test]
fn a_trainer_that_vanishes_is_accused_and_loses_its_bond_when_the_window_is_over() {
    chain(|| {
        let (before, treasury_before) = (balance(ACCUSED), treasury());
        let task = vanished();
        let row = member(Role::Trainer, ACCUSED);
        assert_eq!((row.bond, row.disputed, row.faults), (100 * UNIT - bond(), bond(), 1));
        assert_eq!(balance(ACCUSED), before, "it waits");
        assert!(call(SPONSOR, Call::conclude { case: 0 }).is_err());

        let charges = || pallet_tasks::Tasks::<Runtime>::get(task).unwrap().money.charges;
        let (charges_before, charged) = (charges(), treasury() - treasury_before);
        System::set_block_number(case(0).unwrap().deadline);
        let info = call(SPONSOR, Call::conclude { case: 0 }).unwrap();
        assert_eq!(info.pays_fee, Pays::No);
        let parts = split(TABLE.not_revealed, bond());
        assert_eq!(charges() - charges_before, parts.to_task);
        assert_eq!(treasury() - treasury_before - charged, parts.to_treasury);
        assert_eq!(balance(ACCUSED), before - bond());
        assert_eq!((case(0), member(Role::Trainer, ACCUSED).disputed), (None, 0));
        clear(task);
    });
}

#[test]
fn the_council_frees_a_trainer_and_parties_to_the_case_have_no_say() {
    chain(|| {
        with_council(&COUNCIL);
        let before = balance(ACCUSED);
        let task = vanished();
        ok(ACCUSED, Call::appeal { case: 0 });
        with_council(&[SPONSOR, TRAINERS[0], SEATS[0], ACCUSED]);
        for party in [SPONSOR, TRAINERS[0], SEATS[0], ACCUSED] {
            let refused = call(party, Call::vote { case: 0, guilty: true });
            let error = Error::<Runtime>::PartyToTheCase;
            assert_eq!(refused.unwrap_err().error, error.into(), "{party}");
        }
        for name in COUNCIL {
            ok(name, Call::vote { case: 0, guilty: false });
        }
        // Three of seven are not more than half, so it takes until the deadline.
        assert!(call(SPONSOR, Call::conclude { case: 0 }).is_err());
        let paid = balance(ACCUSED);
        conclude_all();
        let costs = <Runtime as pallet_disputes::Config>::AppealCosts::get();
        assert_eq!(balance(ACCUSED) - paid, costs);
        assert!(balance(ACCUSED) > before, "the sponsor has given it a token, too");
        let row = member(Role::Trainer, ACCUSED);
        assert_eq!((row.bond, row.disputed, row.faults), (100 * UNIT, 0, 0));
        clear(task);
    });
}

#[test]
fn the_council_convicts_at_once_and_the_sponsor_of_a_reaped_task_gets_its_part() {
    chain(|| {
        with_council(&COUNCIL);
        let task = vanished();
        ok(ACCUSED, Call::appeal { case: 0 });
        for name in &COUNCIL[..2] {
            ok(*name, Call::vote { case: 0, guilty: true });
        }
        clear(task);
        let (sponsor, accused) = (balance(SPONSOR), balance(ACCUSED));
        ok(TRAINERS[0], Call::conclude { case: 0 });
        assert_eq!(accused - balance(ACCUSED), bond() + appeal_bond());
        let part = split(TABLE.not_revealed, bond()).to_task;
        assert_eq!(
            balance(SPONSOR) - sponsor,
            part,
            "what the appeal has put at stake is the treasury's"
        );
    });
}

#[test]
fn a_seat_that_attests_another_model_is_accused_and_settles_before_it_judges_again() {
    chain(|| {
        let task = running(digits());
        play_until(task, Phase::Aggregating);
        let other = model_cid(7);
        let (cid, metric, state) = (other, 1, None);
        ok(SEATS[2], pallet_validation::Call::attest { task, round: 1, cid, metric, state });
        for name in &SEATS[..2] {
            attest_in(task, 1, *name).unwrap();
        }
        blocks(2);
        for name in TRAINERS {
            let account = account(name);
            ok(SPONSOR, pallet_validation::Call::claim { task, round: 1, account });
        }
        play_until(task, Phase::Scoring);
        blocks(2);
        let sheet = opinions(task, honest);
        for name in &SEATS[..2] {
            commit_scores(task, *name, &sheet).unwrap();
        }
        let early = commit_scores(task, SEATS[2], &sheet).unwrap_err();
        let at_risk = pallet_assignments::Error::<Runtime>::StillAtRisk;
        assert_eq!(early.error, at_risk.into());
        claim_seat(task, 1, 0, SEATS[2]).unwrap();
        let stake = slashing::amount(TABLE.wrong_aggregate, digits().terms.evaluator_bond);
        assert_eq!(member(Role::Evaluator, SEATS[2]).disputed, stake);
        assert_eq!(TABLE.wrong_aggregate.percent, 50);
        // What was seized covers nothing; its bond is large enough for another round.
        commit_scores(task, SEATS[2], &sheet).unwrap();
        conclude_all();
        clear(task);
    });
}

#[test]
fn what_the_settled_round_refutes_cannot_be_attested_late() {
    chain(|| {
        let task = running(digits());
        play_until(task, Phase::Aggregating);
        for name in &SEATS[..2] {
            attest_in(task, 1, *name).unwrap();
        }
        let (cid, metric, state) = (model_cid(7), 1, None);
        let late = pallet_validation::Call::attest { task, round: 1, cid, metric, state };
        let late: RuntimeCall = late.into();
        let origin = RuntimeOrigin::signed(account(SEATS[2]));
        let outvoted = pallet_validation::Error::<Runtime>::Outvoted;
        assert_noop!(sp_runtime::traits::Dispatchable::dispatch(late, origin), outvoted);
        attest_in(task, 1, SEATS[2]).unwrap();
        clear(task);
    });
}

#[test]
fn an_account_cannot_leave_with_what_is_seized() {
    chain(|| {
        let task = vanished();
        clear(task);
        let role = Role::Trainer;
        ok(ACCUSED, pallet_assignments::Call::leave { task, role });
        let all = 100 * UNIT - bond();
        assert!(
            call(ACCUSED, pallet_participants::Call::unbond { role, amount: all + 1 }).is_err()
        );
        ok(ACCUSED, pallet_participants::Call::unbond { role, amount: all });
        let period: u32 = <Runtime as pallet_participants::Config>::UnbondingPeriod::get();
        System::set_block_number(System::block_number() + period);
        ok(ACCUSED, pallet_participants::Call::withdraw { role });
        assert_eq!(Balances::reserved_balance(account(ACCUSED)), bond());
        conclude_all();
        assert_eq!(Balances::reserved_balance(account(ACCUSED)), 0);
        // The slash is remembered until it has faded; then anybody may end that.
        assert_eq!(member(role, ACCUSED).held(), 0);
        let forget = || {
            let account = account(ACCUSED);
            call(SPONSOR, pallet_participants::Call::forget { role, account })
        };
        assert!(forget().is_err());
        let period = <Runtime as pallet_participants::Config>::ReputationPeriod::get();
        System::set_block_number(System::block_number() + 9 * period);
        assert_eq!(forget().unwrap().pays_fee, Pays::No);
        assert!(pallet_participants::Members::<Runtime>::get(role, account(ACCUSED)).is_none());
    });
}

#[test]
fn what_a_slash_gives_a_task_that_pays_in_a_token_is_native() {
    chain(|| {
        let (spec, _) = in_token(digits());
        let task = running(spec);
        play(task, &TRAINERS, &TRAINERS[..3], Phase::Settled, honest);
        settle(task, 1);
        let money = || pallet_tasks::Tasks::<Runtime>::get(task).unwrap().money;
        let before = money();
        conclude_all();
        let part = split(TABLE.not_revealed, bond()).to_task;
        assert_eq!((money().charges - before.charges, money().free), (part, before.free));
        clear(task);
    });
}

#[test]
fn a_bond_stays_for_longer_than_an_act_can_cost_something() {
    chain(|| {
        let window: u32 = <Runtime as pallet_disputes::Config>::AppealWindow::get();
        let judgment: u32 = <Runtime as pallet_disputes::Config>::JudgmentPeriod::get();
        let longest = MAX_ROUND_BLOCKS + MAX_CLAIMING_BLOCKS + window + judgment;
        let period: u32 = <Runtime as pallet_participants::Config>::UnbondingPeriod::get();
        assert!(period > longest);
    });
}
