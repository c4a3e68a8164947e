//! Bytes and files into the store.
//!
//! ```text
//!  file ──► add, one stream          as fast as it gets; what was sent is lost where it breaks
//!       └─► blocks that it lacks     goes on where it was; for stores that are far away
//! ```

use super::{Connection, Error, Progress, Storage, cache, request};
use crate::{
    Block, Store, parse_cid,
    unixfs::{Imported, import},
};
use bytes::Bytes;
use decentralml_types::{Cid, Codec};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval},
};

/// How often it is looked how far an upload is.
const LOOK: Duration = Duration::from_millis(200);

/// Blocks on their way to a server that is asked which of them it has.
const AT_A_TIME: usize = 8;

/// Blocks in a row that it lacks, after which it is not asked about the others.
const ENOUGH: u32 = 32;

/// Times that all blocks are offered: a server may collect what nothing keeps before the root is pinned.
const OFFERS: u32 = 3;

/// What was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// The canonical CID of the bytes.
    pub cid: Cid,
    /// Bytes of the file.
    pub size: u64,
}

/// Something that can be read more than once: for its CID, for each attempt.
#[derive(Clone)]
enum Source {
    Bytes(Bytes),
    File(PathBuf),
}

/// Told how far an upload is.
type Told<'a> = &'a (dyn Fn(Progress) + Sync);

impl Storage {
    /// Stores and pins `bytes` in the canonical form, in the own store too where there is one ([`Storage::with_cache`]) and it
    /// has room. [`Storage::unpin`] or [`Storage::unpin_own`] lets go of them when they are no longer needed.
    ///
    /// The CID never depends on the server: when its `add` gives another one, because of its settings, the blocks are put
    /// one by one.
    pub async fn add(&self, bytes: Vec<u8>) -> Result<Added, Error> {
        self.add_source(Source::Bytes(bytes.into()), &|_| {}).await
    }

    /// [`Storage::add`] for a file, in constant memory. It is read twice, at the same time.
    pub async fn add_file(&self, path: &Path) -> Result<Added, Error> {
        self.add_file_with(path, &|_| {}).await
    }

    /// [`Storage::add_file`], which tells how far it is now and then, and when it is done.
    pub async fn add_file_with(&self, path: &Path, progress: Told<'_>) -> Result<Added, Error> {
        self.add_source(Source::File(path.to_owned()), progress).await
    }

    /// [`Storage::add_file_with`], which sends only the blocks that the server lacks: one that was ended goes on where it was, also
    /// after a kill, unless the server has collected its blocks since. The embedded store is asked about each block by its hash, so that
    /// what has rotted there is sent again. It is for servers that are far away: the file is read twice, one time after the other, and
    /// each block is a request.
    pub async fn add_file_resuming(&self, path: &Path, progress: Told<'_>) -> Result<Added, Error> {
        let source = Source::File(path.to_owned());
        let kept = self.keep(&source).await?;
        let imported = match &kept {
            Some((imported, _lease)) => *imported,
            None => source.clone().import_all().await?,
        };
        let Imported { cid, size, .. } = imported;
        self.offer(&source, cid, progress).await?;
        self.pin_kept(kept, cid).await;
        progress(Progress { done: size, total: size });
        Ok(Added { cid, size })
    }

    async fn add_source(&self, source: Source, progress: Told<'_>) -> Result<Added, Error> {
        let kept = self.keep(&source).await?;
        let upload = || self.connection.retry("add", || self.upload(&source, progress));
        let (Imported { cid, size, .. }, given) = match &kept {
            Some((imported, _lease)) => (*imported, upload().await?),
            // At the same time: most of an upload is waiting for the server, which hashes it, too.
            None => tokio::try_join!(source.clone().import_all(), upload())?,
        };
        if given != Some(cid) {
            tracing::debug!(%cid, given = ?given.map(|cid| cid.to_string()), "the server's form differs, putting blocks");
            self.put_blocks(&source, cid, 1, &Asking::not(), progress).await?;
            self.pin(&cid).await?;
        }
        self.pin_kept(kept, cid).await;
        progress(Progress { done: size, total: size });
        Ok(Added { cid, size })
    }

    /// Puts it into the own store, if there is one and it has room.
    async fn keep(&self, source: &Source) -> Result<Option<cache::Kept>, Error> {
        match &self.cache {
            Some(store) => source.keep(store.clone()).await,
            None => Ok(None),
        }
    }

    async fn pin_kept(&self, kept: Option<cache::Kept>, cid: Cid) {
        if let (Some(_kept), Some(store)) = (kept, &self.cache) {
            cache::pin(store.clone(), cid, "").await;
        }
    }

    /// Sends what the server lacks, and pins the root.
    async fn offer(&self, source: &Source, cid: Cid, progress: Told<'_>) -> Result<(), Error> {
        let mut left = OFFERS;
        loop {
            left -= 1;
            self.put_blocks(source, cid, AT_A_TIME, &Asking::default(), progress).await?;
            match self.pin(&cid).await {
                Err(Error::NotFound { .. } | Error::Unavailable { .. }) if left > 0 => {
                    tracing::info!(%cid, "the server has lost blocks meanwhile; they are sent again");
                }
                pinned => return pinned,
            }
        }
    }

