//! The order of the blocks in a CAR: depth first, in the order of the links, each once. Who reads a DAG and who is sent one
//! follow it alike, so that both know which block is the next.

use super::Scope;
use crate::{
    Block, WrittenCid,
    unixfs::{Entity, Kind, NodeError, written_links},
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
}

#[derive(Clone, Copy, Debug)]
struct Visit {
    cid: WrittenCid,
    scope: Scope,
}

impl Preorder {
    /// Of what the last CID of `trail` names all that is in `scope`; of those before it, the way that leads there, only the
    /// blocks.
    pub fn new(trail: &[WrittenCid], scope: Scope) -> Self {
        let mut pending: Vec<_> =
            trail.iter().rev().map(|cid| Visit { cid: *cid, scope: Scope::Block }).collect();
        if let Some(last) = pending.first_mut() {
            last.scope = scope;
        }
        Self { seen: HashSet::new(), pending, most: MAX_PENDING }
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
        let Some(Visit { scope, .. }) = self.pending.last().copied() else { return Ok(()) };
        let links = links(block, scope)?;
        if self.pending.len() - 1 + links.len() > self.most {
            let why = format!("more than {} links above a block", self.most);
            return Err(NodeError::Malformed(why));
        }
        self.pending.pop();
        self.seen.insert(block.cid());
        let new = links.into_iter().rev().filter(|link| !self.seen.contains(&link.cid()));
        // All of what is under a part of a file belongs to the file.
        self.pending.extend(new.map(|cid| Visit { cid, scope: Scope::All }));
        Ok(())
    }

    /// Ends it.
    pub fn end(&mut self) {
        self.pending.clear();
    }
}

/// The links of a block that are to be followed.
fn links(block: &Block, scope: Scope) -> Result<Vec<WrittenCid>, NodeError> {
    match scope {
        Scope::Block => Ok(Vec::new()),
        Scope::All => written_links(block),
        Scope::Entity if block.cid().codec == Codec::Raw => Ok(Vec::new()),
        Scope::Entity => {
            let Entity { kind, links, .. } = Entity::decode(block)?;
            match kind {
                Kind::File { .. } => Ok(links.into_iter().map(|link| link.cid).collect()),
                Kind::Directory | Kind::Symlink { .. } => Ok(Vec::new()),
                Kind::Sharded => Err(NodeError::NotAFile("a HAMT-sharded directory")),
            }
        }
    }
}
