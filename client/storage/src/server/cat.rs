//! `cat`: files, or a part of them, as a stream.

use super::{
    answer::Failure,
    params::Params,
    paths::{following, resolve},
};
use crate::{Lease, Store, StoreError, outgoing};
use axum::{
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use decentralml_types::Cid;
use std::sync::Arc;

/// What fails before the first byte is an error answer. What fails later cuts the connection, below the length that the
/// header has promised: no client can take the part for the whole.
pub(super) async fn cat(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let offset = params.bytes("offset")?.unwrap_or(0);
    let length = params.bytes("length")?;
    let paths = params.some_paths("ipfs-path")?;
    let (total, first, rest) = following(move || {
        let files = paths.iter().map(|path| Ok(resolve(&store, path)?.cid()));
        let parts = plan(&store, &files.collect::<Result<Vec<_>, Failure>>()?, offset, length)?;
        let total: u64 = parts.iter().map(|part| part.length).sum();
        let mut pieces = parts.into_iter().flat_map(move |part| read(&store, part));
        let first = pieces.next().transpose()?;
        Ok((total, first, pieces))
    })
    .await?;
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/plain".to_owned()),
        (header::CONTENT_LENGTH.as_str(), total.to_string()),
        ("x-content-length", total.to_string()),
        ("x-stream-output", "1".to_owned()),
    ];
    Ok((headers, outgoing::body(first.map(Ok).into_iter().chain(rest))).into_response())
}

/// A part of a file. A request may name a thousand files, so that none is kept open before its turn: each has a block in memory.
/// That none is collected before its turn either is the lease's part.
struct Part {
    cid: Cid,
    offset: u64,
    length: u64,
    _lease: Lease,
}

/// The parts that hold `length` bytes, or all, from byte `offset` of the files in a row on. All their roots are looked at.
fn plan(
    store: &Arc<Store>,
    cids: &[Cid],
    mut offset: u64,
    length: Option<u64>,
) -> Result<Vec<Part>, StoreError> {
    let mut left = length.unwrap_or(u64::MAX);
    let mut parts = Vec::with_capacity(cids.len());
    for cid in cids {
        // Kubo, too, looks at no file that it needs nothing of.
        if left == 0 {
            break;
        }
        let lease = store.lease(cid);
        let reader = store.file(cid, offset, Some(left))?;
        let length = reader.remaining();
        parts.push(Part { cid: *cid, offset, length, _lease: lease });
        offset = offset.saturating_sub(reader.size());
        left -= reader.remaining();
    }
    parts.retain(|part| part.length > 0);
    Ok(parts)
}

/// The bytes of a part, or why there are none.
fn read(store: &Arc<Store>, part: Part) -> impl Iterator<Item = Result<Bytes, StoreError>> + use<> {
    let (reader, failed) = match store.file(&part.cid, part.offset, Some(part.length)) {
        Ok(reader) => (Some(reader), None),
        Err(error) => (None, Some(Err(error))),
    };
    reader.into_iter().flatten().chain(failed)
}
