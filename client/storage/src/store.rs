//! The embedded store: a folder of blocks and pins.
//!
//! ```text
//! <folder>/version            layout of the folder
//! <folder>/lock               locked while a process has the folder open; holds its PID
//! <folder>/blocks/ab/abcd…    one file per block, named by the hex digits of its hash
//! <folder>/pins/bafy…         one file per pinned root; holds the pin's name, if it has one
//! <folder>/tmp/               files being written; emptied when the folder is opened
//! ```
//!
//! A file appears under its name only after its bytes are on the disk, so a kill or a power cut leaves whole blocks or none.
//! Bytes that rot later are found by the hash when they are read: they are never returned, and adding the
//! block again replaces them. Blocks are kept by hash alone, as Kubo does: a raw and a DAG-PB CID of the same bytes
//! share a file.
//!
//! What no pin reaches stays until [`Store::gc`] or [`Store::make_room`], which may run at any time. What is being added, pinned or read is
//! safe from it; callers that do something else in several steps take a [`Store::lease`].
//!
//! All methods block; asynchronous callers wrap them in `spawn_blocking`.

mod ahead;
mod batch;
mod collect;
mod direct;
mod durable;
mod error;
mod file;
mod folder;
mod pins;
mod state;
mod verify;
mod walk;
mod writing;

pub use batch::Batch;
pub(crate) use collect::Told;
pub use collect::{Collected, Removal};
pub use error::StoreError;
pub use file::FileReader;
pub use pins::MAX_PIN_NAME;
pub(crate) use pins::check_name;
pub use state::{Hold, Lease};
pub use verify::Verified;

use crate::{Block, MAX_BLOCK, block::CidError, buffer::Buffer, unixfs};
use bytes::Bytes;
use decentralml_types::Cid;
use state::{Digest, Shared};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// An open folder. It stays locked against other processes, and other `Store`s, until this is dropped.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    written: AtomicU64,
    shared: Arc<Shared>,
    /// Held by the one collection that runs.
    collecting: Mutex<()>,
    /// Held while the names in `pins/` are changed or listed.
    pinning: Mutex<()>,
    _lock: File,
}

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// Bytes that all blocks together may have; what would exceed them is refused. `None`: as many as the disk holds. A
    /// store that has more already is opened and takes nothing new.
    pub max_bytes: Option<u64>,
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Blocks.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Pinned roots.
    pub pins: u64,
    /// Bytes that it may hold.
    pub limit: Option<u64>,
    /// Blocks that were found to be corrupt since the store was opened and have not been healed.
    pub corrupt: u64,
}

