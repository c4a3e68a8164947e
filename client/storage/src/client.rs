//! The client: one object for everything that goes into or comes out of IPFS.
//!
//! It speaks the Kubo RPC through `ipfs-api-backend-hyper`, to a real Kubo or to the embedded store, and trusts neither:
//! what is stored must get the CID that was computed here, and what is fetched comes block by block, each checked
//! against its CID before the next step depends on it. `cat` is not used: it ends well on a truncated file. Blocks may also come
//! from gateways ([`Storage::with_sources`]) and from a store in this process ([`Storage::with_cache`]).
//!
//! The crate writes the requests but for what is uploaded (`form`); `rpc` sends them, with a token where the store asks for one
//! ([`StoreToken`]).
//!
//! The crate has no time-outs. Here every wait for progress has one (`idle_timeout`), every failure that may pass is
//! tried again a bounded number of times with growing pauses.

mod along;
mod cache;
mod call;
mod download;
mod error;
mod fetch;
mod form;
mod gateway;
mod maintain;
mod mend;
mod part;
mod receive;
mod request;
mod rpc;
mod source_url;
mod sources;
mod token;
mod upload;

pub use download::Download;
pub use error::Error;
pub use fetch::Progress;
pub(crate) use gateway::{AGENT, Http};
pub use maintain::{BrokenPin, Checked};
pub use part::unfinished;
pub use source_url::{SourceUrl, SourceUrlError};
pub use token::{StoreToken, StoreTokenError};
pub use upload::Added;

use crate::{Store, parse_cid};
use call::Connection;
use decentralml_types::Cid;
use ipfs_api_backend_hyper::{
    request::{BlockStat, PinRm, Version},
    response::{BlockStatResponse, VersionResponse},
};
use rpc::Terms;
use serde::de::IgnoredAny;
use sources::Sources;
use std::{sync::Arc, time::Duration};

/// Limits of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Longest wait for the first answer of a server in [`Storage::connect`].
    pub connect_timeout: Duration,
    /// Longest wait without progress: a byte sent or received, an answer. A block may take ten times as long in all, so
    /// that a server cannot hold on by a byte now and then. A pin counts as one answer.
    pub idle_timeout: Duration,
    /// Times that a request is tried before its error is returned; at least once.
    pub attempts: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            attempts: 3,
        }
    }
}

/// What the server's repository holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStat {
    /// Blocks.
    pub blocks: u64,
    /// Bytes on its disk.
    pub bytes: u64,
    /// Bytes that it may have; `None` where only its disk limits it.
    pub limit: Option<u64>,
    /// Its folder, on its machine.
    pub path: String,
}

/// A connection to an IPFS store. Clones are cheap and share it; every method may be cancelled at any time.
#[derive(Clone)]
pub struct Storage {
    connection: Arc<Connection>,
    sources: Arc<Sources>,
    cache: Option<Arc<Store>>,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("url", &self.connection.url).finish_non_exhaustive()
    }
}

