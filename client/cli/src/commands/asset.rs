//! `decentralml asset`: tokens of one's own, and whose power they are in.

mod create;
mod list;
mod mint;
mod show;
mod transfer;

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Subcommand;
use color_eyre::Result;
use decentralml_sdk::{AssetRecord, AssetState, View};

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Create(create::Opts),
    Mint(mint::Opts),
    Transfer(transfer::Opts),
    Show(show::Opts),
    List(list::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::Create(opts) => create::run(opts, context, out).await,
        Command::Mint(opts) => mint::run(opts, context, out).await,
        Command::Transfer(opts) => transfer::run(opts, context, out).await,
        Command::Show(opts) => show::run(opts, context, out).await,
        Command::List(opts) => list::run(opts, context, out).await,
    }
}

/// An asset that has to exist.
async fn asset(view: &View, id: u32) -> Result<AssetRecord> {
    view.asset(id).await?.ok_or_else(|| {
        let text =
            format!("there is no asset {id}; `decentralml asset list` shows those that there are");
        problem(Kind::Usage, text)
    })
}

fn state(state: AssetState) -> &'static str {
    match state {
        AssetState::Live => "live",
        AssetState::Frozen => "frozen",
        AssetState::Destroying => "being destroyed",
    }
}
