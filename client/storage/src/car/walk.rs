//! The blocks of a DAG, in the order in which a CAR has them.

use super::{Scope, order::Preorder};
use crate::{Block, Lease, Store, StoreError, WrittenCid};
use std::sync::Arc;

/// Blocks depth first, in the order of the links, each once and checked against its CID. After an error it ends. No collection
/// removes any of them as long as this lives.
///
/// Memory: one block, and that of a [`Preorder`].
#[derive(Debug)]
pub(crate) struct BlockWalk {
    store: Arc<Store>,
    _lease: Option<Lease>,
    order: Preorder,
}

impl BlockWalk {
    /// See [`Preorder::new`].
    pub fn new(store: &Arc<Store>, trail: &[WrittenCid], scope: Scope) -> Self {
        let lease = trail.first().map(|root| store.lease(&root.cid()));
        Self { store: store.clone(), _lease: lease, order: Preorder::new(trail, scope) }
    }

    /// With another order.
    pub fn ordered(self, change: impl FnOnce(Preorder) -> Preorder) -> Self {
        Self { order: change(self.order), ..self }
    }

    fn visit(&mut self, next: WrittenCid) -> Result<(WrittenCid, Block), StoreError> {
        let cid = next.cid();
        let block = self.store.get(&cid)?;
        self.order.pass(&block).map_err(|source| StoreError::Node { cid, source })?;
        Ok((next, block))
    }
}

impl Iterator for BlockWalk {
    type Item = Result<(WrittenCid, Block), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.order.peek()?;
        let visited = self.visit(next);
        if visited.is_err() {
            self.order.end();
        }
        Some(visited)
    }
}
