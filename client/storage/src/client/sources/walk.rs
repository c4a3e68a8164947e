//! One root's way through the sources.

use super::{Sources, race::Race};
use crate::{
    Block, Store,
    client::{
        Error,
        cache::Keeper,
        receive::{COMMAND, Gauge, Want},
    },
};
use decentralml_types::Cid;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Blocks that are asked for before they are needed, from one source and from several. Each may hold
/// [`MAX_BLOCK`](crate::MAX_BLOCK) bytes, and with several sources twice that while two are asked for it.
const AHEAD: usize = 4;
const AHEAD_OF_SEVERAL: usize = 8;

/// What is known for the blocks under one root.
pub(in crate::client) struct Walk {
    pub(super) sources: Arc<Sources>,
    cache: Option<Keeper>,
    standings: Mutex<Vec<Standing>>,
}

/// What a source is worth for this root.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// It lacked a block. It may have others, but is asked for them only when nobody else is left.
    pub last: bool,
    /// It is allowed to look for blocks elsewhere, since it has them not itself.
    pub search: bool,
    /// It gave wrong bytes; how.
    pub lied: Option<String>,
}

impl Walk {
    /// Begins a walk; what is kept in `cache` under `root` is not collected as long as it lasts.
    pub async fn begin(sources: Arc<Sources>, cache: Option<Arc<Store>>, root: Cid) -> Self {
        let cache = match cache {
            Some(store) => Some(Keeper::open(store, root).await),
            None => None,
        };
        let standings = Mutex::new(vec![Standing::default(); sources.list.len()]);
        Self { sources, cache, standings }
    }

    /// How many blocks are worth asking for before they are needed.
    pub fn ahead(&self) -> usize {
        if self.sources.alone().is_some() { AHEAD } else { AHEAD_OF_SEVERAL }
    }

    /// A block, checked, from wherever it can be had.
    pub async fn block(&self, want: Want) -> Result<Block, Error> {
        if let Some(cache) = &self.cache
            && let Some(block) = cache.get(want.cid).await
        {
            return want.fits(block);
        }
        let block = match self.sources.alone() {
            Some(store) => {
                let ask = || async { want.ask_store(store, &Gauge::default()).await };
                store.retry(COMMAND, ask).await?
            }
            None => Race::new(self, want).run().await?,
        };
        if let Some(cache) = &self.cache {
            cache.keep(&block).await;
        }
        Ok(block)
    }

    /// A thread that panicked has left no half-made change: each is a few assignments.
    pub(super) fn standings(&self) -> MutexGuard<'_, Vec<Standing>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
