//! Bytes that are sealed before it is known who will read them.
//!
//! ```text
//!  seal_to_one:  bytes ──► sealed file, and the one key that opens it
//!  envelope:     that key ──► a small sealed file, for the seats
//! ```
//!
//! The update of a sealed task is committed to before its judges are drawn. It is sealed to a key that is made for it alone; when
//! the seats are known, the key follows in an envelope. A person opens both with the `age` tool:
//!
//! ```text
//! age -d -i own-key.txt envelope.age > update-key.txt
//! age -d -i update-key.txt update.age > update.safetensors
//! ```
//!
//! Whoever makes an envelope may leave a seat out, or put a wrong key in. All whom an envelope lets in find the same key in it, and
//! a key opens a sealed file to the same bytes for everybody.

use super::{Expected, OpenError, PublicKey, SealError, Sealed, SecretKey, key::SECRET_TEXT};
use std::io::{Read, Write};
use zeroize::Zeroizing;

/// Most keys that an envelope is for.
pub const MAX_SEATS: usize = 31;

/// Bytes that an envelope is never longer than.
pub const MAX_ENVELOPE_BYTES: u64 = 4 << 10;

/// [`seal`](super::seal()) to a new key, which is returned. Whoever loses it cannot hand it over.
pub fn seal_to_one(
    reader: impl Read,
    writer: impl Write,
) -> Result<(SecretKey, Sealed), SealError> {
    let key = SecretKey::generate();
    let sealed = super::seal(reader, writer, &[key.public()])?;
    Ok((key, sealed))
}

/// A sealed file of at most [`MAX_ENVELOPE_BYTES`] that holds `key` in the form in which the `age` tools keep keys, for 1 to
/// [`MAX_SEATS`] keys.
///
/// Errors: [`SealError::NoRecipients`], [`SealError::TooManyRecipients`], [`SealError::UnusableKey`].
pub fn envelope(key: &SecretKey, seats: &[PublicKey]) -> Result<Vec<u8>, SealError> {
    if seats.len() > MAX_SEATS {
        return Err(SealError::TooManyRecipients { keys: seats.len(), limit: MAX_SEATS });
    }
    let mut sealed = Vec::new();
    super::seal(key.reveal().as_bytes().chain(&b"\n"[..]), &mut sealed, seats)?;
    Ok(sealed)
}

/// The key in an envelope.
///
/// Errors: [`OpenError::NotForUs`]; [`OpenError::TooLong`] or [`OpenError::HeaderTooLong`] where it is no envelope that
/// [`envelope`] would make; [`OpenError::Malformed`].
pub fn open_envelope(envelope: &[u8], secrets: &[&SecretKey]) -> Result<SecretKey, OpenError> {
    if envelope.len() as u64 > MAX_ENVELOPE_BYTES {
        return Err(OpenError::TooLong { limit: MAX_ENVELOPE_BYTES });
    }
    let expected = Expected::at_most(SECRET_TEXT as u64 + 1);
    // Reserved in full: memory that grew would leave the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(SECRET_TEXT + 1));
    super::open(envelope, &mut *text, secrets, &expected)?;
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| SecretKey::parse(text).ok())
        .ok_or(OpenError::Malformed("what it holds is no key"))
}
