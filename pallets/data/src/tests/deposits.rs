//! Records cost their owner a deposit, to the planck, and no longer than they stay.

use super::*;
use frame_support::{
    assert_noop, assert_ok,
    traits::{fungible::Mutate, tokens::Preservation},
};
use sp_runtime::TokenError;

/// Leaves an account so much.
fn leave(who: AccountId, amount: u128) {
    let rest = FUNDS - amount;
    assert_ok!(Balances::transfer(&who, &MALLORY, rest, Preservation::Preserve));
}

#[test]
fn who_cannot_pay_registers_and_grants_nothing() {
    build_and_execute(|| {
        assert_noop!(register(ALICE, CID), TokenError::FundsUnavailable);
        leave(OWNER, 1_100 + EXISTENTIAL_DEPOSIT - 1);
        assert_ok!(register(OWNER, CID));
        // A planck too few: what is left beside deposits must not be dust.
        assert_noop!(grant(OWNER, CID, ALICE), TokenError::FundsUnavailable);
        assert_noop!(register(OWNER, cid(2)), TokenError::FundsUnavailable);
        assert_ok!(Balances::transfer(&MALLORY, &OWNER, 1, Preservation::Preserve));
        assert_ok!(grant(OWNER, CID, ALICE));
        assert_noop!(grant(OWNER, CID, BOB), TokenError::FundsUnavailable);
        assert_eq!(grants(CID), 1);
    });
}

#[test]
fn an_owner_left_with_dust_still_takes_everything_back() {
    build_and_execute(|| {
        leave(OWNER, 1_100 + EXISTENTIAL_DEPOSIT);
        assert_ok!(register(OWNER, CID));
        assert_ok!(grant(OWNER, CID, ALICE));
        let out = Balances::transfer(&OWNER, &MALLORY, 1, Preservation::Preserve);
        assert!(out.is_err(), "deposits cannot be spent");
        assert_ok!(revoke(OWNER, CID, ALICE));
        assert_ok!(retire(OWNER, CID));
        assert_eq!((held(OWNER), total(OWNER)), (0, 1_100 + EXISTENTIAL_DEPOSIT));
    });
}

#[test]
fn what_was_held_comes_back_whatever_the_price_is_now() {
    build_and_execute(|| {
        assert_ok!(register(OWNER, CID));
        assert_ok!(grant(OWNER, CID, ALICE));
        ContentDeposit::set(5_000);
        GrantDeposit::set(7);
        assert_ok!(grant(OWNER, CID, BOB));
        assert_eq!(held(OWNER), 1_000 + 100 + 7);
        assert_ok!(revoke(OWNER, CID, ALICE));
        assert_eq!(held(OWNER), 1_000 + 7);
        assert_ok!(revoke(OWNER, CID, BOB));
        assert_ok!(retire(OWNER, CID));
        assert_eq!((held(OWNER), total(OWNER)), (0, FUNDS));
    });
}

#[test]
fn deposits_of_several_contents_add_up() {
    build_and_execute(|| {
        for byte in 1..=5 {
            assert_ok!(register(OWNER, cid(byte)));
            assert_ok!(grant(OWNER, cid(byte), ALICE));
        }
        assert_eq!(held(OWNER), 5 * 1_100);
        assert_ok!(revoke(OWNER, cid(3), ALICE));
        assert_ok!(retire(OWNER, cid(3)));
        assert_eq!(held(OWNER), 4 * 1_100);
    });
}
