//! From bytes to blocks, in one pass.

use super::{CHUNK_SIZE, MAX_LINKS, node};
use crate::{Block, MAX_BLOCK, buffer::Buffer};
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
    /// The chunk that is being filled, if it has any bytes.
    chunk: Option<Buffer>,
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
        Self { chunk_size: CHUNK_SIZE, max_links: MAX_LINKS, chunk: None, levels: Vec::new() }
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
            let (chunk, room) = self.chunk();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            chunk.extend(now);
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
        let (chunk, room) = self.chunk();
        if chunk.fill(reader, room)? < room {
            return Ok(false);
        }
        self.emit_leaf(sink)?;
        Ok(true)
    }

    /// The chunk, and how many bytes it lacks.
    fn chunk(&mut self) -> (&mut Buffer, usize) {
        let size = self.chunk_size;
        let chunk = self.chunk.get_or_insert_with(|| Buffer::with_room(size));
        let room = size - chunk.len();
        (chunk, room)
    }

    /// Ends the file, hands the remaining blocks to `sink` (the root last) and returns the root.
    pub fn finish<E>(
        mut self,
        sink: &mut impl FnMut(Block) -> Result<(), E>,
    ) -> Result<Imported, E> {
        // An empty file is one empty leaf.
        if self.chunk.as_ref().is_some_and(|chunk| chunk.len() > 0) || self.levels.is_empty() {
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
        let data = self.chunk.take().map_or_else(Bytes::new, Buffer::into_bytes);
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
