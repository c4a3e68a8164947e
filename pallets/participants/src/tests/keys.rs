//! Anybody says to which key bytes for it are encrypted, and no key is one that everybody could read with.

use crate::{EncryptionKey, EncryptionKeys, Error, Event, HoldReason, mock::*};
use decentralml_traits::Keyring;
use decentralml_types::PublicKey;
use frame_support::{
    assert_noop, assert_ok,
    traits::{fungible::InspectHold, fungible::Mutate, tokens::Preservation},
};
use sp_runtime::{DispatchError, TokenError};

const FIRST: PublicKey = [1; 32];
const SECOND: PublicKey = [2; 32];
const DEPOSIT: u128 = 300;

fn set(who: AccountId, key: Option<PublicKey>) -> Result<(), DispatchError> {
    Participants::set_encryption_key(RuntimeOrigin::signed(who), key)
}

fn on_hold(who: AccountId) -> u128 {
    Balances::balance_on_hold(&HoldReason::KeyDeposit.into(), &who)
}

#[test]
fn a_key_is_registered_rotated_and_removed() {
    build_and_execute(|| {
        assert_eq!(Participants::key(&ALICE), None);
        assert_ok!(set(ALICE, Some(FIRST)));
        let event = |old, new| Event::EncryptionKeySet { who: ALICE, old, new }.into();
        System::assert_last_event(event(None, Some(FIRST)));
        let row = EncryptionKey { key: FIRST, since: 1, deposit: DEPOSIT };
        assert_eq!(EncryptionKeys::<Test>::get(ALICE), Some(row));
        assert_eq!(on_hold(ALICE), DEPOSIT);

        go_to(9);
        assert_ok!(set(ALICE, Some(SECOND)));
        System::assert_last_event(event(Some(FIRST), Some(SECOND)));
        let row = EncryptionKey { key: SECOND, since: 9, deposit: DEPOSIT };
        assert_eq!(EncryptionKeys::<Test>::get(ALICE), Some(row));
        assert_eq!(Participants::key(&ALICE), Some(SECOND));
        assert_eq!(Participants::key(&BOB), None);
        assert_eq!(on_hold(ALICE), DEPOSIT, "a rotation costs no second deposit");

        assert_ok!(set(ALICE, None));
        System::assert_last_event(event(Some(SECOND), None));
        assert_eq!(Participants::key(&ALICE), None);
        assert_eq!((held(ALICE), total(ALICE)), (0, FUNDS));
        // The old key may come back.
        assert_ok!(set(ALICE, Some(FIRST)));
    });
}

#[test]
fn keys_with_which_everybody_could_read_are_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut p = minus_one;
    p[0] = 0xed;
    let mut zero_with_the_bit_that_x25519_ignores = [0; 32];
    zero_with_the_bit_that_x25519_ignores[31] = 0x80;
    build_and_execute(|| {
        assert_ok!(set(BOB, Some(FIRST)));
        for key in [[0; 32], one, minus_one, p, zero_with_the_bit_that_x25519_ignores, [0xff; 32]] {
            assert_noop!(set(ALICE, Some(key)), Error::<Test>::InvalidKey);
            assert_noop!(set(BOB, Some(key)), Error::<Test>::InvalidKey);
        }
        assert_eq!(Participants::key(&BOB), Some(FIRST));
    });
}

#[test]
fn calls_that_would_change_nothing_are_errors() {
    build_and_execute(|| {
        assert_noop!(set(ALICE, None), Error::<Test>::NoKey);
        assert_ok!(set(ALICE, Some(FIRST)));
        assert_noop!(set(ALICE, Some(FIRST)), Error::<Test>::SameKey);
        assert_ok!(set(ALICE, None));
        assert_noop!(set(ALICE, None), Error::<Test>::NoKey);
    });
}

#[test]
fn only_a_signed_account_registers_a_key_and_only_its_own() {
    build_and_execute(|| {
        for origin in [RuntimeOrigin::none(), RuntimeOrigin::root()] {
            let refused = Participants::set_encryption_key(origin, Some(FIRST));
            assert_eq!(refused, Err(DispatchError::BadOrigin));
        }
        // Nothing proves that a key is one's own: two may register the same.
        assert_ok!(set(ALICE, Some(FIRST)));
        assert_ok!(set(BOB, Some(FIRST)));
        assert_ok!(set(BOB, None));
        assert_eq!(Participants::key(&ALICE), Some(FIRST));
    });
}

#[test]
fn who_cannot_pay_registers_nothing() {
    build_and_execute(|| {
        assert_noop!(set(NOBODY, Some(FIRST)), TokenError::FundsUnavailable);
        let rest = FUNDS - DEPOSIT - EXISTENTIAL_DEPOSIT + 1;
        assert_ok!(Balances::transfer(&ALICE, &BOB, rest, Preservation::Preserve));
        assert_noop!(set(ALICE, Some(FIRST)), TokenError::FundsUnavailable);
        assert_ok!(Balances::transfer(&BOB, &ALICE, 1, Preservation::Preserve));
        assert_ok!(set(ALICE, Some(FIRST)));
        // An account with nothing left but dust beside its deposit still rotates and removes its key.
        assert_ok!(set(ALICE, Some(SECOND)));
        assert_ok!(set(ALICE, None));
        assert_eq!(total(ALICE), DEPOSIT + EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn what_was_held_comes_back_whatever_the_price_is_now() {
    build_and_execute(|| {
        assert_ok!(set(ALICE, Some(FIRST)));
        KeyDeposit::set(1_000);
        assert_ok!(set(ALICE, Some(SECOND)));
        assert_eq!(on_hold(ALICE), 1_000);
        KeyDeposit::set(10);
        assert_ok!(set(ALICE, Some(FIRST)));
        assert_eq!(on_hold(ALICE), 10);
        KeyDeposit::set(2 * FUNDS);
        assert_noop!(set(ALICE, Some(SECOND)), TokenError::FundsUnavailable);
        assert_eq!(Participants::key(&ALICE), Some(FIRST));
        assert_ok!(set(ALICE, None));
        assert_eq!((held(ALICE), total(ALICE)), (0, FUNDS));
    });
}
