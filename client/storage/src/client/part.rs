//! What an earlier fetch has left of a file.
//!
//! A fetch that may go on later writes into a file with a name of its own beside the target, `.CID.part`, from the front to the
//! back. When it is begun again, every leaf is first looked for there, at its place, and taken where its bytes have the right
//! hash: whatever a kill or a power cut has left, nothing of it is believed. Only nodes, one in a thousand blocks, are asked for
//! again.

use super::Error;
use crate::Block;
use decentralml_files::folder_of;
use decentralml_types::Cid;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::spawn_blocking;

/// The file in which a fetch of `cid` to `path` is until it is complete; see
/// [`Storage::fetch_to_file_resuming`](super::Storage::fetch_to_file_resuming). Who gives up the fetch may remove it.
pub fn unfinished(path: &Path, cid: &Cid) -> PathBuf {
    folder_of(path).join(format!(".{cid}.part"))
}

/// The file, locked: nobody else writes to it meanwhile.
pub(super) struct Part {
    pub path: PathBuf,
    /// For writing.
    pub file: File,
    /// What was there at the beginning.
    pub found: Arc<Found>,
}

/// Bytes of unknown worth.
pub(super) struct Found {
    length: u64,
    file: Mutex<File>,
}

impl Part {
    /// Opens or makes it; `None` where another process is at it.
    ///
    /// Errors: [`Error::File`], also where something lies there that this user has not made: a link, or a file of somebody else.
    pub fn open(path: &Path, cid: &Cid) -> Result<Option<Self>, Error> {
        let path = unfinished(path, cid);
        let failed = |e| Error::file(&path, e);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
        let own = match is_own(&path, &file) {
            // Another process has just finished it.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            own => own.map_err(failed)?,
        };
        if !own {
            let why = "it is a link, or a file of somebody else; remove it";
            return Err(failed(io::Error::other(why)));
        }
        let length = file.metadata().map_err(failed)?.len();
        let read = Mutex::new(File::open(&path).map_err(failed)?);
        Ok(Some(Self { found: Arc::new(Found { length, file: read }), path, file }))
    }
}

impl Found {
    /// The raw block that is to be at a place of the file, if it is there.
    pub async fn block(self: Arc<Self>, cid: Cid, offset: u64, size: u64) -> Option<Block> {
        if offset.checked_add(size)? > self.length {
            return None;
        }
        spawn_blocking(move || Block::verified(cid, self.read(offset, size).ok()?)).await.ok()?
    }

    fn read(&self, offset: u64, size: u64) -> io::Result<Vec<u8>> {
        let mut data = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        // Every read begins with a seek, so that nothing is left of one that panicked.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut data)?;
        Ok(data)
    }
}

/// Whether what was opened is a file of this user's that has no other name: in a folder in which others may write, somebody could
/// have put a link to one of ours there, or a file that can be changed after it was checked.
#[cfg(unix)]
fn is_own(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (named, opened) = (std::fs::symlink_metadata(path)?, file.metadata()?);
    let same = (named.dev(), named.ino()) == (opened.dev(), opened.ino());
    // Whatever is made now belongs to this user.
    let own = tempfile::tempfile_in(folder_of(path))?.metadata()?.uid();
    Ok(opened.is_file() && same && opened.nlink() == 1 && opened.uid() == own)
}

#[cfg(not(unix))]
fn is_own(path: &Path, file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.is_file() && !std::fs::symlink_metadata(path)?.is_symlink())
}
