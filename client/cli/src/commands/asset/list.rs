//! `decentralml asset list`.

use super::state;
use crate::{
    context::Context,
    output::{Out, table},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;

/// List the tokens of the chain beside its own.
#[derive(Args, Debug)]
pub struct Opts {}

/// Reads the best block.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let assets = chain.best().await?.assets().await?;
    out.result(&assets, |assets| {
        if assets.is_empty() {
            return "no assets; `decentralml asset create` makes one".to_owned();
        }
        let rows = assets.iter().map(|asset| {
            vec![
                asset.id.to_string(),
                asset.symbol.clone(),
                asset.name.clone(),
                tokens(asset.supply, &asset.unit(chain.properties())),
                state(asset.state).to_owned(),
                asset.owner.to_string(),
            ]
        });
        let header = ["asset", "symbol", "name", "supply", "state", "owner"];
        table(header.map(str::to_owned).to_vec(), rows)
    })
}
