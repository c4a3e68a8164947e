//! `try_state` sees what no call could have left.

use super::*;
use crate::{Content, Contents, Grant, Grants, HoldReason};
use frame_support::{
    assert_ok,
    traits::{fungible::MutateHold, tokens::Precision},
};

const HOLD_DIFFERS: Result<(), &str> = Err("the hold differs from the recorded deposits");

/// Two contents with three grants, and what `try_state` says after a change.
fn after(change: impl FnOnce()) -> Result<(), &'static str> {
    externalities().execute_with(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(register(MALLORY, cid(2)));
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_ok!(grant(OWNER, CID, BOB));
        assert_ok!(grant(MALLORY, cid(2), BOB));
        assert_ok!(Data::do_try_state());
        change();
        Data::do_try_state().map_err(Into::into)
    })
}

fn change_content(change: impl FnOnce(&mut Content<AccountId>)) -> Result<(), &'static str> {
    after(|| Contents::<Test>::mutate(CID, |row| change(row.as_mut().unwrap())))
}

fn change_grant(change: impl FnOnce(&mut Grant)) -> Result<(), &'static str> {
    after(|| Grants::<Test>::mutate(CID, BOB, |row| change(row.as_mut().unwrap())))
}

#[test]
fn a_deposit_that_is_not_held_is_noticed() {
    assert_eq!(change_content(|row| row.deposit += 1), HOLD_DIFFERS);
    assert_eq!(change_grant(|row| row.deposit -= 1), HOLD_DIFFERS);
    assert_eq!(change_content(|row| row.owner = MALLORY), HOLD_DIFFERS);
    for reason in [HoldReason::ContentDeposit, HoldReason::GrantDeposit] {
        let released = after(|| {
            assert_ok!(Balances::release(&reason.into(), &OWNER, 1, Precision::Exact));
        });
        assert_eq!(released, HOLD_DIFFERS);
    }
}

#[test]
fn a_wrong_counter_is_noticed() {
    let wrong = Err("content counts other grants than there are");
    assert_eq!(change_content(|row| row.grants += 1), wrong);
    assert_eq!(change_content(|row| row.grants -= 1), wrong);
    assert_eq!(after(|| Grants::<Test>::remove(CID, ALICE)), wrong);
}

#[test]
fn a_grant_of_nothing_is_noticed() {
    let gone = after(|| Contents::<Test>::remove(CID));
    assert_eq!(gone, Err("a grant of content that is gone"));
    assert_eq!(change_grant(|row| row.since = 2), Err("a grant from the future"));
}
