//! `block/put`, `block/get`, `block/stat`, `block/rm`.

use super::{
    answer::{CHUNKS_OF_BYTES, Failure, blocking, json, json_lines, streamed},
    params::Params,
};
use crate::{Block, MAX_BLOCK, Removal, Store, StoreError, WrittenCid};
use axum::{
    extract::{
        Multipart, Query, State,
        multipart::{MultipartError, MultipartRejection},
    },
    response::Response,
};
use decentralml_types::Codec;
use serde::Serialize;
use std::sync::Arc;

/// Bytes of a `block/put` body: one block and the multipart frame around it.
pub(super) const PUT_LIMIT: usize = MAX_BLOCK + (64 << 10);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BlockStat {
    key: String,
    size: usize,
}

/// What became of a block that was to be removed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RemovedBlock {
    hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl BlockStat {
    /// Of a block under the name that it was asked for by.
    fn new(cid: WrittenCid, block: &Block) -> Self {
        Self { key: cid.to_string(), size: block.data().len() }
    }
}

pub(super) async fn put(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let codec = codec(&params)?;
    let pin = params.flag("pin")?.unwrap_or(false);
    let mut form = form.map_err(|_| Failure::request("file argument 'data' is required"))?;
    let mut answers = Vec::new();
    while let Some(field) = form.next_field().await.map_err(too_large)? {
        let data = field.bytes().await.map_err(too_large)?;
        if data.len() > MAX_BLOCK {
            return Err(StoreError::BlockTooLarge(data.len()).into());
        }
        let store = store.clone();
        let stored = blocking(move || {
            let block = Block::new(codec, data);
            let mut batch = store.batch();
            batch.put(&block)?;
            let hold = batch.commit()?;
            if pin {
                store.pin(&block.cid())?;
            }
            drop(hold);
            Ok(BlockStat::new(block.cid().into(), &block))
        });
        answers.push(stored.await?);
    }
    json_lines(&answers)
}

pub(super) async fn get(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let cid = params.cid("cid")?;
    let block = blocking(move || store.get(&cid.cid())).await?;
    Ok(streamed("application/vnd.ipld.raw", CHUNKS_OF_BYTES, block.data().clone()))
}

pub(super) async fn stat(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let cid = params.cid("cid")?;
    let block = blocking(move || store.get(&cid.cid())).await?;
    Ok(json(&BlockStat::new(cid, &block)))
}

/// Errors stand in the lines, beside the block that they are about; the status is 200 all the same.
pub(super) async fn remove(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let force = params.flag("force")?.unwrap_or(false);
    let quiet = params.flag("quiet")?.unwrap_or(false);
    let cids = params.some_cids("cid")?;
    let asked: Vec<_> = cids.iter().map(WrittenCid::cid).collect();
    let removals = blocking(move || store.remove(&asked)).await?;
    let line = |(cid, removal): (&WrittenCid, Removal)| {
        let error = match removal {
            Removal::Removed => None,
            Removal::Missing if force => None,
            Removal::Missing => Some(format!("ipld: could not find {cid}")),
            Removal::Pinned => Some("pinned: recursive".into()),
            Removal::PinnedVia(root) => Some(format!("pinned via {root}")),
            Removal::InUse => Some("in use: something that needs it is being added or read".into()),
        };
        RemovedBlock { hash: cid.to_string(), error }
    };
    let lines = cids.iter().zip(removals).map(line);
    json_lines(&lines.filter(|line| !quiet || line.error.is_some()).collect::<Vec<_>>())
}

/// From `cid-codec` or its deprecated older brother `format`, which know some codecs by other names; raw by default.
fn codec(params: &Params) -> Result<Codec, Failure> {
    if let Some(hash) = params.get("mhtype")?.filter(|hash| !matches!(*hash, "sha2-256" | "")) {
        return Err(Failure::command(format!(
            "unsupported hash {hash}: this store takes sha2-256 only"
        )));
    }
    if let Some(length) = params.int("mhlen")?.filter(|length| !matches!(length, 32 | -1)) {
        return Err(Failure::command(format!(
            "unsupported hash length {length}: sha2-256 has 32 bytes"
        )));
    }
    let (format, codec) = (params.get("format")?, params.get("cid-codec")?);
    match (format.unwrap_or_default(), codec.unwrap_or_default()) {
        ("", "raw" | "") | ("raw", "raw" | "") => Ok(Codec::Raw),
        ("", "dag-pb") | ("dag-pb" | "protobuf", "raw" | "") => Ok(Codec::DagPb),
        ("", other) | (other, "raw" | "") => Err(Failure::command(format!(
            "unsupported codec {other}: this store takes raw and dag-pb"
        ))),
        _ => Err(Failure::command(
            "unable to use \"format\" (deprecated) and a custom \"cid-codec\" at the same time",
        )),
    }
}

fn too_large(error: MultipartError) -> Failure {
    Failure::command(format!(
        "the block could not be read, it may have at most {MAX_BLOCK} bytes: {}",
        error.body_text()
    ))
}
