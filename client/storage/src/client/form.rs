//! An upload: a form of one part.
//!
//! The form of `ipfs-api-backend-hyper` sends a file in pieces of two kilobytes, each a chunk of HTTP of its own.

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use std::{
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    iter,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{sync::mpsc, task::spawn_blocking};

/// Bytes that are read and sent in one go. A server that takes less of them in the idle time-out makes no progress.
const PIECE: usize = 128 << 10;

/// Pieces that are read before they are sent.
const AHEAD: usize = 4;

/// A form, and what says so in the head of its request.
pub(super) struct Form {
    pub content_type: String,
    pub body: Body,
}

impl Form {
    /// A form of bytes.
    pub fn bytes(name: &str, content: Bytes) -> Self {
        Self::new(name, stream::iter([Ok(content)]))
    }

    /// A form of what a reader gives, which is read where it may block. `sent` counts the bytes that the connection has taken.
    pub fn reader(
        name: &str,
        mut reader: impl Read + Send + 'static,
        sent: Arc<AtomicU64>,
    ) -> Self {
        let (pieces, read) = mpsc::channel(AHEAD);
        spawn_blocking(move || {
            loop {
                let piece = next(&mut reader);
                let is_last = piece.as_ref().map_or(true, Bytes::is_empty);
                // Nobody takes them any more where the request has ended.
                if pieces.blocking_send(piece).is_err() || is_last {
                    return;
                }
            }
        });
        let content = stream::unfold(Some(read), |read| async move {
            let mut read = read?;
            match read.recv().await {
                Some(Ok(piece)) if piece.is_empty() => None,
                Some(Ok(piece)) => Some((Ok(piece), Some(read))),
                Some(Err(error)) => Some((Err(error), None)),
                // Without an error the form would end here as if it were whole.
                None => Some((Err(io::Error::other("the reader failed")), None)),
            }
        });
        Self::new(
            name,
            content.inspect(move |piece| {
                let bytes = piece.as_ref().map_or(0, Bytes::len);
                sent.fetch_add(bytes as u64, Ordering::Relaxed);
            }),
        )
    }

    fn new(name: &str, content: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        let boundary = boundary();
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let around = |text: String| stream::iter([io::Result::Ok(Bytes::from(text))]);
        let body = around(head).chain(content).chain(around(format!("\r\n--{boundary}--\r\n")));
        Self {
            content_type: format!("multipart/form-data; boundary={boundary}"),
            body: Body::from_stream(body),
        }
    }
}

/// What no content has in it but by an accident of one in 2^128: nobody can know it before.
fn boundary() -> String {
    let random = || RandomState::new().hash_one(());
    iter::repeat_with(random).take(2).map(|number| format!("{number:016x}")).collect()
}

/// The next bytes of a reader, as many as there are up to [`PIECE`]; none at its end.
fn next(reader: &mut impl Read) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(PIECE);
    reader.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::body::to_bytes;

    async fn content(form: Form) -> Result<Vec<u8>, axum::Error> {
        let boundary = form.content_type.split_once("boundary=").unwrap().1.to_owned();
        let body = to_bytes(form.body, usize::MAX).await?;
        let text = body.strip_prefix(format!("--{boundary}\r\n").as_bytes()).unwrap();
        let begin = text.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let text = text.strip_suffix(format!("\r\n--{boundary}--\r\n").as_bytes()).unwrap();
        Ok(text[begin..].to_vec())
    }

    #[tokio::test]
    async fn what_is_read_is_what_the_form_has() {
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 9 * PIECE + 5] {
            let bytes: Vec<u8> = (0..size).map(|at| at as u8).collect();
            let sent = Arc::new(AtomicU64::new(0));
            let form = Form::reader("path", io::Cursor::new(bytes.clone()), sent.clone());
            assert_eq!(content(form).await.unwrap(), bytes);
            assert_eq!(sent.load(Ordering::Relaxed), size as u64);
            assert_eq!(content(Form::bytes("data", bytes.clone().into())).await.unwrap(), bytes);
        }
    }

    #[tokio::test]
    async fn a_form_is_never_whole_where_its_reader_fails() {
        struct Fails(bool);
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                assert!(!self.0, "it panics");
                Err(io::Error::other("it fails"))
            }
        }
        for panics in [false, true] {
            let reader = io::repeat(1).take(3 * PIECE as u64).chain(Fails(panics));
            assert!(content(Form::reader("path", reader, Arc::default())).await.is_err());
        }
    }

    #[test]
    fn every_form_has_another_boundary() {
        assert_ne!(boundary(), boundary());
    }
}
