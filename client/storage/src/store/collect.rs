//! Removal of what nothing needs, while everything else goes on. Why no interleaving of threads loses a block stands in
//! `state.rs`; this is what a kill or a power cut may do: removals are single unlinks, in any order, of blocks that no
//! pin reaches, so that any part of them is a valid state. What unpinned the blocks is on the disk before the first of them
//! is removed, or else a power cut could bring back the pin and not the blocks.
//!
//! A pin is broken when a block under it is missing or corrupt. Where that is a raw block, all others are known: they stay,
//! and the collection goes on. Where it is a node, what is under it cannot be told from garbage, and may be the last copy of
//! what someone pinned: nothing is removed then, as in Kubo, until the node is back or the pin is gone. All
//! broken pins are named at once, so that one look at them is enough.

use super::{
    Store,
    error::{At, StoreError},
    folder::{PINS, sync_folder},
    state::Digest,
    walk::Walk,
};
use crate::block::raw;
use decentralml_types::{Cid, Codec};
use std::{
    collections::{HashMap, HashSet},
    fs,
    io::ErrorKind,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

/// How long a write is refused at once after a collection in vain.
const IN_VAIN: Duration = Duration::from_secs(10);

/// What a collection has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blocks.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Pins that lack raw blocks. Everything else under them was kept; adding or fetching what they are about makes them
    /// whole again.
    pub broken: u64,
}

