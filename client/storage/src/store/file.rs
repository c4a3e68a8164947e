//! Files out of blocks.

use super::{Lease, Store, StoreError, ahead::Ahead};
use crate::unixfs::{Expanded, Step};
use bytes::Bytes;
use decentralml_types::Cid;
use std::sync::Arc;

/// The bytes of a file, or of a part of it, block by block; every block is checked against its CID. After an error it ends.
/// No collection removes any of the file's blocks as long as this lives.
#[derive(Debug)]
pub struct FileReader {
    store: Arc<Store>,
    _lease: Lease,
    pending: Vec<Step>,
    ahead: Ahead,
    ready: Bytes,
    skip: u64,
    left: u64,
    size: u64,
}

impl Store {
    /// Opens the file `cid` from byte `offset` on, for at most `length` bytes. Beyond the end there is nothing to read,
    /// which is no error.
    pub fn file(
        self: &Arc<Self>,
        cid: &Cid,
        offset: u64,
        length: Option<u64>,
    ) -> Result<FileReader, StoreError> {
        let mut reader = FileReader {
            store: self.clone(),
            _lease: self.lease(cid),
            pending: Vec::new(),
            ahead: Ahead::default(),
            ready: Bytes::new(),
            skip: offset,
            left: 0,
            size: 0,
        };
        reader.size = reader.visit(Step::root(*cid))?;
        reader.left = reader.size.saturating_sub(offset).min(length.unwrap_or(u64::MAX));
        Ok(reader)
    }
}

impl FileReader {
    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that are still to come.
    pub fn remaining(&self) -> u64 {
        self.left
    }

    /// Reads the block of a step; returns the bytes of the file under it.
    fn visit(&mut self, step: Step) -> Result<u64, StoreError> {
        let next = self.pending.last().filter(|next| next.block_size().is_some()).map(Step::cid);
        let block = self.ahead.get(&self.store, &step.cid(), next)?;
        let Expanded { size, data, children } =
            step.expand(&block).map_err(|source| StoreError::Node { cid: step.cid(), source })?;
        self.ready = data;
        self.pending.extend(children.into_iter().rev());
        Ok(size)
    }

    fn advance(&mut self) -> Result<Bytes, StoreError> {
        loop {
            if self.skip < self.ready.len() as u64 {
                let mut data = self.ready.split_off(self.skip as usize);
                self.ready = Bytes::new();
                self.skip = 0;
                if data.len() as u64 > self.left {
                    data.truncate(self.left as usize);
                }
                self.left -= data.len() as u64;
                return Ok(data);
            }
            self.skip -= self.ready.len() as u64;
            self.ready = Bytes::new();
            let Some(step) = self.pending.pop() else {
                // `expand` holds every size against its block, so bytes and sizes end together.
                self.left = 0;
                return Ok(Bytes::new());
            };
            match step.size() {
                Some(size) if size <= self.skip => self.skip -= size,
                _ => {
                    self.visit(step)?;
                }
            }
        }
    }
}

impl Iterator for FileReader {
    type Item = Result<Bytes, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let next = self.advance();
        if next.is_err() {
            self.left = 0;
        }
        Some(next)
    }
}
