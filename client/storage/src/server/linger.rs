//! Requests that are answered before their body was read.
//!
//! A socket that is closed while bytes wait in it is reset, and the answer is lost: a client that is still sending sees a broken
//! pipe where it should read why it is refused.

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// How long the rest of a body is read, and thrown away, for a client to get the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a rest that are read, at most.
const REST: usize = 64 << 20;

/// Takes back a body that was not read to its end, and reads on for a while.
pub(super) async fn linger(request: Request, next: Next) -> Response {
    let (back, rest) = oneshot::channel();
    tokio::spawn(async move {
        if let Ok(body) = rest.await {
            let _ = timeout(PATIENCE, discard(body)).await;
        }
    });
    let lent = |body| Body::new(Lent { body, back: Some(back) });
    next.run(request.map(lent)).await
}

async fn discard(body: Body) {
    let (mut pieces, mut left) = (body.into_data_stream(), REST);
    while let Some(Ok(piece)) = pieces.next().await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            break;
        }
    }
}

/// A body that is given back when it is dropped before its end.
struct Lent {
    body: Body,
    back: Option<oneshot::Sender<Body>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = frame {
            self.back = None;
        }
        frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(back) = self.back.take().filter(|_| !self.body.is_end_stream()) else { return };
        // Nobody listens any more where the server is being shut down.
        let _ = back.send(std::mem::take(&mut self.body));
    }
}
