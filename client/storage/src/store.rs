//! The embedded store: a folder of blocks and pins.
//!
//! ```text
//! <folder>/version            layout of the folder
//! <folder>/lock               locked while a process has the folder open; holds its PID
//! <folder>/blocks/ab/abcd…    one file per block, named by the hex digits of its hash
//! <folder>/pins/bafy…         one empty file per pinned root
//! <folder>/tmp/               files being written; emptied when the folder is opened
//! ```
//!
//! A file appears under its name only after its bytes are on the disk, so a kill or a power cut leaves whole blocks or none.
//! Bytes that rot later are found by the hash when they are read: they are never returned, and adding the
//! block again replaces them. Blocks are kept by hash alone, as Kubo does: a raw and a DAG-PB CID of the same bytes
//! share a file.
//!
//! All methods block; asynchronous callers wrap them in `spawn_blocking`.

mod batch;
mod error;
mod file;
mod folder;
mod pins;

pub use batch::Batch;
pub use error::StoreError;
pub use file::FileReader;

use crate::{Block, MAX_BLOCK, block::CidError, unixfs};
use decentralml_types::Cid;
use error::At;
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// An open folder. It stays locked against other processes, and other `Store`s, until this is dropped.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    written: AtomicU64,
    _lock: File,
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Blocks.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Store {
    /// Opens the folder, creating it when it is missing or empty, and removes what a killed process left half written.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        let lock = folder::open(&root)?;
        Ok(Self { root, written: AtomicU64::new(0), _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Whether a block is here; its bytes are not looked at.
    pub fn has(&self, cid: &Cid) -> bool {
        self.block_path(cid).is_file()
    }

    /// A block, checked against its CID.
    pub fn get(&self, cid: &Cid) -> Result<Block, StoreError> {
        let path = self.block_path(cid);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Err(StoreError::NotFound(*cid)),
            Err(e) => return Err(StoreError::io(&path, e)),
        };
        // One byte more than a block may have is enough to see that it is none.
        let mut data = Vec::new();
        file.take(MAX_BLOCK as u64 + 1).read_to_end(&mut data).at(&path)?;
        Block::verified(*cid, data).ok_or(StoreError::Corrupt { cid: *cid, path })
    }

    /// Stores one block durably.
    pub fn put(&self, block: &Block) -> Result<(), StoreError> {
        let mut batch = self.batch();
        batch.put(block)?;
        batch.commit()
    }

    /// Starts to write several blocks that become visible together.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// Imports a file in its canonical form, in one pass and constant memory, and pins it if asked to.
    pub fn add(&self, reader: impl Read, pin: bool) -> Result<unixfs::Imported, StoreError> {
        let mut batch = self.batch();
        let imported = unixfs::import(reader, |block| batch.put(&block))?;
        batch.commit()?;
        if pin {
            self.pin(&imported.cid)?;
        }
        Ok(imported)
    }

    /// Counts blocks and bytes by a walk through the folder.
    pub fn stat(&self) -> Result<Stat, StoreError> {
        let mut stat = Stat::default();
        let blocks = self.root.join(folder::BLOCKS);
        for shard in fs::read_dir(&blocks).at(&blocks)? {
            let shard = shard.at(&blocks)?.path();
            for file in fs::read_dir(&shard).at(&shard)? {
                stat.blocks += 1;
                stat.bytes += file.and_then(|file| file.metadata()).at(&shard)?.len();
            }
        }
        Ok(stat)
    }

    /// Every block under `roots`, they included, in no particular order; a missing one is an error.
    pub(crate) fn reachable(
        &self,
        roots: impl IntoIterator<Item = Cid>,
    ) -> Result<std::collections::HashSet<Cid>, StoreError> {
        let mut pending: Vec<Cid> = roots.into_iter().collect();
        let mut seen = std::collections::HashSet::new();
        while let Some(cid) = pending.pop() {
            if !seen.insert(cid) {
                continue;
            }
            if cid.codec == decentralml_types::Codec::DagPb {
                let links = unixfs::links(&self.get(&cid)?);
                pending.extend(links.map_err(|source| StoreError::Node { cid, source })?);
            } else if !self.has(&cid) {
                return Err(StoreError::NotFound(cid));
            }
        }
        Ok(seen)
    }

    fn block_path(&self, cid: &Cid) -> PathBuf {
        let name: String = cid.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.root.join(folder::BLOCKS).join(&name[..2]).join(name)
    }

    /// A name in `tmp/` that no other writer of this store has.
    fn new_temporary(&self) -> PathBuf {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        self.root.join(folder::TEMPORARY).join(number.to_string())
    }
}

impl From<CidError> for StoreError {
    fn from(error: CidError) -> Self {
        Self::Cid(error)
    }
}

impl From<io::Error> for StoreError {
    fn from(source: io::Error) -> Self {
        Self::Source(source)
    }
}
