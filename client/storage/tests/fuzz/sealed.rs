//! Sealed files.

use decentralml_storage::seal::{Expected, PublicKey, SecretKey, open, seal};

/// What is in all of them.
const PLAIN: &[u8] = b"weights that are nobody else's business";

/// Most plain bytes that are taken.
const MOST: u64 = 1000;

pub const WORDS: &[&[u8]] =
    &[b"age-encryption.org/v1\n", b"-> X25519 ", b"-> scrypt ", b"-> ", b"--- ", b"\n"];

fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32])
}

pub fn files() -> Vec<Vec<u8>> {
    let file = |keys: &[PublicKey]| {
        let mut file = Vec::new();
        seal(PLAIN, &mut file, keys).unwrap();
        file
    };
    vec![file(&[key(1).public()]), file(&[key(2).public(), key(1).public()])]
}

/// Nothing but the very bytes comes out of a file that opens, and no more than was asked for of another.
pub fn check(input: &[u8]) -> bool {
    let mut plain = Vec::new();
    let opened = open(input, &mut plain, &[&key(1)], &Expected::at_most(MOST));
    assert!(plain.len() as u64 <= MOST);
    if opened.is_ok() {
        assert_eq!(plain, PLAIN);
    }
    opened.is_ok()
}
