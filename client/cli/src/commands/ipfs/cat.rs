//! `decentralml ipfs cat`.

use crate::{
    context::{self, Context},
    daemon::unless_stopped,
    output::Out,
    transfer::{Bar, left_behind, to_file, unless_larger},
    units::Size,
};
use clap::Args;
use color_eyre::{Result, eyre::WrapErr};
use decentralml_storage::{CidError, Storage, parse_cid};
use decentralml_types::{Cid, TaskId};
use serde::Serialize;
use std::path::PathBuf;

/// Print a file of the store, checked against its CID.
///
/// What is printed is right; where something is missing, it ends early, with an error. Into a file (--out) an interrupted one goes on
/// when it is run again: what had come lies beside it as `.CID.part`.
#[derive(Args, Debug)]
pub struct Opts {
    /// Which file.
    #[arg(value_parser = cid)]
    cid: Cid,
    /// Write it to a file, which appears when all of it is there.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Bytes that are fetched at most.
    #[arg(long, default_value = "1 GiB", value_name = "SIZE")]
    max_bytes: Size,
    /// Also ask the hosts that the sponsor and the evaluators of this task have announced on the chain.
    #[arg(long, value_name = "TASK")]
    task: Option<TaskId>,
}

/// Any text form of a CID.
pub(super) fn cid(text: &str) -> std::result::Result<Cid, CidError> {
    parse_cid(text)
}

#[derive(Serialize)]
struct Written {
    cid: Cid,
    file: PathBuf,
    bytes: u64,
}

/// Writes the bytes to standard output, as they are, or to a file.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let (cid, limit) = (opts.cid, opts.max_bytes.0);
    let storage = storage(context, opts.task).await?;
    let Some(file) = opts.out else {
        return print(&storage, &cid, limit, out).await;
    };
    let bar = Bar::new(context, "fetching");
    let fetching = to_file(&storage, &cid, &file, limit, &bar);
    let bytes = unless_larger(unless_stopped(fetching, &left_behind(&file, &cid)).await)?;
    drop(bar);
    out.result(&Written { cid, file, bytes }, |written| {
        format!("{} bytes of {} in {}", written.bytes, written.cid, written.file.display())
    })
}

/// Whoever reads the output sees only where it ends: an error says that this is not the end of the file.
async fn print(storage: &Storage, cid: &Cid, limit: u64, out: &mut Out<'_>) -> Result<()> {
    let mut download = unless_larger(storage.download(cid, limit).await)?;
    let (mut printed, size) = (0, download.size());
    let cut = |printed| format!("the output ends after {printed} of {size} bytes");
    while let Some(bytes) = download.next().await.wrap_err_with(|| cut(printed))? {
        out.bytes(&bytes)?;
        printed += bytes.len();
    }
    Ok(())
}

async fn storage(context: &Context, task: Option<TaskId>) -> Result<Storage> {
    let Some(task) = task else { return context.storage().await };
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    let task = context::task(&view, task).await?;
    context.storage_for_task(&chain, &view, Some(&task)).await
}