impl Storage {
    /// Connects to the RPC at `url`, such as `http://127.0.0.1:5001` or `/ip4/127.0.0.1/tcp/5001`, and checks that a
    /// store answers there.
    ///
    /// Errors: [`Error::Url`], [`Error::Unreachable`], [`Error::Timeout`], [`Error::Protocol`].
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(url, Config::default()).await
    }

    /// [`Storage::connect`] with other limits.
    pub async fn connect_with(url: &str, config: Config) -> Result<Self, Error> {
        Self::connect_as(url, None, config).await
    }

    /// [`Storage::connect_with`] for a store that asks for a token. It is sent with every request to this URL, and nowhere else: not
    /// to further sources, not where a redirect leads.
    ///
    /// Errors, beside those of [`Storage::connect`]: [`Error::Api`] where the store does not take the token.
    pub async fn connect_as(
        url: &str,
        token: Option<&StoreToken>,
        config: Config,
    ) -> Result<Self, Error> {
        let connection = Arc::new(Connection::new(url, token, config)?);
        let sources = Arc::new(Sources::own(connection.clone()));
        let storage = Self { connection, sources, cache: None };
        storage.version_within(config.connect_timeout).await?;
        Ok(storage)
    }

    /// The same store, with an own one in this process before it: a block that is there is taken from there, and what is fetched
    /// or added is kept there as long as it has room. Pins hold in both.
    ///
    /// What is added is pinned in it and stays until [`Storage::unpin`], or [`Storage::unpin_own`] where others may need it too:
    /// whoever adds has to let go, or the store is full one day and keeps nothing new. What is fetched is not pinned in it: a
    /// collection takes it away when the fetch is over. Where its quota refuses, what is not pinned is collected once,
    /// if there is anything; then fetching and adding go on without keeping. A pin in it of which so much is lost that nothing
    /// could be collected is let go of: the store should hold nothing that is nowhere else.
    pub fn with_cache(&self, store: Arc<Store>) -> Self {
        Self { cache: Some(store), ..self.clone() }
    }

    /// The same store, with these gateways as further sources to fetch from, in the place of those that it had. They are
    /// only read from, none is trusted, and one that gave wrong bytes is not asked again. At most 128 are used.
    pub fn with_sources(&self, urls: &[SourceUrl]) -> Self {
        let sources = Arc::new(self.sources.with(urls, self.connection.config));
        Self { sources, ..self.clone() }
    }

    /// Whether the store is on this machine, as its URL says: under a loopback address, or the name `localhost`.
    pub fn is_on_this_machine(&self) -> bool {
        self.connection.is_local()
    }

    /// The URL it was connected to.
    pub fn url(&self) -> &str {
        &self.connection.url
    }

    /// The version that the server says it has.
    pub async fn version(&self) -> Result<String, Error> {
        self.version_within(self.connection.config.idle_timeout).await
    }

    /// Whether the server has the root block of `cid` and can give it, without asking other peers. With a DAG, the
    /// other blocks may still be missing; [`Storage::pin`] makes sure of all.
    pub async fn has(&self, cid: &Cid) -> Result<bool, Error> {
        Ok(self.size_of(cid).await?.is_some())
    }

    /// Bytes of a block that the server has and can give; `None` where it cannot. The embedded store looks at its hash for it.
    async fn size_of(&self, cid: &Cid) -> Result<Option<u64>, Error> {
        let key = cid.to_string();
        let answer = self
            .connection
            .call("block/stat", Some(*cid), || {
                let request = BlockStat { hash: &key };
                self.connection.rpc.ask::<BlockStatResponse>(Terms::Local, request, None)
            })
            .await;
        match answer {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. } | Error::Unavailable { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Has the server keep `cid` and everything under it; a server with peers fetches what it lacks. The own store, where there
    /// is one, pins it when it has all of it. A name that the pin had is taken away, as by Kubo.
    ///
    /// Errors: [`Error::NotFound`] when a store without peers lacks a block.
    pub async fn pin(&self, cid: &Cid) -> Result<(), Error> {
        let key = cid.to_string();
        self.connection
            .call("pin/add", Some(*cid), || request::pin(&self.connection.rpc, Terms::Timed, &key))
            .await?;
        if let Some(store) = &self.cache {
            cache::pin(store.clone(), *cid, "").await;
        }
        Ok(())
    }

    /// Lets go of a pin, on the server and in the own store; returns whether the server had one. The server has one pin for a
    /// root, whoever made it: of what others may have pinned too, [`Storage::unpin_own`] lets go here alone. After an error the
    /// pin is gone in the own store, and the call may be made again.
    pub async fn unpin(&self, cid: &Cid) -> Result<bool, Error> {
        if let Err(error) = self.unpin_own(cid).await {
            tracing::warn!(%cid, %error, "not unpinned in the own store");
        }
        let key = cid.to_string();
        let answer = self
            .connection
            .call("pin/rm", Some(*cid), || {
                let request = PinRm { key: &key, recursive: true };
                self.connection.rpc.ask::<IgnoredAny>(Terms::Timed, request, None)
            })
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(Error::Api { message, .. }) if message.contains("not pinned") => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The pinned roots. Those of other kinds than files (other codecs and hashes) are left out.
    pub async fn pins(&self) -> Result<Vec<Cid>, Error> {
        let keys = self
            .connection
            .call("pin/ls", None, || request::pinned_roots(&self.connection.rpc))
            .await?;
        let mut pins: Vec<Cid> = keys.iter().filter_map(|key| parse_cid(key).ok()).collect();
        pins.sort();
        Ok(pins)
    }

    /// What the server's repository holds. A large one takes a while to count.
    pub async fn stat(&self) -> Result<StoreStat, Error> {
        let answer =
            self.connection.call("repo/stat", None, || request::stat(&self.connection.rpc)).await?;
        Ok(StoreStat {
            blocks: answer.num_objects,
            bytes: answer.repo_size,
            limit: Some(answer.storage_max).filter(|limit| *limit != u64::MAX),
            path: answer.repo_path,
        })
    }

    async fn version_within(&self, limit: Duration) -> Result<String, Error> {
        let ask = || self.connection.rpc.ask::<VersionResponse>(Terms::Timed, Version, None);
        let version = self.connection.call_within("version", None, limit, ask).await?;
        Ok(version.version)
    }
}
