//! `decentralml keep`: a leash for programs that know nothing of ours.

use clap::Args;
use color_eyre::{Result, eyre::WrapErr};
use std::{ffi::OsString, process::Stdio};
use tokio::process::Command;

use crate::{
    daemon::{DaemonOpts, StopRequest},
    exit::{Kind, problem},
};

/// Run a program until it ends, a signal comes, or standard input closes. However the one who started this ends, the
/// program does not outlive it.
#[derive(Args, Debug)]
pub struct Opts {
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

/// Runs the program; fails when it fails.
pub async fn run(opts: Opts) -> Result<()> {
    let mut stop = StopRequest::listen(DaemonOpts { stop_on_eof: true })?;
    let mut words = opts.program.into_iter();
    let program = words.next().unwrap_or_default();
    let name = program.to_string_lossy().into_owned();
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .wrap_err_with(|| format!("{name} cannot be started"))?;
    tokio::select! {
        ended = child.wait() => match ended? {
            status if status.success() => Ok(()),
            status => Err(problem(Kind::Other, format!("{name} ended with {status}"))),
        },
        () = stop.wait() => Ok(child.kill().await?),
    }
}
