//! A host: a gateway that also takes what the participants of a round hand to it, for those who cannot be reached themselves.
//!
//! ```text
//! GET  /ipfs/CID…        the gateway, see [`gateway`](crate::gateway)
//! GET  /uploads/CID      how much of it is here: 200, Upload-Offset, Upload-Complete, Upload-Limit, JSON
//! PUT  /uploads/CID      the rest of it, from Upload-Offset on: 201 it is kept, 200 it was, 202 there is more to come
//! ```
//!
//! **What is sent** is the DAG under CID as a CAR of version 1 with the one root CID, its blocks in the order of
//! [`Store::export_car`](crate::Store::export_car): depth first, in the order of the links, each once. That makes it one string
//! of bytes that both ends know how to count in. `Upload-Offset` is a number of these bytes, as in the resumable uploads of the
//! IETF (draft-ietf-httpbis-resumable-upload), and lies at 0 or at the end of a block; without the header it is 0. Who has
//! been cut off asks again and goes on from what the answer says, after a restart of either end too. `Upload-Complete` is `?1` or
//! `?0`, `Upload-Limit` is `max-size=BYTES`. One request at a time goes on with an upload. Another one waits for it, up to 20 seconds,
//! and ends it where its own statement holds longer, or where nothing has come for 5 seconds: that may be a connection that
//! only the host still believes in.
//!
//! **Who may** is said by a [`Statement`] that the sender signs, in a header of every request:
//! `Authorization: DecentralML STATEMENT.SIGNATURE`, both in base64url without padding, the statement in SCALE. It
//! names the chain, the task, the round, the account, the host's account, the CID, the size and a last block. Whether it
//! holds is for [`Admission`] to say. A statement that somebody else repeats can only bring the same bytes to the same host: it
//! ends no request that goes on, and nothing of a body is read once these are there.
//!
//! **What is kept** is pinned when the last block has come, under the label that the [`Admission`] gives, and stays until
//! [`Keeper::release`] of that label. Blocks are checked one by one as they come: each has to be the next of the DAG, before
//! it is read, and to have the hash of its CID. What has come before a cut is safe from collections until the host ends or the
//! label is released. What a process before this one had taken is so again from the first request about it; where there is no
//! room it goes before then, as all does that is neither pinned nor on its way.
//!
//! **Errors** are JSON, `{"error": KIND, "message": TEXT}`:
//!
//! | status | kind | |
//! | --- | --- | --- |
//! | 400 | `bad-request`, `malformed`, `mismatch`, `foreign-block` | no CID, no CAR, wrong bytes, another block than the next |
//! | 401 | `unauthorized` | no statement, or a signature that is not the account's |
//! | 403 | `denied`, `expired`, `another-update`, `released` | not in this round, too late, a fifth CID |
//! | 408 | `stalled` | less than [`STEP`] bytes in a [`HostLimits::step_timeout`] |
//! | 409 | `offset`, `superseded` | bytes from elsewhere on than `Upload-Offset` says, a newer request |
//! | 413 | `too-large`, `too-many-blocks` | more than stated or granted |
//! | 500 | `store` | |
//! | 503 | `busy`, `not-ready` | with `Retry-After` |
//! | 507 | `full` | |
//!
//! The client is [`HostClient`].

mod admission;
mod call;
mod desk;
mod fault;
mod hand;
mod parcel;
mod receive;
mod routes;
mod sections;
mod shelf;
mod statement;
mod upload;

pub use admission::{Admission, Grant, MAX_LABEL, Refusal};
pub use call::HostError;
pub use hand::{HandSettings, Handed, Handing, HostClient, Target};
pub use parcel::{Parcel, ParcelError};
#[doc(hidden)]
pub use sections::taken;
pub use statement::{Authorization, AuthorizationError, Statement};

use crate::{
    Store, StoreError, car::before_block, gateway, server::ServeError, unixfs::CHUNK_SIZE,
};
use decentralml_types::Cid;
use desk::Desk;
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::net::TcpListener;

/// Bytes that have to move in every [`HostLimits::step_timeout`], or as many as are left.
pub const STEP: u64 = 512 << 10;

/// Different CIDs that one account may hand over in a round: an update, and a better one, and of a sealed one the keys for each of
/// two committees.
pub const MAX_UPDATES: usize = 4;

/// Most links of an upload that are to be followed at a time.
const MAX_PENDING: usize = 1 << 14;

