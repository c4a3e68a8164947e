//! The walk through a file's DAG that keeps a few requests ahead of itself.

use super::{
    Error, Storage,
    part::Found,
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

/// A file on its way, from the front to the back, each byte checked. Dropping it ends its requests.
pub struct Download<'a> {
    storage: &'a Storage,
    walk: Arc<Walk>,
    found: Option<Arc<Found>>,
    size: u64,
    /// Bytes that were given out.
    done: u64,
    ready: Piece,
    queue: VecDeque<Queued>,
}

/// Bytes of the file.
#[derive(Default)]
pub(super) struct Piece {
    pub data: Bytes,
    /// They are at their place already.
    pub is_found: bool,
}

/// A visit to come, and the request for its block once that is under way.
struct Queued {
    step: Step,
    request: Option<Request>,
}

struct Request(JoinHandle<Result<(Block, bool), Error>>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<'a> Download<'a> {
    /// Reads the root, which tells the size of the whole.
    pub(super) async fn open(
        storage: &'a Storage,
        cid: Cid,
        max_bytes: u64,
    ) -> Result<Self, Error> {
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
            found: None,
            size: 0,
            done: 0,
            ready: Piece::default(),
            queue: VecDeque::new(),
        };
        download.size = download.visit(Step::root(cid), (&block, false))?;
        if download.size > max_bytes {
            return Err(Error::TooLarge { cid, limit: max_bytes });
        }
        Ok(download)
    }

    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Leaves are looked for there before they are asked for. To be told before the first piece is taken.
    pub(super) fn with_found(&mut self, found: Arc<Found>) {
        self.found = Some(found);
    }

    /// The next bytes of the file, a block's at most; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(self.piece().await?.map(|piece| piece.data))
    }

    pub(super) async fn piece(&mut self) -> Result<Option<Piece>, Error> {
        loop {
            if !self.ready.data.is_empty() {
                self.done += self.ready.data.len() as u64;
                return Ok(Some(std::mem::take(&mut self.ready)));
            }
            let mut offset = self.done;
            for queued in self.queue.iter_mut().take(self.walk.ahead()) {
                if queued.request.is_none() {
                    let found = self.found.clone().map(|found| (found, offset));
                    queued.request = Some(request(&self.walk, queued.step, found));
                }
                // Only a root has no size, and it is not queued.
                offset = offset.saturating_add(queued.step.size().unwrap_or_default());
            }
            let Some(Queued { step, request: Some(mut request) }) = self.queue.pop_front() else {
                return Ok(None);
            };
            let (block, is_found) = match (&mut request.0).await {
                Ok(result) => result?,
                Err(e) => return Err(self.storage.connection.protocol(COMMAND, e.to_string())),
            };
            self.visit(step, (&block, is_found))?;
        }
    }

    fn visit(&mut self, step: Step, (block, is_found): (&Block, bool)) -> Result<u64, Error> {
        let Expanded { size, data, children } =
            step.expand(block).map_err(|source| Error::NotAFile { cid: step.cid(), source })?;
        self.ready = Piece { data, is_found };
        for step in children.into_iter().rev() {
            self.queue.push_front(Queued { step, request: None });
        }
        Ok(size)
    }
}

impl Storage {
    /// Begins to read the file `cid`, of at most `max_bytes`, piece by piece, in constant memory. Errors as of
    /// [`Storage::fetch`].
    pub async fn download(&self, cid: &Cid, max_bytes: u64) -> Result<Download<'_>, Error> {
        Download::open(self, *cid, max_bytes).await
    }
}

/// Asks for a block; a leaf that is found at its place needs no request.
fn request(walk: &Arc<Walk>, step: Step, found: Option<(Arc<Found>, u64)>) -> Request {
    let most = MAX_BLOCK as u64;
    let size = step.block_size();
    let want = Want {
        cid: step.cid(),
        limit: size.unwrap_or(most).min(most),
        too_large: TooLarge::Impossible,
    };
    let walk = walk.clone();
    Request(tokio::spawn(async move {
        if let (Some((found, offset)), Some(size)) = (found, size.filter(|size| *size <= most))
            && let Some(block) = found.block(want.cid, offset, size).await
        {
            return Ok((block, true));
        }
        Ok((walk.block(want).await?, false))
    }))
}
