//! The facade: the part of Kubo's RPC that our client uses, over a [`Store`].
//!
//! `POST /api/v0/{add,cat,block/put,block/get,block/stat,block/rm,pin/add,pin/rm,pin/ls,pin/verify,id,version,repo/stat,
//! repo/gc,repo/verify,ls,get,files/stat,dag/import,dag/export,dag/stat}`, with the parameters,
//! answers and errors of Kubo 0.42. What it cannot do is refused, not done in another way: adding in another form than the
//! canonical one, directories that Kubo would spread over many blocks, direct pins, paths inside of a DAG where a block or a pin is meant. What others have made is
//! read in any form, but for directories that are spread over many blocks. It looks for nothing elsewhere, so that
//! `timeout` and `offline` change nothing, CIDs that it lists unasked are of version 1, and an error in the middle of a stream cuts
//! the connection, where Kubo writes a trailer; `add` says before in a last line what was wrong.
//!
//! Connections have a limit. Where it is reached, one more takes the place of the one on which the server has waited longest for the
//! client. A body of which less than 64 KiB come in a minute of waiting for it is given up. What is refused before its body was read is
//! answered at once, and the rest of the body is taken in for up to five seconds, so that the client gets to read the answer: 64 MiB of it, and
//! 64 KiB where there is a token that was not shown. A client that waits to be asked for its body (`Expect: 100-continue`) is not asked
//! for one that is refused; its connection ends with the answer. Where there is a token, one address has up to 256 connections, and a
//! request's head up to 64 KiB.
//!
//! Whoever can reach the port can write to the disk: it listens on loopback only, unless a token is asked for ([`Access`]), and
//! refuses web pages.

mod access;
mod add;
mod answer;
mod blocks;
mod cat;
mod dag;
mod files;
mod gate;
mod get;
mod incoming;
mod info;
mod linger;
mod ls;
mod params;
mod paths;
mod pins;
mod repo;
mod slow;

pub use access::{Access, Token, TokenError};

use crate::{
    Store,
    gateway::{self, Limits},
};
use axum::{Router, extract::DefaultBodyLimit, middleware, routing::post};
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};

/// What the facade does at a time. Whoever reaches it is trusted more than the readers of a gateway: a person may take a while to read
/// an answer. Commands other than uploads have no limit of their own.
const LIMITS: Limits = Limits {
    connections: 1024,
    // All are from this machine; where there is a token, it is [`STRANGERS`].
    connections_per_address: usize::MAX,
    requests: 1024,
    // Nobody has to go: there are as many turns as connections.
    turn: Duration::MAX,
    header_timeout: Duration::from_secs(60),
    stall_timeout: Duration::from_secs(600),
};

/// Bytes of a request's head, which may name thousands of CIDs.
const MAX_HEAD: usize = 400 << 10;

/// Connections of one address, and bytes of a head, where there is a token: then other machines come, and nobody knows which of them have it
/// before a head is read. Hyper keeps one limit for a connection, so that it holds for those that do as well.
const STRANGERS: (usize, usize) = (256, 64 << 10);

/// Uploads of files and CARs that are read at a time, and how long others wait for their turn. Each has a thread and some
/// megabytes.
const UPLOADS: usize = 32;
const UPLOAD_PATIENCE: Duration = Duration::from_secs(30);

/// Why the facade does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can be reached from outside, and there is no token.
    #[error(
        "refusing to listen on {0} without a token: whoever reaches this port can fill the disk and remove what is kept; use \
         127.0.0.1, or make a token and have clients send it as \"Authorization: Bearer TOKEN\""
    )]
    NotLoopback(SocketAddr),
    /// Something else listens there.
    #[error(
        "{0} is in use, perhaps by another store or a Kubo; stop it, or choose another port (0 takes any free one)"
    )]
    PortInUse(SocketAddr),
    /// The system refused.
    #[error("cannot listen on {addr}: {source}")]
    Io {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A facade that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    store: Arc<Store>,
    listener: TcpListener,
    addr: SocketAddr,
    token: Option<Token>,
}

impl Server {
    /// Binds an address, or [`Access`] with a token; port 0 takes a free one. An address that other machines can reach is
    /// refused without a token.
    pub async fn bind(store: Arc<Store>, access: impl Into<Access>) -> Result<Self, ServeError> {
        let access = access.into();
        let addr = access.listen;
        if !access.is_local() && access.token.is_none() {
            return Err(ServeError::NotLoopback(addr));
        }
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::PortInUse(addr),
            _ => ServeError::Io { addr, source },
        };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        Ok(Self { store, listener, addr, token: access.token })
    }

    /// The address that it got.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL that clients connect to.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Answers until `shutdown` is ready; then takes no more requests and gives those in flight 10 seconds.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self { store, listener, addr, token } = self;
        let (limits, max_head) = limits(token.is_some());
        let gate = gate::Gate { port: addr.port(), token };
        tracing::info!(%addr, folder = %store.path().display(), "the store answers");
        gateway::serve_with(listener, router(store, gate), limits, max_head, shutdown).await;
        Ok(())
    }
}

/// [`Server::bind`] and [`Server::run`] in one.
pub async fn serve(
    store: Arc<Store>,
    access: impl Into<Access>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    Server::bind(store, access).await?.run(shutdown).await
}

/// What it does at a time, and the bytes of a head.
fn limits(has_token: bool) -> (Limits, usize) {
    let (connections_per_address, max_head) = STRANGERS;
    match has_token {
        true => (Limits { connections_per_address, ..LIMITS }, max_head),
        false => (LIMITS, MAX_HEAD),
    }
}

fn router(store: Arc<Store>, gate: gate::Gate) -> Router {
    // What goes to disk as it comes; nothing but the disk limits it.
    let turns = (Arc::new(Semaphore::new(UPLOADS)), UPLOAD_PATIENCE);
    let uploads = Router::new()
        .route("/add", post(add::add))
        .route("/dag/import", post(dag::import))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::map_request(incoming::sipped))
        .layer(middleware::from_fn_with_state(turns, gateway::queue));
    let api = uploads
        .route("/block/put", post(blocks::put).layer(DefaultBodyLimit::max(blocks::PUT_LIMIT)))
        .route("/block/get", post(blocks::get))
        .route("/block/stat", post(blocks::stat))
        .route("/block/rm", post(blocks::remove))
        .route("/cat", post(cat::cat))
        .route("/dag/export", post(dag::export))
        .route("/dag/stat", post(dag::stat))
        .route("/files/stat", post(files::stat))
        .route("/get", post(get::get))
        .route("/ls", post(ls::ls))
        .route("/pin/add", post(pins::add))
        .route("/pin/rm", post(pins::remove))
        .route("/pin/ls", post(pins::list))
        .route("/pin/verify", post(pins::verify))
        .route("/id", post(info::id))
        .route("/version", post(info::version))
        .route("/repo/gc", post(repo::gc))
        .route("/repo/verify", post(repo::verify))
        .route("/repo/stat", post(info::repo_stat))
        // What the client crate calls it; Kubo knows both names.
        .route("/stats/repo", post(info::repo_stat));
    Router::new()
        .nest("/api/v0", api)
        .fallback(gate::unknown)
        .layer(middleware::from_fn(slow::watch))
        .layer(middleware::from_fn_with_state(gate.clone(), gate::guard))
        .layer(middleware::from_fn_with_state(gate, linger::linger))
        .with_state(store)
}
