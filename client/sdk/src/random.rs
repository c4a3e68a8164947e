//! Randomness of the operating system.

use crypto_secretbox::aead::{OsRng, rand_core::RngCore};

/// 32 unpredictable bytes: salts and new keys. `None` where the system has no randomness to give.
pub fn random_32() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).ok()?;
    Some(bytes)
}
