//! What is read from the disk, on its way into an answer.

use axum::{BoxError, body::Body};
use bytes::Bytes;
use futures::stream;
use tokio::{sync::mpsc, task::spawn_blocking};

/// Pieces that are read before they are asked for.
const AHEAD: usize = 4;

/// Bytes, and pieces, that are read in one go, the last of them whole.
const GROUP_BYTES: usize = 256 << 10;
const GROUP_PIECES: usize = 64;

/// A body of pieces, read where it may block. An error cuts the connection. A reader that is slow or gone keeps no thread
/// waiting.
pub(crate) fn body<E>(pieces: impl Iterator<Item = Result<Bytes, E>> + Send + 'static) -> Body
where
    E: Into<BoxError> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes, BoxError>>(AHEAD);
    tokio::spawn(async move {
        let mut pieces = pieces;
        loop {
            let group = match spawn_blocking(move || (next_group(&mut pieces), pieces)).await {
                Ok((group, rest)) => {
                    pieces = rest;
                    group
                }
                // Without an error the answer would end here as if it were whole.
                Err(panic) => return drop(sender.send(Err(panic.into())).await),
            };
            if group.is_empty() {
                return;
            }
            for piece in group {
                let piece = piece.map_err(Into::into);
                if let Err(error) = &piece {
                    tracing::warn!(%error, "an answer ends early");
                }
                let failed = piece.is_err();
                if sender.send(piece).await.is_err() || failed {
                    return;
                }
            }
        }
    });
    Body::from_stream(stream::poll_fn(move |context| receiver.poll_recv(context)))
}

fn next_group<E>(pieces: &mut impl Iterator<Item = Result<Bytes, E>>) -> Vec<Result<Bytes, E>> {
    let (mut group, mut bytes) = (Vec::new(), 0);
    while bytes < GROUP_BYTES && group.len() < GROUP_PIECES {
        let Some(piece) = pieces.next() else { break };
        bytes += piece.as_ref().map_or(GROUP_BYTES, Bytes::len);
        group.push(piece);
    }
    group
}
