//! A store of this process, which is asked first and keeps what comes.
//!
//! What is added through a client that has one, or pinned, is pinned in it and stays until it is unpinned. What is fetched is
//! kept and not pinned: it goes when room is needed. Everything in it is also in the store that is connected to, or was
//! when it was pinned: it is there to spare transfers, and its failures are logged and stop nothing.

use super::{Error, Storage};
use crate::{
    Block, Store, StoreError,
    store::{Collected, Lease},
    unixfs::Imported,
};
use decentralml_types::Cid;
use std::{
    collections::BTreeSet,
    io::{self, Read},
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
            let store = self.store.clone();
            let make = async move || drop(spawn_blocking(move || make_room(&store)).await);
            self.collected.get_or_init(make).await;
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
    failed: impl Fn(io::Error) -> Error + Send + 'static,
) -> Result<Option<Kept>, Error> {
    let work = move || {
        let mut result = store.add(open()?, false);
        if matches!(result, Err(StoreError::QuotaExceeded { .. })) {
            make_room(&store);
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

/// Pins what the store has all of, under a name, empty for none.
pub(super) async fn pin(store: Arc<Store>, cid: Cid, name: &str) {
    let name = name.to_owned();
    match spawn_blocking(move || store.pin_named(&cid, &name)).await {
        Ok(Err(StoreError::NotFound(_) | StoreError::Corrupt { .. })) | Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%cid, %error, "not pinned in the own store"),
        Err(_) => {}
    }
}

/// Removes what nothing needs, if there may be such a thing.
fn make_room(store: &Store) {
    loop {
        match store.make_room() {
            Ok(Collected { blocks: 0, .. }) => return,
            Ok(Collected { blocks, bytes, .. }) => {
                tracing::info!(blocks, bytes, "made room in the own store");
                return;
            }
            // Nothing could be removed any more, and nobody looks after this store. Others have what was pinned.
            Err(StoreError::BrokenPin { root, others, .. }) => {
                for root in others.into_iter().chain([root]) {
                    tracing::warn!(%root, "letting go of what is broken in the own store");
                    match store.unpin(&root) {
                        Ok(()) | Err(StoreError::NotPinned(_)) => {}
                        Err(error) => {
                            tracing::warn!(%root, %error, "no room could be made in the own store");
                            return;
                        }
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "no room could be made in the own store");
                return;
            }
        }
    }
}

impl Storage {
    /// Lets go of a pin in the own store ([`Storage::with_cache`]) only; returns whether there was one. It is for what others
    /// may have pinned too, such as a model: the store that is connected to has one pin for a root, whoever made it,
    /// and [`Storage::unpin`] removes that as well.
    ///
    /// Errors: [`Error::File`], when the own store's disk fails.
    pub async fn unpin_own(&self, cid: &Cid) -> Result<bool, Error> {
        let cid = *cid;
        let unpinned = self.own(move |store| match store.unpin(&cid) {
            Err(StoreError::NotPinned(_)) => Ok(false),
            unpinned => unpinned.map(|()| true),
        });
        Ok(unpinned.await?.unwrap_or(false))
    }

    /// What is pinned in the own store: after a restart, what has to be let go of sooner or later. Empty without an own store.
    ///
    /// Errors: [`Error::File`], when the own store's disk fails.
    pub async fn own_pins(&self) -> Result<BTreeSet<Cid>, Error> {
        Ok(self.own(|store| store.pins()).await?.unwrap_or_default())
    }

    /// Does something with the own store, where there is one.
    async fn own<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let Some(store) = self.cache.clone() else { return Ok(None) };
        let path = store.path().to_owned();
        match spawn_blocking(move || work(&store)).await {
            Ok(Ok(done)) => Ok(Some(done)),
            Ok(Err(error)) => Err(Error::File { path, source: io::Error::other(error) }),
            Err(error) => Err(Error::File { path, source: io::Error::other(error) }),
        }
    }
}
