//! Requests in the form in which today's Kubo and the embedded store take them.

use super::{
    form::Form,
    rpc::{Failure, Rpc, Terms},
};
use crate::{
    Block,
    unixfs::{CHUNK_SIZE, MAX_LINKS},
};
use decentralml_types::Codec;
use ipfs_api_backend_hyper::{
    request::{ApiRequest, BlockPut, PinAdd},
    response::{AddResponse, BlockPutResponse},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::{
    collections::HashMap,
    io::Read,
    sync::{Arc, atomic::AtomicU64},
};

/// `add` of one file in the canonical form. The crate's own does not know `max-file-links`, without which a Kubo with
/// default settings gives files above 174 chunks another form.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Add {
    cid_version: u8,
    hash: &'static str,
    chunker: String,
    raw_leaves: bool,
    max_file_links: usize,
    trickle: bool,
    inline: bool,
    wrap_with_directory: bool,
    only_hash: bool,
    pin: bool,
}

impl ApiRequest for Add {
    const PATH: &'static str = "/add";
}

/// Uploads, stores and pins what `reader` gives; `sent` counts its bytes.
pub(super) async fn add(
    rpc: &Rpc,
    reader: impl Read + Send + 'static,
    sent: Arc<AtomicU64>,
) -> Result<AddResponse, Failure> {
    let form = Form::reader("path", reader, sent);
    let request = Add {
        cid_version: 1,
        hash: "sha2-256",
        chunker: format!("size-{CHUNK_SIZE}"),
        raw_leaves: true,
        max_file_links: MAX_LINKS,
        trickle: false,
        inline: false,
        wrap_with_directory: false,
        only_hash: false,
        pin: true,
    };
    rpc.ask(Terms::Open, request, Some(form)).await
}

/// Stores one block, unpinned; returns what the server calls it.
pub(super) async fn put(rpc: &Rpc, block: &Block) -> Result<BlockPutResponse, Failure> {
    let form = Form::bytes("data", block.data().clone());
    let request = BlockPut {
        format: Some(match block.cid().codec {
            Codec::Raw => "raw",
            Codec::DagPb => "dag-pb",
        }),
        mhtype: Some("sha2-256"),
        mhlen: Some(32),
        pin: Some(false),
    };
    rpc.ask(Terms::Timed, request, Some(form)).await
}

/// Pins everything under a root. A server that is asked offline pins only what it has.
pub(super) async fn pin(rpc: &Rpc, terms: Terms, key: &str) -> Result<(), Failure> {
    let request = PinAdd { key, recursive: Some(true), progress: false };
    rpc.ask::<IgnoredAny>(terms, request, None).await.map(drop)
}

/// `pin/ls`. The crate's own cannot read what Kubo answers where nothing is pinned: `{}`.
#[derive(Serialize)]
struct PinLs {
    r#type: &'static str,
}

impl ApiRequest for PinLs {
    const PATH: &'static str = "/pin/ls";
}

#[derive(Deserialize)]
struct Pinned {
    #[serde(rename = "Keys", default)]
    keys: HashMap<String, IgnoredAny>,
}

/// The CIDs of the roots that are pinned with all that is under them.
pub(super) async fn pinned_roots(rpc: &Rpc) -> Result<Vec<String>, Failure> {
    let answer: Pinned = rpc.ask(Terms::Timed, PinLs { r#type: "recursive" }, None).await?;
    Ok(answer.keys.into_keys().collect())
}

/// `repo/stat`. The crate's own does not have the limit.
#[derive(Serialize)]
struct RepoStat {}

impl ApiRequest for RepoStat {
    const PATH: &'static str = "/repo/stat";
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stat {
    pub num_objects: u64,
    pub repo_size: u64,
    pub storage_max: u64,
    pub repo_path: String,
}

/// What the server's repository holds.
pub(super) async fn stat(rpc: &Rpc) -> Result<Stat, Failure> {
    rpc.ask(Terms::Timed, RepoStat {}, None).await
}
