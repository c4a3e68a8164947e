//! Bytes and files into the store.

use super::{Error, Storage, cache, request};
use crate::{
    Block, Store, parse_cid,
    unixfs::{Imported, import},
};
use bytes::Bytes;
use decentralml_types::{Cid, Codec};
use ipfs_api_backend_hyper::{IpfsApi, request::BlockPut};
use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

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

impl Storage {
    /// Stores and pins `bytes` in the canonical form, in the own store too where there is one ([`Storage::with_cache`]) and it
    /// has room. [`Storage::unpin`] or [`Storage::unpin_own`] lets go of them when they are no longer needed.
    ///
    /// The CID never depends on the server: when its `add` gives another one, because of its settings, the blocks are put
    /// one by one.
    pub async fn add(&self, bytes: Vec<u8>) -> Result<Added, Error> {
        self.add_source(Source::Bytes(bytes.into())).await
    }

    /// [`Storage::add`] for a file, in constant memory. It is read twice, at the same time.
    pub async fn add_file(&self, path: &Path) -> Result<Added, Error> {
        self.add_source(Source::File(path.to_owned())).await
    }

    async fn add_source(&self, source: Source) -> Result<Added, Error> {
        let kept = match &self.cache {
            Some(store) => source.keep(store.clone()).await?,
            None => None,
        };
        let upload = || self.connection.retry("add", || self.upload(&source));
        let (Imported { cid, size, .. }, given) = match &kept {
            Some((imported, _lease)) => (*imported, upload().await?),
            // At the same time: most of an upload is waiting for the server, which hashes it, too.
            None => tokio::try_join!(source.clone().import_all(), upload())?,
        };
        if given != Some(cid) {
            tracing::debug!(%cid, given = ?given.map(|cid| cid.to_string()), "the server's form differs, putting blocks");
            self.put_blocks(&source, cid).await?;
            self.pin(&cid).await?;
        }
        if let (Some(_), Some(store)) = (&kept, &self.cache) {
            cache::pin(store.clone(), cid, "").await;
        }
        Ok(Added { cid, size })
    }

    /// One `add`; returns the CID that the server gives, `None` for one that is not even of our kind.
    async fn upload(&self, source: &Source) -> Result<Option<Cid>, Error> {
        let sent = Arc::new(AtomicU64::new(0));
        let reader = Counted { inner: source.open()?, count: sent.clone() };
        let mut request = pin!(request::add(&self.connection.plain, reader));
        let limit = self.connection.config.idle_timeout;
        let mut seen = 0;
        let answer = loop {
            if let Ok(answer) = timeout(limit, &mut request).await {
                break answer.map_err(|e| self.connection.error("add", None, e))?;
            }
            let now = sent.load(Ordering::Relaxed);
            if now == seen {
                return Err(self.connection.timeout("add", limit));
            }
            seen = now;
        };
        Ok(parse_cid(&answer.hash).ok())
    }

    async fn put_blocks(&self, source: &Source, expected: Cid) -> Result<(), Error> {
        let (blocks, mut made) = mpsc::channel::<Block>(2);
        let reader = source.open()?;
        let importer = spawn_blocking(move || {
            import(reader, |block| {
                blocks.blocking_send(block).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
            })
        });
        while let Some(block) = made.recv().await {
            self.put_block(&block).await?;
        }
        let imported = importer.await.map_err(|e| source.error(io::Error::other(e)))?;
        let imported = imported.map_err(|e| source.error(e))?;
        if imported.cid == expected { Ok(()) } else { Err(Error::Changed(source.path())) }
    }

    async fn put_block(&self, block: &Block) -> Result<(), Error> {
        let request = || {
            let options = BlockPut {
                format: Some(match block.cid().codec {
                    Codec::Raw => "raw",
                    Codec::DagPb => "dag-pb",
                }),
                mhtype: Some("sha2-256"),
                mhlen: Some(32),
                pin: Some(false),
            };
            self.connection.timed.block_put_with_options(Cursor::new(block.data().clone()), options)
        };
        let answer = self.connection.call("block/put", Some(block.cid()), request).await?;
        match parse_cid(&answer.key) {
            Ok(given) if given == block.cid() => Ok(()),
            _ => Err(self
                .connection
                .mismatch(block.cid(), format!("block/put calls it {}", answer.key))),
        }
    }
}

impl Source {
    fn open(&self) -> Result<Box<dyn Read + Send + Sync + Unpin>, Error> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
            Self::File(path) => Box::new(File::open(path).map_err(|e| Error::file(path, e))?),
        })
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

/// Counts what has been read, which is what has been sent but for a buffer.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
