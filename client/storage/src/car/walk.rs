//! The blocks of a DAG, in the order in which a CAR has them.

use super::Scope;
use crate::{
    Block, Lease, Store, StoreError, WrittenCid,
    unixfs::{Entity, Kind, NodeError, written_links},
};
use decentralml_types::{Cid, Codec};
use std::{collections::HashSet, sync::Arc};

/// Most links that are to be followed at a time; see the walk through files.
const MAX_PENDING: usize = 1 << 18;

/// Blocks depth first, in the order of the links, each once and checked against its CID. After an error it ends. No collection
/// removes any of them as long as this lives.
///
/// Memory: one block, 36 bytes for each link that is to be followed and 33 for each block that has been visited.
#[derive(Debug)]
pub(crate) struct BlockWalk {
    store: Arc<Store>,
    _lease: Option<Lease>,
    seen: HashSet<Cid>,
    /// In reverse: the last is the next.
    pending: Vec<Visit>,
}

#[derive(Clone, Copy, Debug)]
struct Visit {
    cid: WrittenCid,
    scope: Scope,
}

impl BlockWalk {
    /// Of what the last CID of `trail` names all that is in `scope`; of those before it, the way that leads there, only the
    /// blocks.
    pub fn new(store: &Arc<Store>, trail: &[WrittenCid], scope: Scope) -> Self {
        let mut pending: Vec<_> =
            trail.iter().rev().map(|cid| Visit { cid: *cid, scope: Scope::Block }).collect();
        if let Some(last) = pending.first_mut() {
            last.scope = scope;
        }
        let lease = trail.first().map(|root| store.lease(&root.cid()));
        Self { store: store.clone(), _lease: lease, seen: HashSet::new(), pending }
    }

    fn visit(&mut self, Visit { cid, scope }: Visit) -> Result<(WrittenCid, Block), StoreError> {
        let failed = |source| StoreError::Node { cid: cid.cid(), source };
        let block = self.store.get(&cid.cid())?;
        let links = links(&block, scope).map_err(failed)?;
        if self.pending.len() + links.len() > MAX_PENDING {
            let why = format!("more than {MAX_PENDING} links above a block");
            return Err(failed(NodeError::Malformed(why)));
        }
        let new = links.into_iter().rev().filter(|link| !self.seen.contains(&link.cid()));
        // All of what is under a part of a file belongs to the file.
        self.pending.extend(new.map(|cid| Visit { cid, scope: Scope::All }));
        Ok((cid, block))
    }
}

impl Iterator for BlockWalk {
    type Item = Result<(WrittenCid, Block), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let visit = self.pending.pop()?;
            if !self.seen.insert(visit.cid.cid()) {
                continue;
            }
            let next = self.visit(visit);
            if next.is_err() {
                self.pending.clear();
            }
            return Some(next);
        }
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
