//! `add`: multipart parts to files.

use super::{
    answer::{Failure, json_lines},
    params::Params,
};
use crate::{
    Store, StoreError,
    unixfs::{CHUNK_SIZE, Imported, MAX_LINKS, import},
};
use axum::{
    extract::{
        Multipart, Query, State,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    response::Response,
};
use bytes::{Buf, Bytes};
use serde::Serialize;
use std::{
    io::{self, ErrorKind, Read},
    sync::Arc,
};
use tokio::{sync::mpsc, task::spawn_blocking};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Added {
    name: String,
    hash: String,
    size: String,
}

#[derive(Clone, Copy)]
struct Options {
    pin: bool,
    only_hash: bool,
}

pub(super) async fn add(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let options = options(&params)?;
    let mut form = form.map_err(|_| missing_file())?;
    let mut added = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.content_type() == Some("application/x-directory") {
            return Err(Failure::command(
                "directories are not supported; add the files one by one",
            ));
        }
        let name = field.file_name().map(str::to_owned);
        let imported = add_field(store.clone(), field, options).await?;
        let hash = imported.cid.to_string();
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| hash.clone());
        added.push(Added { name, hash, size: imported.dag_size.to_string() });
    }
    if added.is_empty() {
        return Err(missing_file());
    }
    json_lines(&added)
}

/// Another form than the canonical one is refused, not silently replaced by it.
fn options(params: &Params) -> Result<Options, Failure> {
    let unsupported = |option: &str| {
        Err(Failure::command(format!(
            "unsupported option {option}: this store makes CIDv1, sha2-256, raw leaves and chunks of {CHUNK_SIZE} bytes only"
        )))
    };
    for flag in
        ["trickle", "wrap-with-directory", "inline", "nocopy", "preserve-mode", "preserve-mtime"]
    {
        if params.flag(flag)? == Some(true) {
            return unsupported(flag);
        }
    }
    if params.flag("raw-leaves")? == Some(false) {
        return unsupported("raw-leaves=false");
    }
    let (chunker, links) = (format!("size-{CHUNK_SIZE}"), MAX_LINKS.to_string());
    for (option, only) in [
        ("cid-version", "1"),
        ("chunker", chunker.as_str()),
        ("hash", "sha2-256"),
        ("max-file-links", links.as_str()),
    ] {
        if let Some(other) = params.get(option).filter(|value| *value != only) {
            return unsupported(&format!("{option}={other}"));
        }
    }
    if params.get("to-files").is_some() {
        return unsupported("to-files");
    }
    Ok(Options {
        pin: params.flag("pin")?.unwrap_or(true),
        only_hash: params.flag("only-hash")?.unwrap_or(false),
    })
}

async fn add_field(
    store: Arc<Store>,
    mut field: Field<'_>,
    Options { pin, only_hash }: Options,
) -> Result<Imported, Failure> {
    let (pieces, incoming) = mpsc::channel(16);
    let reader = Incoming { pieces: incoming, current: Bytes::new(), ended: false };
    let writer = spawn_blocking(move || match only_hash {
        true => import(reader, |_| Ok::<(), StoreError>(())),
        false => store.add(reader, pin),
    });
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        // A writer that has failed reads no more. What is still coming is taken and dropped, since a client reads the
        // error only after it has sent everything.
        let _ = pieces.send(Some(piece)).await;
    }
    let _ = pieces.send(None).await;
    writer
        .await
        .map_err(|e| Failure::command(format!("the store failed: {e}")))?
        .map_err(Failure::from)
}

fn broken(error: MultipartError) -> Failure {
    Failure::request(format!("the upload is broken: {}", error.body_text()))
}

/// The body as a blocking reader. `None` is its end; a channel that closes without it is an upload that was cut off.
struct Incoming {
    pieces: mpsc::Receiver<Option<Bytes>>,
    current: Bytes,
    ended: bool,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.current = piece,
                Some(None) => self.ended = true,
                None => {
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, "the upload was cut off"));
                }
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

fn missing_file() -> Failure {
    Failure::request("file argument 'path' is required")
}
