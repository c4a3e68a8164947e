//! What can go wrong with sealed files. No error repeats a secret.

use super::MAX_RECIPIENTS;
use std::io;

/// Why bytes were not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Nobody could ever read it.
    #[error("sealed to nobody: name at least one key")]
    NoRecipients,
    /// More keys than a file is sealed to.
    #[error("{keys} different keys, but a file is sealed to {limit} at most")]
    TooManyRecipients {
        /// Different keys that were given.
        keys: usize,
        /// The limit.
        limit: usize,
    },
    /// Everybody, or nobody, could read what is sealed to this key. Its owner registers another one.
    #[error("{0} is no key that could be encrypted to; its owner must register another one")]
    UnusableKey(String),
    /// The plain bytes cannot be read.
    #[error("the plain bytes cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The sealed bytes cannot be written.
    #[error("the sealed bytes cannot be written: {0}")]
    Write(#[source] io::Error),
}

/// Why a sealed file was not opened. Nothing of what has been written until then may be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// None of the secrets opens it: it was sealed to other keys, or the part for ours was damaged.
    #[error("not sealed to any of our keys")]
    NotForUs,
    /// No sealed file, or one that was cut off, continued or changed.
    #[error("no whole sealed file: {0}")]
    Malformed(&'static str),
    /// More plain bytes than the caller takes.
    #[error("longer than the limit of {limit} bytes")]
    TooLong {
        /// The caller's limit, in bytes.
        limit: u64,
    },
    /// A header that is longer than the caller takes, or that is for too many.
    #[error(
        "its header is longer than {limit} bytes, or for more than {MAX_RECIPIENTS} recipients"
    )]
    HeaderTooLong {
        /// The caller's limit, in bytes.
        limit: usize,
    },
    /// It opens, to other bytes than were announced.
    #[error("it holds other bytes than the hash says that was given with it")]
    WrongHash,
    /// The sealed bytes cannot be read.
    #[error("the sealed bytes cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The plain bytes cannot be written.
    #[error("the plain bytes cannot be written: {0}")]
    Write(#[source] io::Error),
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the text of a public key.
    #[error("no public key: expected age1 and 58 more characters, all of one line")]
    Public,
    /// Not the text of a secret key, which is not repeated.
    #[error("no secret key: expected AGE-SECRET-KEY-1 and 58 more characters, all of one line")]
    Secret,
}
