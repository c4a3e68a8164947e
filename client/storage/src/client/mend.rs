//! Everything under a root, where the store lacks it or has it corrupt.

use super::{
    Error, Progress, Storage,
    receive::{TooLarge, Want},
    sources::Walk,
};
use crate::{
    Block, MAX_BLOCK,
    unixfs::{Step, links},
};
use decentralml_types::{Cid, Codec};
use futures::{StreamExt, stream::FuturesUnordered};
use std::collections::HashSet;

/// Blocks that are looked at, or are on their way, at the same time.
const AT_A_TIME: usize = 8;

/// What a block that is fetched counts for at least: more of them than this allows are a DAG made to fill memory.
const DUST: u64 = 1024;

/// Times that all is looked at: a server may collect what nothing keeps before the root is pinned.
const LOOKS: u32 = 3;

/// A block that was looked at.
struct Looked {
    cid: Cid,
    /// Bytes of it, if it is a leaf.
    leaf: u64,
    /// Its bytes, where the store lacked it.
    fetched: Option<u64>,
    /// Bytes of the file, if it is the root of one.
    size: Option<u64>,
    links: Vec<Cid>,
}

impl Storage {
    /// Has the store get every block under `root` that it lacks or has corrupt, from itself (a Kubo asks its peers) or from the
    /// further sources, and returns how many these were. Any DAG of files and directories may be mended, in whatever form. What
    /// had come before an error stays in the store until it collects, and is not fetched again.
    ///
    /// The embedded store is asked about each block by its hash. A Kubo says only whether it has one, unless it is configured to
    /// hash what it reads. Memory: 33 bytes for each block.
    ///
    /// Errors: as of [`Storage::fetch`]; [`Error::TooLarge`] where more than `max_bytes` would have to be fetched.
    pub async fn mend(
        &self,
        root: &Cid,
        max_bytes: u64,
        told: &(dyn Fn(Progress) + Sync),
    ) -> Result<u64, Error> {
        // The nodes above the leaves are not part of the file, to which the caller's limit applies.
        let budget = max_bytes.saturating_add(max_bytes / 8).saturating_add(MAX_BLOCK as u64);
        let too_large = || Error::TooLarge { cid: *root, limit: max_bytes };
        let walk = Walk::begin(self.sources.clone(), self.cache.clone(), *root).await;
        let (mut met, mut pending) = (HashSet::from([*root]), vec![*root]);
        let mut looking = FuturesUnordered::new();
        let (mut mended, mut bytes, mut done, mut total) = (0, 0_u64, 0_u64, 0);
        loop {
            while looking.len() < AT_A_TIME
                && let Some(cid) = pending.pop()
            {
                let most = if cid == *root { max_bytes } else { MAX_BLOCK as u64 };
                looking.push(self.look(&walk, cid, most));
            }
            let Some(looked) = looking.next().await else { return Ok(mended) };
            let Looked { cid, leaf, fetched, size, links } = looked?;
            if cid == *root {
                total = size.unwrap_or_default();
                if fetched.is_some() && total > max_bytes {
                    return Err(too_large());
                }
            }
            if let Some(length) = fetched {
                mended += 1;
                bytes = bytes.saturating_add(length.max(DUST));
                if bytes > budget {
                    return Err(too_large());
                }
            }
            done = done.saturating_add(leaf);
            told(Progress { done: done.min(total), total });
            pending.extend(links.into_iter().rev().filter(|link| met.insert(*link)));
        }
    }

    /// [`Storage::mend`], and [`Storage::pin_named`] when all of it is there.
    pub async fn keep_whole(
        &self,
        root: &Cid,
        name: &str,
        max_bytes: u64,
        told: &(dyn Fn(Progress) + Sync),
    ) -> Result<u64, Error> {
        let (mut left, mut mended) = (LOOKS, 0);
        loop {
            left -= 1;
            mended += self.mend(root, max_bytes, told).await?;
            match self.pin_named(root, name).await {
                Err(Error::NotFound { .. } | Error::Unavailable { .. }) if left > 0 => {
                    tracing::info!(cid = %root, "the store has lost blocks meanwhile; they are looked for again");
                }
                pinned => return pinned.map(|()| mended),
            }
        }
    }

    /// Looks at one block, and has the store get it where it lacks it. `most`: bytes that a leaf may have.
    async fn look(&self, walk: &Walk, cid: Cid, most: u64) -> Result<Looked, Error> {
        let there = self.size_of(&cid).await?;
        if let Some(leaf) = there.filter(|_| cid.codec == Codec::Raw) {
            return Ok(Looked { cid, leaf, fetched: None, size: Some(leaf), links: Vec::new() });
        }
        let (limit, too_large) = match cid.codec {
            Codec::Raw if most < MAX_BLOCK as u64 => (most, TooLarge::Refused),
            _ => (MAX_BLOCK as u64, TooLarge::Impossible),
        };
        let block = walk.block(Want { cid, limit, too_large }).await?;
        let length = block.data().len() as u64;
        if there.is_none() {
            self.put_block(&block).await?;
        }
        let links = links(&block).map_err(|source| Error::NotAFile { cid, source })?;
        let leaf = if links.is_empty() { length } else { 0 };
        let fetched = there.is_none().then_some(length);
        Ok(Looked { cid, leaf, fetched, size: file_size(&block), links })
    }
}

/// Bytes of the file that a block is the root of; `None` for what is none, such as a directory.
fn file_size(block: &Block) -> Option<u64> {
    Step::root(block.cid()).expand(block).ok().map(|expanded| expanded.size)
}
