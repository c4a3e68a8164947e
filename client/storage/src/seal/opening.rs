//! Sealed bytes, opened.

use super::{OpenError, PIECE, Sealed, SecretKey, Tally, file, header, next_piece};
use age::{DecryptError, Decryptor, Identity, x25519};
use std::{
    io::{self, BufReader, Cursor, Read, Write},
    path::Path,
};
use subtle::ConstantTimeEq;

/// What a caller takes.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// Most plain bytes.
    pub plain_bytes: u64,
    /// Most bytes of the header.
    pub header_bytes: usize,
    /// What the plain bytes hash to (SHA2-256), where that is known.
    pub plain_hash: Option<[u8; 32]>,
}

impl Expected {
    /// Any plain bytes up to a length, under a header for up to [`MAX_RECIPIENTS`](super::MAX_RECIPIENTS).
    pub fn at_most(plain_bytes: u64) -> Self {
        Self { plain_bytes, header_bytes: header::MAX_BYTES, plain_hash: None }
    }

    /// And only these.
    pub fn with_hash(self, plain_hash: [u8; 32]) -> Self {
        Self { plain_hash: Some(plain_hash), ..self }
    }
}

/// Opens what `reader` gives with whichever of `secrets` fits, and writes the plain bytes to `writer`.
///
/// **Nothing of what was written may be used before this returns `Ok`:** every piece has been authenticated when it is written, but
/// that the file goes on after it, and with what, turns out only at its end. [`open_to_file`] and [`open_to_bytes`] see to that by
/// themselves. No more is written than `expected` allows.
///
/// Errors: [`OpenError::NotForUs`], [`OpenError::Malformed`], [`OpenError::TooLong`], [`OpenError::HeaderTooLong`],
/// [`OpenError::WrongHash`], [`OpenError::Read`], [`OpenError::Write`].
pub fn open(
    reader: impl Read,
    mut writer: impl Write,
    secrets: &[&SecretKey],
    expected: &Expected,
) -> Result<Sealed, OpenError> {
    let mut input = BufReader::with_capacity(PIECE, Input(reader));
    let header = header::read(&mut input, expected.header_bytes)?;
    let decryptor = Decryptor::new_buffered(Cursor::new(header).chain(input)).map_err(refused)?;
    let identities: Vec<x25519::Identity> =
        secrets.iter().filter_map(|secret| secret.identity()).collect();
    let mut plain = decryptor
        .decrypt(identities.iter().map(|identity| identity as &dyn Identity))
        .map_err(refused)?;

    let mut tally = Tally::default();
    let mut piece = vec![0; PIECE];
    while let Some(bytes) = next_piece(&mut plain, &mut piece).map_err(read_failed)? {
        tally.add(bytes);
        if tally.bytes > expected.plain_bytes {
            return Err(OpenError::TooLong { limit: expected.plain_bytes });
        }
        writer.write_all(bytes).map_err(OpenError::Write)?;
    }
    writer.flush().map_err(OpenError::Write)?;
    let opened = tally.finish();
    match expected.plain_hash {
        Some(hash) if !bool::from(hash.ct_eq(&opened.plain_hash)) => Err(OpenError::WrongHash),
        _ => Ok(opened),
    }
}

/// [`open`] into a file. It appears, or is replaced, when all of it is there, authenticated and on the disk; after an error the
/// former one is as it was. On Unix only its owner may read it.
///
/// A program that is killed meanwhile leaves a file `.sealed-…` beside `path`, which nobody else may read either.
pub fn open_to_file(
    reader: impl Read,
    path: &Path,
    secrets: &[&SecretKey],
    expected: &Expected,
) -> Result<Sealed, OpenError> {
    file::whole(path, |file| open(reader, file, secrets, expected), OpenError::Write)
}

/// [`open`] into memory, which grows with the bytes that come, never by what a header says.
pub fn open_to_bytes(
    reader: impl Read,
    secrets: &[&SecretKey],
    expected: &Expected,
) -> Result<(Vec<u8>, Sealed), OpenError> {
    let mut bytes = Vec::new();
    let opened = open(reader, &mut bytes, secrets, expected)?;
    Ok((bytes, opened))
}

/// Marks the errors of a reader: `age` returns its own in the same type.
struct Input<R>(R);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct InputFailed(io::Error);

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => io::Error::other(InputFailed(error)),
        })
    }
}

pub(super) fn read_failed(error: io::Error) -> OpenError {
    match error.downcast::<InputFailed>() {
        Ok(InputFailed(error)) => OpenError::Read(error),
        Err(_) => OpenError::Malformed("its content was changed, cut off or continued"),
    }
}

fn refused(error: DecryptError) -> OpenError {
    match error {
        DecryptError::NoMatchingKeys => OpenError::NotForUs,
        DecryptError::Io(error) => read_failed(error),
        DecryptError::InvalidMac => OpenError::Malformed("its header was changed"),
        _ => OpenError::Malformed("its header is none of an age file"),
    }
}
