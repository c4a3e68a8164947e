//! Files that appear whole or not at all.

use std::{
    error::Error,
    fmt,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use decentralml_files::Readers;

/// Why a file is not written.
#[derive(Debug)]
pub enum WriteError {
    /// There is one, and nobody said that it may go.
    Exists(String),
    /// The system does not take it.
    Io {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(file) => {
                write!(
                    f,
                    "{file} exists; name another file with --out, or give --force to replace it"
                )
            }
            Self::Io { file, source } => write!(f, "{file}: {source}"),
        }
    }
}

impl Error for WriteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Exists(_) => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

/// A file that is written beside its place, and renamed when it is whole. Dropped before that, it is gone.
pub struct Aside {
    file: BufWriter<decentralml_files::Aside>,
    path: PathBuf,
    force: bool,
}

impl Aside {
    /// Starts a file. What is there already is replaced only if `force`, and not before the new one is whole.
    pub fn create(path: &Path, force: bool) -> Result<Self, WriteError> {
        if !force && path.symlink_metadata().is_ok() {
            return Err(WriteError::Exists(path.display().to_string()));
        }
        let file = decentralml_files::Aside::create(path, Readers::Everybody);
        let file = file.map_err(|source| failed(path, source))?;
        Ok(Self { file: BufWriter::new(file), path: path.to_owned(), force })
    }

    /// Puts the file into its place, once the disk has all of it.
    pub fn finish(self) -> Result<(), WriteError> {
        let Self { file, path, force } = self;
        let file = file.into_inner().map_err(|error| failed(&path, error.into_error()))?;
        let placed = if force { file.replace(&path) } else { file.put(&path) };
        placed.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => WriteError::Exists(path.display().to_string()),
            _ => failed(&path, source),
        })
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn failed(path: &Path, source: io::Error) -> WriteError {
    WriteError::Io { file: path.display().to_string(), source }
}

/// Writes a whole file by way of [`Aside`].
pub fn write_aside(path: &Path, force: bool, bytes: &[u8]) -> Result<(), WriteError> {
    let mut file = Aside::create(path, force)?;
    file.write_all(bytes).map_err(|source| failed(path, source))?;
    file.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    #[test]
    fn what_is_there_stays_unless_it_may_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m");
        write_aside(&path, false, b"one").unwrap();
        let error = write_aside(&path, false, b"two").unwrap_err().to_string();
        assert!(error.contains("give --force"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_aside(&path, true, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(write_aside(&folder.path().join("none/m"), false, b"").is_err());
        // One that appears meanwhile stays too.
        let late = folder.path().join("late");
        let aside = Aside::create(&late, false).unwrap();
        fs::write(&late, "other").unwrap();
        assert!(matches!(aside.finish(), Err(WriteError::Exists(_))));
        assert_eq!(fs::read(&late).unwrap(), b"other");
    }

    #[test]
    fn nothing_is_left_of_a_file_that_was_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m");
        let mut aside = Aside::create(&path, false).unwrap();
        aside.write_all(b"half").unwrap();
        aside.flush().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(!path.exists());
        drop(aside);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
