//! `decentralml ipfs verify`.

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, count},
};
use clap::Args;
use color_eyre::Result;
use serde::Serialize;

/// Hold every block of the store against its CID.
///
/// Corrupt blocks are served to nobody; adding or fetching their files again heals them.
#[derive(Args, Debug)]
pub struct Opts {}

#[derive(Serialize)]
struct Verified {
    blocks: u64,
    corrupt: u64,
    /// The store's words about the first thousand.
    faults: Vec<String>,
}

/// Reads the whole store, which takes a second for one or two gigabytes; fails when a block is corrupt.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let storage = context.storage().await?;
    let checked = storage.verify(|_| {}).await?;
    let verified =
        Verified { blocks: checked.blocks, corrupt: checked.corrupt, faults: checked.described };
    out.result(&verified, |verified| {
        let mut lines = verified.faults.clone();
        let corrupt = verified.corrupt;
        lines.push(format!("looked at {}, {corrupt} corrupt", count(verified.blocks, "block")));
        lines.join("\n")
    })?;
    if verified.corrupt > 0 {
        let corrupt = count(verified.corrupt, "corrupt block");
        let what = "add or fetch their files again to heal them";
        return Err(problem(Kind::NoStore, format!("the store has {corrupt}; {what}")));
    }
    Ok(())
}
