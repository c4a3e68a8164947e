//! A store of this process, which is asked first and keeps what comes.

use super::Error;
use crate::{
    Block, Store, StoreError,
    store::{Collected, Lease},
    unixfs::Imported,
};
use decentralml_types::Cid;
use std::{
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{sync::OnceCell, task::spawn_blocking};

/// The store during one walk.
pub(super) struct Keeper {
    store: Arc<Store>,
    /// Holds what was kept and is not pinned.
    _lease: Option<Lease>,
    /// Set when room was made; it is made once in a walk.
    collected: OnceCell<()>,
    /// It takes no more.
    full: AtomicBool,
}

impl Keeper {
    pub async fn open(store: Arc<Store>, root: Cid) -> Self {
        let leased = store.clone();
        let lease = spawn_blocking(move || leased.lease(&root)).await.ok();
        Self { store, _lease: lease, collected: OnceCell::new(), full: AtomicBool::new(false) }
    }

    /// A block that is here and whole.
    pub async fn get(&self, cid: Cid) -> Option<Block> {
        let store = self.store.clone();
        match spawn_blocking(move || store.get(&cid)).await.ok()? {
            Ok(block) => Some(block),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => {
                tracing::warn!(%cid, %error, "fetching a block that the own store cannot give");
                None
            }
        }
    }

    /// Keeps a block if there is room; a corrupt one is healed by it.
    pub async fn keep(&self, block: &Block) {
        if self.full.load(Ordering::Relaxed) {
            return;
        }
        let mut put = self.put(block).await;
        if matches!(put, Err(StoreError::QuotaExceeded { .. })) {
            self.collected.get_or_init(|| collect(&self.store)).await;
            put = self.put(block).await;
        }
        if let Err(error) = put
            && !self.full.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(%error, "what is fetched is no longer kept in the own store");
        }
    }

    async fn put(&self, block: &Block) -> Result<(), StoreError> {
        let (store, block) = (self.store.clone(), block.clone());
        // It ends early where the runtime shuts down.
        spawn_blocking(move || store.put(&block)).await.unwrap_or(Ok(()))
    }
}

/// A file that was put into the store, and its lease.
pub(super) type Kept = (Imported, Lease);

/// Imports what `open` gives, unpinned; `None` when the store has no room for it. An error is one of reading.
pub(super) async fn import<R: Read>(
    store: Arc<Store>,
    open: impl Fn() -> Result<R, Error> + Send + 'static,
    failed: impl Fn(std::io::Error) -> Error + Send + 'static,
) -> Result<Option<Kept>, Error> {
    let work = move || {
        let mut result = store.add(open()?, false);
        if matches!(result, Err(StoreError::QuotaExceeded { .. })) {
            drop(store.gc(|_| {}));
            result = store.add(open()?, false);
        }
        match result {
            Ok(imported) => Ok(Some((imported, store.lease(&imported.cid)))),
            Err(StoreError::Source(error)) => Err(failed(error)),
            Err(error) => {
                tracing::warn!(%error, "what is added is not kept in the own store");
                Ok(None)
            }
        }
    };
    spawn_blocking(work).await.unwrap_or(Ok(None))
}

/// Pins what the store has all of.
pub(super) async fn pin(store: Arc<Store>, cid: Cid) {
    match spawn_blocking(move || store.pin(&cid)).await {
        Ok(Err(StoreError::NotFound(_) | StoreError::Corrupt { .. })) | Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%cid, %error, "not pinned in the own store"),
        Err(_) => {}
    }
}

/// Lets go of a pin, if there is one.
pub(super) async fn unpin(store: Arc<Store>, cid: Cid) {
    match spawn_blocking(move || store.unpin(&cid)).await {
        Ok(Err(StoreError::NotPinned(_))) | Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::warn!(%cid, %error, "not unpinned in the own store"),
    }
}

async fn collect(store: &Arc<Store>) {
    let store = store.clone();
    match spawn_blocking(move || store.gc(|_| {})).await {
        Ok(Ok(Collected { blocks, bytes })) => {
            tracing::info!(blocks, bytes, "made room in the own store");
        }
        Ok(Err(error)) => tracing::warn!(%error, "no room could be made in the own store"),
        Err(_) => {}
    }
}
