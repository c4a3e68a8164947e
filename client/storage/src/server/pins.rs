//! `pin/add`, `pin/rm`, `pin/ls`.

use super::{
    answer::{Failure, blocking, json, json_lines},
    params::Params,
};
use crate::{Store, StoreError};
use axum::{
    extract::{Query, State},
    response::Response,
};
use decentralml_types::Cid;
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pins {
    pins: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    keys: BTreeMap<String, Key>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    r#type: String,
    /// Pins have none here.
    name: &'static str,
}

/// A line of a list that is streamed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    cid: String,
    r#type: String,
}

pub(super) async fn add(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    params.without("name")?;
    if params.flag("recursive")? == Some(false) {
        return Err(Failure::command("direct pins are not supported; pin recursively"));
    }
    let progress = params.flag("progress")?.unwrap_or(false);
    let cids = params.some_cids("ipfs-path")?;
    let answer = pins(&cids);
    blocking(move || cids.iter().try_for_each(|cid| store.pin(cid)))
        .await
        .map_err(|error| error.of("pin"))?;
    // A stream whose last line is the answer. The lines before it say how much came from peers: nothing does here.
    if progress { json_lines(&[answer]) } else { Ok(json(&answer)) }
}

pub(super) async fn remove(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let recursive = params.flag("recursive")?.unwrap_or(true);
    let cids = params.some_cids("ipfs-path")?;
    if !recursive && let Some(cid) = cids.first().copied() {
        let pinned =
            move || if store.is_pinned(&cid) { Ok(()) } else { Err(StoreError::NotPinned(cid)) };
        blocking(pinned).await?;
        return Err(Failure::command(format!("{cid} is pinned recursively")));
    }
    let answer = pins(&cids);
    blocking(move || cids.iter().try_for_each(|cid| store.unpin(cid))).await?;
    Ok(json(&answer))
}

pub(super) async fn list(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let kinds = match params.get("type")?.unwrap_or("all") {
        "all" => Kinds { recursive: true, indirect: true },
        "recursive" => Kinds { recursive: true, indirect: false },
        "indirect" => Kinds { recursive: false, indirect: true },
        // There are none.
        "direct" => Kinds { recursive: false, indirect: false },
        other => {
            return Err(Failure::command(format!(
                "invalid type '{other}', must be one of {{direct, indirect, recursive, all}}"
            )));
        }
    };
    let stream = params.flag("stream")?.unwrap_or(false);
    let named = params.get("name")?.is_some_and(|name| !name.is_empty());
    let asked = params.cids()?;
    let mut found = Vec::new();
    if asked.is_empty() {
        // No pin has a name, so none has the one that is looked for.
        if !named {
            found = blocking(move || all(&store, kinds)).await?;
        }
    } else {
        let kinds = blocking(move || kinds_of(&store, kinds, asked)).await?;
        for (arg, (cid, kind)) in params.args().zip(kinds) {
            let kind =
                kind.ok_or_else(|| Failure::command(format!("path '{arg}' is not pinned")))?;
            found.push((cid, kind));
        }
    }
    let found = found.into_iter().map(|(cid, kind)| (cid.to_string(), kind));
    if stream {
        let entries: Vec<_> = found.map(|(cid, kind)| Entry { cid, r#type: kind }).collect();
        return json_lines(&entries);
    }
    let keys = found.map(|(cid, kind)| (cid, Key { r#type: kind, name: "" })).collect();
    Ok(json(&Listed { keys }))
}

/// Which kinds of pins are asked for.
#[derive(Clone, Copy)]
struct Kinds {
    recursive: bool,
    indirect: bool,
}

/// Every pinned block with the kind of its pin. A root is no indirect pin, also where it is under another one.
fn all(store: &Store, kinds: Kinds) -> Result<Vec<(Cid, String)>, StoreError> {
    let roots = store.pins()?;
    let mut found = Vec::new();
    if kinds.recursive {
        found.extend(roots.iter().map(|root| (*root, "recursive".to_owned())));
    }
    if kinds.indirect {
        let below = store.reachable(roots.iter().copied())?;
        let below = below.into_iter().filter(|cid| !roots.contains(cid));
        found.extend(below.map(|cid| (cid, "indirect".to_owned())));
    }
    Ok(found)
}

/// The kind of pin of each that is asked for, and through which root it is pinned; `None` for what is not.
fn kinds_of(
    store: &Store,
    kinds: Kinds,
    asked: Vec<Cid>,
) -> Result<Vec<(Cid, Option<String>)>, StoreError> {
    let roots = store.pins()?;
    let is_root = |cid: &Cid| kinds.recursive && roots.contains(cid);
    let mut through = HashMap::new();
    let mut sought: HashSet<Cid> = match kinds.indirect {
        true => asked.iter().filter(|cid| !is_root(cid)).copied().collect(),
        false => HashSet::new(),
    };
    for root in &roots {
        // What is pinned may be far more than what is asked for.
        if sought.is_empty() {
            break;
        }
        for cid in store.reachable([*root])?.into_iter().filter(|cid| cid != root) {
            if sought.remove(&cid) {
                through.insert(cid, *root);
            }
        }
    }
    let kind = |cid: Cid| match through.get(&cid) {
        _ if is_root(&cid) => Some("recursive".to_owned()),
        root => root.map(|root| format!("indirect through {root}")),
    };
    Ok(asked.into_iter().map(|cid| (cid, kind(cid))).collect())
}

fn pins(cids: &[Cid]) -> Pins {
    Pins { pins: cids.iter().map(Cid::to_string).collect() }
}
