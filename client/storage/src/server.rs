//! The facade: the part of Kubo's RPC that our client uses, over a [`Store`].
//!
//! `POST /api/v0/{add,cat,block/put,block/get,block/stat,pin/add,pin/rm,pin/ls,id,version,repo/stat}`, with the parameters,
//! answers and errors of Kubo 0.42. What it cannot do is refused, not done in another way: forms of files and blocks other than
//! the canonical one, directories, direct and named pins, paths inside of a DAG. It looks for nothing elsewhere, so that
//! `timeout` and `offline` change nothing, and an error in the middle of a stream cuts the connection, where Kubo writes a trailer.
//!
//! Whoever can reach the port can write to the disk: it listens on loopback only and refuses web pages.

mod add;
mod answer;
mod blocks;
mod cat;
mod gate;
mod info;
mod params;
mod pins;

use crate::Store;
use axum::{Router, extract::DefaultBodyLimit, middleware, routing::post};
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::oneshot};

/// Time that requests in flight have after the shutdown signal.
const GRACE: Duration = Duration::from_secs(10);

/// Why the facade does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address could be reached from outside.
    #[error(
        "refusing to listen on {0}: whoever reaches this port can fill the disk; use 127.0.0.1, and a real Kubo or an \
         authenticating proxy for other machines"
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
}

impl Server {
    /// Binds a loopback address; port 0 takes a free one.
    pub async fn bind(store: Arc<Store>, addr: SocketAddr) -> Result<Self, ServeError> {
        if !addr.ip().is_loopback() {
            return Err(ServeError::NotLoopback(addr));
        }
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::PortInUse(addr),
            _ => ServeError::Io { addr, source },
        };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        Ok(Self { store, listener, addr })
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
        let Self { store, listener, addr } = self;
        tracing::info!(%addr, folder = %store.path().display(), "the store answers");
        let (stopping, stopped) = oneshot::channel();
        let signal = async move {
            shutdown.await;
            let _ = stopping.send(());
        };
        let grace = async move {
            // A dropped sender means that the server has ended by itself.
            if stopped.await.is_ok() {
                tokio::time::sleep(GRACE).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            ended = axum::serve(listener, router(store, addr.port())).with_graceful_shutdown(signal) => {
                ended.map_err(|source| ServeError::Io { addr, source })
            },
            () = grace => {
                tracing::warn!("requests that did not end in time were left behind");
                Ok(())
            },
        }
    }
}

/// [`Server::bind`] and [`Server::run`] in one.
pub async fn serve(
    store: Arc<Store>,
    addr: SocketAddr,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    Server::bind(store, addr).await?.run(shutdown).await
}

fn router(store: Arc<Store>, port: u16) -> Router {
    let api = Router::new()
        // Goes to disk as it comes; nothing but the disk limits it.
        .route("/add", post(add::add).layer(DefaultBodyLimit::disable()))
        .route("/block/put", post(blocks::put).layer(DefaultBodyLimit::max(blocks::PUT_LIMIT)))
        .route("/block/get", post(blocks::get))
        .route("/block/stat", post(blocks::stat))
        .route("/cat", post(cat::cat))
        .route("/pin/add", post(pins::add))
        .route("/pin/rm", post(pins::remove))
        .route("/pin/ls", post(pins::list))
        .route("/id", post(info::id))
        .route("/version", post(info::version))
        .route("/repo/stat", post(info::repo_stat))
        // What the client crate calls it; Kubo knows both names.
        .route("/stats/repo", post(info::repo_stat));
    Router::new()
        .nest("/api/v0", api)
        .fallback(gate::unknown)
        .layer(middleware::from_fn_with_state(port, gate::guard))
        .with_state(store)
}
