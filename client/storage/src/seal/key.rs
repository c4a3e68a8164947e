//! Keys, and how people and the `age` tools write them.

use super::{KeyError, PublicKey};
use age::{secrecy::ExposeSecret, x25519};
use bech32::{Bech32, ByteIterExt, Fe32IterExt, Hrp, primitives::decode::CheckedHrpstring};
use std::fmt;
use x25519_dalek::X25519_BASEPOINT_BYTES;
use zeroize::Zeroizing;

const PUBLIC: Hrp = Hrp::parse_unchecked("age");
const SECRET: Hrp = Hrp::parse_unchecked("AGE-SECRET-KEY-");

/// Characters of a secret key's text: `AGE-SECRET-KEY-1`, 52 for 32 bytes, a checksum of 6.
pub(super) const SECRET_TEXT: usize = 74;

/// An X25519 secret key. Every 32 bytes are one. They are wiped from memory with it, and its debug output is empty.
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    /// A new key, from the randomness of the operating system.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        // It goes round once: what `age` writes of a key can be read.
        while decode(x25519::Identity::generate().to_string().expose_secret(), SECRET, &mut bytes)
            .is_none()
        {}
        Self(bytes)
    }

    /// The key of these bytes, as RFC 7748 reads them: it sets and clears the bits that it wants so by itself.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// Reads `AGE-SECRET-KEY-1…`, as the `age` tools write it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        decode(text, SECRET, &mut bytes).ok_or(KeyError::Secret)?;
        let key = Self(bytes);
        if *key.reveal() == text { Ok(key) } else { Err(KeyError::Secret) }
    }

    /// `AGE-SECRET-KEY-1…`, as the `age` tools read it. Whoever sees it can open what is sealed to the key.
    pub fn reveal(&self) -> Zeroizing<String> {
        // Reserved in full: a text that grew would leave its beginnings in memory.
        let mut text = Zeroizing::new(String::with_capacity(SECRET_TEXT));
        let characters =
            self.0.iter().copied().bytes_to_fes().with_checksum::<Bech32>(&SECRET).chars();
        text.extend(characters.map(|character| character.to_ascii_uppercase()));
        text
    }

    /// What can be sealed to.
    pub fn public(&self) -> PublicKey {
        x25519_dalek::x25519(*self.0, X25519_BASEPOINT_BYTES)
    }

    /// The key as `age` takes it; never `None`, as every 32 bytes are a key.
    pub(super) fn identity(&self) -> Option<x25519::Identity> {
        self.reveal().parse().ok()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// `age1…`, as the `age` tools read it.
pub fn public_key_text(key: &PublicKey) -> String {
    key.iter().copied().bytes_to_fes().with_checksum::<Bech32>(&PUBLIC).chars().collect()
}

/// Reads `age1…`, as the `age` tools write it. Whether it can be encrypted to, [`seal`](super::seal()) looks.
pub fn parse_public_key(text: &str) -> Result<PublicKey, KeyError> {
    let mut key = [0; 32];
    decode(text, PUBLIC, &mut key).ok_or(KeyError::Public)?;
    if public_key_text(&key) == text { Ok(key) } else { Err(KeyError::Public) }
}

fn decode(text: &str, prefix: Hrp, key: &mut [u8; 32]) -> Option<()> {
    let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
    let bytes = checked.byte_iter();
    if checked.hrp() != prefix || bytes.len() != key.len() {
        return None;
    }
    for (slot, byte) in key.iter_mut().zip(bytes) {
        *slot = byte;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// RFC 7748, section 6.1: Alice's keys.
    const SECRET_BYTES: [u8; 32] = [
        0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66,
        0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9,
        0x2c, 0x2a,
    ];
    const PUBLIC_BYTES: [u8; 32] = [
        0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7,
        0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b,
        0x4e, 0x6a,
    ];

    /// From the tests of `age`.
    const SECRET_KEY: &str =
        "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    const PUBLIC_KEY: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

    #[test]
    fn keys_are_those_of_the_standard_and_of_age() {
        assert_eq!(SecretKey::from_bytes(&SECRET_BYTES).public(), PUBLIC_BYTES);
        let key = SecretKey::parse(SECRET_KEY).unwrap();
        assert_eq!(key.reveal().as_str(), SECRET_KEY);
        assert_eq!(key.reveal().len(), SECRET_TEXT);
        assert_eq!(public_key_text(&key.public()), PUBLIC_KEY);
        assert_eq!(parse_public_key(PUBLIC_KEY).unwrap(), key.public());
    }

    #[test]
    fn a_text_that_is_not_exactly_that_of_a_key_is_refused() {
        let lower = SECRET_KEY.to_lowercase();
        let longer = format!("{SECRET_KEY}\n");
        for text in ["", PUBLIC_KEY, &lower, &longer, &SECRET_KEY[..73], &"A".repeat(1 << 16)] {
            assert_eq!(SecretKey::parse(text).unwrap_err(), KeyError::Secret);
        }
        let upper = PUBLIC_KEY.to_uppercase();
        let changed = PUBLIC_KEY.replace("age1t", "age1p");
        for text in ["", SECRET_KEY, &upper, &changed, "age1", "age1é", &PUBLIC_KEY[1..]] {
            assert_eq!(parse_public_key(text).unwrap_err(), KeyError::Public);
        }
        // A checksum of the right length, but for 33 bytes and with other bits of padding.
        let longer = [7_u8; 33].into_iter().bytes_to_fes().with_checksum::<Bech32>(&PUBLIC).chars();
        assert_eq!(parse_public_key(&longer.collect::<String>()), Err(KeyError::Public));
        let mut digits: Vec<_> = [7_u8; 32].into_iter().bytes_to_fes().collect();
        let padded = bech32::Fe32::try_from(digits.pop().unwrap().to_u8() | 1).unwrap();
        digits.push(padded);
        let padded = digits.into_iter().with_checksum::<Bech32>(&PUBLIC).chars();
        assert_eq!(parse_public_key(&padded.collect::<String>()), Err(KeyError::Public));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let key = SecretKey::from_bytes(&[9; 32]);
        assert_eq!(format!("{key:?} {key:#?}"), "SecretKey(…) SecretKey(…)");
        let error = SecretKey::parse(&format!("{SECRET_KEY}Q")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("GQ9778"));
    }

    #[test]
    fn a_new_key_is_another_one_each_time() {
        let [one, two] = [SecretKey::generate(), SecretKey::generate()];
        assert_ne!(one.public(), two.public());
        assert_ne!(*one.0, [0; 32]);
    }

    proptest! {
        #[test]
        fn every_32_bytes_are_a_key_that_age_writes_alike(bytes: [u8; 32]) {
            let key = SecretKey::from_bytes(&bytes);
            let identity = key.identity().unwrap();
            let (theirs, ours) = (identity.to_string(), key.reveal());
            prop_assert_eq!(theirs.expose_secret(), ours.as_str());
            prop_assert_eq!(identity.to_public().to_string(), public_key_text(&key.public()));
            prop_assert_eq!(*SecretKey::parse(&key.reveal()).unwrap().0, bytes);
            prop_assert_eq!(parse_public_key(&public_key_text(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn any_text_is_a_key_or_refused_without_a_panic(text in "(age1|AGE-SECRET-KEY-1)?\\PC{0,80}") {
            prop_assert!(SecretKey::parse(&text).is_err());
            prop_assert!(parse_public_key(&text).is_err());
        }
    }
}
