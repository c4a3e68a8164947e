//! `id`, `version`, `repo/stat`.

use super::{
    answer::{Failure, blocking, json},
    params::Params,
};
use crate::Store;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Serialize;
use std::{
    env::consts::{ARCH, OS},
    sync::Arc,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Id {
    #[serde(rename = "ID")]
    id: &'static str,
    public_key: &'static str,
    addresses: [String; 0],
    agent_version: String,
    protocols: [String; 0],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    version: &'static str,
    commit: &'static str,
    repo: &'static str,
    system: String,
    golang: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RepoStat {
    repo_size: u64,
    storage_max: u64,
    num_objects: u64,
    repo_path: String,
    version: &'static str,
}

/// It is no peer: the ID, the key and the addresses are empty. The agent tells it from a Kubo.
pub(super) async fn id(Query(params): Query<Params>) -> Result<Response, Failure> {
    if let Some(peer) = params.args().next() {
        return Err(Failure::command(format!("this store has no peers: {peer} is not known")));
    }
    Ok(json(&Id {
        id: "",
        public_key: "",
        addresses: [],
        agent_version: format!("decentralml-storage/{VERSION}"),
        protocols: [],
    }))
}

pub(super) async fn version() -> Response {
    json(&Version {
        version: VERSION,
        commit: "",
        repo: "1",
        system: format!("{ARCH}/{OS}"),
        golang: "",
    })
}

pub(super) async fn repo_stat(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let size_only = params.flag("size-only")?.unwrap_or(false);
    let path = store.path().display().to_string();
    let stat = blocking(move || store.stat()).await?;
    // Without a limit, the disk is the only one.
    let (repo_size, storage_max) = (stat.bytes, stat.limit.unwrap_or(u64::MAX));
    let (num_objects, repo_path, version) = match size_only {
        true => (0, String::new(), ""),
        false => (stat.blocks, path, "decentralml-store@1"),
    };
    Ok(json(&RepoStat { repo_size, storage_max, num_objects, repo_path, version }))
}
