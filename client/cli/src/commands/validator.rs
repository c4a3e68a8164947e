//! `decentralml validator`: what the operator of a validator's node does besides running it.

mod keys;
mod status;

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Subcommand;
use color_eyre::{Report, Result};
use decentralml_sdk::ValidatorError;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Keys(keys::Opts),
    Status(status::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::Keys(opts) => keys::run(opts, context, out).await,
        Command::Status(opts) => status::run(opts, context, out).await,
    }
}

/// With the exit code of its kind.
fn report(error: ValidatorError) -> Report {
    match error {
        ValidatorError::Read(error) => Report::new(error),
        ValidatorError::Afar { .. } => problem(Kind::Usage, error.to_string()),
        ValidatorError::Form => problem(Kind::NoChain, error.to_string()),
    }
}
