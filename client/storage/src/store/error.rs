//! What can go wrong in a store.

use super::pins::MAX_PIN_NAME;
use crate::{MAX_BLOCK, block::CidError, unixfs::NodeError};
use decentralml_types::Cid;
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// An error of the embedded store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another `Store` of this one, has the folder open.
    #[error(
        "the store {} is in use by process {pid}; stop that process or give this one another folder",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The holder's PID, or `?` when it could not be read.
        pid: String,
    },
    /// The folder holds something else.
    #[error("{} is not empty and not a store; choose an empty or a new folder", .0.display())]
    NotAStore(PathBuf),
    /// The folder was written by another version of this program.
    #[error(
        "the store {} has layout {found}, this program reads layout {expected}; use the program that wrote it",
        path.display()
    )]
    Layout {
        /// The folder.
        path: PathBuf,
        /// What its `version` file says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// A block is not here.
    #[error("block was not found locally (offline): ipld: could not find {0}")]
    NotFound(Cid),
    /// The bytes on the disk are not those of the CID.
    #[error(
        "block {cid} is corrupt on disk ({} has a different hash); add its file again, or run \
         `decentralml ipfs pin` of it with a --source that has it, to heal it",
        path.display()
    )]
    Corrupt {
        /// The block.
        cid: Cid,
        /// Its file.
        path: PathBuf,
    },
    /// More than a block may have.
    #[error("a block of {0} bytes is too large; at most {MAX_BLOCK} bytes are allowed")]
    BlockTooLarge(usize),
    /// A block that is not what it was read as.
    #[error("{cid} cannot be read: {source}")]
    Node {
        /// The block.
        cid: Cid,
        /// What is wrong with it.
        source: NodeError,
    },
    /// A CID that this store cannot keep.
    #[error(transparent)]
    Cid(CidError),
    /// `unpin` of what is not pinned.
    #[error("{0} is not pinned or pinned indirectly")]
    NotPinned(Cid),
    /// The name of a pin is too long.
    #[error("pin name is {0} bytes (max {MAX_PIN_NAME} bytes)")]
    PinName(usize),
    /// A node under a pin is missing or corrupt, so that it is not known what is to be kept.
    #[error(
        "nothing was removed: the pinned {root} is not whole ({source}){}; add its file again, run \
         `decentralml ipfs pin` of it with a --source that has it, or unpin it, and try again",
        and_others(others)
    )]
    BrokenPin {
        /// The pin.
        root: Cid,
        /// What is wrong with it.
        source: Box<StoreError>,
        /// The other pins of which that is true.
        others: Vec<Cid>,
    },
    /// More than the store may hold.
    #[error(
        "the store is full: {used} of {limit} bytes are used and {needed} more are needed; unpin what is no longer needed and \
         run `decentralml ipfs gc`, or start the store with a larger --max-storage"
    )]
    QuotaExceeded {
        /// Bytes of all blocks, also of those that are being written.
        used: u64,
        /// Bytes that the store may have.
        limit: u64,
        /// Bytes of the block that was refused.
        needed: u64,
    },
    /// No room.
    #[error("the disk is full: {} cannot be written; free some space and try again", .0.display())]
    DiskFull(PathBuf),
    /// A folder of somebody else's, or one that nobody may write to.
    #[error(
        "{} may not be read or written ({source}): it belongs to another user, or its file system is read-only; change its owner or \
         its mode, or choose another folder",
        path.display()
    )]
    Denied {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file system refused something.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was to be added could not be read.
    #[error("the data to add could not be read: {0}")]
    Source(io::Error),
}

impl StoreError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull(path.to_owned()),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { path: path.to_owned(), source }
            }
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}

/// Pins that an error names beside the first one; more are only counted.
const MAX_NAMED: usize = 20;

fn and_others(others: &[Cid]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let named: Vec<String> = others.iter().take(MAX_NAMED).map(Cid::to_string).collect();
    let more = others.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(", nor are {}{more}", named.join(", "))
}

/// Names the file in an I/O error.
pub(super) trait At<T> {
    fn at(self, path: &Path) -> Result<T, StoreError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::io(path, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_read_only_one_say_what_to_do() {
        let error = StoreError::io(Path::new("blocks/ab"), ErrorKind::StorageFull.into());
        assert_eq!(
            error.to_string(),
            "the disk is full: blocks/ab cannot be written; free some space and try again"
        );
        for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
            let error = StoreError::io(Path::new("blocks/ab"), kind.into()).to_string();
            assert!(error.contains("choose another folder"), "{error}");
        }
    }
}
