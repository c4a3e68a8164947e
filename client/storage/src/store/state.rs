//! What the threads of one process have to know of each other: what is in use, what it weighs, what is collected just now.
//!
//! A collection may run at any time, so that nothing but this table keeps a block that no pin reaches yet. The rules:
//!
//! 1. Whoever is going to rely on a block *holds* its digest first and looks whether the file is there afterwards. A batch
//!    holds every block that it is given until its root is pinned; `pin` holds every block that it meets until the pin is on
//!    the disk.
//! 2. Whoever reads a file *leases* its root, which stands for everything under it.
//! 3. A collection begins by copying what is held, and as long as it runs every digest that is newly held is added to that
//!    copy and every root that is newly leased is queued. Neither is taken out when its holder lets go.
//! 4. A collection removes a file only under the lock of this table, only with an empty queue, and only when its digest is
//!    neither in the copy nor reached from a pin or a root of the queue.
//! 5. A root of the queue under which a node was missing or corrupt is queued again when that node gets its name, under the lock
//!    under which it gets it, and a root that is leased again is followed again, as far as it was not met to its end.
//!
//! So take any block of a pin that is complete. If the collection saw the pin in its list, it has marked the block. If not, the
//! list was made before the pin was there, hence while `pin` held the block or before it did: by rule 3 the block is in the
//! copy from the moment on that it was held. Had it been removed before that moment, rule 1 would have had `pin` find it
//! missing, and there would be no such pin. The same holds for the blocks of a batch, which finds them missing and
//! writes them. A reader that leased its root before any of it was removed has it followed, by rule 4, before the
//! next removal; what is reached is never removed. What that walk did not reach is under a node that was not there, so that
//! nobody could read on to it before the node came; by rule 5 the root is followed again before the next removal.

use super::{durable::Names, error::StoreError};
use decentralml_types::Cid;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// SHA2-256 of a block: the name of its file.
pub(super) type Digest = [u8; 32];

/// The table and its lock.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<State>);

/// The table. Memory: 36 bytes for each block that is held, leased or being collected around, none for blocks at rest.
#[derive(Debug, Default)]
pub(super) struct State {
    usage: Usage,
    limit: Option<u64>,
    held: HashMap<Digest, u32>,
    leased: HashMap<Cid, u32>,
    corrupt: HashSet<Digest>,
    names: Names,
    /// How often something may have become garbage: blocks were added, or a pin was removed.
    loosened: u64,
    /// What that was when a collection began that left no garbage.
    swept: Option<u64>,
    /// When a collection for a write has removed nothing, and nothing has been unpinned since.
    in_vain: Option<Instant>,
    run: Option<Run>,
}

/// What the blocks weigh. A file that rots to another length puts `bytes` off by the difference, until the store is opened again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub blocks: u64,
    pub bytes: u64,
    /// Bytes that batches have written aside.
    pub reserved: u64,
}

/// A collection that is on its way.
#[derive(Debug)]
struct Run {
    held: HashSet<Digest>,
    queue: HashSet<Cid>,
    /// Nodes that were looked for in vain, with the leased roots above them.
    lost: HashMap<Digest, HashSet<Cid>>,
    loosened: u64,
}

impl Shared {
    pub fn new(usage: Usage, limit: Option<u64>) -> Self {
        Self(Mutex::new(State { usage, limit, ..State::default() }))
    }

