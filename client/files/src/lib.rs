//! Files that are there whole or not at all, whatever happens while they are written.
//!
//! ```text
//!  .NAME.PID-COUNT.new, locked ──► written ──► synced ──► NAME ──► folder synced
//! ```
//!
//! Until a file has its name, there is what was there before. Once it has it, its content survives a crash of the program and of the
//! machine. What a killed program leaves aside is removed by the next one that writes the same file: it is known by its lock, which
//! the system lets go of with the process. No clock is asked.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// How the name of a file aside ends.
const ENDING: &str = ".new";

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// On Unix nobody but its owner: what is secret, or may be.
    Owner,
    /// Whoever the umask allows to, as any other new file.
    Everybody,
}

impl Readers {
    #[cfg(unix)]
    fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everybody => 0o666,
        }
    }
}

/// A file that is written beside its place. Dropped before it was put there, it is gone.
#[derive(Debug)]
pub struct Aside {
    file: File,
    path: PathBuf,
    folder: PathBuf,
}

impl Aside {
    /// Begins a file in the folder of `path`, which may get another name of that folder in the end.
    ///
    /// What killed processes have left of the same is removed.
    pub fn create(path: &Path, readers: Readers) -> io::Result<Self> {
        sweep(path);
        let folder = folder_of(path).to_owned();
        let before = before(path)?;
        loop {
            let number = next();
            let path = folder.join(format!("{before}{}-{number}{ENDING}", process::id()));
            let Some(file) = new_file(&path, readers)? else { continue };
            let aside = Self { file, path, folder: folder.clone() };
            match aside.file.try_lock() {
                // Whoever sweeps may have seen it before it was locked.
                Err(TryLockError::WouldBlock) => {}
                // On file systems without locks nobody sweeps.
                Ok(()) | Err(TryLockError::Error(_)) if aside.path.exists() => return Ok(aside),
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
        }
    }

    /// What is written to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Where it is until it has its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in the place of `path`, of the same folder, once the disk has all of it.
    pub fn replace(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        sync_folder(&self.folder)
    }

    /// Like [`replace`](Self::replace), but fails with [`io::ErrorKind::AlreadyExists`] where `path` exists.
    pub fn put(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        // A hard link, unlike a rename, never replaces anything.
        fs::hard_link(&self.path, path)?;
        fs::remove_file(&self.path)?;
        sync_folder(&self.folder)
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

impl Drop for Aside {
    fn drop(&mut self) {
        // It is not there any more where it got its name; what cannot be removed is swept later.
        let _ = fs::remove_file(&self.path);
    }
}

/// Replaces `path` with these parts, one after the other.
pub fn replace(path: &Path, readers: Readers, parts: &[&[u8]]) -> io::Result<()> {
    written(path, readers, parts)?.replace(path)
}

/// Like [`replace`], but fails with [`io::ErrorKind::AlreadyExists`] where `path` exists.
pub fn create(path: &Path, readers: Readers, parts: &[&[u8]]) -> io::Result<()> {
    written(path, readers, parts)?.put(path)
}

fn written(path: &Path, readers: Readers, parts: &[&[u8]]) -> io::Result<Aside> {
    let mut aside = Aside::create(path, readers)?;
    parts.iter().try_for_each(|part| aside.write_all(part))?;
    Ok(aside)
}

/// Removes what killed processes have left aside of a file. What cannot be removed stays.
pub fn sweep(path: &Path) {
    let (Ok(before), Ok(entries)) = (before(path), fs::read_dir(folder_of(path))) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_prefix(&before)?.strip_suffix(ENDING));
        let is_ours = number.is_some_and(|number| {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            number.split_once('-').is_some_and(|(pid, count)| digits(pid) && digits(count))
        });
        if is_ours
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes new and changed names of a folder survive a loss of power.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder in which a file is.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// How the names of what is written aside for a file begin.
fn before(path: &Path) -> io::Result<String> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    Ok(format!(".{}.", name.to_string_lossy()))
}

/// A number that no other file of this process has.
fn next() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// `None` where there is one: of an earlier process of the same number, which could not be swept.
fn new_file(path: &Path, readers: Readers) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, readers.mode());
    #[cfg(not(unix))]
    let _ = readers;
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        file => file.map(Some),
    }
}

#[cfg(test)]
mod tests;
