//! The order of the blocks in a CAR: depth first, in the order of the links, each once unless all are asked for. Who reads a DAG and
//! who is sent one follow it alike, so that both know which block is the next.

use super::{EntityBytes, Scope};
use crate::{
    Block, WrittenCid,
    unixfs::{Entity, Kind, Node, NodeError, written_links},
};
use decentralml_types::{Cid, Codec};
use std::collections::HashSet;

/// Most links that are to be followed at a time; see the walk through files.
const MAX_PENDING: usize = 1 << 18;

/// A walk that is given the blocks it asks for.
///
/// Memory: 36 bytes for each link that is to be followed and 33 for each block that has been passed.
#[derive(Debug)]
pub(crate) struct Preorder {
    seen: HashSet<Cid>,
    /// In reverse: the last is the next.
    pending: Vec<Visit>,
    most: usize,
    /// Blocks that are linked several times come as often.
    again: bool,
}

#[derive(Clone, Copy, Debug)]
struct Visit {
    cid: WrittenCid,
    scope: Scope,
    bytes: Wanted,
}

/// Which bytes of the file under a block are wanted.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    All,
    /// Of a file whose size is not known yet.
    Some(EntityBytes),
    /// From a byte of what is under the block up to another one.
    Part(u64, u64),
}

impl Preorder {
    /// Of what the last CID of `trail` names all that is in `scope`; of those before it, the way that leads there, only the
    /// blocks.
    pub fn new(trail: &[WrittenCid], scope: Scope) -> Self {
        let mut pending: Vec<_> =
            trail.iter().rev().map(|cid| Visit::new(*cid, Scope::Block)).collect();
        if let Some(last) = pending.first_mut() {
            last.scope = scope;
        }
        Self { seen: HashSet::new(), pending, most: MAX_PENDING, again: false }
    }

    /// Of a file, in the scope of an entity, only what is needed for these bytes.
    pub fn with_bytes(mut self, bytes: EntityBytes) -> Self {
        if let Some(last) = self.pending.first_mut().filter(|last| last.scope == Scope::Entity) {
            last.bytes = Wanted::Some(bytes);
        }
        self
    }

    /// Each block as often as it is linked. Memory: that of the links that are to be followed.
    pub fn with_duplicates(self) -> Self {
        Self { again: true, ..self }
    }

    /// With at most so many links that are to be followed at a time.
    pub fn with_most(self, pending: usize) -> Self {
        Self { most: pending, ..self }
    }

    /// The block that is next, until it is passed.
    pub fn peek(&mut self) -> Option<WrittenCid> {
        while let Some(visit) = self.pending.last() {
            if !self.seen.contains(&visit.cid.cid()) {
                return Some(visit.cid);
            }
            self.pending.pop();
        }
        None
    }

    /// Goes on below the block that is next, or stays where it is if the block cannot be read.
    pub fn pass(&mut self, block: &Block) -> Result<(), NodeError> {
        let Some(visit) = self.pending.last().copied() else { return Ok(()) };
        let links = links(block, visit)?;
        if self.pending.len() - 1 + links.len() > self.most {
            let why = format!("more than {} links above a block", self.most);
            return Err(NodeError::Malformed(why));
        }
        self.pending.pop();
        // A node of which only a part was followed may be needed for another one.
        let is_followed = links.is_empty() || !matches!(visit.bytes, Wanted::Part(..));
        if !self.again && is_followed {
            self.seen.insert(block.cid());
        }
        let new = links.into_iter().rev().filter(|link| !self.seen.contains(&link.cid.cid()));
        self.pending.extend(new);
        Ok(())
    }

    /// Ends it.
    pub fn end(&mut self) {
        self.pending.clear();
    }
}

impl Visit {
    fn new(cid: WrittenCid, scope: Scope) -> Self {
        Self { cid, scope, bytes: Wanted::All }
    }
}

/// The links of a block that are to be followed.
fn links(block: &Block, visit: Visit) -> Result<Vec<Visit>, NodeError> {
    // All of what is under a part of a file belongs to the file.
    let all = |cids: Vec<WrittenCid>| {
        cids.into_iter().map(|cid| Visit::new(cid, Scope::All)).collect::<Vec<_>>()
    };
    let is_leaf = block.cid().codec == Codec::Raw;
    match (visit.scope, visit.bytes) {
        (Scope::Block, _) => Ok(Vec::new()),
        (Scope::Entity, _) | (_, Wanted::Part(..)) if is_leaf => Ok(Vec::new()),
        (_, Wanted::Part(from, to)) => Ok(parts(block, from, to)?),
        (Scope::All, _) => Ok(all(written_links(block)?)),
        (Scope::Entity, bytes) => {
            let Entity { kind, links, .. } = Entity::decode(block)?;
            match (kind, bytes) {
                (Kind::File { size }, Wanted::Some(bytes)) => {
                    let (from, to) = bytes.within(size);
                    parts(block, from, to)
                }
                (Kind::File { .. }, _) => Ok(all(links.into_iter().map(|link| link.cid).collect())),
                (Kind::Directory | Kind::Symlink { .. }, _) => Ok(Vec::new()),
                (Kind::Sharded, _) => Err(NodeError::NotAFile("a HAMT-sharded directory")),
            }
        }
    }
}

/// The children that have any of the bytes from one to another.
fn parts(block: &Block, from: u64, to: u64) -> Result<Vec<Visit>, NodeError> {
    let node = Node::decode(block)?;
    let written = written_links(block)?;
    let mut start = node.data.len() as u64;
    let mut parts = Vec::new();
    for (child, cid) in node.children.iter().zip(written) {
        let end = start.saturating_add(child.size);
        if from < end && start < to {
            let bytes = match from <= start && end <= to {
                true => Wanted::All,
                false => Wanted::Part(from.saturating_sub(start), (to - start).min(child.size)),
            };
            parts.push(Visit { cid, scope: Scope::All, bytes });
        }
        start = end;
    }
    Ok(parts)
}
