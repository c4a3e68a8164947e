//! `decentralml ipfs cat`.

use crate::{context::Context, output::Out, units::Size};
use clap::Args;
use color_eyre::Result;
use decentralml_storage::{CidError, parse_cid};
use decentralml_types::Cid;
use serde::Serialize;
use std::path::PathBuf;

/// Print a file of the store, checked against its CID.
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
    let storage = context.storage().await?;
    let Some(file) = opts.out else {
        let bytes = storage.fetch(&opts.cid, opts.max_bytes.0).await?;
        return out.bytes(&bytes);
    };
    let bytes = storage.fetch_to_file(&opts.cid, &file, opts.max_bytes.0).await?;
    out.result(&Written { cid: opts.cid, file, bytes }, |written| {
        format!("{} bytes of {} in {}", written.bytes, written.cid, written.file.display())
    })
}
