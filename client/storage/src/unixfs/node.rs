//! One block of a file's DAG: what it holds and what it links to.

use super::{
    data::{self, Data},
    importer::Subtree,
};
use crate::{
    Block, WrittenCid,
    block::{CidError, to_ipld},
};
use bytes::Bytes;
use decentralml_types::{Cid, Codec};
use ipld_dagpb::{PbLink, PbNode};

/// Bytes of the shortest link: two fields' keys and lengths, and a CID of version 0.
const MIN_LINK: usize = 38;

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
        let (links, data) = parts(block)?;
        match data.kind {
            data::RAW | data::FILE => Self::of_file(&links, data),
            data::DIRECTORY | data::HAMT_SHARD => Err(NodeError::NotAFile("a directory")),
            data::SYMLINK => Err(NodeError::NotAFile("a symbolic link")),
            data::METADATA => Err(NodeError::NotAFile("UnixFS metadata")),
            other => Err(NodeError::Malformed(format!("UnixFS type {other}"))),
        }
    }

    /// The node of a file out of its parts.
    pub(super) fn of_file(links: &[PbLink], data: Data) -> Result<Self, NodeError> {
        if data.block_sizes.len() != links.len() {
            let (sizes, links) = (data.block_sizes.len(), links.len());
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
        let children = links
            .iter()
            .zip(data.block_sizes)
            .map(|(link, size)| Ok(Child { cid: WrittenCid::from_ipld(&link.cid)?.cid(), size }))
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
            .map(|link| Ok(WrittenCid::from_ipld(&link.cid)?.cid()))
            .collect::<Result<_, CidError>>()?),
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

/// The links and the UnixFS message of a DAG-PB block.
pub(super) fn parts(block: &Block) -> Result<(Vec<PbLink>, Data), NodeError> {
    let node = pb_node(block)?;
    let message = node.data.ok_or(NodeError::NotAFile("a DAG-PB node without UnixFS data"))?;
    let data = Data::decode(&message).map_err(|why| NodeError::Malformed(why.into()))?;
    Ok((node.links, data))
}

pub(super) fn pb_node(block: &Block) -> Result<PbNode, NodeError> {
    // A decoded link takes several times the room of the shortest encoded one, which has no hash at all.
    let most = block.data().len() / MIN_LINK;
    if data::count_links(block.data(), most + 1) > most {
        return Err(NodeError::Malformed("more links than it has room for their hashes".into()));
    }
    PbNode::from_bytes(block.data().clone()).map_err(|e| NodeError::Malformed(e.to_string()))
}
