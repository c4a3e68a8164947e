//! Anybody says where it offers bytes, pays while it does, and gets back what it paid.

use crate::{Error, Event, HoldReason, HostList, Hosts, mock::*};
use decentralml_types::{Role::Trainer, Url, Urls, host::MAX_URL};
use frame_support::{
    assert_noop, assert_ok,
    traits::{fungible::InspectHold, fungible::Mutate, tokens::Preservation},
};
use sp_runtime::{DispatchError, TokenError};

/// Held for each host, whatever its length.
const BASE: u128 = 100;
/// Held for each byte.
const PER_BYTE: u128 = 2;

fn urls(list: &[&[u8]]) -> Urls {
    let list: Vec<Url> = list.iter().map(|url| url.to_vec().try_into().unwrap()).collect();
    list.try_into().unwrap()
}

fn set(who: AccountId, list: &[&[u8]]) -> Result<(), DispatchError> {
    Participants::set_hosts(RuntimeOrigin::signed(who), urls(list))
}

fn on_hold(who: AccountId) -> u128 {
    Balances::balance_on_hold(&HoldReason::HostDeposit.into(), &who)
}

fn bytes(length: usize) -> Vec<u8> {
    let mut url = b"https://".to_vec();
    url.resize(length, b'a');
    url
}

#[test]
fn an_account_without_a_bond_announces_replaces_and_removes_its_hosts() {
    build_and_execute(|| {
        let first = urls(&[b"https://a.example", b"/ip4/203.0.113.7/tcp/4001"]);
        assert_ok!(Participants::set_hosts(RuntimeOrigin::signed(ALICE), first.clone()));
        System::assert_last_event(Event::HostsSet { who: ALICE, urls: first.clone() }.into());
        let deposit = 2 * BASE + (17 + 25) * PER_BYTE;
        assert_eq!(Hosts::<Test>::get(ALICE), Some(HostList { urls: first, deposit }));
        assert_eq!(on_hold(ALICE), deposit);

        assert_ok!(set(ALICE, &[b"http://b"]));
        assert_eq!(on_hold(ALICE), BASE + 8 * PER_BYTE);

        assert_ok!(set(ALICE, &[]));
        System::assert_last_event(Event::HostsSet { who: ALICE, urls: urls(&[]) }.into());
        assert_eq!(Hosts::<Test>::get(ALICE), None);
        assert_eq!((held(ALICE), total(ALICE)), (0, FUNDS));
    });
}

#[test]
fn bytes_that_are_no_url_are_refused_and_change_nothing() {
    build_and_execute(|| {
        assert_ok!(set(ALICE, &[b"http://a"]));
        for url in [
            &b""[..],
            b"/",
            b"//host",
            b"http://",
            b"https:///",
            b"ftp://host",
            b"host:80",
            b"http://a b",
            b"http://a\n",
            b"http://\0",
            b"http://\xff\xfe",
            "http://h\u{f6}st".as_bytes(),
        ] {
            assert_noop!(set(ALICE, &[b"http://b", url]), Error::<Test>::InvalidUrl);
            assert_noop!(set(BOB, &[url]), Error::<Test>::InvalidUrl);
        }
        assert_eq!(Hosts::<Test>::get(ALICE).unwrap().urls, urls(&[b"http://a"]));
    });
}

#[test]
fn more_or_longer_hosts_than_a_row_takes_cannot_even_be_sent() {
    use codec::{Decode, Encode};
    let call = |list: Vec<Vec<u8>>| {
        let bytes = [vec![3], list.encode()].concat();
        crate::Call::<Test>::decode(&mut &bytes[..])
    };
    let longest = bytes(MAX_URL as usize);
    assert!(call(vec![longest.clone(); 4]).is_ok());
    assert!(call(vec![longest; 5]).is_err());
    assert!(call(vec![b"/a".to_vec(); 5]).is_err());
    assert!(call(vec![bytes(MAX_URL as usize + 1)]).is_err());
}

#[test]
fn the_largest_list_fits() {
    build_and_execute(|| {
        let longest = bytes(MAX_URL as usize);
        assert_ok!(set(ALICE, &[&longest, &longest, &longest, &longest]));
        assert_eq!(on_hold(ALICE), 4 * (BASE + u128::from(MAX_URL) * PER_BYTE));
    });
}

