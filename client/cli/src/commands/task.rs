//! `decentralml task`: what is learned, from whom, for how much.

mod advance;
mod cancel;
pub mod create;
mod fund;
mod list;
mod pace;
mod pause;
pub mod progress;
mod reap;
mod resume;
mod show;
mod specification;
mod watch;

use crate::{context::Context, output::Out};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_types::TaskId;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Create(Box<create::Opts>),
    List(list::Opts),
    Show(show::Opts),
    Watch(watch::Opts),
    Fund(fund::Opts),
    Pause(pause::Opts),
    Resume(resume::Opts),
    Cancel(cancel::Opts),
    Advance(advance::Opts),
    Reap(reap::Opts),
}

/// Which task.
#[derive(Args, Clone, Copy, Debug)]
pub struct TaskArg {
    /// Number of the task.
    pub task: TaskId,
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::Create(opts) => create::run(*opts, context, out).await,
        Command::List(opts) => list::run(opts, context, out).await,
        Command::Show(opts) => show::run(opts, context, out).await,
        Command::Watch(opts) => watch::run(opts, context, out).await,
        Command::Fund(opts) => fund::run(opts, context, out).await,
        Command::Pause(opts) => pause::run(opts, context, out).await,
        Command::Resume(opts) => resume::run(opts, context, out).await,
        Command::Cancel(opts) => cancel::run(opts, context, out).await,
        Command::Advance(opts) => advance::run(opts, context, out).await,
        Command::Reap(opts) => reap::run(opts, context, out).await,
    }
}
