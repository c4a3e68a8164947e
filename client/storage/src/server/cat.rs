//! `cat`: a file, or a part of it, as a stream.

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
use futures::stream;
use std::sync::Arc;
use tokio::{sync::mpsc, task::spawn_blocking};

/// What fails before the first byte is an error answer. What fails later cuts the connection, below the length that the
/// header has promised: no client can take the part for the whole.
pub(super) async fn cat(
    State(store): State<Arc<Store>>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let cid = params.cid("ipfs-path")?;
    let offset = params.number("offset")?.unwrap_or(0);
    let length = params.number("length")?;
    let mut reader = blocking(move || store.file(&cid, offset, length)).await?;
    let total = reader.remaining();
    let (reader, first) = blocking(move || {
        let first = reader.next().transpose()?;
        Ok((reader, first))
    })
    .await?;

    let (pieces, mut outgoing) = mpsc::channel(4);
    spawn_blocking(move || {
        // A closed channel is a client that has gone.
        for piece in reader {
            if let Err(error) = &piece {
                tracing::warn!(%cid, %error, "cat ends early");
            }
            if pieces.blocking_send(piece).is_err() {
                break;
            }
        }
    });
    let rest = stream::poll_fn(move |context| outgoing.poll_recv(context));
    let first = stream::iter(first.map(Ok::<_, StoreError>));
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/plain".to_owned()),
        (header::CONTENT_LENGTH.as_str(), total.to_string()),
        ("x-content-length", total.to_string()),
        ("x-stream-output", "1".to_owned()),
    ];
    Ok((headers, Body::from_stream(futures::StreamExt::chain(first, rest))).into_response())
}
