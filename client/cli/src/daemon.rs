//! What all daemons share: when they stop.

use clap::Args;
use color_eyre::Result;
use std::io::Read;
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
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            closed: opts.stop_on_eof.then(end_of_input),
        })
    }

    /// Returns when the process is to stop.
    pub async fn wait(&mut self) {
        let closed = async {
            match &mut self.closed {
                Some(closed) => drop(closed.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
            () = closed => (),
        }
    }
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
