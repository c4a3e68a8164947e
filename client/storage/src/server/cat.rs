//! `cat`: files, or a part of them, as a stream.

use super::{
    answer::{Failure, blocking},
    params::Params,
};
use crate::{FileReader, Store, StoreError};
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
        let readers = open(&store, &cids, offset, length)?;
        let total: u64 = readers.iter().map(FileReader::remaining).sum();
        let mut pieces = readers.into_iter().flatten();
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

/// Readers of `length` bytes, or of all, that begin at byte `offset` of the files in a row.
fn open(
    store: &Arc<Store>,
    cids: &[Cid],
    mut offset: u64,
    length: Option<u64>,
) -> Result<Vec<FileReader>, StoreError> {
    let mut left = length.unwrap_or(u64::MAX);
    let mut readers = Vec::with_capacity(cids.len());
    for cid in cids {
        // Kubo, too, looks at no file that it needs nothing of.
        if left == 0 {
            break;
        }
        let reader = store.file(cid, offset, Some(left))?;
        offset = offset.saturating_sub(reader.size());
        left -= reader.remaining();
        readers.push(reader);
    }
    Ok(readers)
}
