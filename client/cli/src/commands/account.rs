//! `decentralml account`: keys, balances, bonds.

mod balance;
mod bond;
mod list;
mod new;
mod show;
mod transfer;
mod unbond;
mod withdraw;

use crate::{context::Context, output::Out};
use clap::Subcommand;
use color_eyre::Result;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    New(new::Opts),
    List(list::Opts),
    Show(show::Opts),
    Balance(balance::Opts),
    Transfer(transfer::Opts),
    Bond(bond::Opts),
    Unbond(unbond::Opts),
    Withdraw(withdraw::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::New(opts) => new::run(&opts, context, out),
        Command::List(opts) => list::run(&opts, context, out),
        Command::Show(opts) => show::run(opts, context, out).await,
        Command::Balance(opts) => balance::run(opts, context, out).await,
        Command::Transfer(opts) => transfer::run(opts, context, out).await,
        Command::Bond(opts) => bond::run(opts, context, out).await,
        Command::Unbond(opts) => unbond::run(opts, context, out).await,
        Command::Withdraw(opts) => withdraw::run(opts, context, out).await,
    }
}
