//! `decentralml ipfs`: the store of models and updates.

mod add;
mod cat;
pub mod daemon;
mod gc;
mod mirror;
mod pin;
mod stat;
mod verify;

use crate::{context::Context, output::Out};
use clap::Subcommand;
use color_eyre::Result;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Daemon(daemon::Opts),
    Add(add::Opts),
    Cat(cat::Opts),
    Pin(pin::Opts),
    Stat(stat::Opts),
    Gc(gc::Opts),
    Verify(verify::Opts),
    Mirror(mirror::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::Daemon(opts) => daemon::run(opts, context, out).await,
        Command::Add(opts) => add::run(opts, context, out).await,
        Command::Cat(opts) => cat::run(opts, context, out).await,
        Command::Pin(opts) => pin::run(opts, context, out).await,
        Command::Stat(opts) => stat::run(opts, context, out).await,
        Command::Gc(opts) => gc::run(opts, context, out).await,
        Command::Verify(opts) => verify::run(opts, context, out).await,
        Command::Mirror(opts) => mirror::run(opts, context, out).await,
    }
}