/// What a host does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// Of all connections, and of requests to the gateway.
    pub gateway: gateway::Limits,
    /// Uploads that are under way; others get status 503. Each takes some 10 MiB of memory.
    pub uploads: usize,
    /// Requests of which it is being found out whether they are admitted; others get status 503.
    pub admissions: usize,
    /// Longest wait for that.
    pub admission_timeout: Duration,
    /// Longest time for [`STEP`] bytes of an upload. Time that the store takes is not counted.
    pub step_timeout: Duration,
    /// Uploads that are remembered. Of those that nothing has been heard of for longest the beginning is given up then.
    pub remembered: usize,
}

impl Default for HostLimits {
    fn default() -> Self {
        let gateway = gateway::Limits { connections_per_address: 64, ..gateway::Limits::default() };
        Self {
            gateway,
            uploads: 32,
            admissions: 64,
            admission_timeout: Duration::from_secs(10),
            step_timeout: Duration::from_secs(30),
            remembered: 1024,
        }
    }
}

/// A host that listens and does not answer yet.
#[derive(Debug)]
pub struct Host {
    listener: TcpListener,
    addr: SocketAddr,
    limits: HostLimits,
    desk: Arc<Desk>,
}

/// What to do with what a host keeps. Clones are cheap, and it works while the host runs and before. All methods block.
#[derive(Clone, Debug)]
pub struct Keeper {
    desk: Arc<Desk>,
}

impl Host {
    /// Binds an address; port 0 takes a free one. Everyone who reaches it can read what is in the store, and those whom
    /// `admission` lets in can write into it.
    pub async fn bind(
        store: Arc<Store>,
        addr: SocketAddr,
        admission: impl Admission,
        limits: HostLimits,
    ) -> Result<Self, ServeError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::PortInUse(addr),
            _ => ServeError::Io { addr, source },
        };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let desk = Arc::new(Desk::new(store, limits, Box::new(admission)));
        Ok(Self { listener, addr, limits, desk })
    }

    /// The address that it got.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL that clients connect to, from this machine.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What it keeps.
    pub fn keeper(&self) -> Keeper {
        Keeper { desk: self.desk.clone() }
    }

    /// Answers until `shutdown` is ready; then takes no more requests and gives those in flight 10 seconds.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) {
        let Self { listener, addr, limits, desk } = self;
        let store = desk.store().clone();
        tracing::info!(%addr, folder = %store.path().display(), "the host answers");
        let router = routes::router(desk).fallback_service(gateway::router(store, limits.gateway));
        gateway::serve(listener, router, limits.gateway, shutdown).await;
    }
}

impl Keeper {
    /// Lets go of everything under a label, also of what is on its way; returns how many pins were removed. The blocks go with
    /// the next [`Store::gc`].
    pub fn release(&self, label: &str) -> Result<usize, StoreError> {
        self.desk.release(label)
    }

    /// What is kept, with its labels.
    pub fn kept(&self) -> Result<BTreeMap<Cid, BTreeSet<String>>, StoreError> {
        self.desk.shelf().kept()
    }

    /// The labels there are, also those under which nothing is complete.
    pub fn labels(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut labels = self.desk.labels();
        labels.extend(self.kept()?.into_values().flatten());
        Ok(labels)
    }
}

/// Bytes that the CAR of a file of `file_bytes` in its canonical form has at most: for a [`Grant`] where the limit is one of
/// files.
pub fn largest_car(file_bytes: u64) -> u64 {
    /// A block's length and CID.
    const FRAME: u64 = 40;
    /// What a node says of a block below it: CID, two sizes, the tags around them.
    const LINK: u64 = 64;
    /// What a node has beside its links, and a CAR beside its blocks.
    const NODE: u64 = 64;
    let leaves = file_bytes.div_ceil(CHUNK_SIZE as u64);
    let nodes = leaves / 512 + 4;
    leaves
        .saturating_add(nodes)
        .saturating_mul(FRAME + LINK)
        .saturating_add(nodes * NODE + NODE)
        .saturating_add(file_bytes)
}

/// Most blocks of a CAR of `bytes` bytes: what is remembered of each would otherwise be without a limit.
fn most_blocks(bytes: u64) -> u64 {
    64 + bytes / (64 << 10)
}

/// Bytes that a block has in a CAR.
fn section_length(cid: &crate::WrittenCid, block: usize) -> u64 {
    (before_block(cid, block).len() + block) as u64
}
