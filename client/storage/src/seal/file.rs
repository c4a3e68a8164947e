//! Files that are there whole or not at all.

use decentralml_files::{Aside, Readers};
use std::{fs::File, io, path::Path};

/// Writes a file aside and, when that went well, puts it in the place of `path`.
pub(super) fn whole<T, E>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<T, E>,
    failed: impl Fn(io::Error) -> E,
) -> Result<T, E> {
    // Unlike what is fetched, it may be plain bytes that not everybody should see.
    let mut aside = Aside::create(path, Readers::Owner).map_err(&failed)?;
    let written = write(aside.file())?;
    aside.replace(path).map_err(&failed)?;
    Ok(written)
}
