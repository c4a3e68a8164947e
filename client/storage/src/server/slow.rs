//! Clients that announce a body and do not send it, or hardly.

use crate::pace::{LEAST, Pace};
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

/// Longest wait for the next [`LEAST`] bytes of a request, or for its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Has the body of a request fail when it was waited for a minute and less than 64 KiB of it came: much less than any link carries
/// that is of use for uploads, and enough that nobody keeps others from their turns for nothing. Time in which what came is being
/// written does not count.
pub(super) async fn watch(request: Request, next: Next) -> Response {
    next.run(request.map(|body| Body::new(Watched::new(body, PATIENCE)))).await
}

struct Watched {
    body: Body,
    patience: Duration,
    pace: Pace,
    timer: Pin<Box<Sleep>>,
    ended: bool,
}

impl Watched {
    fn new(body: Body, patience: Duration) -> Self {
        let (pace, timer) = (Pace::new(LEAST, patience), Box::pin(sleep(patience)));
        Self { body, patience, pace, timer, ended: false }
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
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
            self.pace.moved(Instant::now(), data.map_or(0, Bytes::len) as u64);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if !self.pace.is_waiting() {
            let end = self.pace.wait(Instant::now());
            self.timer.as_mut().reset(end);
        }
        ready!(self.timer.as_mut().poll(context));
        self.ended = true;
        let (kib, seconds) = (LEAST >> 10, self.patience.as_secs());
        let why =
            format!("less than {kib} KiB of it came in {seconds} seconds; send it again, faster");
        Poll::Ready(Some(Err(why.into())))
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

    async fn read(body: Body, patience: Duration) -> Result<Bytes, String> {
        let watched = Body::new(Watched::new(body, patience));
        axum::body::to_bytes(watched, 2 << 20).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_fails_and_one_that_goes_on_does_not() {
        let pieces =
            || stream::iter(["one", "two"]).map(|text| Ok::<_, BoxError>(Bytes::from(text)));
        let whole = read(Body::from_stream(pieces()), Duration::from_secs(60)).await.unwrap();
        assert_eq!(whole, "onetwo");
        let stops = Body::from_stream(pieces().chain(stream::pending()));
        let error = read(stops, Duration::from_millis(50)).await.unwrap_err();
        assert!(error.contains("less than 64 KiB of it came"), "{error}");
    }

    /// So many pieces of so many bytes, with such pauses before each.
    fn dripping(pieces: usize, bytes: usize, pause: Duration) -> Body {
        let piece = move |_| async move {
            sleep(pause).await;
            Ok::<_, BoxError>(Bytes::from(vec![0; bytes]))
        };
        Body::from_stream(stream::iter(0..pieces).then(piece))
    }

    #[tokio::test]
    async fn a_byte_now_and_then_is_no_upload_and_a_slow_link_is_one() {
        let begun = Instant::now();
        let drops = dripping(1000, 1, Duration::from_millis(50));
        let error = read(drops, Duration::from_millis(500)).await.unwrap_err();
        assert!(error.contains("less than 64 KiB of it came"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
        // In all it takes longer than may be waited for any 64 KiB of it.
        let slow = dripping(60, 20 << 10, Duration::from_millis(60));
        let whole = read(slow, Duration::from_secs(3)).await.unwrap();
        assert_eq!(whole.len(), 60 * (20 << 10));
    }
}
