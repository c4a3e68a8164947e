//! One block from one server: how long it may take, how long it may be, and whose fault it is when it is another one.

use super::{Connection, Error, rpc::Terms};
use crate::{Block, MAX_BLOCK, buffer::Buffer, unixfs::NodeError};
use bytes::Bytes;
use decentralml_types::Cid;
use futures::{Stream, StreamExt};
use ipfs_api_backend_hyper::request::BlockGet;
use sha2::{Digest, Sha256};
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout, timeout_at};

/// What errors call the request for a block.
pub(super) const COMMAND: &str = "block/get";

/// Idle time-outs that a block may take in all.
pub(super) const PATIENCE: u32 = 10;

/// Most bytes of a block that is longer than it may be: so much of it is read to see by its hash whose fault that is.
const LONGEST: u64 = 4 * MAX_BLOCK as u64;

/// A block that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    pub cid: Cid,
    /// Bytes that it may have.
    pub limit: u64,
    pub too_large: TooLarge,
}

/// What it means when a block is longer than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooLarge {
    /// The caller wants no more.
    Refused,
    /// The block cannot be as long: its parent, or the format, says so.
    Impossible,
}

/// How far a request is, for whoever looks at it from outside.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    begun: OnceLock<Instant>,
    bytes: AtomicU64,
}

impl Gauge {
    /// It is its turn.
    pub fn begin(&self) {
        self.begun.get_or_init(Instant::now);
    }

    /// Time since its turn has come; `None` before.
    pub fn elapsed(&self) -> Option<Duration> {
        self.begun.get().map(Instant::elapsed)
    }

    /// Bytes that came.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Want {
    /// Asks the store that was connected to, once.
    pub async fn ask_store(&self, store: &Connection, gauge: &Gauge) -> Result<Block, Error> {
        let key = self.cid.to_string();
        let pieces = store.rpc.stream(Terms::Timed, BlockGet { hash: &key });
        let pieces = pieces.map(|piece| piece.map_err(|e| store.error(COMMAND, Some(self.cid), e)));
        self.read(&store.url, store.config.idle_timeout, gauge, pieces).await
    }

    /// Reads a block out of an answer and checks it. A longer one is the fault of whoever made the file where the CID stands for
    /// it, and the server's where it does not.
    pub async fn read(
        &self,
        url: &str,
        idle: Duration,
        gauge: &Gauge,
        mut pieces: impl Stream<Item = Result<Bytes, Error>> + Unpin,
    ) -> Result<Block, Error> {
        let patience = idle * PATIENCE;
        let deadline = Instant::now() + patience;
        // In one piece from the second on: what grows while it is filled is copied several times.
        let (mut first, mut data, mut length) = (Bytes::new(), None::<Buffer>, 0);
        // Takes the place of the data once there is too much of it.
        let mut hash: Option<Sha256> = None;
        loop {
            let next = timeout_at(deadline, timeout(idle, pieces.next()))
                .await
                .map_err(|_| stalled(url, patience))?
                .map_err(|_| stalled(url, idle))?;
            let Some(piece) = next.transpose()? else { break };
            length += piece.len() as u64;
            gauge.bytes.store(length, Ordering::Relaxed);
            if length > LONGEST {
                return Err(self.mismatch(url, format!("more than {LONGEST} bytes")));
            }
            if let Some(hash) = &mut hash {
                hash.update(&piece);
            } else if length > self.limit {
                let begun = data.take().map_or_else(|| first.clone(), Buffer::into_bytes);
                hash = Some(Sha256::new().chain_update(&begun).chain_update(&piece));
            } else if let Some(data) = &mut data {
                data.extend(&piece);
            } else if first.is_empty() {
                first = piece;
            } else {
                let mut begun = Buffer::with_room(self.limit.min(LONGEST) as usize);
                begun.extend(&std::mem::take(&mut first));
                begun.extend(&piece);
                data = Some(begun);
            }
        }
        let wrong = || self.mismatch(url, format!("{length} bytes with another hash"));
        let Some(hash) = hash else {
            let data = match data {
                Some(data) => data.into_bytes(),
                // Of its own, not a part of what the connection has read.
                None => Bytes::copy_from_slice(&first),
            };
            return Block::verified(self.cid, data).ok_or_else(wrong);
        };
        let digest: [u8; 32] = hash.finalize().into();
        Err(if digest == self.cid.digest { self.too_long(length) } else { wrong() })
    }

    /// Holds a block, which is the right one, against its limit.
    pub fn fits(&self, block: Block) -> Result<Block, Error> {
        let length = block.data().len() as u64;
        if length > self.limit { Err(self.too_long(length)) } else { Ok(block) }
    }

    pub fn mismatch(&self, url: &str, reason: String) -> Error {
        Error::Mismatch { url: url.into(), cid: self.cid, reason }
    }

    fn too_long(&self, length: u64) -> Error {
        let Self { cid, limit, .. } = *self;
        match self.too_large {
            TooLarge::Refused => Error::TooLarge { cid, limit },
            TooLarge::Impossible => {
                let why = format!("a block of {length} bytes, which has {limit} at most");
                Error::NotAFile { cid, source: NodeError::Malformed(why) }
            }
        }
    }
}

/// A server that makes no progress.
pub(super) fn stalled(url: &str, limit: Duration) -> Error {
    let seconds = limit.as_secs_f64();
    Error::Timeout { url: url.into(), command: COMMAND, seconds, others: String::new() }
}
