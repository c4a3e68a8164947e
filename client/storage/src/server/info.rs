//! `id`, `version`, `repo/stat`.

use super::answer::{Failure, blocking};
use crate::Store;
use axum::{Json, extract::State};
use serde_json::{Value, json};
use std::{
    env::consts::{ARCH, OS},
    sync::Arc,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// It is no peer: the ID, the key and the addresses are empty. The agent tells it from a Kubo.
pub(super) async fn id() -> Json<Value> {
    Json(json!({
        "ID": "",
        "PublicKey": "",
        "Addresses": [],
        "AgentVersion": format!("decentralml-storage/{VERSION}"),
        "Protocols": [],
    }))
}

pub(super) async fn version() -> Json<Value> {
    Json(json!({
        "Version": VERSION,
        "Commit": "",
        "Repo": "1",
        "System": format!("{ARCH}/{OS}"),
        "Golang": "",
    }))
}

pub(super) async fn repo_stat(State(store): State<Arc<Store>>) -> Result<Json<Value>, Failure> {
    let path = store.path().display().to_string();
    let stat = blocking(move || store.stat()).await?;
    Ok(Json(json!({
        "RepoSize": stat.bytes,
        // Nothing but the disk limits it.
        "StorageMax": u64::MAX,
        "NumObjects": stat.blocks,
        "RepoPath": path,
        "Version": "decentralml-store@1",
    })))
}
