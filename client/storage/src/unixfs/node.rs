//! One block of a file's DAG: what it holds and what it links to.

use super::{
    data::{self, Data},
    importer::Subtree,
};
use crate::{
    Block,
    block::{CidError, from_ipld, to_ipld},
};
use bytes::Bytes;
use decentralml_types::{Cid, Codec};
use ipld_dagpb::{PbLink, PbNode};

/// A decoded block of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Bytes of the file under this node, its own and its children's.
    pub size: u64,
    /// The bytes that stand in the block itself, before those of the children.
    pub data: Bytes,
    /// The subtrees, in the order of the file.
    pub children: Vec<Child>,
}

/// A link of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// The block.
    pub cid: Cid,
    /// Bytes of the file under it.
    pub size: u64,
}

/// Why a block is no part of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Something else is stored under this CID.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// The block does not keep to the format.
    #[error("it is malformed: {0}")]
    Malformed(String),
    /// It links to a block that cannot be part of a file.
    #[error(transparent)]
    Link(#[from] CidError),
}

impl Node {
    /// Decodes a block and checks that its sizes agree with each other.
    pub fn decode(block: &Block) -> Result<Self, NodeError> {
        if block.cid().codec == Codec::Raw {
            let data = block.data().clone();
            return Ok(Self { size: data.len() as u64, data, children: Vec::new() });
        }
        let node = pb_node(block)?;
        let message = node.data.ok_or(NodeError::NotAFile("a DAG-PB node without UnixFS data"))?;
        let data = Data::decode(&message).map_err(|why| NodeError::Malformed(why.into()))?;
        match data.kind {
            data::RAW | data::FILE => {}
            data::DIRECTORY | data::HAMT_SHARD => return Err(NodeError::NotAFile("a directory")),
            data::SYMLINK => return Err(NodeError::NotAFile("a symbolic link")),
            data::METADATA => return Err(NodeError::NotAFile("UnixFS metadata")),
            other => return Err(NodeError::Malformed(format!("UnixFS type {other}"))),
        }
        if data.block_sizes.len() != node.links.len() {
            let (sizes, links) = (data.block_sizes.len(), node.links.len());
            return Err(NodeError::Malformed(format!("{sizes} block sizes for {links} links")));
        }
        let size = data
            .block_sizes
            .iter()
            .try_fold(data.bytes.len() as u64, |sum, &size| sum.checked_add(size))
            .ok_or_else(|| NodeError::Malformed("a size beyond 64 bits".into()))?;
        if data.file_size.is_some_and(|declared| declared != size) {
            return Err(NodeError::Malformed(
                "the file size is not the sum of the block sizes".into(),
            ));
        }
        let children = node
            .links
            .iter()
            .zip(data.block_sizes)
            .map(|(link, size)| Ok(Child { cid: from_ipld(&link.cid)?, size }))
            .collect::<Result<_, CidError>>()?;
        Ok(Self { size, data: data.bytes, children })
    }
}

/// The links of a block, whatever it is (a directory too); a raw block has none.
pub fn links(block: &Block) -> Result<Vec<Cid>, NodeError> {
    match block.cid().codec {
        Codec::Raw => Ok(Vec::new()),
        Codec::DagPb => Ok(pb_node(block)?
            .links
            .iter()
            .map(|link| from_ipld(&link.cid))
            .collect::<Result<_, _>>()?),
    }
}

/// The node above `children`, byte for byte as Kubo writes it: names present and empty.
pub(super) fn branch(children: &[Subtree]) -> Block {
    let data = Data {
        kind: data::FILE,
        bytes: Bytes::new(),
        file_size: Some(children.iter().map(|child| child.size).sum()),
        block_sizes: children.iter().map(|child| child.size).collect(),
    };
    let links = children
        .iter()
        .map(|child| PbLink {
            cid: to_ipld(&child.cid),
            name: Some(String::new()),
            size: Some(child.dag_size),
        })
        .collect();
    Block::new(Codec::DagPb, PbNode { links, data: Some(data.encode().into()) }.into_bytes())
}

fn pb_node(block: &Block) -> Result<PbNode, NodeError> {
    PbNode::from_bytes(block.data().clone()).map_err(|e| NodeError::Malformed(e.to_string()))
}
