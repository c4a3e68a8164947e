//! Clients that announce a body and do not send it.

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use hyper::body::{Frame, SizeHint};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep};

/// Longest wait for the next bytes of a request.
const PATIENCE: Duration = Duration::from_secs(60);

/// Has the body of a request fail when nothing more of it comes for a minute.
pub(super) async fn watch(request: Request, next: Next) -> Response {
    next.run(request.map(|body| Body::new(Watched::new(body, PATIENCE)))).await
}

struct Watched {
    body: Body,
    patience: Duration,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
    ended: bool,
}

impl Watched {
    fn new(body: Body, patience: Duration) -> Self {
        Self { body, patience, timer: Box::pin(sleep(patience)), waiting: false, ended: false }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if !self.waiting {
            self.waiting = true;
            let until = Instant::now() + self.patience;
            self.timer.as_mut().reset(until);
        }
        ready!(self.timer.as_mut().poll(context));
        self.ended = true;
        let seconds = self.patience.as_secs();
        Poll::Ready(Some(Err(format!("nothing more of it came for {seconds} seconds").into())))
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
    use futures::{StreamExt, stream};

    #[tokio::test]
    async fn a_body_that_stops_coming_fails_and_one_that_goes_on_does_not() {
        let pieces =
            || stream::iter(["one", "two"]).map(|text| Ok::<_, BoxError>(Bytes::from(text)));
        let watched =
            |body, patience| axum::body::to_bytes(Body::new(Watched::new(body, patience)), 100);
        let whole = watched(Body::from_stream(pieces()), Duration::from_secs(60)).await.unwrap();
        assert_eq!(whole, "onetwo");
        let stops = Body::from_stream(pieces().chain(stream::pending()));
        let error = watched(stops, Duration::from_millis(50)).await.unwrap_err();
        assert!(error.to_string().contains("nothing more of it came"), "{error}");
    }
}
