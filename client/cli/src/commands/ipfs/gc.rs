//! `decentralml ipfs gc`.

use crate::{
    context::Context,
    output::{Out, count},
};
use clap::Args;
use color_eyre::Result;
use serde::Serialize;

/// Remove what nothing in the store keeps: blocks under no pin.
///
/// What is being added, pinned or read meanwhile stays.
#[derive(Args, Debug)]
pub struct Opts {}

#[derive(Serialize)]
struct Collected {
    blocks: u64,
    /// Bytes in the store before less those after; others may add meanwhile.
    bytes: u64,
}

/// Has the store collect; the result is what that has freed.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let storage = context.storage().await?;
    let before = storage.stat().await?.bytes;
    let blocks = storage.gc(|_| {}).await?;
    let bytes = before.saturating_sub(storage.stat().await?.bytes);
    out.result(&Collected { blocks, bytes }, |freed| {
        format!("removed {}, {} bytes", count(freed.blocks, "block"), freed.bytes)
    })
}
