//! A disk without room, told from other failures, and what to do then.

use std::{
    fmt::Display,
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use sc_cli::Error;

/// Bytes that fit on a disk that has room. A database that could not write has filled what there was.
const PROBE_BYTES: usize = 1 << 20;

/// The error with which a node or a command ended, with what to do where the disk is full. `base` is the folder of a node's data.
pub fn explain(error: Error, base: Option<&Path>) -> Error {
    let text = error.to_string();
    let remedy = match base {
        Some(base) if is_full(&text) => writing(base, &text),
        // What failed in the midst of a run is in the log; the SDK returns only that something did.
        Some(base) if matches!(error, Error::Service(_)) => match probe(base) {
            Err(why) if is_full(&why.to_string()) => format!("{} ({text})", writing(base, &why)),
            _ => return error,
        },
        None if is_full(&text) => {
            format!("{text}; free some space where the command writes, then run it again")
        }
        _ => return error,
    };
    Error::Application(remedy.into())
}

fn writing(base: &Path, why: &dyn Display) -> String {
    let base = base.display();
    format!("the node cannot write to {base}: {why}; free some space there, then start it again")
}

/// Whether a file could not be written for want of room. Between the file and the command line the SDK keeps only the text of
/// some errors.
fn is_full(text: &str) -> bool {
    ["No space left on device", "Disk quota exceeded", "File too large"]
        .iter()
        .any(|full| text.contains(full))
}

/// Writes a file to the folder, and removes it. That counts quotas and limits too, which the free space does not tell of.
fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!("probe-{}.tmp", std::process::id()));
    let mut file = File::create(&path)?;
    // Some file systems look for room only when the bytes go to the disk.
    let written = file.write_all(&vec![0xa5; PROBE_BYTES]).and_then(|()| file.sync_all());
    let removed = fs::remove_file(&path);
    written.and(removed)
}
