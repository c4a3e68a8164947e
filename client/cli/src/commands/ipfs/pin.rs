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

/// Keep files in the store, or let go of them; without a CID list what is kept.
#[derive(Args, Debug)]
pub struct Opts {
    /// Which file.
    #[arg(value_parser = cid)]
    cid: Option<Cid>,
    /// Let go of it.
    #[arg(long, requires = "cid")]
    remove: bool,
}

/// Pins, unpins or lists; the result is what is pinned afterwards.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let storage = context.storage().await?;
    if let Some(cid) = opts.cid {
        if !opts.remove {
            storage.pin(&cid).await?;
        } else if !storage.unpin(&cid).await? {
            return Err(problem(Kind::NotFound, format!("{cid} is not pinned")));
        }
    }
    out.result(&storage.pins().await?, |pins| {
        if pins.is_empty() {
            return "nothing is pinned".to_owned();
        }
        pins.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    })
}
