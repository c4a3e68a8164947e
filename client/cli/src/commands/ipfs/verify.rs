//! `decentralml ipfs verify`.

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, count},
};
use clap::Args;
use color_eyre::Result;
use decentralml_storage::BrokenPin;
use serde::Serialize;

/// Hold every block of the store against its CID, and look for all that its pins keep.
///
/// Corrupt blocks are served to nobody. What is corrupt or missing is healed by adding its file again (`ipfs add`), or from elsewhere by
/// `ipfs pin CID --source GATEWAY`. `ipfs cat --source GATEWAY` replaces what it meets that is corrupt, and leaves alone what is missing. Of
/// a Kubo's pins leaves are not looked for: `ipfs pin CID` does that.
#[derive(Args, Debug)]
pub struct Opts {}

#[derive(Serialize)]
struct Verified {
    blocks: u64,
    corrupt: u64,
    /// The store's words about the first thousand.
    faults: Vec<String>,
    /// Pins under which something is missing or corrupt.
    broken: Vec<BrokenPin>,
}

/// Reads the whole store, which takes a second for one or two gigabytes; fails when a block is corrupt or a pinned one missing.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let storage = context.storage().await?;
    let checked = storage.verify(|_| {}).await?;
    // Afterwards: by now the store knows which blocks are corrupt.
    let broken = storage.check_pins().await?;
    let verified = Verified {
        blocks: checked.blocks,
        corrupt: checked.corrupt,
        faults: checked.described,
        broken,
    };
    out.result(&verified, |verified| {
        let mut lines = verified.faults.clone();
        lines.extend(verified.broken.iter().map(not_whole));
        let Verified { blocks, corrupt, broken, .. } = verified;
        let broken = count(broken.len() as u64, "pin");
        lines.push(format!(
            "looked at {}, {corrupt} corrupt; {broken} not whole",
            count(*blocks, "block")
        ));
        lines.join("\n")
    })?;
    let Verified { corrupt, broken, .. } = verified;
    if corrupt > 0 || !broken.is_empty() {
        let corrupt = count(corrupt, "corrupt block");
        let broken = count(broken.len() as u64, "pin");
        let what = "add their files again, or run `decentralml ipfs pin CID --source GATEWAY`, to heal them";
        let found = format!("the store has {corrupt}, and {broken} not whole; {what}");
        return Err(problem(Kind::NoStore, found));
    }
    Ok(())
}

/// One line about a pin.
pub(super) fn not_whole(pin: &BrokenPin) -> String {
    let more = match pin.faults.len() {
        0 | 1 => String::new(),
        faults => format!(" (and {} more)", faults - 1),
    };
    let first = pin.faults.first().map_or("", String::as_str);
    format!("the pinned {} is not whole: {first}{more}", pin.cid)
}
