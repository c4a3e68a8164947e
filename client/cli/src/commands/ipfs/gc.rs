//! `decentralml ipfs gc`.

use super::verify::not_whole;
use crate::{
    context::Context,
    output::{Out, count},
};
use clap::Args;
use color_eyre::Result;
use decentralml_storage::BrokenPin;
use serde::Serialize;

/// Remove what nothing in the store keeps: blocks under no pin.
///
/// What is being added, pinned or read meanwhile stays. Pins under which something is missing are told of.
#[derive(Args, Debug)]
pub struct Opts {}

#[derive(Serialize)]
struct Collected {
    blocks: u64,
    /// Bytes in the store before less those after; others may add meanwhile.
    bytes: u64,
    /// Pins under which something is missing or corrupt.
    broken: Vec<BrokenPin>,
}

/// Has the store collect; the result is what that has freed.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let storage = context.storage().await?;
    let before = storage.stat().await?.bytes;
    let blocks = storage.gc(|_| {}).await?;
    let bytes = before.saturating_sub(storage.stat().await?.bytes);
    let broken = storage.check_pins().await?;
    for pin in &broken {
        let what =
            "add its file again, run `decentralml ipfs pin CID --source GATEWAY`, or unpin it";
        tracing::warn!("{}; {what}", not_whole(pin));
    }
    out.result(&Collected { blocks, bytes, broken }, |freed| {
        format!("removed {}, {} bytes", count(freed.blocks, "block"), freed.bytes)
    })
}
