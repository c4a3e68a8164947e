//! Several blocks that are written aside and appear together.

use super::{
    Store,
    error::{At, StoreError},
    folder::sync_folder,
};
use crate::{Block, MAX_BLOCK};
use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// Blocks on their way into a store. What is not committed is removed when this is dropped.
///
/// Syncing at the end, and not block by block, lets the kernel write while the next blocks come in.
#[derive(Debug)]
pub struct Batch<'a> {
    store: &'a Store,
    seen: HashSet<[u8; 32]>,
    written: Vec<Written>,
    folders: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Written {
    temporary: PathBuf,
    name: PathBuf,
}

impl<'a> Batch<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, seen: HashSet::new(), written: Vec::new(), folders: BTreeSet::new() }
    }

    /// Writes a block aside, unless the very same bytes are in the store already. At most [`MAX_BLOCK`] bytes.
    pub fn put(&mut self, block: &Block) -> Result<(), StoreError> {
        if block.data().len() > MAX_BLOCK {
            return Err(StoreError::BlockTooLarge(block.data().len()));
        }
        if !self.seen.insert(block.cid().digest) {
            return Ok(());
        }
        let name = self.store.block_path(&block.cid());
        // Also for a block that is there: another batch may have renamed it and not yet synced its folder.
        if let Some(folder) = name.parent() {
            self.folders.insert(folder.to_owned());
        }
        match fs::read(&name) {
            Ok(bytes) if bytes == *block.data() => return Ok(()),
            Ok(_) => tracing::warn!(cid = %block.cid(), "healing a corrupt block"),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(StoreError::io(&name, e)),
        }
        let temporary = self.store.new_temporary();
        self.written.push(Written { temporary: temporary.clone(), name });
        write_new(&temporary, block.data())
    }

    /// Makes the blocks durable and visible.
    pub fn commit(mut self) -> Result<(), StoreError> {
        for Written { temporary, .. } in &self.written {
            File::open(temporary).and_then(|file| file.sync_all()).at(temporary)?;
        }
        // In order, so that no root appears before its leaves.
        for Written { temporary, name } in &self.written {
            fs::rename(temporary, name).at(name)?;
        }
        self.written.clear();
        self.folders.iter().try_for_each(|folder| sync_folder(folder))
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for Written { temporary, .. } in &self.written {
            // What stays is swept when the store is opened again.
            let _ = fs::remove_file(temporary);
        }
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    File::create_new(path).and_then(|mut file| file.write_all(bytes)).at(path)
}
