//! Paths through directories: `CID/a/b`.

use super::{Entity, Kind, NodeError};
use crate::{Block, WrittenCid, block::CidError};
use decentralml_types::Cid;
use std::fmt;

/// Most characters of a path.
const MAX_TEXT: usize = 4096;

/// Most names in a path: that many blocks are read to follow it.
const MAX_NAMES: usize = 64;

/// A root and the names that lead on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DagPath {
    root: WrittenCid,
    names: Vec<String>,
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a CID.
    #[error(transparent)]
    Cid(#[from] CidError),
    /// It ends before its CID.
    #[error("path does not have enough components")]
    Empty,
    /// `/ipns/…` or another first name.
    #[error("unknown namespace: {0:?}; this store knows /ipfs/CID only")]
    Namespace(String),
    /// It is too long, or has too many names.
    #[error("a path may have {MAX_TEXT} characters and {MAX_NAMES} names")]
    TooLong,
    /// `..` leads out of it.
    #[error("it leads above its root")]
    AboveRoot,
}

/// Why a path leads nowhere. `E` is what goes wrong with blocks.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError<E> {
    /// A block could not be read.
    #[error(transparent)]
    Block(E),
    /// A block on the way is malformed.
    #[error("{cid} cannot be read: {source}")]
    Node {
        /// The block.
        cid: Cid,
        /// What is wrong with it.
        source: NodeError,
    },
    /// There is nothing of that name.
    #[error("no link named {name:?} under {under}")]
    NoLink {
        /// The name.
        name: String,
        /// Where it was looked for.
        under: WrittenCid,
    },
    /// A directory on the way is spread over many blocks.
    #[error(
        "{0} is a HAMT-sharded directory, which this store does not search; use the CID of what is in it"
    )]
    Sharded(WrittenCid),
}

impl DagPath {
    /// Reads `CID`, `CID/a/b` and `/ipfs/CID/a/b`. Empty names and `.` are skipped, `..` takes a name back.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > MAX_TEXT {
            return Err(PathError::TooLong);
        }
        let rest = match text.strip_prefix('/') {
            None => text,
            Some(rest) => match rest.split_once('/') {
                Some(("ipfs", rest)) => rest,
                None | Some((_, "")) => return Err(PathError::Empty),
                Some((other, _)) => return Err(PathError::Namespace(other.into())),
            },
        };
        let (root, rest) = rest.split_once('/').unwrap_or((rest, ""));
        if root.is_empty() {
            return Err(PathError::Empty);
        }
        let root = WrittenCid::parse(root)?;
        let mut names: Vec<String> = Vec::new();
        for name in rest.split('/') {
            match name {
                "" | "." => {}
                ".." => drop(names.pop().ok_or(PathError::AboveRoot)?),
                _ => names.push(name.into()),
            }
        }
        if names.len() > MAX_NAMES {
            return Err(PathError::TooLong);
        }
        Ok(Self { root, names })
    }

    /// The root.
    pub fn root(&self) -> WrittenCid {
        self.root
    }

    /// Follows the names; returns the CIDs on the way, the root first and what the path names last. Reads one block per
    /// name, and not the last one.
    pub fn resolve<E>(
        &self,
        mut get: impl FnMut(&Cid) -> Result<Block, E>,
    ) -> Result<Vec<WrittenCid>, ResolveError<E>> {
        let mut trail = vec![self.root];
        let mut at = self.root;
        for name in &self.names {
            let block = get(&at.cid()).map_err(ResolveError::Block)?;
            let entity = Entity::decode(&block)
                .map_err(|source| ResolveError::Node { cid: at.cid(), source })?;
            if entity.kind == Kind::Sharded {
                return Err(ResolveError::Sharded(at));
            }
            // The parts of a file have no names.
            let link = entity.links.into_iter().find(|link| link.name == *name);
            let Some(link) = link else {
                return Err(ResolveError::NoLink { name: name.clone(), under: at });
            };
            at = link.cid;
            trail.push(at);
        }
        Ok(trail)
    }
}

impl fmt::Display for DagPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/ipfs/{}", self.root)?;
        self.names.iter().try_for_each(|name| write!(f, "/{name}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CID: &str = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";

    #[test]
    fn paths_are_read_in_all_their_forms() {
        for (text, path) in [
            ("CID", ""),
            ("CID/", ""),
            ("/ipfs/CID", ""),
            ("/ipfs/CID//a/./b/", "/a/b"),
            ("CID/a/../b/c", "/b/c"),
            ("CID/a b/ü", "/a b/ü"),
        ] {
            let parsed = DagPath::parse(&text.replace("CID", CID)).unwrap();
            assert_eq!(parsed.to_string(), format!("/ipfs/{CID}{path}"), "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_by_name() {
        let parse = |text: &str| DagPath::parse(&text.replace("CID", CID)).unwrap_err();
        for text in ["", "/", "/ipfs", "/ipfs/", "/ipfs//CID", "/ipns/"] {
            assert_eq!(parse(text), PathError::Empty, "{text}");
        }
        assert_eq!(parse("/ipns/CID"), PathError::Namespace("ipns".into()));
        assert_eq!(parse("CID/a/../.."), PathError::AboveRoot);
        assert_eq!(parse(&format!("CID{}", "/a".repeat(65))), PathError::TooLong);
        assert_eq!(parse(&"a".repeat(5000)), PathError::TooLong);
        assert!(matches!(parse("nonsense"), PathError::Cid(_)));
    }
}
