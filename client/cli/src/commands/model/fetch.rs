//! `decentralml model fetch`.

use super::version_or_last;
use crate::{
    context::Context,
    daemon::unless_stopped,
    exit::{Kind, problem},
    output::{Out, pairs},
    transfer::{Bar, left_behind, to_file, unless_larger},
    units::Size,
};
use clap::Args;
use color_eyre::Result;
use decentralml_types::{Cid, TaskId, Version};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Fetch a model's weights: safetensors, checked against their CID byte by byte.
///
/// They come from the store, the gateways that --source names, and the hosts that the task's sponsor and evaluators have announced. If
/// this was interrupted, run it again: what had come lies beside the target as `.CID.part`, and is not fetched twice.
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
    check_target(&opts.out)?;
    let (cid, storage) = match (opts.cid, opts.task) {
        (Some(cid), _) => (cid, context.storage().await?),
        (None, Some(task)) => {
            let chain = context.chain().await?;
            let view = chain.finalized().await?;
            let cid = version_or_last(&view, task, opts.version).await?.cid;
            let task = view.task(task).await?;
            (cid, context.storage_for_task(&chain, &view, task.as_ref()).await?)
        }
        (None, None) => return Err(problem(Kind::Usage, "name a task, or give --cid")),
    };
    let bytes = {
        let bar = Bar::new(context, "fetching");
        let fetching = to_file(&storage, &cid, &opts.out, opts.max_bytes.0, &bar);
        unless_larger(unless_stopped(fetching, &left_behind(&opts.out, &cid)).await)?
    };
    out.result(&Fetched { cid, file: opts.out, bytes }, |fetched| {
        pairs(&[
            ("CID", fetched.cid.to_string()),
            ("file", fetched.file.display().to_string()),
            ("bytes", fetched.bytes.to_string()),
        ])
    })
}

/// Whether a file can go there, before anything is fetched.
pub fn check_target(target: &Path) -> Result<()> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let why = match folder {
        _ if target.is_dir() => format!("{} is a folder; name a file with --out", target.display()),
        Some(folder) if !folder.is_dir() => format!(
            "there is no folder {}; make it, or name another file with --out",
            folder.display()
        ),
        _ => return Ok(()),
    };
    Err(problem(Kind::Usage, why))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_file_in_a_folder_that_there_is_can_be_a_target() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("old");
        std::fs::write(&old, "").unwrap();
        for good in [folder.path().join("new"), old.clone(), "model.safetensors".into()] {
            assert!(check_target(&good).is_ok(), "{}", good.display());
        }
        for (bad, part) in [
            (folder.path().to_owned(), "is a folder"),
            (folder.path().join("none/m"), "there is no folder"),
            (old.join("m"), "there is no folder"),
        ] {
            let error = check_target(&bad).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert_eq!(crate::exit::kind(&error), Kind::Usage);
        }
    }
}
