//! `block/put`, `block/get`, `block/stat`.

use super::{
    answer::{Failure, blocking, json_lines},
    params::Params,
};
use crate::{Block, MAX_BLOCK, Store, StoreError};
use axum::{
    Json,
    extract::{
        Multipart, Query, State,
        multipart::{MultipartError, MultipartRejection},
    },
    http::header,
    response::{IntoResponse, Response},
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

impl From<&Block> for BlockStat {
    fn from(block: &Block) -> Self {
        Self { key: block.cid().to_string(), size: block.data().len() }
    }
}

pub(super) async fn put(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let codec = codec(&params)?;
    let pin = params.flag("pin")?.unwrap_or(false);
    let mut form = form.map_err(|_| missing_file())?;
    let mut answers = Vec::new();
    while let Some(field) = form.next_field().await.map_err(too_large)? {
        let data = field.bytes().await.map_err(too_large)?;
        if data.len() > MAX_BLOCK {
            return Err(StoreError::BlockTooLarge(data.len()).into());
        }
        let store = store.clone();
        let stored = blocking(move || {
            let block = Block::new(codec, data);
            store.put(&block)?;
            if pin {
                store.pin(&block.cid())?;
            }
            Ok(BlockStat::from(&block))
        });
        answers.push(stored.await?);
    }
    if answers.is_empty() {
        return Err(missing_file());
    }
    json_lines(&answers)
}

pub(super) async fn get(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let cid = params.cid("cid")?;
    let block = blocking(move || store.get(&cid)).await?;
    let data = block.data().clone();
    let headers =
        [(header::CONTENT_TYPE.as_str(), "application/vnd.ipld.raw"), ("x-stream-output", "1")];
    Ok((headers, data).into_response())
}

pub(super) async fn stat(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let cid = params.cid("cid")?;
    let block = blocking(move || store.get(&cid)).await?;
    Ok(Json(BlockStat::from(&block)).into_response())
}

/// From `cid-codec` or its deprecated older brother `format`; raw by default.
fn codec(params: &Params) -> Result<Codec, Failure> {
    if let Some(hash) = params.get("mhtype").filter(|hash| *hash != "sha2-256") {
        return Err(Failure::command(format!(
            "unsupported hash {hash}: this store takes sha2-256 only"
        )));
    }
    if let Some(length) = params.get("mhlen").filter(|length| !matches!(*length, "32" | "-1")) {
        return Err(Failure::command(format!(
            "unsupported hash length {length}: sha2-256 has 32 bytes"
        )));
    }
    match params.get("format").or_else(|| params.get("cid-codec")) {
        None | Some("raw" | "") => Ok(Codec::Raw),
        Some("dag-pb" | "protobuf") => Ok(Codec::DagPb),
        Some(other) => Err(Failure::command(format!(
            "unsupported codec {other}: this store takes raw and dag-pb"
        ))),
    }
}

fn too_large(error: MultipartError) -> Failure {
    Failure::command(format!(
        "the block could not be read, it may have at most {MAX_BLOCK} bytes: {}",
        error.body_text()
    ))
}

fn missing_file() -> Failure {
    Failure::request("file argument 'data' is required")
}
