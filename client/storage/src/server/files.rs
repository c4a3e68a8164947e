//! `files/stat`: of Kubo's mutable file system only what it says of immutable paths.

use super::{
    answer::{Failure, json},
    ls::entity,
    params::Params,
    paths::{following, resolve},
};
use crate::{Store, unixfs::Kind};
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FileStat {
    hash: String,
    size: u64,
    cumulative_size: u64,
    blocks: usize,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
}

pub(super) async fn stat(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    // `hash`, `size` and `format` are for the command line, which picks from the answer.
    if params.flag("with-local")?.unwrap_or(false) {
        return Err(Failure::command("unsupported option with-local"));
    }
    let text = params.args().next().unwrap_or_default();
    if !text.is_empty() && !text.starts_with('/') {
        return Err(Failure::command("paths must start with a leading slash"));
    }
    if !text.is_empty() && !text.starts_with("/ipfs/") {
        return Err(Failure::command(format!(
            "file does not exist: {text} is not under /ipfs, and this store has no other files"
        )));
    }
    let path = params.path("path")?;
    let (cid, entity) = following(move || {
        let cid = resolve(&store, &path)?;
        Ok((cid, entity(&store, cid)?))
    })
    .await?;
    let (size, r#type, mode) = match entity.kind {
        Kind::File { size } => (size, "file", None),
        Kind::Directory | Kind::Sharded => (0, "directory", None),
        // Go's mode of a symbolic link, in octal digits.
        Kind::Symlink { target } => (target.len() as u64, "file", Some("1000000777")),
    };
    Ok(json(&FileStat {
        hash: cid.to_string(),
        size,
        cumulative_size: entity.dag_size,
        blocks: entity.links.len(),
        r#type,
        mode,
    }))
}
