//! Files out of the store and its further sources, into memory or into a file.

use super::{
    Error, Storage,
    download::{Download, Piece},
    part::Part,
};
use decentralml_files::{Aside, Readers, folder_of, sync_folder};
use decentralml_types::Cid;
use std::{
    fs::{self, File},
    io::{self, SeekFrom},
    path::Path,
};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

/// Most bytes that are reserved on the word of a root alone.
const RESERVE: u64 = 16 << 20;

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that are there and checked, or with the server.
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
    /// to, by whose word one goes, with what the others said.
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
        progress: impl FnMut(Progress),
    ) -> Result<u64, Error> {
        let download = Download::open(self, *cid, max_bytes).await?;
        let draft = Draft::new(path).map_err(|e| Error::file(path, e))?;
        write(download, draft, path, progress).await
    }

    /// [`Storage::fetch_to_file_with`], which goes on where an earlier one was ended, also by a kill, without a store of its own:
    /// what has come lies in the file that [`unfinished`](super::unfinished) names until it is complete, and stays there where the
    /// fetch fails. Its bytes are checked again before they are used. While another process fetches the same to the same
    /// folder, this one begins anew.
    pub async fn fetch_to_file_resuming(
        &self,
        cid: &Cid,
        path: &Path,
        max_bytes: u64,
        progress: impl FnMut(Progress),
    ) -> Result<u64, Error> {
        let mut download = Download::open(self, *cid, max_bytes).await?;
        let draft = match Part::open(path, cid)? {
            Some(part) => {
                download.with_found(part.found.clone());
                Draft::Part(part)
            }
            None => Draft::new(path).map_err(|e| Error::file(path, e))?,
        };
        write(download, draft, path, progress).await
    }
}

/// Where a file is until all of it is there.
enum Draft {
    /// It goes with this.
    Temporary(Aside),
    /// It stays.
    Part(Part),
}

impl Draft {
    fn new(path: &Path) -> io::Result<Self> {
        Aside::create(path, Readers::Everybody).map(Self::Temporary)
    }

    fn writer(&mut self) -> io::Result<File> {
        match self {
            Self::Temporary(draft) => draft.file().try_clone(),
            Self::Part(part) => part.file.try_clone(),
        }
    }

    /// Gives it its name, once the disk has it.
    fn finish(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Temporary(draft) => draft.replace(path),
            Self::Part(part) => {
                part.file.sync_all()?;
                fs::rename(&part.path, path)?;
                sync_folder(folder_of(path))
            }
        }
    }
}

/// Writes a file, and syncs it before it gets its name.
async fn write(
    mut download: Download<'_>,
    mut draft: Draft,
    path: &Path,
    mut progress: impl FnMut(Progress),
) -> Result<u64, Error> {
    let failed = |e| Error::file(path, e);
    let total = download.size();
    let mut file = tokio::fs::File::from_std(draft.writer().map_err(failed)?);
    let mut done = 0;
    progress(Progress { done, total });
    loop {
        let piece = match download.piece().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => {
                // What was written may still be on its way to the file, of which the next fetch is to find as much as there is.
                let _ = file.flush().await;
                return Err(error);
            }
        };
        let Piece { data, is_found } = piece;
        done += data.len() as u64;
        if is_found {
            file.seek(SeekFrom::Start(done)).await.map_err(failed)?;
        } else {
            file.write_all(&data).await.map_err(failed)?;
        }
        progress(Progress { done, total });
    }
    file.flush().await.map_err(failed)?;
    // Of what lay there before, nothing was believed.
    file.set_len(total).await.map_err(failed)?;
    let target = path.to_owned();
    let finished = tokio::task::spawn_blocking(move || draft.finish(&target)).await;
    finished.map_err(|e| failed(io::Error::other(e)))?.map_err(failed)?;
    Ok(total)
}