    /// One `add`; returns the CID that the server gives, `None` for one that is not even of our kind.
    async fn upload(&self, source: &Source, progress: Told<'_>) -> Result<Option<Cid>, Error> {
        let total = source.length()?;
        let sent = Arc::new(AtomicU64::new(0));
        let mut request = pin!(request::add(&self.connection.rpc, source.open()?, sent.clone()));
        let limit = self.connection.config.idle_timeout;
        let mut looks = interval(LOOK.min(limit));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut seen, mut moved) = (0, Instant::now());
        let answer = loop {
            tokio::select! {
                answer = &mut request => {
                    break answer.map_err(|e| self.connection.error("add", None, e))?;
                }
                _ = looks.tick() => {}
            }
            let now = sent.load(Ordering::Relaxed);
            if now != seen {
                (seen, moved) = (now, Instant::now());
                // It is done when the server says so.
                progress(Progress { done: now.min(total.saturating_sub(1)), total });
            } else if moved.elapsed() >= limit {
                return Err(self.connection.timeout("add", limit));
            }
        };
        Ok(parse_cid(&answer.hash).ok())
    }

    /// Has the server get every block, so many at the same time; of those that it is asked about, the ones that it lacks.
    async fn put_blocks(
        &self,
        source: &Source,
        expected: Cid,
        at_a_time: usize,
        asking: &Asking,
        progress: Told<'_>,
    ) -> Result<(), Error> {
        let total = source.length()?;
        let (blocks, made) = mpsc::channel::<Block>(2);
        let reader = source.open()?;
        let importer = spawn_blocking(move || {
            import(reader, |block| {
                blocks.blocking_send(block).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
            })
        });
        let done = AtomicU64::new(0);
        let made = stream::unfold(made, async |mut made| Some((made.recv().await?, made)));
        let put = async |block: Block| {
            if !(asking.is_worth_it() && asking.heard(self.has(&block.cid()).await?)) {
                self.put_block(&block).await?;
            }
            if block.cid().codec == Codec::Raw {
                let length = block.data().len() as u64;
                let done = done.fetch_add(length, Ordering::Relaxed) + length;
                progress(Progress { done: done.min(total), total });
            }
            Ok(())
        };
        made.map(put).buffer_unordered(at_a_time).try_collect::<()>().await?;
        let imported = importer.await.map_err(|e| source.error(io::Error::other(e)))?;
        let imported = imported.map_err(|e| source.error(e))?;
        if imported.cid == expected { Ok(()) } else { Err(Error::Changed(source.path())) }
    }

    pub(super) async fn put_block(&self, block: &Block) -> Result<(), Error> {
        self.connection.put(block).await
    }
}

impl Connection {
    /// Has the store keep one block, until it collects; a corrupt one is replaced.
    pub(super) async fn put(&self, block: &Block) -> Result<(), Error> {
        let request = || request::put(&self.rpc, block);
        let answer = self.call("block/put", Some(block.cid()), request).await?;
        match parse_cid(&answer.key) {
            Ok(given) if given == block.cid() => Ok(()),
            _ => Err(self.mismatch(block.cid(), format!("block/put calls it {}", answer.key))),
        }
    }
}

impl Source {
    fn open(&self) -> Result<Box<dyn Read + Send>, Error> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
            Self::File(path) => Box::new(File::open(path).map_err(|e| Error::file(path, e))?),
        })
    }

    /// Bytes that it has now.
    fn length(&self) -> Result<u64, Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::File(path) => {
                let found = std::fs::metadata(path).map_err(|e| Error::file(path, e))?;
                Ok(found.len())
            }
        }
    }

    /// Imports it into a store of this process, if there is room.
    async fn keep(&self, store: Arc<Store>) -> Result<Option<cache::Kept>, Error> {
        let (opened, failed) = (self.clone(), self.clone());
        cache::import(store, move || opened.open(), move |e| failed.error(e)).await
    }

    /// Computes the CID; a second of work per gigabyte.
    async fn import_all(self) -> Result<Imported, Error> {
        let path = self.path();
        let work = move || {
            let reader = self.open()?;
            import(reader, |_| Ok::<(), io::Error>(())).map_err(|e| self.error(e))
        };
        spawn_blocking(work).await.map_err(|e| Error::file(&path, io::Error::other(e)))?
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Bytes(_) => PathBuf::from("(bytes in memory)"),
            Self::File(path) => path.clone(),
        }
    }

    fn error(&self, source: io::Error) -> Error {
        Error::File { path: self.path(), source }
    }
}

/// Whether a server is asked which blocks it has. What an upload that was ended has left there is at the front of the file; where
/// nothing is, or nothing any more, asking costs more than it saves.
#[derive(Default)]
struct Asking {
    /// Blocks in a row that it lacks.
    lacks: AtomicU32,
}

impl Asking {
    /// It is not asked.
    fn not() -> Self {
        Self { lacks: AtomicU32::new(ENOUGH) }
    }

    fn is_worth_it(&self) -> bool {
        self.lacks.load(Ordering::Relaxed) < ENOUGH
    }

    /// Takes an answer, and returns it.
    fn heard(&self, has: bool) -> bool {
        let lacks = if has { 0 } else { self.lacks.load(Ordering::Relaxed).saturating_add(1) };
        self.lacks.store(lacks, Ordering::Relaxed);
        has
    }
}
