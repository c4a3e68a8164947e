//! The walk through a file's DAG, shared by the store and the client.

use super::{Node, NodeError};
use crate::Block;
use bytes::Bytes;
use decentralml_types::{Cid, Codec};

/// Levels that are followed. Canonical files of 2^50 bytes have four; a chain of single links has no other end.
const MAX_DEPTH: u8 = 32;

/// Links of all the nodes above a block together, and so the visits that a walk has before it at any time. Canonical files of
/// 2^50 bytes have 4,096, one block has room for 55,000; more is a DAG made to fill a reader's memory.
const MAX_PENDING: usize = 1 << 18;

/// A block that is to be visited, and what its parent says about it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    cid: Cid,
    size: Option<u64>,
    depth: u8,
    pending: usize,
}

/// What a visited block yields.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// Bytes of the file under the block.
    pub size: u64,
    /// The block's own bytes of the file; they come before the children's.
    pub data: Bytes,
    /// The next visits, in the order of the file.
    pub children: Vec<Step>,
}

impl Step {
    /// The first visit; of a root nothing is known.
    pub fn root(cid: Cid) -> Self {
        Self { cid, size: None, depth: 0, pending: 0 }
    }

    /// The block.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// Bytes of the file under the block, as its parent says; the root has no parent.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Bytes that the block itself may have, when that is known before it is read: a raw block is its part of the file.
    pub fn block_size(&self) -> Option<u64> {
        self.size.filter(|_| self.cid.codec == Codec::Raw)
    }

    /// Decodes the block of this step. The parent's word is held against it, so the sizes of the root bound the whole
    /// walk, whoever made the DAG: every child holds at least one byte, and no level lies below the 32nd.
    pub fn expand(&self, block: &Block) -> Result<Expanded, NodeError> {
        let node = Node::decode(block)?;
        if self.size.is_some_and(|size| size != node.size) {
            return Err(NodeError::Malformed(
                "a link that gives another size than its block".into(),
            ));
        }
        if !node.children.is_empty() && self.depth == MAX_DEPTH {
            return Err(NodeError::Malformed(format!("more than {MAX_DEPTH} levels")));
        }
        let pending = self.pending + node.children.len();
        if pending > MAX_PENDING {
            return Err(NodeError::Malformed(format!(
                "more than {MAX_PENDING} links above a block"
            )));
        }
        if node.children.iter().any(|child| child.size == 0) {
            return Err(NodeError::Malformed("a link to nothing".into()));
        }
        let child = |child: &super::Child| Step {
            cid: child.cid,
            size: Some(child.size),
            depth: self.depth + 1,
            pending,
        };
        let children = node.children.iter().map(child).collect();
        Ok(Expanded { size: node.size, data: node.data, children })
    }
}
