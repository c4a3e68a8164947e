//! A CAR out of a store.

use super::{EntityBytes, frame::before_block, header, walk::BlockWalk};
use crate::{Store, StoreError, WrittenCid};
use bytes::Bytes;
use std::sync::Arc;

/// How much of a DAG is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The block.
    Block,
    /// All of a file, or the list of a directory without what is in it.
    Entity,
    /// Everything under it.
    All,
}

/// What of a DAG is exported, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// How much of it.
    pub scope: Scope,
    /// Of a file in [`Scope::Entity`] only what is needed for these bytes.
    pub bytes: Option<EntityBytes>,
    /// Each block as often as it is linked, so that a reader need not keep any.
    pub duplicates: bool,
}

impl From<Scope> for Selection {
    fn from(scope: Scope) -> Self {
        Self { scope, bytes: None, duplicates: false }
    }
}

/// A CAR, piece by piece: depth first, in the order of the links, each block once unless [`Selection`] says otherwise, and checked
/// against its CID. After an error
/// it ends. No collection removes any of its blocks as long as this lives.
#[derive(Debug)]
pub struct CarExport {
    walk: BlockWalk,
    /// In reverse: the last is the next.
    ready: Vec<Bytes>,
}

impl Store {
    /// Exports what the last CID of `trail` names, which becomes the root in the header. Of those before it, the way that
    /// leads there, only the blocks are exported. Fails when the first block cannot be read.
    pub fn export_car(
        self: &Arc<Self>,
        trail: &[WrittenCid],
        selection: impl Into<Selection>,
    ) -> Result<CarExport, StoreError> {
        let Selection { scope, bytes, duplicates } = selection.into();
        let walk = BlockWalk::new(self, trail, scope).ordered(|order| {
            let order = if duplicates { order.with_duplicates() } else { order };
            match bytes {
                Some(bytes) => order.with_bytes(bytes),
                None => order,
            }
        });
        let mut export = CarExport { walk, ready: Vec::new() };
        export.advance()?;
        let roots = &trail[trail.len().saturating_sub(1)..];
        export.ready.push(header::encode(roots).into());
        Ok(export)
    }
}

impl CarExport {
    /// Reads the next block into `ready`, or nothing when there is none.
    fn advance(&mut self) -> Result<(), StoreError> {
        if let Some((cid, block)) = self.walk.next().transpose()? {
            let frame = before_block(&cid, block.data().len());
            self.ready.extend([block.data().clone(), frame.into()]);
        }
        Ok(())
    }
}

impl Iterator for CarExport {
    type Item = Result<Bytes, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty()
            && let Err(error) = self.advance()
        {
            return Some(Err(error));
        }
        self.ready.pop().map(Ok)
    }
}
