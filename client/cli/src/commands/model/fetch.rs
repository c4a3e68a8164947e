//! `decentralml model fetch`.

use super::version_or_last;
use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, pairs},
    units::Size,
};
use clap::Args;
use color_eyre::Result;
use decentralml_types::{Cid, TaskId, Version};
use serde::Serialize;
use std::path::PathBuf;

/// Fetch a model's weights from the store: safetensors, checked against their CID byte by byte.
#[derive(Args, Debug)]
pub struct Opts {
    /// Number of the task.
    #[arg(required_unless_present = "cid")]
    task: Option<TaskId>,
    /// Version of its model [default: the latest].
    version: Option<Version>,
    /// Fetch this CID, whatever the chain says of it.
    #[arg(long, conflicts_with_all = ["task", "version"])]
    cid: Option<Cid>,
    /// Where the file goes.
    #[arg(long, short, default_value = "model.safetensors", value_name = "FILE")]
    out: PathBuf,
    /// Bytes that are fetched at most.
    #[arg(long, default_value = "1 GiB", value_name = "SIZE")]
    max_bytes: Size,
}

#[derive(Serialize)]
struct Fetched {
    cid: Cid,
    file: PathBuf,
    bytes: u64,
}

/// The file appears when all of it is there.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let cid = match (opts.cid, opts.task) {
        (Some(cid), _) => cid,
        (None, Some(task)) => {
            let view = context.chain().await?.finalized().await?;
            version_or_last(&view, task, opts.version).await?.cid
        }
        (None, None) => return Err(problem(Kind::Usage, "name a task, or give --cid")),
    };
    let storage = context.storage().await?;
    let bytes = storage.fetch_to_file(&cid, &opts.out, opts.max_bytes.0).await?;
    out.result(&Fetched { cid, file: opts.out, bytes }, |fetched| {
        pairs(&[
            ("CID", fetched.cid.to_string()),
            ("file", fetched.file.display().to_string()),
            ("bytes", fetched.bytes.to_string()),
        ])
    })
}
