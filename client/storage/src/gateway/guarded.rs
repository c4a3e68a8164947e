//! Bodies that have something with them which is over when they are.

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// A body, and what is dropped when it has been sent or given up.
struct Guarded<G> {
    body: Body,
    _guard: G,
}

/// Keeps `guard` until the body has been sent or given up.
pub(super) fn guarded(body: Body, guard: impl Send + Unpin + 'static) -> Body {
    Body::new(Guarded { body, _guard: guard })
}

impl<G: Unpin> HttpBody for Guarded<G> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
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
    use std::sync::Arc;

    #[tokio::test]
    async fn the_guard_goes_with_the_body_and_not_before() {
        let guard = Arc::new(());
        let body = guarded(Body::from("body"), guard.clone());
        assert_eq!(body.size_hint().exact(), Some(4));
        assert_eq!(Arc::strong_count(&guard), 2);
        assert_eq!(to_bytes(body, 10).await.unwrap(), "body");
        assert_eq!(Arc::strong_count(&guard), 1);
        drop(guarded(Body::empty(), guard.clone()));
        assert_eq!(Arc::strong_count(&guard), 1);
    }
}
