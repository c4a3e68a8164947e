//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attacks;
mod deposits;
mod granting;
mod registering;
mod state;

use crate::mock::*;
use decentralml_types::{Cid, Codec};
use sp_runtime::DispatchResult;

const PLAIN_HASH: [u8; 32] = [9; 32];
const SIZE: u64 = 12_345;
const CID: Cid = cid(1);
const ENVELOPE: Cid = cid(200);

const fn cid(byte: u8) -> Cid {
    Cid { codec: Codec::Raw, digest: [byte; 32] }
}

fn register(who: AccountId, cid: Cid) -> DispatchResult {
    Data::register(RuntimeOrigin::signed(who), cid, PLAIN_HASH, SIZE)
}

fn grant(who: AccountId, cid: Cid, account: AccountId) -> DispatchResult {
    Data::grant(RuntimeOrigin::signed(who), cid, account, ENVELOPE)
}

fn revoke(who: AccountId, cid: Cid, account: AccountId) -> DispatchResult {
    Data::revoke(RuntimeOrigin::signed(who), cid, account)
}

fn retire(who: AccountId, cid: Cid) -> DispatchResult {
    Data::retire(RuntimeOrigin::signed(who), cid)
}

/// To how many accounts content is granted, as its record says.
fn grants(cid: Cid) -> u32 {
    crate::Contents::<Test>::get(cid).unwrap().grants
}
