//! `try_state` sees what no call could have left.

use crate::{EncryptionKey, EncryptionKeys, HoldReason, HostList, Hosts, mock::*};
use decentralml_types::Urls;
use frame_support::{
    assert_ok,
    traits::{fungible::MutateHold, tokens::Precision},
};

fn hosts(url: &[u8]) -> Urls {
    vec![url.to_vec().try_into().unwrap()].try_into().unwrap()
}

/// Accounts with everything that can be announced, and what `try_state` says after a change.
fn after(change: impl FnOnce()) -> Result<(), &'static str> {
    externalities().execute_with(|| {
        for who in [ALICE, BOB] {
            let origin = RuntimeOrigin::signed(who);
            assert_ok!(Participants::set_hosts(origin.clone(), hosts(b"/a")));
            assert_ok!(Participants::set_encryption_key(origin, Some([1; 32])));
        }
        assert_ok!(Participants::do_try_state());
        change();
        Participants::do_try_state().map_err(Into::into)
    })
}

fn change_hosts(change: impl FnOnce(&mut HostList)) -> Result<(), &'static str> {
    after(|| Hosts::<Test>::mutate(BOB, |row| change(row.as_mut().unwrap())))
}

fn change_key(change: impl FnOnce(&mut EncryptionKey)) -> Result<(), &'static str> {
    after(|| EncryptionKeys::<Test>::mutate(BOB, |row| change(row.as_mut().unwrap())))
}

#[test]
fn a_deposit_that_is_not_held_is_noticed() {
    let differs = Err("the hold differs from the recorded deposit");
    assert_eq!(change_hosts(|row| row.deposit += 1), differs);
    assert_eq!(change_hosts(|row| row.deposit -= 1), differs);
    assert_eq!(change_key(|row| row.deposit += 1), differs);
    for reason in [HoldReason::HostDeposit, HoldReason::KeyDeposit] {
        let released = after(|| {
            assert_ok!(Balances::release(&reason.into(), &BOB, 1, Precision::Exact));
        });
        assert_eq!(released, differs);
    }
}

#[test]
fn rows_that_nobody_could_have_announced_are_noticed() {
    assert_eq!(change_hosts(|row| row.urls = hosts(b"a")), Err("a host is no URL"));
    assert_eq!(
        change_hosts(|row| row.urls = Urls::default()),
        Err("an empty list of hosts was left behind")
    );
    assert_eq!(change_key(|row| row.key = [0; 32]), Err("a key that nobody can be safe with"));
    assert_eq!(change_key(|row| row.since = 2), Err("a key from the future"));
}
