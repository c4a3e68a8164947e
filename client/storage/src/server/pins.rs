//! `pin/add`, `pin/rm`, `pin/ls`, `pin/verify`.
//!
//! CIDs that are asked about are answered as they were written. Of others nothing is known but the block that they name, so
//! that lists have version 1 where Kubo has the one that was pinned.

mod keys;
mod verify;

use super::{
    answer::{Failure, blocking, emitted, json, json_lines},
    params::Params,
};
use crate::{Store, StoreError, WrittenCid, store::check_name};
use axum::{
    extract::{Query, State},
    response::Response,
};
use decentralml_types::Cid;
use keys::{Key, Keys};
use serde::Serialize;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};
pub(super) use verify::verify;

const RECURSIVE: &str = "recursive";
const INDIRECT: &str = "indirect";

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

/// A line of a list that is streamed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    cid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    r#type: Cow<'static, str>,
}

/// A pinned block.
struct Pinned {
    cid: WrittenCid,
    kind: Cow<'static, str>,
    name: String,
}

impl Pinned {
    /// As a line of a list that is streamed.
    fn entry(self) -> Entry {
        Entry { cid: self.cid.to_string(), name: self.name, r#type: self.kind }
    }
}

pub(super) async fn add(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let name = name(&params)?;
    if params.flag("recursive")? == Some(false) {
        return Err(Failure::command("direct pins are not supported; pin recursively"));
    }
    let progress = params.flag("progress")?.unwrap_or(false);
    let cids = params.some_cids("ipfs-path")?;
    let answer = pins(&cids);
    blocking(move || cids.iter().try_for_each(|cid| store.pin_named(&cid.cid(), &name)))
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
        let root = cid.cid();
        let pinned =
            move || if store.is_pinned(&root) { Ok(()) } else { Err(StoreError::NotPinned(root)) };
        blocking(pinned).await?;
        return Err(Failure::command(format!("{cid} is pinned recursively")));
    }
    let answer = pins(&cids);
    blocking(move || cids.iter().try_for_each(|cid| store.unpin(&cid.cid()))).await?;
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
    let sought = name(&params)?;
    // Who asks for a name sees the names.
    let with_names = params.flag("names")?.unwrap_or(false) || !sought.is_empty();
    let shown = move |pinned: Pinned| match with_names {
        true => pinned,
        false => Pinned { name: String::new(), ..pinned },
    };
    let asked = params.cids()?;
    if asked.is_empty() && stream {
        return emitted::<Entry>(move |emit| {
            all(&store, kinds, &sought, |pinned| emit(&shown(pinned).entry()))?;
            Ok(())
        })
        .await;
    }
    if asked.is_empty() {
        let listed = move || {
            let mut keys = Keys::default();
            all(&store, kinds, &sought, |pinned| {
                let Pinned { cid, kind, name } = shown(pinned);
                keys.push(cid.cid(), kind == RECURSIVE, name);
                true
            })?;
            Ok(keys.pieces())
        };
        return Ok(keys::answer(blocking(listed).await?));
    }
    let key = |Pinned { cid, kind, name }| (cid.to_string(), Key { r#type: kind, name });
    // Kubo, too, takes no notice of the name when it is asked about single ones.
    let answers = blocking(move || kinds_of(&store, kinds, asked)).await?;
    let is_pinned = |(arg, pinned): (&str, Option<Pinned>)| {
        pinned.map(shown).ok_or_else(|| Failure::command(format!("path '{arg}' is not pinned")))
    };
    let found = params.args().zip(answers).map(is_pinned).collect::<Result<Vec<_>, _>>()?;
    if stream {
        return json_lines(&found.into_iter().map(Pinned::entry).collect::<Vec<_>>());
    }
    Ok(json(&Listed { keys: found.into_iter().map(key).collect() }))
}

/// The name of a pin that is made or looked for; empty where none is given.
fn name(params: &Params) -> Result<String, Failure> {
    let name = params.get("name")?.unwrap_or_default();
    check_name(name)?;
    Ok(name.to_owned())
}

/// Which kinds of pins are asked for.
#[derive(Clone, Copy)]
struct Kinds {
    recursive: bool,
    indirect: bool,
}

/// Tells of every pinned block with the kind of its pin, or of those whose pin's name has `sought` in it, as long as `tell` wants to
/// know. A root is no indirect pin, also where it is under another one, and indirect pins have no name.
fn all(
    store: &Store,
    kinds: Kinds,
    sought: &str,
    mut tell: impl FnMut(Pinned) -> bool,
) -> Result<(), StoreError> {
    let roots = store.named_pins()?;
    if kinds.indirect && sought.is_empty() {
        let mut told = HashSet::new();
        for root in roots.keys() {
            let below = under(store, root)?.into_iter();
            for cid in below.filter(|cid| !roots.contains_key(cid) && told.insert(*cid)) {
                if !tell(Pinned { cid: cid.into(), kind: INDIRECT.into(), name: String::new() }) {
                    return Ok(());
                }
            }
        }
    }
    if kinds.recursive {
        for (cid, name) in roots.into_iter().filter(|(_, name)| name.contains(sought)) {
            if !tell(Pinned { cid: cid.into(), kind: RECURSIVE.into(), name }) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The kind of pin of each that is asked for, and through which root it is pinned; `None` for what is not.
fn kinds_of(
    store: &Store,
    kinds: Kinds,
    asked: Vec<WrittenCid>,
) -> Result<Vec<Option<Pinned>>, StoreError> {
    let roots = store.named_pins()?;
    let is_root = |cid: &Cid| kinds.recursive && roots.contains_key(cid);
    let mut through = HashMap::new();
    let mut sought: HashSet<Cid> = match kinds.indirect {
        true => asked.iter().map(WrittenCid::cid).filter(|cid| !is_root(cid)).collect(),
        false => HashSet::new(),
    };
    for root in roots.keys() {
        // What is pinned may be far more than what is asked for.
        if sought.is_empty() {
            break;
        }
        for cid in under(store, root)?.into_iter().filter(|cid| cid != root) {
            if sought.remove(&cid) {
                through.insert(cid, *root);
            }
        }
    }
    let pinned = |cid: WrittenCid| match (roots.get(&cid.cid()), through.get(&cid.cid())) {
        (Some(name), _) if is_root(&cid.cid()) => {
            Some(Pinned { cid, kind: RECURSIVE.into(), name: name.clone() })
        }
        (_, Some(root)) => {
            let kind = format!("{INDIRECT} through {root}").into();
            Some(Pinned { cid, kind, name: String::new() })
        }
        _ => None,
    };
    Ok(asked.into_iter().map(pinned).collect())
}

/// Everything under a pinned root, which may be unpinned and collected meanwhile: then there is nothing.
fn under(store: &Store, root: &Cid) -> Result<HashSet<Cid>, StoreError> {
    match store.reachable([*root]) {
        Err(_) if !store.is_pinned(root) => Ok(HashSet::new()),
        reached => reached,
    }
}

fn pins(cids: &[WrittenCid]) -> Pins {
    Pins { pins: cids.iter().map(WrittenCid::to_string).collect() }
}
