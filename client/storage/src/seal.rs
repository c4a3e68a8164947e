//! Bytes that only some may read: files of the `age` format (<https://age-encryption.org/v1>), which the ordinary `age` and
//! `rage` tools read and write too.
//!
//! ```text
//!  plain bytes ── seal(recipients) ──► header: the file's key, once for every recipient ── open(secret) ──► plain bytes
//!                                      64 KiB pieces, each authenticated, the last one marked
//! ```
//!
//! Keys are X25519 alone (RFC 7748). Everything streams: memory is a few pieces, however long the file is. What has been sealed
//! to a key stays readable with its secret for ever; no later call takes that back. A file shows how long its content is and how
//! many may read it, but not who, nor who sealed it: whoever needs to know the author compares the hash with what that author has
//! signed.
//!
//! Nothing here waits for a network, but disks and ciphers take their time: asynchronous programs call it where it may block.

mod error;
mod file;
mod hand_over;
mod header;
mod key;
mod opening;

pub use decentralml_types::PublicKey;
pub use error::{KeyError, OpenError, SealError};
pub use hand_over::{MAX_ENVELOPE_BYTES, MAX_SEATS, envelope, open_envelope, seal_to_one};
pub use key::{SecretKey, parse_public_key, public_key_text};
pub use opening::{Expected, open, open_to_bytes, open_to_file};

use age::{Encryptor, Recipient, x25519};
use decentralml_types::encryption::is_usable;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

/// Most keys that a file is sealed to.
pub const MAX_RECIPIENTS: usize = 256;

/// Bytes of a piece of the format, which are read in one go.
const PIECE: usize = 64 << 10;

/// Bytes that authenticate a piece.
const TAG: u64 = 16;

/// Bytes between the header and the first piece.
const NONCE: u64 = 16;

/// What was sealed, or what opening brought to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Length of the plain bytes.
    pub plain_bytes: u64,
    /// SHA2-256 of the plain bytes. Whoever can guess them can see by it that the guess is right.
    pub plain_hash: [u8; 32],
}

/// Seals all that `reader` gives to 1 to [`MAX_RECIPIENTS`] keys, into `writer`.
///
/// A key that is named more than once counts once: nobody can keep two accounts from registering the same key. Sealing the same
/// bytes twice gives different files. After an error, what was written is of no use.
///
/// Errors: [`SealError::NoRecipients`], [`SealError::TooManyRecipients`], [`SealError::UnusableKey`], all three before anything is
/// read; [`SealError::Read`], [`SealError::Write`].
pub fn seal(
    mut reader: impl Read,
    writer: impl Write,
    recipients: &[PublicKey],
) -> Result<Sealed, SealError> {
    let recipients = checked(recipients)?;
    let encryptor =
        Encryptor::with_recipients(recipients.iter().map(|recipient| recipient as &dyn Recipient))
            .map_err(|error| SealError::Write(io::Error::other(error.to_string())))?;
    let mut sealing = encryptor.wrap_output(BufWriter::new(writer)).map_err(SealError::Write)?;
    let mut tally = Tally::default();
    let mut piece = vec![0; PIECE];
    while let Some(bytes) = next_piece(&mut reader, &mut piece).map_err(SealError::Read)? {
        tally.add(bytes);
        sealing.write_all(bytes).map_err(SealError::Write)?;
    }
    let mut written = sealing.finish().map_err(SealError::Write)?;
    written.flush().map_err(SealError::Write)?;
    Ok(tally.finish())
}

/// [`seal`] into a file. It appears, or is replaced, when all of it is there and on the disk; on Unix only its owner may read it.
pub fn seal_to_file(
    reader: impl Read,
    path: &Path,
    recipients: &[PublicKey],
) -> Result<Sealed, SealError> {
    file::whole(path, |file| seal(reader, file, recipients), SealError::Write)
}

/// Bytes that a sealed file with so many plain bytes is never longer than, whoever sealed it for at most [`MAX_RECIPIENTS`]: what to
/// fetch at most where only the plain length is known.
pub fn max_sealed_bytes(plain_bytes: u64) -> u64 {
    let pieces = plain_bytes.div_ceil(PIECE as u64).max(1);
    let around = header::MAX_BYTES as u64 + NONCE;
    plain_bytes.saturating_add(pieces.saturating_mul(TAG)).saturating_add(around)
}

/// The keys as `age` takes them, each once.
fn checked(keys: &[PublicKey]) -> Result<Vec<x25519::Recipient>, SealError> {
    let distinct: BTreeSet<&PublicKey> = keys.iter().collect();
    if distinct.is_empty() {
        return Err(SealError::NoRecipients);
    }
    if distinct.len() > MAX_RECIPIENTS {
        return Err(SealError::TooManyRecipients { keys: distinct.len(), limit: MAX_RECIPIENTS });
    }
    let recipient = |key: &PublicKey| {
        let text = public_key_text(key);
        let usable = is_usable(key).then(|| text.parse().ok()).flatten();
        usable.ok_or(SealError::UnusableKey(text))
    };
    distinct.into_iter().map(recipient).collect()
}

/// The next bytes, as many as one reading gives; `None` at the end.
fn next_piece<'a>(reader: &mut impl Read, piece: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
    loop {
        match reader.read(piece) {
            Ok(0) => return Ok(None),
            Ok(length) => return Ok(piece.get(..length)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Length and hash of bytes that go by.
#[derive(Default)]
struct Tally {
    bytes: u64,
    hasher: Sha256,
}

impl Tally {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    fn finish(self) -> Sealed {
        Sealed { plain_bytes: self.bytes, plain_hash: self.hasher.finalize().into() }
    }
}
