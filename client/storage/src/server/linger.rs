//! Requests that are answered before their body was read.
//!
//! A socket that is closed while bytes wait in it is reset, and the answer is lost: a client that is still sending sees a broken
//! pipe where it should read why it is refused.

use super::gate::Gate;
use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// How long the rest of a body is read, and thrown away, for a client to get the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a rest that are read, at most, and of one from a client that has not shown the token: it is told before it sends much that it
/// has to, and costs no more than that.
const REST: usize = 64 << 20;
const REST_OF_STRANGERS: usize = 64 << 10;

/// Takes back a body that was not read to its end, and reads on for a while. A client that waits to be asked for its body (`Expect:
/// 100-continue`), and was not, is not asked for it after all: what it sends next may be another request, so its connection ends with
/// the answer.
pub(super) async fn linger(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let most = if gate.knows(request.headers()) { REST } else { REST_OF_STRANGERS };
    let (back, rest) = oneshot::channel();
    tokio::spawn(async move {
        if let Ok(body) = rest.await {
            let _ = timeout(PATIENCE, discard(body, most)).await;
        }
    });
    let waits = request.headers().contains_key(header::EXPECT).then(Arc::default);
    let unasked = waits.clone();
    let lent = |body| Body::new(Lent { body, back: Some(back), unasked });
    let mut answer = next.run(request.map(lent)).await;
    if waits.is_some_and(|unasked| unasked.load(Ordering::Relaxed)) {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

async fn discard(body: Body, most: usize) {
    let (mut pieces, mut left) = (body.into_data_stream(), most);
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
    /// Where the client waits to be asked for it, until it is: set when it is dropped before.
    unasked: Option<Arc<AtomicBool>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // Hyper asks the client for it now.
        self.unasked = None;
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
        if let Some(unasked) = &self.unasked {
            unasked.store(true, Ordering::Relaxed);
            return;
        }
        // Nobody listens any more where the server is being shut down.
        let _ = back.send(std::mem::take(&mut self.body));
    }
}
