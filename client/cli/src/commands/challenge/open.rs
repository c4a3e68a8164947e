//! `decentralml challenge open`.

use super::{UpdateArg, path};
use crate::{commands::submit, context::Context, output::Out};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Demand a block of a revealed update, from the end of phase Revealing until the round is over. A bond is held: an answer costs all of
/// it, silence gives it back and accuses the trainer.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    update: UpdateArg,
    /// The links to follow from the update's root, from 0, as in `1,0` [default: none, for the root].
    #[arg(long, value_name = "LINKS", value_delimiter = ',')]
    path: Vec<u16>,
}

/// Waits until the challenge is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let UpdateArg { task, round, trainer } = &opts.update;
    let trainer = context.account(trainer)?;
    let chain = context.chain().await?;
    let challenge = call::challenge(*task, *round, &trainer, opts.path.clone());
    submit(context, &chain, &challenge, out, |_| {
        format!("challenged {trainer} to show block {}", path(&opts.path))
    })
    .await
}
