//! The walk through a file's DAG that keeps a few requests ahead of itself.

use super::{
    Error, Storage,
    receive::{COMMAND, TooLarge, Want},
    sources::Walk,
};
use crate::{
    Block, MAX_BLOCK,
    unixfs::{Expanded, Step},
};
use bytes::Bytes;
use decentralml_types::{Cid, Codec};
use std::{collections::VecDeque, sync::Arc};
use tokio::task::JoinHandle;

/// A file on its way. Dropping it ends its requests.
pub(super) struct Download<'a> {
    storage: &'a Storage,
    walk: Arc<Walk>,
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
    pub async fn open(storage: &'a Storage, cid: Cid, max_bytes: u64) -> Result<Self, Error> {
        let walk = Walk::begin(storage.sources.clone(), storage.cache.clone(), cid).await;
        let most = MAX_BLOCK as u64;
        // A raw root is the file itself, so the caller's limit holds for the block.
        let (limit, too_large) = match cid.codec {
            Codec::Raw if max_bytes < most => (max_bytes, TooLarge::Refused),
            _ => (most, TooLarge::Impossible),
        };
        let block = walk.block(Want { cid, limit, too_large }).await?;
        let mut download = Self {
            storage,
            walk: Arc::new(walk),
            size: 0,
            ready: Bytes::new(),
            queue: VecDeque::new(),
        };
        download.size = download.visit(Step::root(cid), &block)?;
        if download.size > max_bytes {
            return Err(Error::TooLarge { cid, limit: max_bytes });
        }
        Ok(download)
    }

    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes of the file; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if !self.ready.is_empty() {
                return Ok(Some(std::mem::take(&mut self.ready)));
            }
            for queued in self.queue.iter_mut().take(self.walk.ahead()) {
                if queued.request.is_none() {
                    queued.request = Some(request(&self.walk, queued.step));
                }
            }
            let Some(Queued { step, request: Some(mut request) }) = self.queue.pop_front() else {
                return Ok(None);
            };
            let block = match (&mut request.0).await {
                Ok(result) => result?,
                Err(e) => return Err(self.storage.connection.protocol(COMMAND, e.to_string())),
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

fn request(walk: &Arc<Walk>, step: Step) -> Request {
    let most = MAX_BLOCK as u64;
    let limit = step.block_size().unwrap_or(most).min(most);
    let want = Want { cid: step.cid(), limit, too_large: TooLarge::Impossible };
    let walk = walk.clone();
    Request(tokio::spawn(async move { walk.block(want).await }))
}
