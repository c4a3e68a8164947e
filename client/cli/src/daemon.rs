//! What all daemons share: when they stop.

use crate::exit::{Kind, problem};
use clap::Args;
use color_eyre::Result;
use std::{future::pending, io::Read};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// Flags of everything that runs until it is told to stop.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct DaemonOpts {
    /// Stop also when standard input closes, so that the program which started this one cannot leave it behind.
    #[arg(long)]
    pub stop_on_eof: bool,
}

/// Listens for the requests to stop: SIGINT (Ctrl-C), SIGTERM and, if asked for, the end of standard input.
pub struct StopRequest {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    closed: Option<oneshot::Receiver<()>>,
}

impl StopRequest {
    /// Starts to listen at once: from here on a signal no longer ends the process by itself.
    pub fn listen(opts: DaemonOpts) -> Result<Self> {
        Self::until(opts.stop_on_eof.then(end_of_input))
    }

    /// [`StopRequest::listen`], with what tells of the end of standard input.
    pub(crate) fn until(closed: Option<oneshot::Receiver<()>>) -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            closed,
        })
    }

    /// Returns when the process is to stop. Once it has returned, only a signal is another request: an input that closes, or has
    /// closed, says nothing new.
    pub async fn wait(&mut self) {
        let signal = async {
            tokio::select! {
                _ = self.interrupt.recv() => (),
                _ = self.terminate.recv() => (),
            }
        };
        requested(signal, &mut self.closed).await;
    }
}

/// Does something that may be given up at any time, until SIGINT or SIGTERM.
pub async fn unless_stopped<T>(work: impl Future<Output = Result<T>>, left: &str) -> Result<T> {
    let mut stop = StopRequest::listen(DaemonOpts::default())?;
    tokio::select! {
        done = work => done,
        () = stop.wait() => Err(problem(Kind::Interrupted, format!("interrupted; {left}"))),
    }
}

/// Waits for a signal or the end of input, and leaves no input to wait for.
async fn requested(signal: impl Future<Output = ()>, closed: &mut Option<oneshot::Receiver<()>>) {
    let end = async {
        match closed {
            // An error says that nobody reads any more, which means the same.
            Some(closed) => drop(closed.await),
            None => pending().await,
        }
    };
    tokio::select! {
        () = signal => (),
        () = end => (),
    }
    *closed = None;
}

/// Reads in a thread of its own, which ends with the process: the runtime would wait for one of its own.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while matches!(std::io::stdin().lock().read(&mut buffer), Ok(1..)) {}
        let _ = ended.send(());
    });
    receiver
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::FutureExt;
    use std::future::ready;

    #[test]
    fn the_end_of_input_asks_once_and_a_signal_again() {
        let (end, closed) = oneshot::channel();
        let mut closed = Some(closed);
        assert_eq!(requested(pending(), &mut closed).now_or_never(), None);
        end.send(()).unwrap();
        assert_eq!(requested(pending(), &mut closed).now_or_never(), Some(()));
        for _ in 0..2 {
            assert_eq!(requested(pending(), &mut closed).now_or_never(), None);
        }
        assert_eq!(requested(ready(()), &mut closed).now_or_never(), Some(()));
    }

    #[test]
    fn an_input_that_closes_after_a_signal_is_no_second_request() {
        let (end, closed) = oneshot::channel();
        let mut closed = Some(closed);
        assert_eq!(requested(ready(()), &mut closed).now_or_never(), Some(()));
        drop(end);
        assert_eq!(requested(pending(), &mut closed).now_or_never(), None);
    }
}
