//! What can be wrong with a CAR.

use super::MAX_HEADER;
use crate::{CidError, MAX_BLOCK, WrittenCid};
use std::io;

/// Why a stream is no CAR, or none that is taken here.
#[derive(Debug, thiserror::Error)]
pub enum CarError {
    /// The stream could not be read.
    #[error("the CAR could not be read: {0}")]
    Io(io::Error),
    /// It ends within a header, a length or a section.
    #[error("the CAR was cut off: unexpected EOF after {0} bytes")]
    CutOff(u64),
    /// A length that has no end, is longer than it needs to be or larger than 63 bits.
    #[error("the CAR is malformed: a length at byte {0} that is no varint")]
    Varint(u64),
    /// A header of a length that no header has.
    #[error(
        "it is no CAR, or one with too many roots: a header of {0} bytes, at most {MAX_HEADER} are allowed"
    )]
    HeaderSize(u64),
    /// A header that says nothing of use.
    #[error("it is no CAR: {0}")]
    Header(&'static str),
    /// Another version of the format.
    #[error(
        "CAR version {0} is not supported: convert it to version 1, for instance with `car extract`"
    )]
    Version(u64),
    /// A section without anything in it.
    #[error("the CAR is malformed: an empty section at byte {0}")]
    EmptySection(u64),
    /// A section with more than a block.
    #[error("a section of {0} bytes in the CAR is too large; a block may have {MAX_BLOCK} bytes")]
    SectionSize(u64),
    /// A root or a block that cannot be kept here.
    #[error("in the CAR: {0}")]
    Cid(#[from] CidError),
    /// The bytes of a block are not those of its CID.
    #[error("mismatch in content integrity: the bytes given for {0} have another hash")]
    Mismatch(WrittenCid),
    /// More blocks than the reader was to take.
    #[error("the CAR is too large: its blocks have more than the {0} bytes that are allowed")]
    TooLarge(u64),
}
