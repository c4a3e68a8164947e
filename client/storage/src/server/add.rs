//! `add`: multipart parts to files.

use super::{
    answer::{Failure, json_lines},
    incoming::{broken, feed},
    params::Params,
};
use crate::{
    Store, StoreError,
    store::check_name,
    unixfs::{CHUNK_SIZE, Imported, MAX_LINKS, import},
};
use axum::{
    extract::{
        Multipart, Query, State,
        multipart::{Field, MultipartRejection},
    },
    response::Response,
};
use serde::Serialize;
use std::sync::Arc;

/// Most files of one request: what is answered about each is kept until the last one is stored.
const MAX_FILES: usize = 4096;

#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    Progress(Progress),
    Added(Added),
}

/// How far it is. Kubo writes one on every 256 KiB; here all bytes are there before the answer begins.
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

#[derive(Clone)]
struct Options {
    /// The name of the pin, empty for none; `None` where nothing is pinned.
    pin: Option<String>,
    only_hash: bool,
    progress: bool,
    silent: bool,
}

pub(super) async fn add(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let options = options(&params)?;
    let mut form = form.map_err(|_| Failure::request("file argument 'path' is required"))?;
    let (mut files, mut lines) = (0, Vec::new());
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if files == MAX_FILES {
            drop(field);
            // A client reads the error only after it has sent everything.
            while form.next_field().await.map_err(broken)?.is_some() {}
            return Err(Failure::command(format!(
                "more than {MAX_FILES} files in one request: that many are stored, add the others in another"
            )));
        }
        let name = unescaped(field.file_name().unwrap_or_default());
        let name = name.trim_matches('/').to_owned();
        if field.content_type() == Some("application/x-directory") || name.contains('/') {
            return Err(Failure::command(
                "directories are not supported; add the files one by one",
            ));
        }
        let imported = add_field(store.clone(), field, options.clone()).await?;
        files += 1;
        if options.silent {
            continue;
        }
        if options.progress {
            lines.push(Line::Progress(Progress { name: name.clone(), bytes: imported.size }));
        }
        let hash = imported.cid.to_string();
        let name = if name.is_empty() { hash.clone() } else { name };
        lines.push(Line::Added(Added { name, hash, size: imported.dag_size.to_string() }));
    }
    if files == 0 {
        return Err(Failure::command("expected a file argument"));
    }
    json_lines(&lines)
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
    })
}

async fn add_field(
    store: Arc<Store>,
    field: Field<'_>,
    Options { pin, only_hash, .. }: Options,
) -> Result<Imported, Failure> {
    let imported = feed(field, move |reader| match only_hash {
        true => import(reader, |_| Ok::<(), StoreError>(())),
        false => store.add_named(reader, pin.as_deref()),
    });
    Ok(imported.await??)
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A file's name as clients send it, in the escapes of a query; one that is not well-formed is taken as it is.
fn unescaped(name: &str) -> String {
    let mut bytes = name.bytes();
    let mut out = Vec::with_capacity(name.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || Some(char::from(bytes.next()?).to_digit(16)? as u8);
                let (Some(high), Some(low)) = (digit(), digit()) else { return name.to_owned() };
                high << 4 | low
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn names_are_unescaped_or_left_alone() {
        for (sent, name) in [
            ("words.txt", "words.txt"),
            ("a+b%20c.txt", "a b c.txt"),
            ("%C3%BCber%2Bund", "über+und"),
            ("%2Fetc%2f", "/etc/"),
            ("100%", "100%"),
            ("5%2", "5%2"),
            ("a+b%zz", "a+b%zz"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(unescaped(sent), name, "{sent}");
        }
    }
}
