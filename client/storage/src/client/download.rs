//! Files out of the store, block by block.

use super::{Error, Storage};
use crate::{
    Block, MAX_BLOCK,
    unixfs::{Expanded, NodeError, Step},
};
use bytes::{Bytes, BytesMut};
use decentralml_types::{Cid, Codec};
use futures::StreamExt;
use ipfs_api_backend_hyper::IpfsApi;
use sha2::{Digest, Sha256};
use std::{collections::VecDeque, path::Path};
use tokio::{
    io::AsyncWriteExt,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

/// Blocks that are asked for before they are needed; each may hold [`MAX_BLOCK`] bytes.
const AHEAD: usize = 4;

/// Idle time-outs that a block may take in all.
const PATIENCE: u32 = 10;

/// Most bytes of a block that is longer than it may be: so much of it is read to see by its hash whose fault that is.
const LONGEST: u64 = 4 * MAX_BLOCK as u64;

/// Most bytes that are reserved on the word of a root alone.
const RESERVE: u64 = 16 << 20;

impl Storage {
    /// The file `cid`, of at most `max_bytes`. Nothing is kept beyond the limit, and every byte has been checked.
    ///
    /// Errors: [`Error::NotFound`] (at once, from a store without peers; a Kubo with peers searches until
    /// [`Error::Timeout`]), [`Error::Unavailable`], [`Error::TooLarge`], [`Error::Mismatch`], [`Error::NotAFile`],
    /// [`Error::Timeout`], [`Error::Unreachable`].
    pub async fn fetch(&self, cid: &Cid, max_bytes: u64) -> Result<Vec<u8>, Error> {
        let mut download = Download::open(self, *cid, max_bytes).await?;
        let mut bytes = Vec::with_capacity(download.size.min(RESERVE) as usize);
        while let Some(piece) = download.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// [`Storage::fetch`] into a file, in constant memory. The file appears (or is replaced) when all of it is
    /// there and on the disk; it returns its size in bytes.
    pub async fn fetch_to_file(
        &self,
        cid: &Cid,
        path: &Path,
        max_bytes: u64,
    ) -> Result<u64, Error> {
        let failed = |e| Error::file(path, e);
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut download = Download::open(self, *cid, max_bytes).await?;
        let draft = draft(folder).map_err(failed)?;
        let mut file = tokio::fs::File::from_std(draft.reopen().map_err(failed)?);
        while let Some(piece) = download.next().await? {
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.sync_all().await.map_err(failed)?;
        draft.persist(path).map_err(|e| failed(e.error))?;
        let folder = tokio::fs::File::open(folder).await.map_err(failed)?;
        folder.sync_all().await.map_err(failed)?;
        Ok(download.size)
    }

    /// One block of at most `limit` bytes, checked. A longer one is the fault of whoever made the file where the CID stands for
    /// it, and the server's where it does not.
    async fn block(&self, cid: Cid, limit: u64, too_large: TooLarge) -> Result<Block, Error> {
        let received = self.connection.retry("block/get", || self.block_bytes(cid, limit)).await?;
        let wrong = |length: u64| {
            self.connection.mismatch(cid, format!("{length} bytes with another hash"))
        };
        match received {
            Received::Whole(data) => {
                let length = data.len() as u64;
                Block::verified(cid, data).ok_or_else(|| wrong(length))
            }
            Received::Longer { length, digest } if digest != cid.digest => Err(wrong(length)),
            Received::Longer { length, .. } => Err(match too_large {
                TooLarge::Refused => Error::TooLarge { cid, limit },
                TooLarge::Impossible => {
                    let why = format!("a block of {length} bytes, which has {limit} at most");
                    Error::NotAFile { cid, source: NodeError::Malformed(why) }
                }
            }),
        }
    }

    async fn block_bytes(&self, cid: Cid, limit: u64) -> Result<Received, Error> {
        const COMMAND: &str = "block/get";
        let idle = self.connection.config.idle_timeout;
        let patience = idle * PATIENCE;
        let deadline = Instant::now() + patience;
        let mut stream = self.connection.timed.block_get(&cid.to_string());
        let (mut data, mut length) = (BytesMut::new(), 0);
        // Takes the place of the data once there is too much of it.
        let mut hash: Option<Sha256> = None;
        loop {
            let next = timeout_at(deadline, timeout(idle, stream.next()))
                .await
                .map_err(|_| self.connection.timeout(COMMAND, patience))?
                .map_err(|_| self.connection.timeout(COMMAND, idle))?;
            let Some(piece) = next else {
                return Ok(match hash {
                    None => Received::Whole(data.freeze()),
                    Some(hash) => Received::Longer { length, digest: hash.finalize().into() },
                });
            };
            let piece = piece.map_err(|e| self.connection.error(COMMAND, Some(cid), e))?;
            length += piece.len() as u64;
            if length > LONGEST {
                return Err(self.connection.mismatch(cid, format!("more than {LONGEST} bytes")));
            }
            if let Some(hash) = &mut hash {
                hash.update(&piece);
            } else if length > limit {
                let begun = std::mem::take(&mut data);
                hash = Some(Sha256::new().chain_update(&begun).chain_update(&piece));
            } else {
                data.extend_from_slice(&piece);
            }
        }
    }
}

/// What came for a block.
enum Received {
    /// No more than its limit.
    Whole(Bytes),
    /// More, of which nothing was kept.
    Longer { length: u64, digest: [u8; 32] },
}

/// What it means when a block is longer than its limit.
#[derive(Clone, Copy)]
enum TooLarge {
    /// The caller wants no more.
    Refused,
    /// The block cannot be as long: its parent, or the format, says so.
    Impossible,
}

/// Readable by others as far as the umask allows, like any other new file; temporary files are not by default.
fn draft(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fetch-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// A walk through the DAG that keeps a few requests ahead of itself.
struct Download<'a> {
    storage: &'a Storage,
    size: u64,
    ready: Bytes,
    queue: VecDeque<Queued>,
}

/// A visit to come, and the request for its block once that is under way.
struct Queued {
    step: Step,
    request: Option<Request>,
}

struct Request(JoinHandle<Result<Block, Error>>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<'a> Download<'a> {
    /// Reads the root, which tells the size of the whole.
    async fn open(storage: &'a Storage, cid: Cid, max_bytes: u64) -> Result<Self, Error> {
        let most = MAX_BLOCK as u64;
        // A raw root is the file itself, so the caller's limit holds for the block.
        let block = match cid.codec {
            Codec::Raw if max_bytes < most => {
                storage.block(cid, max_bytes, TooLarge::Refused).await?
            }
            _ => storage.block(cid, most, TooLarge::Impossible).await?,
        };
        let mut download = Self { storage, size: 0, ready: Bytes::new(), queue: VecDeque::new() };
        download.size = download.visit(Step::root(cid), &block)?;
        if download.size > max_bytes {
            return Err(Error::TooLarge { cid, limit: max_bytes });
        }
        Ok(download)
    }

    /// The next bytes of the file; `None` at its end.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if !self.ready.is_empty() {
                return Ok(Some(std::mem::take(&mut self.ready)));
            }
            for queued in self.queue.iter_mut().take(AHEAD) {
                if queued.request.is_none() {
                    queued.request = Some(request(self.storage, queued.step));
                }
            }
            let Some(Queued { step, request: Some(mut request) }) = self.queue.pop_front() else {
                return Ok(None);
            };
            let block = match (&mut request.0).await {
                Ok(result) => result?,
                Err(e) => return Err(self.storage.connection.protocol("block/get", e.to_string())),
            };
            self.visit(step, &block)?;
        }
    }

    fn visit(&mut self, step: Step, block: &Block) -> Result<u64, Error> {
        let Expanded { size, data, children } =
            step.expand(block).map_err(|source| Error::NotAFile { cid: step.cid(), source })?;
        self.ready = data;
        for step in children.into_iter().rev() {
            self.queue.push_front(Queued { step, request: None });
        }
        Ok(size)
    }
}

fn request(storage: &Storage, step: Step) -> Request {
    let storage = storage.clone();
    let limit = step.block_size().unwrap_or(MAX_BLOCK as u64).min(MAX_BLOCK as u64);
    Request(tokio::spawn(
        async move { storage.block(step.cid(), limit, TooLarge::Impossible).await },
    ))
}
