//! Directories and symbolic links as Kubo writes them.

use super::{
    Imported,
    data::{self, Data},
};
use crate::{Block, block::to_ipld};
use bytes::Bytes;
use decentralml_types::Codec;
use ipld_dagpb::{PbLink, PbNode};

/// Most bytes of a directory's block. The profile spreads a larger one over many blocks (HAMT), which no writer here does.
pub const MAX_DIRECTORY: usize = 256 << 10;

/// Fewest bytes of an entry beside its name: a CID of version 1, and keys and lengths of four fields.
pub(crate) const MIN_ENTRY: usize = 44;

/// The block of a directory. `entries` come in the order of their names' bytes, each name once. `None` where it would have more
/// than [`MAX_DIRECTORY`] bytes.
pub(crate) fn directory<'a>(
    entries: impl IntoIterator<Item = (&'a str, Imported)>,
) -> Option<(Block, Imported)> {
    let (mut links, mut size, mut below) = (Vec::new(), 0, 0);
    for (name, entry) in entries {
        size += entry.size;
        below += entry.dag_size;
        let cid = to_ipld(&entry.cid);
        links.push(PbLink { cid, name: Some(name.into()), size: Some(entry.dag_size) });
    }
    let block = encode(links, data::DIRECTORY, Bytes::new());
    let own = block.data().len();
    let made = Imported { cid: block.cid(), size, dag_size: own as u64 + below };
    (own <= MAX_DIRECTORY).then_some((block, made))
}

/// The block of a symbolic link.
pub(crate) fn symlink(target: Bytes) -> (Block, Imported) {
    let block = encode(Vec::new(), data::SYMLINK, target);
    let own = block.data().len() as u64;
    let made = Imported { cid: block.cid(), size: 0, dag_size: own };
    (block, made)
}

fn encode(links: Vec<PbLink>, kind: u64, bytes: Bytes) -> Block {
    let data = Data { kind, bytes, ..Data::default() };
    Block::new(Codec::DagPb, PbNode { links, data: Some(data.encode().into()) }.into_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::unixfs::canonical_cid;

    fn file(bytes: &[u8]) -> Imported {
        let size = bytes.len() as u64;
        Imported { cid: canonical_cid(bytes), size, dag_size: size }
    }

    #[test]
    fn directories_and_links_have_kubos_cids_and_sizes() {
        let (_, empty) = directory([]).unwrap();
        assert_eq!(
            (empty.cid.to_string().as_str(), empty.dag_size),
            ("bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354", 4)
        );
        let (_, sub) = directory([("a", file(b"a"))]).unwrap();
        assert_eq!(sub.dag_size, 50);
        let (_, top) = directory([("B", file(b"2")), ("b", file(b"1")), ("sub", sub)]).unwrap();
        assert_eq!(
            (top.cid.to_string().as_str(), top.dag_size, top.size),
            ("bafybeihxntnzg2zuxtlyutjzl4mmksc4hy4pxumsrb7aiq7mhrkor544di", 193, 3)
        );
        let (_, link) = symlink(Bytes::from_static(b"b"));
        assert_eq!(
            (link.cid.to_string().as_str(), link.dag_size),
            ("bafybeih4p6wgtxnujy4wq3wp2hwmnrjkwzj7iit6km7oosroeohywikd2m", 7)
        );
    }

    #[test]
    fn a_directory_that_kubo_would_spread_over_blocks_is_not_made() {
        let names: Vec<String> = (0..5000).map(|number| format!("{number:020}")).collect();
        let entries = |count| names[..count].iter().map(|name| (name.as_str(), file(b"")));
        // With names of 20 bytes and sizes of one.
        let each = MIN_ENTRY + 20;
        let most = (MAX_DIRECTORY - 4) / each;
        let (block, _) = directory(entries(most)).unwrap();
        assert_eq!(block.data().len(), most * each + 4);
        assert!(directory(entries(most + 1)).is_none());
    }
}
