//! Hosts, keys and grants on the real runtime: what one pallet asks of the other, and what everything costs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_runtime::*;
use decentralml_types::{PublicKey, Role, Url, Urls};
use sp_runtime::DispatchError;
use support::*;

const OWNER: u8 = SPONSOR;
const READER: u8 = SEATS[0];
const KEY: PublicKey = [9; 32];

fn register() -> pallet_data::Call<Runtime> {
    pallet_data::Call::register { cid: model_cid(1), plain_hash: [1; 32], size: 1 << 30 }
}

fn grant(reader: u8) -> pallet_data::Call<Runtime> {
    pallet_data::Call::grant { cid: model_cid(1), account: account(reader), envelope: model_cid(2) }
}

fn revoke(reader: u8) -> pallet_data::Call<Runtime> {
    pallet_data::Call::revoke { cid: model_cid(1), account: account(reader) }
}

fn set_key(key: Option<PublicKey>) -> pallet_participants::Call<Runtime> {
    pallet_participants::Call::set_encryption_key { key }
}

fn set_hosts(list: &[&str]) -> pallet_participants::Call<Runtime> {
    let list: Vec<Url> =
        list.iter().map(|url| url.as_bytes().to_vec().try_into().unwrap()).collect();
    let urls: Urls = list.try_into().unwrap();
    pallet_participants::Call::set_hosts { urls }
}

fn free(name: u8) -> u128 {
    System::account(account(name)).data.free
}

#[test]
fn data_is_granted_to_accounts_with_a_key_and_to_no_others() {
    chain(|| {
        ok(OWNER, register());
        let no_key = DispatchError::from(pallet_data::Error::<Runtime>::NoEncryptionKey);
        assert_eq!(call(OWNER, grant(READER)).unwrap_err().error, no_key);
        ok(READER, set_key(Some(KEY)));
        ok(OWNER, grant(READER));
        // A key that is gone ends nothing, and begins nothing.
        ok(READER, set_key(None));
        ok(OWNER, revoke(READER));
        assert_eq!(call(OWNER, grant(READER)).unwrap_err().error, no_key);
        ok(OWNER, pallet_data::Call::retire { cid: model_cid(1) });
    });
}

#[test]
fn what_is_announced_and_granted_is_paid_for_while_it_lasts() {
    chain(|| {
        let (owner, reader) = (free(OWNER), free(READER));
        ok(READER, set_hosts(&["https://host.example", "/ip4/203.0.113.7/tcp/4001"]));
        ok(READER, set_key(Some(KEY)));
        assert_eq!(reader - free(READER), (2 * 100 + 20 + 25 + 100) * MILLIUNIT / 10);
        ok(OWNER, register());
        ok(OWNER, grant(READER));
        assert_eq!(owner - free(OWNER), UNIT / 10 + 10 * MILLIUNIT);
        check();

        ok(OWNER, revoke(READER));
        ok(OWNER, pallet_data::Call::retire { cid: model_cid(1) });
        ok(READER, set_hosts(&[]));
        ok(READER, set_key(None));
        assert_eq!((free(OWNER), free(READER)), (owner, reader));
    });
}

#[test]
fn an_account_holds_everything_at_once() {
    chain(|| {
        // Every hold that a participant can have: both bonds, and all deposits.
        let task = running(digits());
        for name in [SPONSOR, READER, TRAINERS[0]] {
            ok(name, set_hosts(&["/dns4/host.example/tcp/443"]));
            ok(name, set_key(Some(KEY)));
        }
        let role = Role::Trainer;
        ok(READER, pallet_participants::Call::bond { role, amount: UNIT });
        ok(SPONSOR, register());
        ok(SPONSOR, grant(READER));
        ok(SPONSOR, pallet_tasks::Call::cancel { task });
    });
}
