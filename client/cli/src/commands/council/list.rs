//! `decentralml council list`.

use crate::{
    commands::hex,
    context::Context,
    output::{Out, count, pairs, table},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Proposal};
use decentralml_types::BlockNumber;
use serde::Serialize;

/// List the members of the council, the validators, and the motions that are open.
#[derive(Args, Debug)]
pub struct Opts {}

#[derive(Serialize)]
struct Council {
    block: BlockNumber,
    members: Vec<AccountId>,
    validators: Vec<AccountId>,
    motions: Vec<Proposal>,
}

/// Reads the best block.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let view = context.chain().await?.best().await?;
    let council = Council {
        block: view.number(),
        members: view.council().await?,
        validators: view.validators().await?,
        motions: view.proposals().await?,
    };
    out.result(&council, people)
}

fn people(council: &Council) -> String {
    let join = |accounts: &[AccountId]| {
        accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let head =
        pairs(&[("members", join(&council.members)), ("validators", join(&council.validators))]);
    if council.motions.is_empty() {
        return head + "\n\nno open motions";
    }
    let rows = council.motions.iter().map(|motion| {
        vec![
            motion.index.to_string(),
            motion.call.clone(),
            format!("{} of {}", motion.ayes.len(), motion.threshold),
            motion.nays.len().to_string(),
            count(motion.end.saturating_sub(council.block), "block"),
            hex(&motion.hash),
        ]
    });
    let header = ["motion", "call", "ayes", "nays", "ends in", "hash"];
    format!("{head}\n\n{}", table(header.map(str::to_owned).to_vec(), rows))
}
