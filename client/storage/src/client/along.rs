//! The blocks along a path into a file: what answers a challenge of it on the chain.

use super::{Error, Storage};
use crate::{Block, MAX_BLOCK, unixfs};
use decentralml_types::{Cid, Codec};

impl Storage {
    /// The blocks along `path`, the numbers of the links to follow from `root`, from 0: the root's bytes first, each checked against
    /// its CID. They end with the block that the path names or, where it names none, with the node that shows that: one with fewer
    /// links, or whose link leads to a leaf while the path goes on.
    ///
    /// Errors: those of [`Storage::fetch`]; [`Error::NotAFile`] where a node on the way has no links that could be told.
    pub async fn along(&self, root: &Cid, path: &[u16]) -> Result<Vec<Vec<u8>>, Error> {
        let (mut blocks, mut at) = (Vec::new(), *root);
        for number in path {
            if at.codec == Codec::Raw {
                return Ok(blocks);
            }
            let node = Block::new(at.codec, self.bytes_of(&at).await?);
            let children =
                unixfs::links(&node).map_err(|source| Error::NotAFile { cid: at, source })?;
            blocks.push(node.data().to_vec());
            match children.get(usize::from(*number)) {
                Some(child) => at = *child,
                None => return Ok(blocks),
            }
        }
        blocks.push(self.bytes_of(&at).await?);
        Ok(blocks)
    }

    /// The bytes of one block, whatever they are: as a leaf they are a file of their own.
    async fn bytes_of(&self, cid: &Cid) -> Result<Vec<u8>, Error> {
        self.fetch(&Cid { codec: Codec::Raw, ..*cid }, MAX_BLOCK as u64).await
    }
}
