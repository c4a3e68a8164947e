//! The places that blocks are asked of, trusted by none.
//!
//! ```text
//!  Download ──► Walk ──► own Store (cache), or
//!   (file)     (root)    Race ──► Source 0: the RPC
//!                       (block)   Source 1…: gateways ── Health: speed, failures, lies
//! ```
//!
//! What is known of a source is shared by all clones of a [`Storage`](super::Storage) and by the clients made of it; what is
//! known of it for one root ends with the walk.

mod health;
mod race;
mod walk;

pub(super) use walk::Walk;

use super::{
    Config, Connection, Error, SourceUrl,
    gateway::{Fault, Http},
    receive::{Gauge, Want},
};
use crate::Block;
use futures::future::BoxFuture;
use health::Health;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Semaphore;

/// Gateways that are used; further ones are left out.
const MAX_GATEWAYS: usize = 128;

/// Requests for blocks under way at one source.
const AT_A_TIME: usize = 8;

/// Times that a gateway is asked for the same block, at most: there are others.
const GATEWAY_ATTEMPTS: u32 = 2;

/// The places, the store's own RPC first.
pub(super) struct Sources {
    list: Vec<Arc<Source>>,
    http: Arc<Http>,
}

impl Sources {
    /// The RPC alone.
    pub fn own(connection: Arc<Connection>) -> Self {
        let http = connection.http.clone();
        Self { list: vec![Arc::new(Source::new(Place::Store(connection)))], http }
    }

    /// The RPC and these gateways. Those that are known already stay so.
    pub fn with(&self, urls: &[SourceUrl], config: Config) -> Self {
        let (own, known) = self.list.split_at(1);
        let mut known: HashMap<&str, &Arc<Source>> =
            known.iter().filter_map(|source| Some((source.base()?, source))).collect();
        let mut list = own.to_vec();
        for url in urls {
            if list.iter().any(|source| source.base() == Some(url.base())) {
                continue;
            }
            if list.len() > MAX_GATEWAYS {
                tracing::warn!(left_out = %url, "more than {MAX_GATEWAYS} sources");
                break;
            }
            list.push(known.remove(url.base()).cloned().unwrap_or_else(|| {
                let http = self.http.clone();
                Arc::new(Source::new(Place::Gateway { url: url.clone(), http, config }))
            }));
        }
        Self { list, http: self.http.clone() }
    }

    /// The RPC, where there is nothing else.
    fn alone(&self) -> Option<&Connection> {
        match self.list.as_slice() {
            [source] => source.store(),
            _ => None,
        }
    }
}

/// One place.
struct Source {
    place: Place,
    health: Mutex<Health>,
    turns: Semaphore,
}

enum Place {
    Store(Arc<Connection>),
    Gateway { url: SourceUrl, http: Arc<Http>, config: Config },
}

impl Source {
    fn new(place: Place) -> Self {
        Self { place, health: Mutex::default(), turns: Semaphore::new(AT_A_TIME) }
    }

    fn name(&self) -> &str {
        match &self.place {
            Place::Store(connection) => &connection.url,
            Place::Gateway { url, .. } => url.as_str(),
        }
    }

    fn store(&self) -> Option<&Connection> {
        match &self.place {
            Place::Store(connection) => Some(connection),
            Place::Gateway { .. } => None,
        }
    }

    /// What tells gateways apart.
    fn base(&self) -> Option<&str> {
        match &self.place {
            Place::Store(_) => None,
            Place::Gateway { url, .. } => Some(url.base()),
        }
    }

    fn config(&self) -> &Config {
        match &self.place {
            Place::Store(connection) => &connection.config,
            Place::Gateway { config, .. } => config,
        }
    }

    /// Times that it is asked for one block.
    fn attempts(&self) -> u32 {
        let attempts = self.config().attempts.max(1);
        match &self.place {
            Place::Store(_) => attempts,
            Place::Gateway { .. } => attempts.min(GATEWAY_ATTEMPTS),
        }
    }

    /// A thread that panicked has left no half-made change: each is a few assignments.
    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a block when its turn comes. Dropping the future ends the request.
    fn ask(
        self: &Arc<Self>,
        want: Want,
        search: bool,
        gauge: Arc<Gauge>,
    ) -> BoxFuture<'static, Result<Block, Fault>> {
        let asked = Asked::new(self.clone());
        Box::pin(async move {
            let source = &asked.0;
            // The semaphore is never closed.
            let _turn = source.turns.acquire().await;
            gauge.begin();
            match &source.place {
                Place::Store(connection) => match want.ask_store(connection, &gauge).await {
                    Err(Error::NotFound { .. }) => Err(Fault::Missing { may_search: false }),
                    answer => answer.map_err(Fault::Failed),
                },
                Place::Gateway { url, http, config } => {
                    http.block(url, &want, search, config.idle_timeout, &gauge).await
                }
            }
        })
    }
}

/// A request, from the moment on that it waits for its turn.
struct Asked(Arc<Source>);

impl Asked {
    fn new(source: Arc<Source>) -> Self {
        source.health().asked();
        Self(source)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.health().ended();
    }
}
