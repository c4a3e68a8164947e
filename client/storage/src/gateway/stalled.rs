//! Clients that ask and do not listen, or hardly.

use crate::pace::{LEAST, Pace};
use std::{
    future::Future,
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// A connection on which a write fails when it was waited for `limit` and the client has not taken [`LEAST`] bytes meanwhile. Time in
/// which there is nothing for it does not count.
#[derive(Debug)]
pub(super) struct Stalling<S> {
    stream: S,
    pace: Pace,
    timer: Pin<Box<Sleep>>,
}

impl<S> Stalling<S> {
    pub fn new(stream: S, limit: Duration) -> Self {
        Self { stream, pace: Pace::new(LEAST, limit), timer: Box::pin(sleep(limit)) }
    }

    /// Passes on what a write has come to, with as many bytes as it took, or ends the waiting for it.
    fn watched<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
        taken: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = &progress {
            self.pace.moved(Instant::now(), done.as_ref().map_or(0, taken) as u64);
            return progress;
        }
        if !self.pace.is_waiting() {
            let end = self.pace.wait(Instant::now());
            self.timer.as_mut().reset(end);
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the client takes next to nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, progress, |bytes| *bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watched(context, progress, |bytes| *bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.watched(context, progress, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watched(context, progress, |()| 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const LIMIT: Duration = Duration::from_secs(3);
    const MIB: usize = 1 << 20;

    /// Sends a megabyte to a client that takes so many bytes at a time, with such pauses; returns how many were sent before it was
    /// given up.
    async fn send(bytes: usize, pause: Option<Duration>) -> usize {
        let (ours, mut theirs) = duplex(1024);
        let client = tokio::spawn(async move {
            let mut buffer = vec![0; bytes];
            while theirs.read_exact(&mut buffer).await.is_ok() {
                if let Some(pause) = pause {
                    sleep(pause).await;
                }
            }
        });
        let mut stream = Stalling::new(ours, LIMIT);
        let mut sent = 0;
        while sent < MIB && stream.write_all(&[0; 512]).await.is_ok() {
            sent += 512;
        }
        client.abort();
        sent
    }

    #[tokio::test]
    async fn a_byte_now_and_then_is_not_enough_to_keep_a_connection() {
        assert_eq!(send(1024, None).await, MIB);
        for (bytes, milliseconds) in [(1, 10), (100, 50)] {
            let sent = send(bytes, Some(Duration::from_millis(milliseconds))).await;
            assert!((1024..LEAST as usize).contains(&sent), "{sent} bytes, {bytes} at a time");
        }
    }
}