/// What a collection tells on its way.
#[derive(Debug)]
pub(crate) enum Told<'a> {
    /// A block is gone; its CID as a raw block, since its file does not say what else it was.
    Removed(&'a Cid),
    /// A pin is broken, and how. Told before anything is removed.
    Broken { root: &'a Cid, source: &'a StoreError },
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
    /// A DAG-PB node that is missing or corrupt under a pin is an error, [`StoreError::BrokenPin`], before anything is removed:
    /// what is under it cannot be known then. A raw block that is missing is counted ([`Collected::broken`]) and logged.
    /// Memory: 32 bytes for each pinned block.
    pub fn gc(&self, mut removed: impl FnMut(&Cid)) -> Result<Collected, StoreError> {
        self.gc_telling(|told| {
            if let Told::Removed(cid) = told {
                removed(cid);
            }
        })
    }

    /// [`Store::gc`], which tells of broken pins too.
    pub(crate) fn gc_telling(&self, told: impl FnMut(Told<'_>)) -> Result<Collected, StoreError> {
        Run::start(self).sweep(told)
    }

    /// [`Store::gc`] for the sake of a write that the quota has refused: does nothing when an earlier collection has left
    /// nothing that could be removed, and nothing has been unpinned or added since.
    pub fn make_room(&self) -> Result<Collected, StoreError> {
        // One that runs already may leave nothing to do.
        let run = Run::start(self);
        if self.shared.lock().is_swept() {
            return Ok(Collected::default());
        }
        run.sweep(|_| {})
    }

    /// Does something that writes, and does it once more after [`Store::make_room`] where there was no room for it. After a
    /// collection in vain there is none for ten seconds, unless something is unpinned: each walks over all pins, and whoever has a
    /// write refused again and again would have nothing else done.
    ///
    /// Errors: what `write` says last. That no room could be made is logged.
    pub fn with_room<T>(
        &self,
        mut write: impl FnMut() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let refused = match write() {
            Err(error @ (StoreError::QuotaExceeded { .. } | StoreError::DiskFull(_))) => error,
            written => return written,
        };
        if self.shared.lock().was_in_vain(IN_VAIN) {
            return Err(refused);
        }
        match self.make_room() {
            Ok(Collected { blocks, bytes, .. }) => {
                tracing::info!(blocks, bytes, "made room");
                // Where nothing was removed somebody else may have made room just now.
                let written = write();
                if blocks == 0 && written.is_err() {
                    self.shared.lock().in_vain();
                }
                written
            }
            Err(error) => {
                self.shared.lock().in_vain();
                tracing::warn!(%error, "no room could be made");
                Err(refused)
            }
        }
    }

    /// Removes single blocks, unless they are pinned or in use; says for each what became of it. All pins are walked through;
    /// broken ones are what they are for [`Store::gc`].
    pub fn remove(&self, cids: &[Cid]) -> Result<Vec<Removal>, StoreError> {
        let mut run = Run::start(self);
        let mut pinned: HashMap<Digest, Option<Removal>> =
            cids.iter().map(|cid| (cid.digest, None)).collect();
        let met = |root: &Cid, cid: &Cid| {
            if let Some(found) = pinned.get_mut(&cid.digest) {
                if root == cid {
                    *found = Some(Removal::Pinned);
                } else if found.is_none() {
                    *found = Some(Removal::PinnedVia(*root));
                }
            }
        };
        run.mark_pins(met, |_| {})?;
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

/// Tells a block that is not here from one of which nothing is known, such as one that the disk did not give this time.
pub(super) fn gone(error: StoreError) -> Result<StoreError, StoreError> {
    match error {
        StoreError::NotFound(_) | StoreError::Corrupt { .. } | StoreError::Node { .. } => Ok(error),
        other => Err(other),
    }
}

/// A collection on its way; there is one at a time, others wait.
struct Run<'a> {
    store: &'a Store,
    walk: Walk,
    /// What was met under leased roots and not under pins before.
    leased: HashSet<Digest>,
    /// Whether something was left only because it is in use.
    spared: bool,
    _alone: MutexGuard<'a, ()>,
}

impl<'a> Run<'a> {
    fn start(store: &'a Store) -> Self {
        let alone = store.collecting.lock().unwrap_or_else(PoisonError::into_inner);
        store.shared.lock().begin();
        let (walk, leased) = (Walk::default(), HashSet::new());
        Self { store, walk, leased, spared: false, _alone: alone }
    }

    fn sweep(mut self, mut told: impl FnMut(Told<'_>)) -> Result<Collected, StoreError> {
        let broken = self.mark_pins(|_, _| {}, &mut told)?;
        let mut collected = Collected { broken, ..Collected::default() };
        let store = self.store;
        store.for_each_block(|digest| {
            if let Some(bytes) = self.remove(&digest)? {
                collected.blocks += 1;
                collected.bytes += bytes;
                told(Told::Removed(&raw(digest)));
            }
            Ok(())
        })?;
        if !self.spared {
            store.shared.lock().swept();
        }
        Ok(collected)
    }

    /// Marks everything under the pins; `met` is told of each block and of a root above it. Returns how many pins lack raw
    /// blocks.
    fn mark_pins(
        &mut self,
        mut met: impl FnMut(&Cid, &Cid),
        mut told: impl FnMut(Told<'_>),
    ) -> Result<u64, StoreError> {
        let store = self.store;
        let pins = store.pins()?;
        sync_folder(&store.root.join(PINS))?;
        // All roots before what is below them: who asks why a root stays is told that it is one.
        for root in &pins {
            met(root, root);
        }
        let (mut broken, mut hiding) = (0, Vec::new());
        for root in &pins {
            let meet = |cid: &Cid| {
                met(root, cid);
                store.expect_file(cid)
            };
            // What is wrong with it, and whether that hides what it needs.
            let mut fault: Option<(StoreError, bool)> = None;
            let lost = |cid: &Cid, error| {
                let (error, hides) = (gone(error)?, cid.codec == Codec::DagPb);
                if fault.as_ref().is_none_or(|(_, hidden)| hides && !hidden) {
                    fault = Some((error, hides));
                }
                Ok(())
            };
            let followed = self.walk.follow(store, *root, meet, lost);
            if followed.is_ok() && fault.is_none() {
                continue;
            }
            // Unpinned since the list was made, by someone who may have taken a block away by hand.
            if !store.is_pinned(root) {
                continue;
            }
            followed?;
            let Some((source, hides)) = fault else { continue };
            tracing::warn!(%root, %source, "a pin is not whole; add its file again, run `decentralml ipfs pin` of it with a --source that has it, or unpin it");
            told(Told::Broken { root, source: &source });
            match hides {
                true => hiding.push((*root, source)),
                false => broken += 1,
            }
        }
        let mut hiding = hiding.into_iter();
        match hiding.next() {
            None => Ok(broken),
            Some((root, source)) => Err(StoreError::BrokenPin {
                root,
                source: Box::new(source),
                others: hiding.map(|(root, _)| root).collect(),
            }),
        }
    }

    /// Marks what is under a leased root, as far as it is here.
    fn mark_leased(&mut self, root: Cid) -> Result<(), StoreError> {
        let (store, leased) = (self.store, &mut self.leased);
        let meet = |cid: &Cid| {
            store.expect_file(cid)?;
            leased.insert(cid.digest);
            Ok(())
        };
        let lost = |cid: &Cid, error| {
            // A reader of what is not all here gets its error by itself. Should a node come yet, the root is followed again.
            gone(error)?;
            if cid.codec == Codec::DagPb {
                store.shared.lock().lost(cid.digest, root);
                if store.get(cid).is_ok() {
                    store.shared.lock().found_again(&cid.digest);
                }
            }
            Ok(())
        };
        self.walk.follow(store, root, meet, lost)
    }

    /// Removes a block that nothing needs and returns its bytes.
    fn remove(&mut self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        let path = self.store.block_path(digest);
        loop {
            if self.walk.has_met(digest) {
                self.spared |= self.leased.contains(digest);
                return Ok(None);
            }
            let mut state = self.store.shared.lock();
            if let Some(root) = state.next_root() {
                drop(state);
                self.mark_leased(root)?;
                continue;
            }
            if state.was_held(digest) {
                self.spared = true;
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
