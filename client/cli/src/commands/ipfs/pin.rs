//! `decentralml ipfs pin`.

use super::cat::cid;
use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_types::Cid;
use serde::Serialize;

/// Keep files in the store, or let go of them; without a CID list what is kept.
#[derive(Args, Debug)]
pub struct Opts {
    /// Which file.
    #[arg(value_parser = cid)]
    cid: Option<Cid>,
    /// Let go of it.
    #[arg(long, requires = "cid", conflicts_with = "name")]
    remove: bool,
    /// What the pin is called, in at most 255 bytes; it replaces an earlier name.
    #[arg(long, requires = "cid")]
    name: Option<String>,
}

#[derive(Serialize)]
struct Pin {
    cid: Cid,
    name: String,
}

/// Pins, unpins or lists; the result is what is pinned afterwards.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let storage = context.storage().await?;
    if let Some(cid) = opts.cid {
        if !opts.remove {
            storage.pin_named(&cid, opts.name.as_deref().unwrap_or_default()).await?;
        } else if !storage.unpin(&cid).await? {
            return Err(problem(Kind::NotFound, format!("{cid} is not pinned")));
        }
    }
    let pins: Vec<Pin> =
        storage.named_pins().await?.into_iter().map(|(cid, name)| Pin { cid, name }).collect();
    out.result(&pins, |pins| {
        if let Some(cid) = opts.cid {
            return format!("{cid} {}", if opts.remove { "is no longer kept" } else { "is kept" });
        }
        if pins.is_empty() {
            return "nothing is pinned".to_owned();
        }
        let line = |pin: &Pin| format!("{}  {}", pin.cid, pin.name).trim_end().to_owned();
        pins.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}
