//! `add`: multipart parts to files and directories.

mod adder;
mod name;
mod parts;
mod tree;

use super::{
    answer::{Failure, FailureBody, emitted_with},
    params::Params,
};
use crate::{
    Store,
    store::check_name,
    unixfs::{CHUNK_SIZE, Imported, MAX_LINKS},
};
use adder::Adder;
use axum::{
    extract::{Multipart, Query, State, multipart::MultipartRejection},
    response::Response,
};
use parts::Piece;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Lines that wait for a client that reads none before it has sent everything.
const WAITING_LINES: usize = 8192;

/// A line of the answer.
#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    Progress(Progress),
    Added(Added),
    /// The last one of an answer that ends early. Kubo's clients take it for the error that it is.
    Failed(FailureBody),
}

/// How far it is.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Progress {
    name: String,
    #[serde(skip_serializing_if = "is_zero")]
    bytes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Added {
    name: String,
    hash: String,
    size: String,
}

impl Line {
    fn progress(name: String, bytes: u64) -> Self {
        Self::Progress(Progress { name, bytes })
    }

    fn added(name: String, Imported { cid, dag_size, .. }: Imported) -> Self {
        Self::Added(Added { name, hash: cid.to_string(), size: dag_size.to_string() })
    }
}

#[derive(Clone)]
struct Options {
    /// The name of the pin, empty for none; `None` where nothing is pinned.
    pin: Option<String>,
    only_hash: bool,
    progress: bool,
    silent: bool,
    /// A directory around all of it.
    wrap: bool,
}

/// Answers with a line for each file and directory, at once, while the rest is still coming. An error before the first line is an
/// error answer, a later one is the last line of an answer that is cut off.
pub(super) async fn add(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let options = options(&params)?;
    let form = form.map_err(|_| Failure::request("file argument 'path' is required"))?;
    let (pieces, mut incoming) = mpsc::channel::<Piece>(super::incoming::WAITING);
    tokio::spawn(parts::feed(form, pieces));
    emitted_with(WAITING_LINES, move |say: &mut dyn FnMut(&Line) -> bool| {
        let mut adder = Adder::new(&store, &options, &mut incoming, &mut *say);
        let Err(failure) = adder.run() else { return Ok(()) };
        let has_said = adder.has_said;
        drop(adder);
        // A client reads the error only after it has sent everything.
        while incoming.blocking_recv().is_some() {}
        if has_said {
            say(&Line::Failed(failure.body()));
        }
        Err(failure.into())
    })
    .await
}

/// Another form than the canonical one is refused, not silently replaced by it.
fn options(params: &Params) -> Result<Options, Failure> {
    let unsupported = |option: &str| {
        Err(Failure::command(format!(
            "unsupported option {option}: this store makes CIDv1, sha2-256, raw leaves and chunks of {CHUNK_SIZE} bytes only"
        )))
    };
    for flag in ["trickle", "inline", "nocopy", "preserve-mode", "preserve-mtime"] {
        if params.flag(flag)? == Some(true) {
            return unsupported(flag);
        }
    }
    if params.flag("raw-leaves")? == Some(false) {
        return unsupported("raw-leaves=false");
    }
    for (option, only) in [("cid-version", 1), ("max-file-links", MAX_LINKS as i32)] {
        if let Some(other) = params.int(option)?.filter(|value| *value != only) {
            return unsupported(&format!("{option}={other}"));
        }
    }
    let chunker = format!("size-{CHUNK_SIZE}");
    for (option, only) in [("chunker", chunker.as_str()), ("hash", "sha2-256")] {
        if let Some(other) = params.get(option)?.filter(|value| *value != only) {
            return unsupported(&format!("{option}={other}"));
        }
    }
    let name = params.get("pin-name")?.unwrap_or_default();
    check_name(name)?;
    for option in ["to-files", "mode", "mtime"] {
        params.without(option)?;
    }
    let only_hash = params.flag("only-hash")?.unwrap_or(false);
    let pin = params.flag("pin")?.unwrap_or(true);
    if !name.is_empty() && (only_hash || !pin) {
        return Err(Failure::command("pin-name option requires pin to be set"));
    }
    Ok(Options {
        pin: pin.then(|| name.to_owned()),
        only_hash,
        progress: params.flag("progress")?.unwrap_or(false),
        silent: params.flag("silent")?.unwrap_or(false),
        wrap: params.flag("wrap-with-directory")?.unwrap_or(false),
    })
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
