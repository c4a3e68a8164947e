//! A read-only gateway: what is in the store, for anyone who reaches the port.
//!
//! ```text
//! GET /ipfs/CID[/a/b]                  the bytes of a file; Range
//! GET /ipfs/CID[/a/b]?format=raw       one block; Range
//! GET /ipfs/CID[/a/b]?format=car       a DAG as a CAR; dag-scope=block|entity|all, entity-bytes=FROM:TO, car-dups=y|n
//! ```
//!
//! The last two, also by `Accept: application/vnd.ipld.raw` and `application/vnd.ipld.car`, are the trustless gateway of the
//! IPFS specifications: a client checks every block against its CID. The first one is for people and for clients that trust
//! it. Every block is checked before it is sent, a missing one is a 404 at once, and an error in mid-stream cuts the connection.
//!
//! It writes nothing, so any web page may read from it, as from other gateways. Connections, requests at a time, the time to
//! send a request and the time to take an answer have limits ([`Limits`]).

mod answer;
mod connections;
mod content;
mod doors;
mod guarded;
mod range;
mod request;
mod stalled;
mod turns;
mod waiting;

pub(crate) use connections::{serve, serve_with};
pub(crate) use turns::queue;

use crate::{Store, server::ServeError};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::Request,
    middleware,
    response::{IntoResponse, Response},
};
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use turns::Turns;

/// What a gateway does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections. One more takes the place of the one that has waited longest for a request; where all are being answered,
    /// it waits until one is closed.
    pub connections: usize,
    /// Open connections from one address, of IPv6 from one network of 64 bits; further ones get status 503 and are closed.
    /// Behind a proxy all connections come from its address.
    pub connections_per_address: usize,
    /// Requests that are being answered. One more takes the place of the slowest reader, if that one has had its turn; where there is none
    /// it gets status 503.
    pub requests: usize,
    /// How long an answer may take before its reader may have to make room for another one, unless it takes a megabyte a second.
    pub turn: Duration,
    /// Longest wait for the head of a request, also of the next one on a connection.
    pub header_timeout: Duration,
    /// Longest time that a client is waited for in which it takes less than 64 KiB of its answer.
    pub stall_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 1024,
            requests: 128,
            turn: Duration::from_secs(10),
            header_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(60),
        }
    }
}

/// A gateway that listens and does not answer yet.
#[derive(Debug)]
pub struct Gateway {
    store: Arc<Store>,
    listener: TcpListener,
    addr: SocketAddr,
    limits: Limits,
}

impl Gateway {
    /// Binds an address, also one that other machines reach: they can read everything in the store whose CID they know. Port 0
    /// takes a free one.
    pub async fn bind(store: Arc<Store>, addr: SocketAddr) -> Result<Self, ServeError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::PortInUse(addr),
            _ => ServeError::Io { addr, source },
        };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        Ok(Self { store, listener, addr, limits: Limits::default() })
    }

    /// With other limits.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
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
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) {
        let Self { store, listener, addr, limits } = self;
        tracing::info!(%addr, folder = %store.path().display(), "the gateway answers");
        connections::serve(listener, router(store, limits), limits, shutdown).await;
    }
}

/// The answers of a gateway, so many at a time.
pub(crate) fn router(store: Arc<Store>, limits: Limits) -> Router {
    let turns = Turns::new(limits.requests, limits.turn);
    Router::new()
        .fallback(get)
        .with_state(store)
        .layer(middleware::from_fn_with_state(turns, turns::take))
        .layer(middleware::map_response(answer::share))
}

async fn get(State(store): State<Arc<Store>>, request: Request<Body>) -> Response {
    let (head, _) = request.into_parts();
    content::answer(store, &head).await.into_response()
}