    /// A thread that panicked has left no half-made change: each is a single insertion or sum.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub fn usage(&self) -> Usage {
        self.usage
    }

    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Makes room for `bytes` more, or says that there is none.
    pub fn reserve(&mut self, bytes: u64) -> Result<(), StoreError> {
        let used = self.usage.bytes.saturating_add(self.usage.reserved);
        if let Some(limit) = self.limit.filter(|limit| used.saturating_add(bytes) > *limit) {
            return Err(StoreError::QuotaExceeded { used, limit, needed: bytes });
        }
        self.usage.reserved += bytes;
        Ok(())
    }

    pub fn release(&mut self, bytes: u64) {
        self.usage.reserved = self.usage.reserved.saturating_sub(bytes);
    }

    /// A file has got its name, in the place of one of `replaced` bytes if there was one.
    pub fn stored(&mut self, digest: &Digest, bytes: u64, replaced: Option<u64>) {
        self.usage.blocks += u64::from(replaced.is_none());
        self.usage.bytes = self.usage.bytes.saturating_sub(replaced.unwrap_or(0)) + bytes;
        self.corrupt.remove(digest);
        self.names.named(digest[0]);
        self.found_again(digest);
        if replaced.is_none() {
            self.loosen();
        }
    }

    pub fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// There may be garbage from now on.
    fn loosen(&mut self) {
        self.loosened += 1;
    }

    /// The collection that is about to end has left no garbage.
    pub fn swept(&mut self) {
        self.swept = self.run.as_ref().map(|run| run.loosened);
    }

    /// A pin was removed.
    pub fn unpinned(&mut self) {
        self.loosen();
        self.in_vain = None;
    }

    /// A collection has removed nothing.
    pub fn in_vain(&mut self) {
        self.in_vain = Some(Instant::now());
    }

    /// Whether a collection has removed nothing within this time, and would most likely remove nothing now.
    pub fn was_in_vain(&self, within: Duration) -> bool {
        self.in_vain.is_some_and(|at| at.elapsed() < within)
    }

    /// Whether there is no garbage, as far as is known.
    pub fn is_swept(&self) -> bool {
        self.swept == Some(self.loosened)
    }

    /// A file of `bytes` bytes is gone.
    pub fn removed(&mut self, digest: &Digest, bytes: u64) {
        self.usage.blocks = self.usage.blocks.saturating_sub(1);
        self.usage.bytes = self.usage.bytes.saturating_sub(bytes);
        self.corrupt.remove(digest);
    }

    /// Blocks that are known to be corrupt.
    pub fn corrupt(&self) -> usize {
        self.corrupt.len()
    }

    pub fn is_corrupt(&self, digest: &Digest) -> bool {
        self.corrupt.contains(digest)
    }

    /// Keeps in mind whether a file was found to be whole.
    pub fn found(&mut self, digest: &Digest, whole: bool) {
        if whole {
            self.corrupt.remove(digest);
        } else {
            self.corrupt.insert(*digest);
        }
    }

    /// Begins a collection; there is at most one.
    pub fn begin(&mut self) {
        let held = self.held.keys().copied().collect();
        let queue = self.leased.keys().copied().collect();
        let (lost, loosened) = (HashMap::new(), self.loosened);
        self.run = Some(Run { held, queue, lost, loosened });
    }

    pub fn end(&mut self) {
        self.run = None;
    }

    /// A root that was leased and that the collection has not followed yet.
    pub fn next_root(&mut self) -> Option<Cid> {
        let queue = &mut self.run.as_mut()?.queue;
        let root = queue.iter().next().copied()?;
        queue.remove(&root);
        Some(root)
    }

    /// A node under a leased root was not there or could not be read.
    pub fn lost(&mut self, node: Digest, root: Cid) {
        if let Some(run) = &mut self.run {
            run.lost.entry(node).or_default().insert(root);
        }
    }

    /// A block is there: the leased roots above it that were followed without it are to be followed again.
    pub fn found_again(&mut self, digest: &Digest) {
        if let Some(run) = &mut self.run
            && let Some(roots) = run.lost.remove(digest)
        {
            run.queue.extend(roots);
        }
    }

    /// Whether someone held the block since the collection began.
    pub fn was_held(&self, digest: &Digest) -> bool {
        self.run.as_ref().is_some_and(|run| run.held.contains(digest))
    }

    fn hold(&mut self, digest: Digest) {
        *self.held.entry(digest).or_default() += 1;
        if let Some(run) = &mut self.run {
            run.held.insert(digest);
        }
    }

    fn lease(&mut self, root: Cid) {
        *self.leased.entry(root).or_default() += 1;
        if let Some(run) = &mut self.run {
            run.queue.insert(root);
        }
    }
}

/// One less of a key that is counted.
fn let_go<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// Blocks that no collection removes as long as this lives. Pin what they belong to before it is dropped.
#[derive(Debug)]
#[must_use = "a collection may remove the blocks as soon as this is dropped"]
pub struct Hold {
    shared: Arc<Shared>,
    digests: HashSet<Digest>,
}

impl Hold {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: shared.clone(), digests: HashSet::new() }
    }

    /// Holds one more; false when it was held by this already.
    pub(super) fn add(&mut self, digest: Digest) -> bool {
        let new = self.digests.insert(digest);
        if new {
            self.shared.lock().hold(digest);
        }
        new
    }

    pub(super) fn remove(&mut self, digest: &Digest) {
        if self.digests.remove(digest) {
            let_go(&mut self.shared.lock().held, digest);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        self.digests.iter().for_each(|digest| let_go(&mut state.held, digest));
    }
}

/// A root of which no collection removes anything as long as this lives.
#[derive(Debug)]
#[must_use = "a collection may remove the blocks as soon as this is dropped"]
pub struct Lease {
    shared: Arc<Shared>,
    root: Cid,
}

impl Lease {
    pub(super) fn new(shared: &Arc<Shared>, root: Cid) -> Self {
        shared.lock().lease(root);
        Self { shared: shared.clone(), root }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let_go(&mut self.shared.lock().leased, &self.root);
    }
}
