//! The same against a real Kubo: what the client does with it, and whether the embedded store answers as it does.
//!
//! `scripts/kubo.sh` starts one and runs these tests; by hand:
//! `DECENTRALML_KUBO=http://127.0.0.1:5001 cargo test --release -p decentralml-storage --test kubo -- --ignored`.
//! Some need the program as well (`DECENTRALML_IPFS`) and the Kubo's repository (`IPFS_PATH`). They leave pinned files in that Kubo.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod command_line;
mod directories;
mod gateway;
mod pair;
mod parity;
mod parity_formats;
mod pins;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

const MIB: usize = 1 << 20;

/// Held for reading by tests that need a block which nothing pins, for writing by the one that collects.
static LOOSE: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

/// Kubo's options for the canonical form.
const CANONICAL: &str = "cid-version=1&raw-leaves=true&chunker=size-1048576&max-file-links=1024";

fn url() -> String {
    std::env::var("DECENTRALML_KUBO").expect("DECENTRALML_KUBO is the URL of a Kubo's RPC")
}

/// The repository of that Kubo, in which it says more about itself.
fn repository() -> PathBuf {
    std::env::var_os("IPFS_PATH").expect("IPFS_PATH is the repository of the Kubo").into()
}

/// The URL of its gateway.
fn gateway() -> String {
    fs::read_to_string(repository().join("gateway")).unwrap().trim().to_owned()
}

fn addr() -> SocketAddr {
    let url = url();
    let host = url.strip_prefix("http://").expect("http://host:port").trim_end_matches('/');
    host.to_socket_addrs().unwrap().next().unwrap()
}
