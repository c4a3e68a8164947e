//! Paths into a file: whether blocks are those that a path leads through, told by the file's CID alone.
//!
//! A file's canonical form (UnixFS, CIDv1) is a tree of DAG-PB nodes over raw leaves of 1 MiB, with at most 1,024 links a node. A
//! *path* is the numbers of the links to follow from the root, from 0; it names one block, a leaf or a node, and the empty path
//! names the root. Each block but the root hashes to the CID that its parent's link names, so nobody can show other bytes.
//!
//! Only the links' hashes are read (DAG-PB specification, strict form: links first, then the data; canonical varints). What a node
//! says of sizes and names decides nothing here, and a node of any other form leads nowhere.

pub mod sample;

use decentralml_types::{Cid, Codec, limits::MAX_UPDATE_BYTES};

/// Bytes of the largest leaf.
pub const MAX_LEAF: usize = 1 << 20;

/// Links of the widest node.
pub const MAX_LINKS: u16 = 1_024;

/// Bytes of the largest node. The widest one of the canonical form has 56 KiB: 49 bytes for each link, 6 for its size.
pub const MAX_NODE: usize = 64 << 10;

/// Links of the longest path. A sealed update is longer than the plain one, by far less than what this leaves room for.
pub const MAX_PATH: usize = height(MAX_UPDATE_BYTES.div_ceil(MAX_LEAF as u64));

/// Bytes of all blocks of the longest path together, at most.
pub const MAX_ANSWER: usize = MAX_PATH * MAX_NODE + MAX_LEAF;

/// Levels of nodes over so many leaves.
const fn height(leaves: u64) -> usize {
    let (mut width, mut levels) = (leaves, 0);
    while width > 1 {
        width = width.div_ceil(MAX_LINKS as u64);
        levels += 1;
    }
    levels
}

/// What blocks have shown of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The last of them is the block that the path names.
    Block,
    /// The path names no block: the last node on its way has no such link, or what follows is a leaf.
    NoSuchBlock,
}

/// Why blocks show nothing of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// The path has more than [`MAX_PATH`] links.
    PathTooLong,
    /// The blocks end before the path does. Add those that follow.
    TooFew,
    /// There are more blocks than it takes. Leave out those behind the last one of the path.
    TooMany,
    /// A leaf is longer than [`MAX_LEAF`], or a node than [`MAX_NODE`].
    TooLong,
    /// A block hashes to another CID than the one by which it is named.
    OtherBlock,
    /// A node on the way is not of the canonical form: its links cannot be told.
    Malformed,
}

/// Follows `path` from `root` through `blocks`, the root's first, and says what they show. `hash` is SHA2-256.
///
/// Work: one hash and one pass over each block, all of which are bounded; no allocation.
///
/// # Errors
///
/// See [`PathError`].
pub fn verify(
    hash: impl Fn(&[u8]) -> [u8; 32],
    root: &Cid,
    path: &[u16],
    blocks: &[&[u8]],
) -> Result<Shown, PathError> {
    if path.len() > MAX_PATH {
        return Err(PathError::PathTooLong);
    }
    let mut at = *root;
    let mut blocks = blocks.iter();
    let mut next = |at: &Cid| {
        let block = *blocks.next().ok_or(PathError::TooFew)?;
        let most = match at.codec {
            Codec::Raw => MAX_LEAF,
            Codec::DagPb => MAX_NODE,
        };
        if block.len() > most {
            return Err(PathError::TooLong);
        }
        if hash(block) != at.digest {
            return Err(PathError::OtherBlock);
        }
        Ok(block)
    };
    let mut shown = Shown::Block;
    for &number in path {
        // A leaf has no links: that it is one, the link to it says.
        let below = match at.codec {
            Codec::Raw => None,
            Codec::DagPb => link(next(&at)?, number).ok_or(PathError::Malformed)?,
        };
        match below {
            Some(cid) => at = cid,
            None => {
                shown = Shown::NoSuchBlock;
                break;
            }
        }
    }
    if shown == Shown::Block {
        next(&at)?;
    }
    if blocks.next().is_some() { Err(PathError::TooMany) } else { Ok(shown) }
}

/// Field 2 of a node, a link, and field 1, its data; both have a length.
const LINK: u8 = 0x12;
const DATA: u8 = 0x0a;
/// Fields 1 to 3 of a link: the CID, the name, the size of all that is below.
const HASH: u8 = 0x0a;
const NAME: u8 = 0x12;
const SIZE: u8 = 0x18;

/// The CID that a node's link of this number names, `Some(None)` where it has fewer. `None` where the node is malformed: it is
/// always read to its end.
fn link(node: &[u8], number: u16) -> Option<Option<Cid>> {
    let mut fields = Reader(node);
    let mut count = 0;
    let mut found = None;
    loop {
        match fields.byte()? {
            LINK if count < MAX_LINKS => {
                let cid = named(fields.slice()?)?;
                if count == number {
                    found = Some(cid);
                }
                count += 1;
            }
            DATA => {
                fields.slice()?;
                return fields.0.is_empty().then_some(found);
            }
            _ => return None,
        }
    }
}

/// The CID in a link.
fn named(link: &[u8]) -> Option<Cid> {
    let mut fields = Reader(link);
    if fields.byte()? != HASH {
        return None;
    }
    let cid = canonical(fields.slice()?)?;
    if fields.0.first() == Some(&NAME) {
        fields.byte()?;
        fields.slice()?;
    }
    if fields.0.first() == Some(&SIZE) {
        fields.byte()?;
        fields.varint()?;
    }
    fields.0.is_empty().then_some(cid)
}

/// A CIDv1 of a leaf or a node, hashed with SHA2-256.
fn canonical(bytes: &[u8]) -> Option<Cid> {
    let ([1, codec, 0x12, 32], digest) = bytes.split_first_chunk()? else { return None };
    let codec = [Codec::Raw, Codec::DagPb].into_iter().find(|of| of.code() == (*codec).into())?;
    Some(Cid { codec, digest: digest.try_into().ok()? })
}

/// The rest of a message.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Of all ways to write a number the shortest.
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte holds the one bit that is left.
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return (byte != 0 || shift == 0).then_some(value);
            }
        }
        None
    }

    /// Bytes behind their length.
    fn slice(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (slice, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(slice)
    }
}

#[cfg(test)]
mod tests;