#[test]
fn removing_what_was_never_announced_is_an_error() {
    build_and_execute(|| {
        assert_noop!(set(ALICE, &[]), Error::<Test>::NoHosts);
        assert_ok!(set(ALICE, &[b"/a"]));
        assert_noop!(set(BOB, &[]), Error::<Test>::NoHosts);
        assert_ok!(set(ALICE, &[]));
        assert_noop!(set(ALICE, &[]), Error::<Test>::NoHosts);
    });
}

#[test]
fn only_a_signed_account_announces() {
    build_and_execute(|| {
        for origin in [RuntimeOrigin::none(), RuntimeOrigin::root()] {
            let refused = Participants::set_hosts(origin, urls(&[b"/a"]));
            assert_eq!(refused, Err(DispatchError::BadOrigin));
        }
    });
}

#[test]
fn who_cannot_pay_announces_nothing_and_keeps_what_it_announced() {
    build_and_execute(|| {
        assert_noop!(set(NOBODY, &[b"/a"]), TokenError::FundsUnavailable);
        let deposit = BASE + 2 * PER_BYTE;
        let rest = FUNDS - deposit - EXISTENTIAL_DEPOSIT;
        assert_ok!(Balances::transfer(&ALICE, &BOB, rest + 1, Preservation::Preserve));
        // A planck too few: what is left beside a deposit must not be dust.
        assert_noop!(set(ALICE, &[b"/a"]), TokenError::FundsUnavailable);
        assert_ok!(Balances::transfer(&BOB, &ALICE, 1, Preservation::Preserve));
        assert_ok!(set(ALICE, &[b"/a"]));
        assert_noop!(set(ALICE, &[b"/ab"]), TokenError::FundsUnavailable);
        assert_noop!(set(ALICE, &[b"/a", b"/b"]), TokenError::FundsUnavailable);
        assert_eq!(Hosts::<Test>::get(ALICE).unwrap().urls, urls(&[b"/a"]));
        // As long a list costs nothing more.
        assert_ok!(set(ALICE, &[b"/c"]));
        assert_ok!(set(ALICE, &[]));
        assert_eq!(total(ALICE), deposit + EXISTENTIAL_DEPOSIT);
        assert_eq!(held(ALICE), 0);
    });
}

#[test]
fn a_deposit_cannot_be_spent_while_it_is_held() {
    build_and_execute(|| {
        assert_ok!(set(ALICE, &[b"/a"]));
        let free = FUNDS - on_hold(ALICE);
        let all = Balances::transfer(&ALICE, &BOB, free + 1, Preservation::Expendable);
        assert!(all.is_err());
        assert_ok!(Balances::transfer(
            &ALICE,
            &BOB,
            free - EXISTENTIAL_DEPOSIT,
            Preservation::Preserve
        ));
        assert_ok!(set(ALICE, &[]));
        assert_eq!(total(ALICE), BASE + 2 * PER_BYTE + EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn what_was_held_comes_back_whatever_the_price_is_now() {
    build_and_execute(|| {
        assert_ok!(set(ALICE, &[b"/a"]));
        assert_ok!(set(BOB, &[b"/a"]));
        HostDepositBase::set(1);
        assert_ok!(set(ALICE, &[]));
        assert_eq!(held(ALICE), 0);
        // Whoever announces anew pays the price of today.
        assert_ok!(set(BOB, &[b"/a"]));
        assert_eq!(held(BOB), 1 + 2 * PER_BYTE);
        HostDepositBase::set(500);
        assert_ok!(set(BOB, &[b"/a"]));
        assert_eq!(held(BOB), 500 + 2 * PER_BYTE);
        HostDepositBase::set(u128::MAX);
        assert_noop!(set(BOB, &[b"/a", b"/b"]), TokenError::FundsUnavailable);
        assert_ok!(set(BOB, &[]));
        assert_eq!((total(ALICE), total(BOB)), (FUNDS, FUNDS));
    });
}

#[test]
fn a_slash_does_not_reach_deposits() {
    use decentralml_traits::{Bonds, Receivers};
    build_and_execute(|| {
        assert_ok!(set(ALICE, &[b"/a"]));
        assert_ok!(Participants::bond(RuntimeOrigin::signed(ALICE), Trainer, 100));
        let amount = Participants::seize(&ALICE, Trainer, u128::MAX);
        let receivers = Receivers { harmed: None, reporter: None };
        Participants::forfeit(&ALICE, Trainer, amount, receivers);
        assert_eq!(held(ALICE), on_hold(ALICE));
        assert_ok!(set(ALICE, &[]));
        assert_eq!(total(ALICE), FUNDS - 100);
    });
}
