//! The host role: keeps the updates that trainers hand over, and gives bytes to whoever asks.
//!
//! ```text
//!  trainers ──PUT──► Host ── Clerk (admission.rs): the chain says who may ──► <folder>/host
//!  anybody ◄──GET──┘                keep.rs: lets go of what no round needs ──┘
//! ```
//!
//! It runs beside an evaluator, whose next models it gives too, or by itself, for a sponsor or anybody who is asked to keep a task's
//! updates.

mod admission;
mod announce;
mod book;
mod keep;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use decentralml_sdk::{AccountId, Chain, Signer, View};
use decentralml_storage::{
    SourceUrl, Store, StoreError, StoreOptions,
    host::{Host, HostLimits, Keeper},
};
use decentralml_types::{Cid, RoundNumber, TaskId};
use tokio::sync::watch;

use crate::{error::WorkerError, feed::Feed, shutdown::Shutdown, state::StateError};
use admission::Clerk;
use book::ChainBook;

pub use announce::{announce, deposit};

/// Settings of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSettings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What is announced on the chain, the address of this host first: trainers try that one first. Where this is empty
    /// nothing is announced, and what is announced already stays.
    pub announce: Vec<SourceUrl>,
    /// Bytes that all that is kept may have; `None`: as many as the disk holds.
    pub max_storage: Option<u64>,
    /// Tasks whose updates are kept besides those that the account sponsors or is an evaluator of.
    pub tasks: Vec<TaskId>,
}

/// A host without a worker.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// A node, such as `ws://127.0.0.1:9944`.
    pub chain: String,
    /// The account for which it keeps updates.
    pub signer: Signer,
    /// Its folder. Created if it is not there.
    pub state: PathBuf,
    /// What it does.
    pub settings: HostSettings,
}

/// Keeps updates until it is told to end. `listening` is told where, once it listens and has announced what it should.
pub async fn run(
    config: HostConfig,
    mut shutdown: Shutdown,
    listening: impl FnOnce(SocketAddr) + Send,
) -> Result<(), WorkerError> {
    let ready = async {
        let chain = Chain::connect(&config.chain).await?;
        if !chain.is_development() && config.signer.is_development() {
            return Err(WorkerError::DevelopmentOnly("the key is publicly known: it is accepted"));
        }
        let (best_sender, best) = watch::channel(chain.best().await?);
        let (finalized_sender, finalized) = watch::channel(chain.finalized().await?);
        let feed = Feed {
            url: config.chain.clone(),
            best: (chain.best_blocks().await?, best_sender),
            finalized: (chain.finalized_blocks().await?, finalized_sender),
        };
        let blocks = Blocks { best, finalized };
        let account = config.signer.account();
        let hosting =
            Hosting::bind(&chain, account, &config.state, &config.settings, blocks).await?;
        announce(&chain, &config.signer, &config.settings.announce).await?;
        Ok((hosting, feed))
    };
    let (hosting, feed) = tokio::select! {
        () = shutdown.wait() => return Ok(()),
        ready = ready => ready?,
    };
    listening(hosting.addr());
    let mut ending = shutdown.clone();
    let served = hosting.run(async move { ending.wait().await });
    tokio::pin!(served);
    tokio::select! {
        () = &mut served => Ok(()),
        error = feed.run() => Err(error),
    }
}

/// Blocks as they come.
#[derive(Clone)]
pub(crate) struct Blocks {
    pub(crate) best: watch::Receiver<View>,
    pub(crate) finalized: watch::Receiver<View>,
}

/// A host that listens and does not answer yet.
pub(crate) struct Hosting {
    host: Host,
    shelf: OwnShelf,
    keeper: Keeper,
    blocks: Blocks,
}

/// The part of a host's store that is its account's own: what it has made and others will ask for.
#[derive(Clone)]
pub(crate) struct OwnShelf {
    store: Arc<Store>,
}

impl Hosting {
    /// Opens the store in `<folder>/host` and binds the address.
    pub(crate) async fn bind(
        chain: &Chain,
        account: AccountId,
        folder: &Path,
        settings: &HostSettings,
        blocks: Blocks,
    ) -> Result<Self, WorkerError> {
        let folder = folder.join("host");
        let max_bytes = settings.max_storage;
        let open = move || {
            if let Some(parent) = folder.parent() {
                let failed = |source| StateError::Io { path: parent.display().to_string(), source };
                std::fs::create_dir_all(parent).map_err(failed)?;
            }
            Ok::<_, WorkerError>(Store::open_with(folder, StoreOptions { max_bytes })?)
        };
        let store =
            Arc::new(tokio::task::spawn_blocking(open).await.map_err(|_| WorkerError::Aborted)??);
        let book = ChainBook::new(account, settings.tasks.iter().copied().collect(), &blocks);
        let clerk = Clerk::new(book, chain.genesis(), account);
        let host = Host::bind(store.clone(), settings.listen, clerk, HostLimits::default()).await?;
        let keeper = host.keeper();
        Ok(Self { host, shelf: OwnShelf { store }, keeper, blocks })
    }

    /// The address that it got.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.host.addr()
    }

    /// Where this process reaches it.
    pub(crate) fn local_url(&self) -> Option<SourceUrl> {
        let mut addr = self.addr();
        match addr.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        format!("http://{addr}").parse().ok()
    }

    pub(crate) fn shelf(&self) -> OwnShelf {
        self.shelf.clone()
    }

    /// Answers until `shutdown` is ready, and lets go of what nobody needs any more.
    pub(crate) async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) {
        let keeping = keep::tidy_for_ever(self.keeper, self.shelf, self.blocks.finalized);
        tokio::select! {
            () = self.host.run(shutdown) => {}
            () = keeping => {}
        }
    }
}

impl OwnShelf {
    /// Gives bytes of this account to whoever asks, too. That it cannot is logged: they are in the account's store in any case.
    pub(crate) async fn offer(&self, task: TaskId, round: RoundNumber, bytes: Vec<u8>) {
        let store = self.store.clone();
        let name = keep::own_name(task, round);
        let add = move || store.with_room(|| store.add_named(bytes.as_slice(), Some(&name)));
        if let Ok(Err(error)) = tokio::task::spawn_blocking(add).await {
            tracing::warn!(task, round, %error, "the host does not give the next model");
        }
    }

    /// What is there of the account's own, by the names of the pins.
    fn pins(&self) -> Result<BTreeMap<Cid, String>, StoreError> {
        self.store.named_pins()
    }
}
