//! `ls`: what is in a directory, or of which parts a file is made.

use super::{
    answer::{Failure, emitted, json},
    params::Params,
    paths::{following, resolve_all},
};
use crate::{
    Store, StoreError, WrittenCid,
    unixfs::{Entity, Kind, Link},
};
use axum::{
    extract::{Query, State},
    response::Response,
};
use decentralml_types::Codec;
use serde::Serialize;
use std::sync::Arc;

/// Most entries of an answer that is not streamed.
const MAX_ENTRIES: usize = 1 << 18;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    objects: Vec<Object>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    /// What was asked about, as it was written.
    hash: String,
    links: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    name: String,
    hash: String,
    size: u64,
    r#type: u8,
    target: String,
    /// Of modes and times nothing is kept: what Kubo writes for none.
    mode: u32,
    mod_time: &'static str,
}

pub(super) async fn ls(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let types = params.flag("resolve-type")?.unwrap_or(true);
    // Kubo looks at the entries when it is asked for either.
    let look = params.flag("size")?.unwrap_or(true) || types;
    let stream = params.flag("stream")?.unwrap_or(false);
    let paths = params.some_paths("ipfs-path")?;
    let asked: Vec<String> = params.args().map(str::to_owned).collect();
    let roots = resolve_all(&store, paths).await?;
    if stream {
        return emitted::<Listing>(move |emit| {
            for (hash, root) in asked.into_iter().zip(roots) {
                for link in links(&store, root)? {
                    let links = vec![entry(&store, link, look)?];
                    if !emit(&Listing { objects: vec![Object { hash: hash.clone(), links }] }) {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })
        .await;
    }
    let objects = following(move || {
        let mut left = MAX_ENTRIES;
        let mut objects = Vec::with_capacity(roots.len());
        for (hash, root) in asked.into_iter().zip(roots) {
            let links = links(&store, root)?;
            left = left.checked_sub(links.len()).ok_or_else(|| {
                Failure::command(format!("more than {MAX_ENTRIES} entries: ask with stream=true"))
            })?;
            let links = links.into_iter().map(|link| entry(&store, link, look));
            objects.push(Object { hash, links: links.collect::<Result<_, _>>()? });
        }
        Ok(objects)
    });
    Ok(json(&Listing { objects: objects.await? }))
}

fn links(store: &Store, root: WrittenCid) -> Result<Vec<Link>, StoreError> {
    let Entity { kind, links, .. } = entity(store, root)?;
    match kind {
        Kind::Sharded => Err(StoreError::Node {
            cid: root.cid(),
            source: crate::unixfs::NodeError::NotAFile(
                "a HAMT-sharded directory, whose entries are not listed",
            ),
        }),
        _ => Ok(links),
    }
}

pub(super) fn entity(store: &Store, cid: WrittenCid) -> Result<Entity, StoreError> {
    let block = store.get(&cid.cid())?;
    Entity::decode(&block).map_err(|source| StoreError::Node { cid: cid.cid(), source })
}

/// An entry, with its kind and size if it is looked at. What a raw block is, its link says.
fn entry(store: &Store, link: Link, look: bool) -> Result<Entry, StoreError> {
    let kind = match link.cid.cid().codec {
        Codec::Raw => Some(Kind::File { size: link.dag_size }),
        Codec::DagPb if !look => None,
        Codec::DagPb => Some(entity(store, link.cid)?.kind),
    };
    let (r#type, size, target) = match kind {
        None => (0, 0, String::new()),
        Some(Kind::Directory | Kind::Sharded) => (1, 0, String::new()),
        Some(Kind::File { size }) => (2, size, String::new()),
        Some(Kind::Symlink { target }) => {
            (4, target.len() as u64, String::from_utf8_lossy(&target).into_owned())
        }
    };
    let hash = link.cid.to_string();
    Ok(Entry {
        name: link.name,
        hash,
        size,
        r#type,
        target,
        mode: 0,
        mod_time: "0001-01-01T00:00:00Z",
    })
}
