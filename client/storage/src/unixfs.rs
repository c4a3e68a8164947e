//! Files as DAGs of blocks.
//!
//! The canonical form is the profile `unixfs-v1-2025` of IPIP-499: CIDv1, sha2-256, raw leaves of 1 MiB, a balanced tree
//! with at most 1,024 links a node. A file of at most one chunk is one raw block. Equal bytes have equal CIDs, on any
//! machine and with any server's settings.
//!
//! Reading takes more than that: any chunk size and fan-out, balanced and trickle trees, bytes inside DAG-PB nodes, CIDv0
//! links, and plain directories, through which a [`DagPath`] leads. Sharded directories are refused by name.

mod data;
mod directory;
mod entity;
mod importer;
mod node;
mod path;
mod step;

pub use directory::MAX_DIRECTORY;
pub(crate) use directory::{MIN_ENTRY, directory, symlink};
pub(crate) use entity::written_links;
pub use entity::{Entity, Kind, Link};
pub use importer::{Imported, Importer};
pub use node::{Child, Node, NodeError, links};
pub use path::{DagPath, PathError, ResolveError};
pub use step::{Expanded, Step};

use crate::Block;
use decentralml_types::Cid;
use std::{
    convert::Infallible,
    io::{self, Read},
};

/// Bytes of a leaf.
pub const CHUNK_SIZE: usize = 1 << 20;

/// Most links of a node.
pub const MAX_LINKS: usize = 1024;

/// The CID under which `bytes` are stored.
pub fn canonical_cid(bytes: &[u8]) -> Cid {
    let mut importer = Importer::new();
    let discard = &mut |_| Ok::<(), Infallible>(());
    match importer.push(bytes, discard).and_then(|()| importer.finish(discard)) {
        Ok(imported) => imported.cid,
        Err(never) => match never {},
    }
}

/// Reads `reader` to its end and hands every block of the canonical form to `sink`, children before parents.
///
/// Memory: about two chunks, and 48 bytes per link of the open nodes.
pub fn import<E: From<io::Error>>(
    mut reader: impl Read,
    mut sink: impl FnMut(Block) -> Result<(), E>,
) -> Result<Imported, E> {
    let mut importer = Importer::new();
    while importer.read_chunk(&mut reader, &mut sink)? {}
    importer.finish(&mut sink)
}

#[cfg(test)]
mod challenges;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
