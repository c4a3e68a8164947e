//! Uploads, and their parts as blocking readers.

use super::answer::Failure;
use axum::{
    body::{Body, HttpBody},
    extract::{
        Request,
        multipart::{Field, MultipartError},
    },
};
use bytes::{Buf, Bytes, BytesMut};
use hyper::body::{Frame, SizeHint};
use std::{
    io::{self, ErrorKind, Read},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{sync::mpsc, task::spawn_blocking};

/// Bytes that are worth waking the reader for. Some clients send a file in thousands of small pieces.
const PIECE: usize = 128 << 10;

/// Pieces that wait for the reader.
pub(super) const WAITING: usize = 8;

/// Has an upload come piece by piece, whoever reads it. Axum's `Multipart` gathers all that is there before it gives any of it away:
/// tens of megabytes, where the client is fast.
pub(super) async fn sipped(request: Request) -> Request {
    request.map(|body| Body::new(Sips { body, paused: false }))
}

/// A body of which nothing more is there at first after each piece.
struct Sips {
    body: Body,
    paused: bool,
}

impl HttpBody for Sips {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if mem::take(&mut self.paused) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.paused = true;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The bytes of a part, in pieces that are worth waking a reader for.
pub(super) struct Pieces<'a> {
    field: Field<'a>,
    ended: bool,
}

impl<'a> Pieces<'a> {
    pub fn new(field: Field<'a>) -> Self {
        Self { field, ended: false }
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let mut gathered = BytesMut::new();
        while !self.ended && gathered.len() < PIECE {
            match self.field.chunk().await.map_err(broken)? {
                None => self.ended = true,
                Some(piece) if gathered.is_empty() && piece.len() >= PIECE => {
                    return Ok(Some(piece));
                }
                Some(piece) => gathered.extend_from_slice(&piece),
            }
        }
        Ok((!gathered.is_empty()).then(|| gathered.freeze()))
    }
}

/// Runs `work` on what a part of an upload holds, where it may block.
pub(super) async fn feed<T: Send + 'static>(
    field: Field<'_>,
    work: impl FnOnce(Incoming) -> T + Send + 'static,
) -> Result<T, Failure> {
    let (pieces, incoming) = mpsc::channel(WAITING);
    let reader = Incoming { pieces: incoming, current: Bytes::new(), ended: false };
    let worker = spawn_blocking(move || work(reader));
    let mut field = Pieces::new(field);
    while let Some(piece) = field.next().await? {
        // A worker that has failed reads no more. What is still coming is taken and dropped, since a client reads the
        // error only after it has sent everything.
        let _ = pieces.send(Some(piece)).await;
    }
    let _ = pieces.send(None).await;
    worker.await.map_err(|e| Failure::command(format!("the store failed: {e}")))
}

pub(super) fn broken(error: MultipartError) -> Failure {
    Failure::request(format!("the upload is broken: {}", error.body_text()))
}

/// A body as a blocking reader. `None` is its end; a channel that closes without it is an upload that was cut off.
pub(super) struct Incoming {
    pieces: mpsc::Receiver<Option<Bytes>>,
    current: Bytes,
    ended: bool,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.current = piece,
                Some(None) => self.ended = true,
                None => return Err(cut_off()),
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// The end of an upload in the middle of it.
pub(super) fn cut_off() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the upload was cut off")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::body::to_bytes;
    use futures::{FutureExt, StreamExt, stream};

    fn three() -> Body {
        Body::from_stream(stream::iter(["one", "two", "three"]).map(Ok::<_, io::Error>))
    }

    #[tokio::test]
    async fn an_upload_comes_whole_and_no_two_pieces_at_once() {
        let whole = |body| async { to_bytes(body, 100).await.unwrap() };
        assert_eq!(whole(three()).await, "onetwothree");
        let body = sipped(Request::new(three())).await.into_body();
        assert_eq!(whole(body).await, "onetwothree");

        let mut pieces = sipped(Request::new(three())).await.into_body().into_data_stream();
        for piece in ["one", "two", "three"] {
            assert_eq!(pieces.next().now_or_never().unwrap().unwrap().unwrap(), piece);
            assert!(pieces.next().now_or_never().is_none(), "more of it at once");
        }
        assert!(pieces.next().await.is_none());
    }
}
