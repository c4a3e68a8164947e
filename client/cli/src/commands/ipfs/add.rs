//! `decentralml ipfs add`.

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, table},
    transfer::{self, Bar},
};
use clap::Args;
use color_eyre::Result;
use decentralml_types::Cid;
use serde::Serialize;
use std::path::PathBuf;

/// Put files into the store, and keep them there (pinned).
///
/// To a store on another machine they go block by block, and only what it lacks is sent: if this was interrupted, run it again.
#[derive(Args, Debug)]
pub struct Opts {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Send only the blocks that the store lacks, also where it is on this machine.
    #[arg(long)]
    resume: bool,
}

#[derive(Serialize)]
struct Added {
    file: PathBuf,
    cid: Cid,
    bytes: u64,
}

/// Stores them one after the other.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    if let Some(missing) = opts.files.iter().find(|file| !file.is_file()) {
        return Err(problem(Kind::Data, format!("{} is no file", missing.display())));
    }
    let storage = context.storage().await?;
    let mut added = Vec::new();
    for file in opts.files {
        let bar = Bar::new(context, &format!("adding {}", file.display()));
        let stored = transfer::add(&storage, &file, opts.resume, &bar).await?;
        drop(bar);
        added.push(Added { file, cid: stored.cid, bytes: stored.size });
    }
    out.result(&added, |added| {
        let row = |one: &Added| {
            vec![one.cid.to_string(), one.bytes.to_string(), one.file.display().to_string()]
        };
        table(["CID", "bytes", "file"].map(str::to_owned).to_vec(), added.iter().map(row))
    })
}
