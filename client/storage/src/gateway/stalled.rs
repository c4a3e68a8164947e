//! Clients that ask and do not listen, or hardly.

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

/// Bytes that a client has to take while it is waited for as long as the limit is.
const TAKEN: usize = 64 << 10;

/// A connection on which a write fails when it was waited for `limit` and the client has not taken 64 KiB meanwhile. Time in which
/// there is nothing for it does not count.
#[derive(Debug)]
pub(super) struct Stalling<S> {
    stream: S,
    limit: Duration,
    timer: Pin<Box<Sleep>>,
    /// Since when it is waited for.
    since: Option<Instant>,
    /// How long it was waited for in all, and what it has taken meanwhile.
    waited: Duration,
    taken: usize,
}

impl<S> Stalling<S> {
    pub fn new(stream: S, limit: Duration) -> Self {
        let (waited, taken) = (Duration::ZERO, 0);
        Self { stream, limit, timer: Box::pin(sleep(limit)), since: None, waited, taken }
    }

    /// [`Stalling::watched`] for bytes.
    fn counted(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = progress {
            self.taken = self.taken.saturating_add(bytes);
        }
        self.watched(context, progress)
    }

    /// Passes on what a write has come to, or ends the waiting for it.
    fn watched<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            if let Some(since) = self.since.take() {
                self.waited += since.elapsed();
            }
            if self.taken >= TAKEN {
                (self.waited, self.taken) = (Duration::ZERO, 0);
            }
            return progress;
        }
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            self.timer.as_mut().reset(now + self.limit.saturating_sub(self.waited));
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
        self.counted(context, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.counted(context, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.watched(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watched(context, progress)
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
            assert!((1024..TAKEN).contains(&sent), "{sent} bytes, {bytes} at a time");
        }
    }
}
