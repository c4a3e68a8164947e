//! Content-addressed storage for models, updates and specifications.
//!
//! ```text
//!  worker, cli ──► Storage ──Kubo RPC──► a real Kubo, or
//!                  (client)              server ──► Store ──► <folder>/blocks, pins
//!                     └──────── unixfs, Block ────────┘
//! ```
//!
//! - [`unixfs`]: the canonical form of a file, and thereby the CID of any bytes, computed without a store.
//! - [`car`]: DAGs as streams of checked blocks, into and out of a store.
//! - [`Storage`]: the client. What it returns has been checked against its CID and a size limit.
//! - [`Store`] and [`server`]: the embedded store and its facade of the Kubo RPC, for one machine and for small groups.
//! - [`gateway`]: the store for everyone to read from, over HTTP.
//! - [`host`]: a gateway that also takes what the participants of a round hand to it, and the client for that.
//! - [`seal`]: files that only some may read, whoever stores them.
//!
//! It is no peer-to-peer node: a block that the embedded store lacks is missing, at once. Over the internet a real Kubo
//! takes its place; the client does not notice.

mod block;
mod buffer;
pub mod car;
mod client;
#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)]
#[path = "../tests/support/clock.rs"]
mod clock;
pub mod gateway;
pub mod host;
mod outgoing;
mod pace;
pub mod seal;
pub mod server;
mod store;
pub mod unixfs;
mod written;

pub use block::{Block, CidError, MAX_BLOCK, parse_cid};
pub use client::{
    Added, BrokenPin, Checked, Config, Download, Error, Progress, SourceUrl, SourceUrlError,
    Storage, StoreStat, StoreToken, StoreTokenError, unfinished,
};
pub use decentralml_types::{Cid, Codec};
pub use store::{
    Batch, Collected, FileReader, Hold, Lease, MAX_PIN_NAME, Removal, Stat, Store, StoreError,
    StoreOptions, Verified,
};
pub use written::WrittenCid;
