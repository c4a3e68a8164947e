//! What a block is the root of: a file, a directory, a symbolic link.

use super::{
    data,
    node::{Node, NodeError, parts},
};
use crate::{Block, WrittenCid, block::CidError};
use bytes::Bytes;
use decentralml_types::Codec;
use ipld_dagpb::PbLink;

/// A decoded block with its links as they stand in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// What it is.
    pub kind: Kind,
    /// The entries of a directory, or the nameless parts of a file.
    pub links: Vec<Link>,
    /// Bytes of the block and, by the word of its links, of all blocks under it.
    pub dag_size: u64,
}

/// The kinds of entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file, or a part of one.
    File {
        /// Its bytes.
        size: u64,
    },
    /// A directory with all its entries in this block.
    Directory,
    /// A directory whose entries are spread over many blocks (HAMT).
    Sharded,
    /// A symbolic link.
    Symlink {
        /// Where it leads.
        target: Bytes,
    },
}

/// A link of a DAG-PB node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The name; empty in a file.
    pub name: String,
    /// The block.
    pub cid: WrittenCid,
    /// Bytes of all blocks under it, by the word of the author (`Tsize`).
    pub dag_size: u64,
}

impl Entity {
    /// Decodes a block. The sizes of a file are held against each other, as in [`Node::decode`].
    pub fn decode(block: &Block) -> Result<Self, NodeError> {
        let own = block.data().len() as u64;
        if block.cid().codec == Codec::Raw {
            return Ok(Self { kind: Kind::File { size: own }, links: Vec::new(), dag_size: own });
        }
        let (links, data) = parts(block)?;
        let kind = match data.kind {
            data::RAW | data::FILE => Kind::File { size: Node::of_file(&links, data)?.size },
            data::DIRECTORY => Kind::Directory,
            data::HAMT_SHARD => Kind::Sharded,
            data::SYMLINK => Kind::Symlink { target: data.bytes },
            other => return Err(NodeError::Malformed(format!("UnixFS type {other}"))),
        };
        let links = links.into_iter().map(Link::new).collect::<Result<Vec<_>, _>>()?;
        // Nothing checks what the author says here.
        let dag_size = links.iter().fold(own, |sum, link| sum.saturating_add(link.dag_size));
        Ok(Self { kind, links, dag_size })
    }
}

impl Link {
    fn new(link: PbLink) -> Result<Self, CidError> {
        Ok(Self {
            cid: WrittenCid::from_ipld(&link.cid)?,
            name: link.name.unwrap_or_default(),
            dag_size: link.size.unwrap_or_default(),
        })
    }
}

/// The links of a block as they stand in it, whatever it is; a raw block has none.
pub(crate) fn written_links(block: &Block) -> Result<Vec<WrittenCid>, NodeError> {
    match block.cid().codec {
        Codec::Raw => Ok(Vec::new()),
        Codec::DagPb => Ok(super::node::pb_node(block)?
            .links
            .iter()
            .map(|link| WrittenCid::from_ipld(&link.cid))
            .collect::<Result<_, _>>()?),
    }
}
