//! Content-addressed storage for models, updates and specifications.
//!
//! ```text
//!  worker, cli ──► Storage ──Kubo RPC──► a real Kubo, or
//!                  (client)              server ──► Store ──► <folder>/blocks, pins
//!                     └──────── unixfs, Block ────────┘
//! ```
//!
//! - [`unixfs`]: the canonical form of a file, and thereby the CID of any bytes, computed without a store.
//! - [`Storage`]: the client. What it returns has been checked against its CID and a size limit.
//! - [`Store`] and [`server`]: the embedded store and its facade of the Kubo RPC, for one machine and for small groups.
//!
//! It is no peer-to-peer node: a block that the embedded store lacks is missing, at once. Over the internet a real Kubo
//! takes its place; the client does not notice.

mod block;
mod client;
pub mod server;
mod store;
pub mod unixfs;

pub use block::{Block, CidError, MAX_BLOCK, parse_cid};
pub use client::{Added, Config, Error, Storage, StoreStat};
pub use decentralml_types::{Cid, Codec};
pub use store::{Batch, FileReader, Stat, Store, StoreError};
