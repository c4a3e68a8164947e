//! Removal of what nothing needs, while everything else goes on. Why no interleaving of threads loses a block stands in
//! `state.rs`; this is what a kill or a power cut may do: removals are single unlinks, in any order, of blocks that no
//! pin reaches, so that any part of them is a valid state. What unpinned the blocks is on the disk before the first of them
//! is removed, or else a power cut could bring back the pin and not the blocks.

use super::{
    Store,
    error::{At, StoreError},
    folder::{PINS, sync_folder},
    state::Digest,
    walk::{Missing, Walk},
};
use crate::block::raw;
use decentralml_types::Cid;
use std::{
    collections::HashMap,
    fs,
    io::ErrorKind,
    sync::{MutexGuard, PoisonError},
};

/// What a collection has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blocks.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What became of a block that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// It was not there.
    Missing,
    /// It is pinned itself.
    Pinned,
    /// It is under this pinned root.
    PinnedVia(Cid),
    /// Something is being added, pinned or read that needs it.
    InUse,
}

impl Store {
    /// Removes every block that no pin reaches and that nothing is being done with; `removed` is called for each, with its CID
    /// as a raw block, since its file does not say what else it was. Adding, pinning and reading go on meanwhile.
    ///
    /// A block that is missing under a pin is an error, before anything is removed: what is under it cannot be known then.
    /// Memory: 32 bytes for each pinned block.
    pub fn gc(&self, mut removed: impl FnMut(&Cid)) -> Result<Collected, StoreError> {
        let mut run = Run::start(self);
        run.mark_pins(|_, _| {})?;
        let mut collected = Collected::default();
        self.for_each_block(|digest| {
            if let Some(bytes) = run.remove(&digest)? {
                collected.blocks += 1;
                collected.bytes += bytes;
                removed(&raw(digest));
            }
            Ok(())
        })?;
        Ok(collected)
    }

    /// Removes single blocks, unless they are pinned or in use; says for each what became of it. All pins are walked through.
    pub fn remove(&self, cids: &[Cid]) -> Result<Vec<Removal>, StoreError> {
        let mut run = Run::start(self);
        let mut pinned: HashMap<Digest, Option<Removal>> =
            cids.iter().map(|cid| (cid.digest, None)).collect();
        run.mark_pins(|root, cid| {
            if let Some(found) = pinned.get_mut(&cid.digest) {
                if root == cid {
                    *found = Some(Removal::Pinned);
                } else if found.is_none() {
                    *found = Some(Removal::PinnedVia(*root));
                }
            }
        })?;
        let remove = |cid: &Cid| {
            if let Some(Some(reason)) = pinned.get(&cid.digest) {
                return Ok(*reason);
            }
            Ok(match run.remove(&cid.digest)? {
                Some(_) => Removal::Removed,
                None if self.block_path(&cid.digest).is_file() => Removal::InUse,
                None => Removal::Missing,
            })
        };
        cids.iter().map(remove).collect()
    }
}

/// A collection on its way; there is one at a time, others wait.
struct Run<'a> {
    store: &'a Store,
    walk: Walk,
    _alone: MutexGuard<'a, ()>,
}

impl<'a> Run<'a> {
    fn start(store: &'a Store) -> Self {
        let alone = store.collecting.lock().unwrap_or_else(PoisonError::into_inner);
        store.shared.lock().begin();
        Self { store, walk: Walk::default(), _alone: alone }
    }

    /// Marks everything under the pins; `met` is told of each block and of a root above it.
    fn mark_pins(&mut self, mut met: impl FnMut(&Cid, &Cid)) -> Result<(), StoreError> {
        let store = self.store;
        let pins = store.pins()?;
        sync_folder(&store.root.join(PINS))?;
        // All roots before what is below them: who asks why a root stays is told that it is one.
        for root in &pins {
            met(root, root);
        }
        for root in &pins {
            let meet = |cid: &Cid| {
                met(root, cid);
                store.expect_file(cid)
            };
            match self.walk.follow(store, *root, Missing::Fails, meet) {
                Ok(()) => {}
                // Unpinned since the list was made, by someone who may have taken a block away by hand.
                Err(_) if !store.is_pinned(root) => {}
                Err(source) => {
                    return Err(StoreError::BrokenPin { root: *root, source: Box::new(source) });
                }
            }
        }
        Ok(())
    }

    /// Removes a block that nothing needs and returns its bytes.
    fn remove(&mut self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        let path = self.store.block_path(digest);
        loop {
            if self.walk.has_met(digest) {
                return Ok(None);
            }
            let mut state = self.store.shared.lock();
            if let Some(root) = state.next_root() {
                drop(state);
                // A reader of what is not all here gets its error by itself.
                let store = self.store;
                self.walk.follow(store, root, Missing::IsSkipped, |cid| store.expect_file(cid))?;
                continue;
            }
            if state.was_held(digest) {
                return Ok(None);
            }
            let bytes = match fs::metadata(&path) {
                Ok(metadata) => metadata.len(),
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(StoreError::io(&path, e)),
            };
            fs::remove_file(&path).at(&path)?;
            state.removed(digest, bytes);
            return Ok(Some(bytes));
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.store.shared.lock().end();
    }
}
