//! From roots to everything under them.

use super::{Store, error::StoreError, state::Digest};
use crate::unixfs;
use decentralml_types::{Cid, Codec};
use std::collections::HashSet;

/// The blocks that walks have met. Memory: 32 bytes for each block and 32 more for each DAG-PB node, all of which exist.
#[derive(Debug, Default)]
pub(super) struct Walk {
    met: HashSet<Digest>,
    /// Nodes under which everything has been met. What is under others has to be walked through again: more of it may be there
    /// by then.
    nodes: HashSet<Digest>,
}

impl Walk {
    pub fn has_met(&self, digest: &Digest) -> bool {
        self.met.contains(digest)
    }

    /// Goes through all under `root`. `meet` is called before anything is done with a block, and says whether it is here. `lost`
    /// is told of each block that cannot be had, and ends the walk with an error or has the rest walked through. What earlier
    /// walks met to its end is not walked through again.
    pub fn follow(
        &mut self,
        store: &Store,
        root: Cid,
        meet: impl FnMut(&Cid) -> Result<(), StoreError>,
        lost: impl FnMut(&Cid, StoreError) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut entered = Vec::new();
        let followed = self.descend(store, root, meet, lost, &mut entered);
        if !matches!(followed, Ok(true)) {
            for node in &entered {
                self.nodes.remove(node);
            }
        }
        followed.map(drop)
    }

    /// Returns whether nothing was lost. The nodes that it came to are in `entered`.
    fn descend(
        &mut self,
        store: &Store,
        root: Cid,
        mut meet: impl FnMut(&Cid) -> Result<(), StoreError>,
        mut lost: impl FnMut(&Cid, StoreError) -> Result<(), StoreError>,
        entered: &mut Vec<Digest>,
    ) -> Result<bool, StoreError> {
        let mut whole = true;
        let mut pending = Vec::new();
        let mut children = vec![root];
        loop {
            for child in children {
                // By digest and kind: the same bytes may be linked as a raw block here and as a node there.
                let known = match child.codec {
                    Codec::Raw => self.met.contains(&child.digest),
                    Codec::DagPb => self.nodes.contains(&child.digest),
                };
                if known {
                    continue;
                }
                if let Err(error) = meet(&child) {
                    whole = false;
                    lost(&child, error)?;
                    continue;
                }
                self.met.insert(child.digest);
                if child.codec == Codec::DagPb {
                    self.nodes.insert(child.digest);
                    entered.push(child.digest);
                    pending.push(child);
                }
            }
            let Some(node) = pending.pop() else { return Ok(whole) };
            children = match store.links(&node) {
                Ok(links) => links,
                Err(error) => {
                    whole = false;
                    lost(&node, error)?;
                    Vec::new()
                }
            };
        }
    }
}

impl Store {
    /// What a block links to; it is checked against its CID.
    pub(super) fn links(&self, cid: &Cid) -> Result<Vec<Cid>, StoreError> {
        let links = unixfs::links(&self.get(cid)?);
        links.map_err(|source| StoreError::Node { cid: *cid, source })
    }

    /// Every block under `roots`, they included, in no particular order; a missing one is an error. Memory: that of the answer
    /// and of one node, however often each block is linked.
    pub(crate) fn reachable(
        &self,
        roots: impl IntoIterator<Item = Cid>,
    ) -> Result<HashSet<Cid>, StoreError> {
        let mut seen: HashSet<Cid> = roots.into_iter().collect();
        let mut pending: Vec<Cid> = seen.iter().copied().collect();
        while let Some(cid) = pending.pop() {
            if cid.codec == Codec::DagPb {
                let links = self.links(&cid)?.into_iter();
                pending.extend(links.filter(|link| seen.insert(*link)));
            } else {
                self.expect(&cid)?;
            }
        }
        Ok(seen)
    }
}
