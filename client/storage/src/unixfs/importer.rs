//! From bytes to blocks, in one pass.

use super::{CHUNK_SIZE, MAX_LINKS, node};
use crate::{Block, MAX_BLOCK, store::SECTOR};
use bytes::Bytes;
use decentralml_types::{Cid, Codec};
use std::{
    io::{self, Read},
    mem,
};

/// Cuts what is pushed into leaves and builds the balanced tree above them.
///
/// `levels[0]` are leaves that have no parent yet, `levels[n]` nodes of height `n`; a level that reaches the fan-out
/// becomes one node of the next.
pub struct Importer {
    chunk_size: usize,
    max_links: usize,
    buffer: Vec<u8>,
    /// Where the chunk begins in the buffer: at an address from which disks can take it.
    begin: usize,
    levels: Vec<Vec<Subtree>>,
}

/// What an import made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The root.
    pub cid: Cid,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of all blocks together, a block counted each time it is linked (Kubo's `Tsize` of the root).
    pub dag_size: u64,
}

/// A finished subtree: the same three figures as of a whole file.
pub(super) type Subtree = Imported;

impl Default for Importer {
    fn default() -> Self {
        Self::new()
    }
}

impl Importer {
    /// An importer for the canonical form.
    pub fn new() -> Self {
        Self {
            chunk_size: CHUNK_SIZE,
            max_links: MAX_LINKS,
            buffer: Vec::new(),
            begin: 0,
            levels: Vec::new(),
        }
    }

    /// An importer for the same form with other chunks, of 1 to [`MAX_BLOCK`] bytes, and another fan-out, of 2 to 8,192 links:
    /// the CIDs of others. `None` for what is outside.
    pub fn with_layout(chunk_size: usize, max_links: usize) -> Option<Self> {
        let is_possible = (1..=MAX_BLOCK).contains(&chunk_size) && (2..=8192).contains(&max_links);
        is_possible.then(|| Self { chunk_size, max_links, ..Self::new() })
    }

    /// Appends `bytes` to the file and hands finished blocks to `sink`.
    pub fn push<E>(
        &mut self,
        mut bytes: &[u8],
        sink: &mut impl FnMut(Block) -> Result<(), E>,
    ) -> Result<(), E> {
        while !bytes.is_empty() {
            let room = self.room();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if now.len() == room {
                self.emit_leaf(sink)?;
            }
        }
        Ok(())
    }

    /// Appends what `reader` has, up to the end of a chunk; false when it has no more.
    pub(super) fn read_chunk<E: From<io::Error>>(
        &mut self,
        reader: &mut impl Read,
        sink: &mut impl FnMut(Block) -> Result<(), E>,
    ) -> Result<bool, E> {
        let room = self.room();
        let read = reader.by_ref().take(room as u64).read_to_end(&mut self.buffer)?;
        if read < room {
            return Ok(false);
        }
        self.emit_leaf(sink)?;
        Ok(true)
    }

    /// How many bytes the chunk lacks.
    fn room(&mut self) -> usize {
        // After the first chunk others are likely to be whole, too; a vector that grows is copied several times.
        if self.buffer.capacity() == 0 && !self.levels.is_empty() {
            self.buffer.reserve_exact(self.chunk_size + SECTOR);
            self.begin = self.buffer.as_ptr().align_offset(SECTOR).min(SECTOR);
            self.buffer.resize(self.begin, 0);
        }
        self.chunk_size - (self.buffer.len() - self.begin)
    }

    /// Ends the file, hands the remaining blocks to `sink` (the root last) and returns the root.
    pub fn finish<E>(
        mut self,
        sink: &mut impl FnMut(Block) -> Result<(), E>,
    ) -> Result<Imported, E> {
        // An empty file is one empty leaf.
        if self.buffer.len() > self.begin || self.levels.is_empty() {
            self.emit_leaf(sink)?;
        }
        let mut height = 0;
        loop {
            let top = height + 1 == self.levels.len();
            let level = mem::take(&mut self.levels[height]);
            match level[..] {
                [root] if top => return Ok(root),
                [] => {}
                _ => {
                    let subtree = emit_node(&level, sink)?;
                    self.insert(height + 1, subtree, sink)?;
                }
            }
            height += 1;
        }
    }

    fn emit_leaf<E>(&mut self, sink: &mut impl FnMut(Block) -> Result<(), E>) -> Result<(), E> {
        let data = Bytes::from(mem::take(&mut self.buffer)).slice(mem::take(&mut self.begin)..);
        let size = data.len() as u64;
        let block = Block::new(Codec::Raw, data);
        let leaf = Subtree { cid: block.cid(), size, dag_size: size };
        sink(block)?;
        self.insert(0, leaf, sink)
    }

    fn insert<E>(
        &mut self,
        mut height: usize,
        mut subtree: Subtree,
        sink: &mut impl FnMut(Block) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            if self.levels.len() <= height {
                self.levels.resize_with(height + 1, Vec::new);
            }
            let level = &mut self.levels[height];
            level.push(subtree);
            if level.len() < self.max_links {
                return Ok(());
            }
            let full = mem::take(level);
            subtree = emit_node(&full, sink)?;
            height += 1;
        }
    }
}

fn emit_node<E>(
    children: &[Subtree],
    sink: &mut impl FnMut(Block) -> Result<(), E>,
) -> Result<Subtree, E> {
    let block = node::branch(children);
    let subtree = Subtree {
        cid: block.cid(),
        size: children.iter().map(|child| child.size).sum(),
        dag_size: block.data().len() as u64
            + children.iter().map(|child| child.dag_size).sum::<u64>(),
    };
    sink(block)?;
    Ok(subtree)
}
