//! Files that only some may read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "seal/streams.rs"]
mod streams;

#[path = "seal/damage.rs"]
mod damage;
#[path = "seal/greedy.rs"]
mod greedy;
#[path = "seal/hand_over.rs"]
mod hand_over;
#[path = "seal/round_trip.rs"]
mod round_trip;

use decentralml_storage::seal::{PublicKey, SecretKey, seal};

/// A key of the tests.
fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32])
}

/// `count` different public keys.
fn keys(count: u16) -> Vec<PublicKey> {
    let secret = |number: u16| {
        let mut bytes = [7; 32];
        bytes[8..10].copy_from_slice(&number.to_le_bytes());
        SecretKey::from_bytes(&bytes)
    };
    (0..count).map(|number| secret(number).public()).collect()
}

/// Bytes without a period that fits into a piece of the format.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (at * 31 + at / 251) as u8).collect()
}

fn sealed(plain: &[u8], keys: &[PublicKey]) -> Vec<u8> {
    let mut sealed = Vec::new();
    seal(plain, &mut sealed, keys).unwrap();
    sealed
}
