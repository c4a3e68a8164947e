//! Several blocks that are written aside and appear together.

use super::{
    Store,
    error::{At, StoreError},
    state::{Digest, Hold},
    writing::Writing,
};
use crate::{Block, MAX_BLOCK};
use std::{collections::BTreeSet, fs, io::ErrorKind};

/// Blocks on their way into a store. What is not committed is removed when this is dropped. No collection removes any
/// of them meanwhile, those neither that were there before.
///
/// Other threads write and sync while the next blocks come in. Memory: about 100 bytes for each block, and eighteen blocks.
#[derive(Debug)]
pub struct Batch<'a> {
    store: &'a Store,
    hold: Hold,
    written: Vec<Written>,
    writing: Writing,
    /// How many of `written` have their names.
    committed: usize,
    shards: BTreeSet<u8>,
}

/// A file in `tmp/`.
#[derive(Clone, Copy, Debug)]
struct Written {
    number: u64,
    digest: Digest,
    bytes: u32,
    /// Of the quota: nothing where a corrupt file of the same length is replaced.
    reserved: u32,
}

impl<'a> Batch<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self {
            store,
            hold: Hold::new(&store.shared),
            written: Vec::new(),
            writing: Writing::default(),
            committed: 0,
            shards: BTreeSet::new(),
        }
    }

    /// Writes a block aside, unless the very same bytes are in the store already. At most [`MAX_BLOCK`] bytes.
    pub fn put(&mut self, block: &Block) -> Result<(), StoreError> {
        if block.data().len() > MAX_BLOCK {
            return Err(StoreError::BlockTooLarge(block.data().len()));
        }
        let digest = block.cid().digest;
        // Before anything is looked at: a collection may be running.
        if !self.hold.add(digest) {
            return Ok(());
        }
        let put = self.write(block);
        if put.is_err() {
            self.hold.remove(&digest);
        }
        put
    }

    fn write(&mut self, block: &Block) -> Result<(), StoreError> {
        let digest = block.cid().digest;
        // Also for a block that is there: another batch may have renamed it and not yet synced its folder.
        self.shards.insert(digest[0]);
        let name = self.store.block_path(&digest);
        // At most MAX_BLOCK, far below the range of 32 bits.
        let bytes = block.data().len() as u32;
        let reserved = match super::read_file(&name) {
            Ok(found) if found == *block.data() => {
                self.store.shared.lock().found(&digest, true);
                return Ok(());
            }
            Ok(found) => {
                tracing::warn!(cid = %block.cid(), "healing a corrupt block");
                bytes.saturating_sub(found.len() as u32)
            }
            Err(e) if e.kind() == ErrorKind::NotFound => bytes,
            Err(e) => return Err(StoreError::io(&name, e)),
        };
        self.store.shared.lock().reserve(reserved.into())?;
        let written = Written { number: self.store.next_number(), digest, bytes, reserved };
        // What fails only later fails the whole batch.
        let added = self.writing.add(self.store.temporary_path(written.number), block.data());
        match added {
            Ok(()) => self.written.push(written),
            Err(_) => self.store.abandon(&written),
        }
        added
    }

    /// Makes the blocks durable and visible. Until what is returned is dropped no collection removes any of them: pin their
    /// root before.
    pub fn commit(mut self) -> Result<Hold, StoreError> {
        self.writing.finish()?;
        // In order, so that no root appears before its leaves.
        for written in &self.written {
            self.store.name(written)?;
            self.committed += 1;
        }
        self.store.sync_shards(&self.shards)?;
        Ok(std::mem::replace(&mut self.hold, Hold::new(&self.store.shared)))
    }
}

impl Store {
    /// Gives a written file its name. Under the lock, so that what is counted is what is there.
    fn name(&self, written: &Written) -> Result<(), StoreError> {
        let name = self.block_path(&written.digest);
        let mut state = self.shared.lock();
        let replaced = match fs::metadata(&name) {
            Ok(metadata) => Some(metadata.len()),
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => return Err(StoreError::io(&name, e)),
        };
        fs::rename(self.temporary_path(written.number), &name).at(&name)?;
        state.release(written.reserved.into());
        state.stored(&written.digest, written.bytes.into(), replaced);
        Ok(())
    }

    /// Gives up a written file and its room.
    fn abandon(&self, written: &Written) {
        // What stays is swept when the store is opened again.
        let _ = fs::remove_file(self.temporary_path(written.number));
        self.shared.lock().release(written.reserved.into());
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        // What is written after it was given up would stay.
        let _ = self.writing.stop();
        for written in &self.written[self.committed..] {
            self.store.abandon(written);
        }
    }
}
