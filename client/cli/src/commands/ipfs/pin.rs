//! `decentralml ipfs pin`.

use super::cat::cid;
use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
    transfer::{Bar, unless_larger},
    units::Size,
};
use clap::Args;
use color_eyre::Result;
use decentralml_storage::Error;
use decentralml_types::Cid;
use serde::Serialize;

/// Keep files in the store, or let go of them; without a CID list what is kept.
///
/// Every block of the file is looked at. Those that the store lacks or has corrupt it gets from its peers, if it is a Kubo, or from the
/// gateways that `--source` names; where that is not possible, nothing is pinned.
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
    /// Bytes that are fetched at most, where the store lacks them.
    #[arg(long, default_value = "1 GiB", value_name = "SIZE")]
    max_bytes: Size,
}

/// What to do where something of the file is nowhere to be had.
fn or_say_how<T>(kept: Result<T>) -> Result<T> {
    kept.map_err(|report| match report.downcast_ref() {
        Some(Error::NotFound { .. } | Error::Unavailable { .. }) => report.wrap_err(
            "not all of it is there; add the file again, or name a gateway that has it with --source",
        ),
        _ => report,
    })
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
            let bar = Bar::new(context, "looking at blocks");
            let name = opts.name.as_deref().unwrap_or_default();
            let told = |at| bar.at(at);
            let kept = storage.keep_whole(&cid, name, opts.max_bytes.0, &told).await;
            or_say_how(unless_larger(kept))?;
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
