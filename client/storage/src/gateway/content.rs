//! Files, blocks and CARs out of the store.

use super::{
    answer::{FOREVER, METHODS, Refusal, has},
    range::{self, Part},
    request::{self, Form},
};
use crate::{
    Store, StoreError, WrittenCid,
    car::{Scope, Selection},
    outgoing,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Pieces of an answer, of which the first has been read.
type Pieces = Box<dyn Iterator<Item = Result<Bytes, StoreError>> + Send>;

/// The bytes of an answer.
enum Content {
    /// A file or a block, of which ranges can be had.
    Bytes { part: Part, size: u64, pieces: Pieces },
    /// Of a length that is not known before.
    Stream(Pieces),
}

/// Answers a request.
pub(super) async fn answer(store: Arc<Store>, head: &Parts) -> Result<Response, Refusal> {
    match head.method {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return Ok(([(header::ALLOW, METHODS)], ()).into_response()),
        _ => {
            let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "405 - Method Not Allowed");
            return Ok(([(header::ALLOW, METHODS)], refusal).into_response());
        }
    }
    let (path, form) = request::read(&head.uri, &head.headers)?;
    let only_cached = says(&head.headers, header::CACHE_CONTROL, "only-if-cached");
    let written = head.uri.path().to_owned();
    let root = path.root();
    // Nothing of it is collected until what is read has a lease of its own.
    let lease = store.lease(&root.cid());
    let resolving = store.clone();
    let trail = working(move || {
        let trail = path.resolve(|cid| resolving.get(cid));
        trail.map_err(|error| Refusal::lost(&error, &written, only_cached))
    })
    .await?;
    let last = trail.last().copied().unwrap_or(root);
    let tag = tag(root, last, form);
    let mut headers = described(head.uri.path(), &trail, last, form, &tag);
    if has(&head.headers, &tag) {
        headers.remove(header::CONTENT_TYPE);
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let range = head.headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    // A part is wanted only of the version that the client has the rest of.
    let same =
        head.headers.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes());
    let range = range.filter(|_| same).map(str::to_owned);
    let content = working(move || {
        read(&store, &trail, last, form, range.as_deref())
            .map_err(|error| Refusal::failure(&error, only_cached))
    })
    .await?;
    drop(lease);

    let only_head = head.method == Method::HEAD;
    let body = |pieces| if only_head { Body::empty() } else { outgoing::body(pieces) };
    match content {
        Content::Stream(pieces) => {
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
            Ok((headers, body(pieces)).into_response())
        }
        Content::Bytes { part: Part::Outside, size, .. } => {
            let refusal =
                Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, "the range is outside of the file");
            let size = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            Ok((size, refusal).into_response())
        }
        Content::Bytes { part, size, pieces } => {
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            let (status, length) = match part {
                Part::Piece { offset, length } => {
                    let range = format!("bytes {offset}-{}/{size}", offset + length - 1);
                    put(&mut headers, header::CONTENT_RANGE, &range);
                    (StatusCode::PARTIAL_CONTENT, length)
                }
                _ => (StatusCode::OK, size),
            };
            headers.insert(header::CONTENT_LENGTH, length.into());
            Ok((status, headers, body(pieces)).into_response())
        }
    }
}

/// Opens what was asked for and reads its beginning, so that what is missing there is an error and no cut.
fn read(
    store: &Arc<Store>,
    trail: &[WrittenCid],
    last: WrittenCid,
    form: Form,
    range: Option<&str>,
) -> Result<Content, StoreError> {
    match form {
        Form::Car(selection) => Ok(Content::Stream(Box::new(store.export_car(trail, selection)?))),
        Form::Raw => {
            let data = store.get(&last.cid())?.data().clone();
            let size = data.len() as u64;
            let part = range::parse(range, size);
            let data = match part {
                // Within the block.
                Part::Piece { offset, length } => {
                    data.slice(offset as usize..(offset + length) as usize)
                }
                _ => data,
            };
            Ok(Content::Bytes { part, size, pieces: Box::new(std::iter::once(Ok(data))) })
        }
        Form::File => {
            let mut pieces = store.file(&last.cid(), 0, None)?;
            let size = pieces.size();
            let part = range::parse(range, size);
            match part {
                Part::Whole => {}
                Part::Piece { offset, length } => {
                    pieces = store.file(&last.cid(), offset, Some(length))?;
                }
                Part::Outside => {
                    return Ok(Content::Bytes { part, size, pieces: Box::new(std::iter::empty()) });
                }
            }
            let first = pieces.next().transpose()?;
            let pieces = Box::new(first.map(Ok).into_iter().chain(pieces));
            Ok(Content::Bytes { part, size, pieces })
        }
    }
}

fn tag(root: WrittenCid, last: WrittenCid, form: Form) -> String {
    match form {
        Form::File => format!("\"{last}\""),
        Form::Raw => format!("\"{last}.raw\""),
        // Made of the way, too, of which the blocks are in it.
        Form::Car(Selection { scope, bytes, duplicates }) => {
            let scope = match scope {
                Scope::Block => "block",
                Scope::Entity => "entity",
                Scope::All => "all",
            };
            let bytes = bytes.map(|bytes| format!(".{bytes}")).unwrap_or_default();
            let duplicates = if duplicates { ".dups" } else { "" };
            format!("W/\"{root}.{last}.car.{scope}{bytes}{duplicates}\"")
        }
    }
}

fn described(
    path: &str,
    trail: &[WrittenCid],
    last: WrittenCid,
    form: Form,
    tag: &str,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let (kind, ending) = match form {
        // Browsers are not to take anything of somebody's for a page of this address.
        Form::File => ("application/octet-stream", None),
        Form::Raw => ("application/vnd.ipld.raw", Some("bin")),
        Form::Car(Selection { duplicates: false, .. }) => {
            ("application/vnd.ipld.car; version=1; order=dfs; dups=n", Some("car"))
        }
        Form::Car(_) => ("application/vnd.ipld.car; version=1; order=dfs; dups=y", Some("car")),
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOREVER));
    put(&mut headers, header::ETAG, tag);
    if let Some(ending) = ending {
        let file = format!("attachment; filename=\"{last}.{ending}\"");
        put(&mut headers, header::CONTENT_DISPOSITION, &file);
    }
    put(&mut headers, header::HeaderName::from_static("x-ipfs-path"), path);
    let roots = trail.iter().map(WrittenCid::to_string).collect::<Vec<_>>().join(",");
    put(&mut headers, header::HeaderName::from_static("x-ipfs-roots"), &roots);
    headers
}

/// CIDs, numbers and the path of a request have no letters that a header has not.
fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn says(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        value.to_str().is_ok_and(|text| text.split(',').any(|part| part.trim() == word))
    })
}

/// Runs what touches the disk where it may block.
async fn working<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let failed = |_| Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the store failed"));
    spawn_blocking(work).await.unwrap_or_else(failed)
}
