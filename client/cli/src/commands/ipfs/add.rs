//! `decentralml ipfs add`.

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, table},
};
use clap::Args;
use color_eyre::Result;
use decentralml_types::Cid;
use serde::Serialize;
use std::path::PathBuf;

/// Put files into the store, and keep them there (pinned).
#[derive(Args, Debug)]
pub struct Opts {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
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
        let stored = storage.add_file(&file).await?;
        added.push(Added { file, cid: stored.cid, bytes: stored.size });
    }
    out.result(&added, |added| {
        let row = |one: &Added| {
            vec![one.cid.to_string(), one.bytes.to_string(), one.file.display().to_string()]
        };
        table(["CID", "bytes", "file"].map(str::to_owned).to_vec(), added.iter().map(row))
    })
}
