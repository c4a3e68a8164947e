//! `pin/add`, `pin/rm`, `pin/ls`.

use super::{
    answer::{Failure, blocking},
    params::Params,
};
use crate::{Store, StoreError};
use axum::{
    Json,
    extract::{Query, State},
};
use decentralml_types::Cid;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, sync::Arc};

pub(super) async fn add(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Json<Value>, Failure> {
    if params.flag("recursive")? == Some(false) {
        return Err(Failure::command("direct pins are not supported; pin recursively"));
    }
    let cids = params.some_cids("ipfs-path")?;
    let answer = pins(&cids);
    blocking(move || cids.iter().try_for_each(|cid| store.pin(cid))).await?;
    Ok(answer)
}

pub(super) async fn remove(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Json<Value>, Failure> {
    let cids = params.some_cids("ipfs-path")?;
    let answer = pins(&cids);
    blocking(move || cids.iter().try_for_each(|cid| store.unpin(cid))).await?;
    Ok(answer)
}

pub(super) async fn list(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Json<Value>, Failure> {
    let (recursive, indirect) = match params.get("type").unwrap_or("all") {
        "all" | "" => (true, true),
        "recursive" => (true, false),
        "indirect" => (false, true),
        // There are none.
        "direct" => (false, false),
        other => {
            return Err(Failure::command(format!(
                "invalid type '{other}', must be one of {{direct, indirect, recursive, all}}"
            )));
        }
    };
    let asked = params.cids()?;
    let mut keys = Map::new();
    for (cid, kind) in blocking(move || collect(&store, recursive, indirect, &asked)).await? {
        keys.insert(cid.to_string(), json!({ "Type": kind, "Name": "" }));
    }
    if keys.is_empty()
        && let Some(arg) = params.get("arg")
    {
        return Err(Failure::command(format!("path '{arg}' is not pinned")));
    }
    if keys.is_empty() {
        return Ok(Json(json!({})));
    }
    Ok(Json(json!({ "Keys": keys })))
}

fn collect(
    store: &Store,
    recursive: bool,
    indirect: bool,
    asked: &[Cid],
) -> Result<Vec<(Cid, &'static str)>, StoreError> {
    let wanted = |cid: &Cid| asked.is_empty() || asked.contains(cid);
    let roots: BTreeSet<Cid> = store.pins()?;
    let mut found = Vec::new();
    if recursive {
        found.extend(roots.iter().filter(|cid| wanted(cid)).map(|cid| (*cid, "recursive")));
    }
    if indirect {
        let below = store.reachable(roots.iter().copied())?;
        let below = below.into_iter().filter(|cid| wanted(cid) && !roots.contains(cid));
        found.extend(below.map(|cid| (cid, "indirect")));
    }
    Ok(found)
}

fn pins(cids: &[Cid]) -> Json<Value> {
    Json(json!({ "Pins": cids.iter().map(Cid::to_string).collect::<Vec<_>>() }))
}
