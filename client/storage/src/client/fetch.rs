//! Files out of the store and its further sources, into memory or into a file.

use super::{Error, Storage, download::Download};
use decentralml_types::Cid;
use std::path::Path;
use tokio::io::AsyncWriteExt;

/// Most bytes that are reserved on the word of a root alone.
const RESERVE: u64 = 16 << 20;

/// How far a fetch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that are there and checked.
    pub done: u64,
    /// Bytes of the whole file.
    pub total: u64,
}

impl Storage {
    /// The file `cid`, of at most `max_bytes`. Nothing is kept beyond the limit, and every byte has been checked.
    ///
    /// Errors: [`Error::NotFound`] (at once, from a store without peers; a Kubo with peers searches until
    /// [`Error::Timeout`]), [`Error::Unavailable`], [`Error::TooLarge`], [`Error::Mismatch`], [`Error::NotAFile`],
    /// [`Error::Timeout`], [`Error::Unreachable`]. With further sources the error is that of the store that was connected
    /// to, by whose word one goes, with what the others said where there is room for it.
    pub async fn fetch(&self, cid: &Cid, max_bytes: u64) -> Result<Vec<u8>, Error> {
        self.fetch_with(cid, max_bytes, |_| {}).await
    }

    /// [`Storage::fetch`], which tells how far it is: once the size is known, and after every block.
    pub async fn fetch_with(
        &self,
        cid: &Cid,
        max_bytes: u64,
        mut progress: impl FnMut(Progress),
    ) -> Result<Vec<u8>, Error> {
        let mut download = Download::open(self, *cid, max_bytes).await?;
        let total = download.size();
        let mut bytes = Vec::with_capacity(total.min(RESERVE) as usize);
        progress(Progress { done: 0, total });
        while let Some(piece) = download.next().await? {
            bytes.extend_from_slice(&piece);
            progress(Progress { done: bytes.len() as u64, total });
        }
        Ok(bytes)
    }

    /// [`Storage::fetch`] into a file, in constant memory. The file appears (or is replaced) when all of it is
    /// there and on the disk; it returns its size in bytes.
    ///
    /// With a store of its own ([`Storage::with_cache`]) a fetch that was ended, by a kill too, goes on where it was.
    pub async fn fetch_to_file(
        &self,
        cid: &Cid,
        path: &Path,
        max_bytes: u64,
    ) -> Result<u64, Error> {
        self.fetch_to_file_with(cid, path, max_bytes, |_| {}).await
    }

    /// [`Storage::fetch_to_file`], which tells how far it is: once the size is known, and after every block.
    pub async fn fetch_to_file_with(
        &self,
        cid: &Cid,
        path: &Path,
        max_bytes: u64,
        mut progress: impl FnMut(Progress),
    ) -> Result<u64, Error> {
        let failed = |e| Error::file(path, e);
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut download = Download::open(self, *cid, max_bytes).await?;
        let total = download.size();
        let draft = draft(folder).map_err(failed)?;
        let mut file = tokio::fs::File::from_std(draft.reopen().map_err(failed)?);
        let mut done = 0;
        progress(Progress { done, total });
        while let Some(piece) = download.next().await? {
            file.write_all(&piece).await.map_err(failed)?;
            done += piece.len() as u64;
            progress(Progress { done, total });
        }
        file.sync_all().await.map_err(failed)?;
        draft.persist(path).map_err(|e| failed(e.error))?;
        let folder = tokio::fs::File::open(folder).await.map_err(failed)?;
        folder.sync_all().await.map_err(failed)?;
        Ok(total)
    }
}

/// Readable by others as far as the umask allows, like any other new file; temporary files are not by default.
fn draft(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fetch-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
