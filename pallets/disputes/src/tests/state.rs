//! `try_state` sees what no call could have left, and `integrity_test` what no runtime should be built with.

use super::*;
use crate::{Ballot, Ballots, Case, HoldReason};
use decentralml_types::Role;
use frame_support::traits::{Hooks, fungible::MutateHold, tokens::Precision};

/// Two cases, one with an appeal and a vote, and what `try_state` says after a change.
fn after(change: impl FnOnce(CaseId)) -> Result<(), &'static str> {
    externalities().execute_with(|| {
        accuse(Fault::NotOpened, None);
        let case = appealed(Fault::Unavailable, None);
        votes(case, 1, 0);
        assert_ok!(Disputes::do_try_state());
        change(case);
        Disputes::do_try_state().map_err(Into::into)
    })
}

fn amended(change: impl FnOnce(&mut Case<AccountId>)) -> Result<(), &'static str> {
    after(|case| Cases::<Test>::mutate(case, |row| change(row.as_mut().unwrap())))
}

#[test]
fn money_that_the_cases_do_not_know_of_is_noticed() {
    let seized = Err("what is seized differs from what the cases say");
    assert_eq!(amended(|row| row.charge.amount += 1), seized);
    assert_eq!(amended(|row| row.charge.amount = 0), Err("a case about nothing"));
    let lost = after(|_| {
        World::mutate(|world| world.seized.insert((ACCUSED, Role::Trainer), BOND - 1));
    });
    assert_eq!(lost, seized);
    let held = Err("the hold differs from the recorded appeal bonds");
    assert_eq!(amended(|row| row.appeal = Some(APPEAL_BOND + 1)), held);
    let released = after(|_| {
        let reason = HoldReason::AppealBond.into();
        assert_ok!(Balances::release(&reason, &ACCUSED, 1, Precision::Exact));
    });
    assert_eq!(released, held);
}

#[test]
fn cases_and_votes_that_nobody_could_have_left_are_noticed() {
    assert_eq!(amended(|row| row.deadline = 1_000), Err("a case that waits too long"));
    let unknown = after(|case| {
        let row = Cases::<Test>::take(case).unwrap();
        Ballots::<Test>::remove(case);
        Cases::<Test>::insert(99, row);
    });
    assert_eq!(unknown, Err("a case with a number that was not given"));
    let ballot = || Ballot { who: COUNCIL[0], guilty: true };
    let vote_on = |case| Ballots::<Test>::mutate(case, |row| row.try_push(ballot()).unwrap());
    assert_eq!(after(|_| vote_on(99)), Err("votes on a case that is gone"));
    assert_eq!(after(|_| vote_on(0)), Err("votes on a case without an appeal"));
    assert_eq!(after(vote_on), Err("an account has voted twice"));
}

#[test]
#[should_panic(expected = "who wins must not get more")]
fn costs_above_the_bond_stop_the_runtime() {
    externalities().execute_with(|| {
        AppealCosts::set(APPEAL_BOND + 1);
        Disputes::integrity_test();
    });
}
