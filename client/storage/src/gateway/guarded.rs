//! Bodies that have something with them which is over when they are, and which may count their bytes.

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::OwnedSemaphorePermit;

/// What goes with a body.
pub(super) trait Guard: Send + Unpin + 'static {
    /// So many bytes more are being sent.
    fn passed(&self, _bytes: usize) {}

    /// Whether the reader has room and waits for the next bytes of the body.
    fn waited_for(&self, _is: bool) {}
}

impl Guard for OwnedSemaphorePermit {}

/// A body, and what is dropped when it has been sent or given up.
struct Guarded<G> {
    body: Body,
    guard: G,
}

/// Keeps `guard` until the body has been sent or given up.
pub(super) fn guarded(body: Body, guard: impl Guard) -> Body {
    Body::new(Guarded { body, guard })
}

impl<G: Guard> HttpBody for Guarded<G> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.guard.waited_for(frame.is_pending());
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            self.guard.passed(frame.data_ref().map_or(0, Bytes::len));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::body::to_bytes;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    impl Guard for Arc<AtomicUsize> {
        fn passed(&self, bytes: usize) {
            self.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn the_guard_goes_with_the_body_and_not_before() {
        let guard = Arc::new(AtomicUsize::new(0));
        let body = guarded(Body::from("body"), guard.clone());
        assert_eq!(body.size_hint().exact(), Some(4));
        assert_eq!(Arc::strong_count(&guard), 2);
        assert_eq!(to_bytes(body, 10).await.unwrap(), "body");
        assert_eq!((Arc::strong_count(&guard), guard.load(Ordering::Relaxed)), (1, 4));
        drop(guarded(Body::empty(), guard.clone()));
        assert_eq!(Arc::strong_count(&guard), 1);
    }
}
