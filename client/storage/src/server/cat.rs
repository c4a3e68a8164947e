//! `cat`: files, or a part of them, as a stream.

use super::{
    answer::{Failure, blocking},
    params::Params,
};
use crate::{Store, StoreError};
use axum::{
    body::Body,
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use decentralml_types::Cid;
use futures::stream;
use std::sync::Arc;
use tokio::{sync::mpsc, task::spawn_blocking};

/// What fails before the first byte is an error answer. What fails later cuts the connection, below the length that the
/// header has promised: no client can take the part for the whole.
pub(super) async fn cat(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let offset = params.bytes("offset")?.unwrap_or(0);
    let length = params.bytes("length")?;
    let cids = params.some_cids("ipfs-path")?;
    let (total, first, rest) = blocking(move || {
        let parts = plan(&store, &cids, offset, length)?;
        let total: u64 = parts.iter().map(|part| part.length).sum();
        let mut pieces = parts.into_iter().flat_map(move |part| read(&store, part));
        let first = pieces.next().transpose()?;
        Ok((total, first, pieces))
    })
    .await?;

    let (pieces, mut outgoing) = mpsc::channel(4);
    spawn_blocking(move || {
        for piece in rest {
            let failed = piece.is_err();
            if let Err(error) = &piece {
                tracing::warn!(%error, "cat ends early");
            }
            // A closed channel is a client that has gone.
            if pieces.blocking_send(piece).is_err() || failed {
                break;
            }
        }
    });
    let rest = stream::poll_fn(move |context| outgoing.poll_recv(context));
    let first = stream::iter(first.map(Ok::<Bytes, StoreError>));
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/plain".to_owned()),
        (header::CONTENT_LENGTH.as_str(), total.to_string()),
        ("x-content-length", total.to_string()),
        ("x-stream-output", "1".to_owned()),
    ];
    Ok((headers, Body::from_stream(futures::StreamExt::chain(first, rest))).into_response())
}

/// A part of a file. A request may name a thousand files, so that none is kept open before its turn: each has a block in memory.
struct Part {
    cid: Cid,
    offset: u64,
    length: u64,
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
        let reader = store.file(cid, offset, Some(left))?;
        parts.push(Part { cid: *cid, offset, length: reader.remaining() });
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
