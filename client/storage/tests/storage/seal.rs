//! Files that only some may read.

mod damage;
mod greedy;
mod hand_over;
mod round_trip;
mod streams;

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
