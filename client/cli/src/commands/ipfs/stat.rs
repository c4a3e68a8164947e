//! `decentralml ipfs stat`.

use crate::{
    context::Context,
    output::{Out, or_dash, pairs},
};
use clap::Args;
use color_eyre::Result;
use serde::Serialize;

/// Show what the store holds.
#[derive(Args, Debug)]
pub struct Opts {}

#[derive(Serialize)]
struct Stat {
    url: String,
    version: String,
    blocks: u64,
    bytes: u64,
    /// Bytes that it may have; none where only its disk limits it.
    limit: Option<u64>,
    pins: usize,
    folder: String,
}

/// Asks the store; a large one takes a while to count.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let storage = context.storage().await?;
    let counted = storage.stat().await?;
    let stat = Stat {
        url: storage.url().to_owned(),
        version: storage.version().await?,
        blocks: counted.blocks,
        bytes: counted.bytes,
        limit: counted.limit,
        pins: storage.pins().await?.len(),
        folder: counted.path,
    };
    out.result(&stat, |stat| {
        pairs(&[
            ("store", stat.url.clone()),
            ("version", stat.version.clone()),
            ("blocks", stat.blocks.to_string()),
            ("bytes", stat.bytes.to_string()),
            ("limit", or_dash(stat.limit)),
            ("pins", stat.pins.to_string()),
            ("folder", stat.folder.clone()),
        ])
    })
}
