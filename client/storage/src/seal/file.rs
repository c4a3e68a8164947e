//! Files that are there whole or not at all.

use std::{fs::File, io, path::Path};

/// Writes a file aside and, when that went well, puts it in the place of `path`.
pub(super) fn whole<T, E>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<T, E>,
    failed: impl Fn(io::Error) -> E,
) -> Result<T, E> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Unlike what is fetched, it may be plain bytes that not everybody should see: readable by its owner only, as temporary files
    // are.
    let mut aside =
        tempfile::Builder::new().prefix(".sealed-").tempfile_in(folder).map_err(&failed)?;
    let written = write(aside.as_file_mut())?;
    aside.as_file().sync_all().map_err(&failed)?;
    aside.persist(path).map_err(|error| failed(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(&failed)?;
    Ok(written)
}