impl Store {
    /// Opens the folder without a limit, creating it when it is missing or empty, and removes what a killed process left half
    /// written.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::open_with(root, StoreOptions::default())
    }

    /// [`Store::open`] with options. All blocks are counted, which takes a second for some hundred thousand.
    pub fn open_with(root: impl Into<PathBuf>, options: StoreOptions) -> Result<Self, StoreError> {
        let root = root.into();
        let lock = folder::open(&root)?;
        let usage = folder::usage(&root)?;
        Ok(Self {
            root,
            written: AtomicU64::new(0),
            shared: Arc::new(Shared::new(usage, options.max_bytes)),
            collecting: Mutex::new(()),
            pinning: Mutex::new(()),
            _lock: lock,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Whether a block is here and not known to be corrupt; its bytes are not looked at.
    pub fn has(&self, cid: &Cid) -> bool {
        self.expect(cid).is_ok()
    }

    /// A block, checked against its CID.
    pub fn get(&self, cid: &Cid) -> Result<Block, StoreError> {
        let path = self.block_path(&cid.digest);
        let read = || match read_file(&path) {
            Ok(data) => Ok(Block::verified(*cid, data)),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(StoreError::NotFound(*cid)),
            Err(e) => Err(StoreError::io(&path, e)),
        };
        if let Some(block) = read()? {
            return Ok(block);
        }
        // Under the lock, since a batch may have healed it since.
        let mut state = self.shared.lock();
        let again = read()?;
        state.found(&cid.digest, again.is_some());
        again.ok_or(StoreError::Corrupt { cid: *cid, path })
    }

    /// Stores one block durably. Pin it, or what is above it, before something collects it: with [`Store::batch`] no collection
    /// comes in between.
    pub fn put(&self, block: &Block) -> Result<(), StoreError> {
        let mut batch = self.batch();
        batch.put(block)?;
        batch.commit().map(drop)
    }

    /// Starts to write several blocks that become visible together.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// Keeps everything under a root from being collected until the lease is dropped, whatever becomes of its pin.
    pub fn lease(&self, root: &Cid) -> Lease {
        Lease::new(&self.shared, *root)
    }

    /// Imports a file in its canonical form, in one pass and constant memory, and pins it if asked to.
    pub fn add(&self, reader: impl Read, pin: bool) -> Result<unixfs::Imported, StoreError> {
        self.add_named(reader, pin.then_some(""))
    }

    /// [`Store::add`] with a name for the pin, empty for none; `None` pins nothing.
    pub fn add_named(
        &self,
        reader: impl Read,
        pin: Option<&str>,
    ) -> Result<unixfs::Imported, StoreError> {
        pin.map_or(Ok(()), check_name)?;
        let mut batch = self.batch();
        let imported = unixfs::import(reader, |block| batch.put(&block))?;
        let hold = batch.commit()?;
        if let Some(name) = pin {
            self.pin_named(&imported.cid, name)?;
        }
        drop(hold);
        Ok(imported)
    }

    /// What there is. Blocks were counted when the store was opened and are kept count of since.
    pub fn stat(&self) -> Result<Stat, StoreError> {
        let pins = self.pins()?.len() as u64;
        let state = self.shared.lock();
        let (usage, limit) = (state.usage(), state.limit());
        let corrupt = state.corrupt() as u64;
        Ok(Stat { blocks: usage.blocks, bytes: usage.bytes, pins, limit, corrupt })
    }

    /// Why a block cannot be relied upon, if that is known without reading it.
    fn expect(&self, cid: &Cid) -> Result<(), StoreError> {
        self.expect_file(cid)?;
        if self.shared.lock().is_corrupt(&cid.digest) {
            let path = self.block_path(&cid.digest);
            return Err(StoreError::Corrupt { cid: *cid, path });
        }
        Ok(())
    }

    fn expect_file(&self, cid: &Cid) -> Result<(), StoreError> {
        let path = self.block_path(&cid.digest);
        match fs::metadata(&path) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(StoreError::NotFound(*cid)),
            Err(e) => Err(StoreError::io(&path, e)),
        }
    }

    /// Calls `visit` for each block until it fails; blocks that come or go meanwhile may be left out.
    fn for_each_block(
        &self,
        mut visit: impl FnMut(Digest) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        folder::for_each_block(&self.root, |digest, _| visit(digest))
    }

    fn block_path(&self, digest: &Digest) -> PathBuf {
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.shard_path(digest[0]).join(name)
    }

    fn shard_path(&self, shard: u8) -> PathBuf {
        folder::shard(&self.root, shard)
    }

    /// A number that no other file in `tmp/` of this store has.
    fn next_number(&self) -> u64 {
        self.written.fetch_add(1, Ordering::Relaxed)
    }

    fn temporary_path(&self, number: u64) -> PathBuf {
        self.root.join(folder::TEMPORARY).join(number.to_string())
    }
}

/// The bytes of a block's file; one more than a block may have is enough to see that it is none.
fn read_file(path: &Path) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    // A file does not grow: what has its name is whole.
    let length = file.metadata()?.len().min(MAX_BLOCK as u64 + 1) as usize;
    let mut buffer = Buffer::with_room(length);
    buffer.fill(&mut file, length)?;
    Ok(buffer.into_bytes())
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
