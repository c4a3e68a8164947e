//! The folder of a run: what it leaves, and what it needs to go on.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use decentralml_files::{Readers, replace};

use crate::{Report, SimulateError};

/// What the lock file of every folder says that a run may write into.
const MARK: &[u8] = b"the folder of a decentralml simulation\n";

/// A run's folder, which no other process uses as long as this lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, and takes it.
    ///
    /// A run replaces files there: a folder with anything in it is refused, unless a run made it.
    pub fn open(path: &Path) -> Result<Self, SimulateError> {
        let failed = |error| SimulateError::file(path, error);
        fs::create_dir_all(path).map_err(failed)?;
        if !is_ours(path).map_err(failed)? {
            return Err(SimulateError::Foreign { path: path.to_owned() });
        }
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {
                // From its beginning: a mark that was half written becomes whole.
                lock.write_all(MARK).map_err(failed)?;
                Ok(Self { path: path.to_owned(), _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(SimulateError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The final model, in its canonical form.
    pub fn model(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// The report in JSON.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// The report as a page.
    pub fn page(&self) -> PathBuf {
        self.path.join("report.html")
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint")
    }

    /// What clients keep from round to round.
    pub(crate) fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    /// A round's updates, where they are too many for memory.
    pub(crate) fn updates(&self) -> PathBuf {
        self.path.join("updates")
    }
}

/// Whether a run has made the folder, or nothing is in it.
fn is_ours(path: &Path) -> io::Result<bool> {
    let lock = path.join("lock");
    let mut start = Vec::new();
    if lock.is_file() {
        File::open(&lock)?.take(MARK.len() as u64).read_to_end(&mut start)?;
    }
    if start == MARK {
        return Ok(true);
    }
    // A process may have ended while it wrote the mark into a new folder.
    let is_begun = MARK.starts_with(&start);
    for entry in fs::read_dir(path)? {
        let is_lock = entry?.file_name() == "lock" && lock.is_file();
        if !(is_lock && is_begun) {
            return Ok(is_begun && Report::read(&path.join("report.json")).is_ok());
        }
    }
    Ok(true)
}

/// Reads a file that may have so many bytes.
pub(crate) fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, SimulateError> {
    let failed = |error| SimulateError::file(path, error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    // One byte more, to see that there are more.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        let problem = format!("has more than the {most} bytes that such a file can have");
        return Err(SimulateError::Broken { path: path.to_owned(), problem });
    }
    Ok(bytes)
}

/// Writes a file beside its place, syncs it, and puts it there: a crash leaves the old one or the new
/// one.
pub(crate) fn write_whole(path: &Path, parts: &[&[u8]]) -> Result<(), SimulateError> {
    replace(path, Readers::Everybody, parts).map_err(|error| SimulateError::file(path, error))
}

/// Removes the files of a folder that have names of ours, and the folder if nothing else is in it; none
/// is fine.
pub(crate) fn clear(path: &Path, is_ours: impl Fn(&Path) -> bool) -> Result<(), SimulateError> {
    let failed = |error| SimulateError::file(path, error);
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if is_ours(&path) {
            remove(&path)?;
        }
    }
    // With files of others in it, it stays.
    let _ = fs::remove_dir(path);
    Ok(())
}

/// Removes a file; none is fine.
pub(crate) fn remove(path: &Path) -> Result<(), SimulateError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(SimulateError::file(path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_has_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er");
        let first = Folder::open(&path).unwrap();
        let error = Folder::open(&path).unwrap_err().to_string();
        assert!(error.contains("in use by another run"), "{error}");
        drop(first);
        Folder::open(&path).unwrap();
    }

    #[test]
    fn a_folder_of_others_is_refused_and_stays_as_it_is() {
        for (name, bytes) in [("notes", "mine"), ("lock", "mine"), ("report.json", "{}")] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join(name);
            fs::write(&file, bytes).unwrap();
            let error = Folder::open(folder.path()).unwrap_err().to_string();
            assert!(error.contains("is not empty") && error.contains("--out"), "{name}: {error}");
            assert_eq!(fs::read_to_string(&file).unwrap(), bytes);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        // A mark that was cut off is ours.
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lock"), &MARK[..5]).unwrap();
        drop(Folder::open(folder.path()).unwrap());
        fs::write(folder.path().join("checkpoint"), "").unwrap();
        Folder::open(folder.path()).unwrap();
    }

    #[test]
    fn only_names_of_ours_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let is_ours = |path: &Path| path.extension().is_some();
        clear(&path, is_ours).unwrap();
        fs::create_dir(&path).unwrap();
        for name in ["1.2", "notes"] {
            fs::write(path.join(name), "").unwrap();
        }
        clear(&path, is_ours).unwrap();
        assert!(path.join("notes").is_file() && !path.join("1.2").exists());
        fs::remove_file(path.join("notes")).unwrap();
        clear(&path, is_ours).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_is_written_whole_and_read_within_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_whole(&path, &[b"ab", b"c"]).unwrap();
        write_whole(&path, &[b"abcd"]).unwrap();
        assert_eq!(read_at_most(&path, 4).unwrap(), b"abcd");
        let error = read_at_most(&path, 3).unwrap_err().to_string();
        assert!(error.contains("more than the 3 bytes"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
    }
}
