//! DAGs that were made to do harm, and what is left of good ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::WrittenCid;
use bytes::Bytes;
use decentralml_types::Codec;
use ipld_dagpb::{PbLink, PbNode};
use proptest::prelude::*;
use std::collections::HashMap;

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A node of a file with bytes of its own and these children.
fn file(data: &[u8], children: &[(Cid, u64)]) -> Block {
    let mut message = vec![8, 2];
    if !data.is_empty() {
        message.push(0x12);
        varint(&mut message, data.len() as u64);
        message.extend_from_slice(data);
    }
    message.push(0x18);
    let sum = children.iter().fold(data.len() as u64, |sum, (_, size)| sum.wrapping_add(*size));
    varint(&mut message, sum);
    for (_, size) in children {
        message.push(0x20);
        varint(&mut message, *size);
    }
    node(message, children.iter().map(|(cid, size)| ("", *cid, *size)))
}

fn node<'a>(message: Vec<u8>, links: impl Iterator<Item = (&'a str, Cid, u64)>) -> Block {
    let links = links.map(|(name, cid, size)| PbLink {
        cid: crate::block::to_ipld(&cid),
        name: Some(name.into()),
        size: Some(size),
    });
    let node = PbNode { links: links.collect(), data: Some(message.into()) };
    Block::new(Codec::DagPb, node.into_bytes())
}

fn directory(entries: &[(&str, Cid)]) -> Block {
    node(vec![8, 1], entries.iter().map(|(name, cid)| (*name, *cid, 1)))
}

#[derive(Default)]
struct Blocks(HashMap<Cid, Block>);

impl Blocks {
    fn put(&mut self, block: Block) -> Cid {
        let cid = block.cid();
        self.0.insert(cid, block);
        cid
    }

    fn get(&self, cid: &Cid) -> Result<Block, String> {
        self.0.get(cid).cloned().ok_or_else(|| "missing".into())
    }

    /// The bytes of a file, and the most visits that were before the walk at a time.
    fn read(&self, root: Cid) -> Result<(Vec<u8>, usize), NodeError> {
        let (mut bytes, mut pending, mut most) = (Vec::new(), vec![Step::root(root)], 0);
        while let Some(step) = pending.pop() {
            let expanded = step.expand(&self.0[&step.cid()])?;
            bytes.extend_from_slice(&expanded.data);
            pending.extend(expanded.children.into_iter().rev());
            most = most.max(pending.len());
        }
        Ok((bytes, most))
    }
}

#[test]
fn a_trickle_tree_with_bytes_in_its_inner_nodes_is_read_in_order() {
    let mut blocks = Blocks::default();
    let leaf = |blocks: &mut Blocks, data: &[u8]| {
        (blocks.put(Block::new(Codec::Raw, data.to_vec())), data.len() as u64)
    };
    let deep = [leaf(&mut blocks, b"4"), leaf(&mut blocks, b"5")];
    let inner = blocks.put(file(b"3", &deep));
    let other = (blocks.put(file(b"7", &[])), 1);
    let last = leaf(&mut blocks, b"6");
    let root = blocks.put(file(b"12", &[(inner, 3), last, other]));
    assert_eq!(blocks.read(root).unwrap().0, b"1234567");
}

#[test]
fn a_file_that_claims_everything_is_refused_or_ends_with_what_is_there() {
    let leaf = Block::new(Codec::Raw, &b"abc"[..]);
    let wraps = file(b"", &[(leaf.cid(), u64::MAX), (leaf.cid(), 4)]);
    let error = Node::decode(&wraps).unwrap_err();
    assert!(error.to_string().contains("beyond 64 bits"), "{error}");
    // All sizes agree with each other, and the leaf with none of them.
    let mut blocks = Blocks::default();
    let cid = blocks.put(leaf);
    let mut top = (cid, 1 << 60);
    for _ in 0..3 {
        top = (blocks.put(file(b"", &[top, top])), top.1 * 2);
    }
    let error = blocks.read(top.0).unwrap_err();
    assert!(error.to_string().contains("another size"), "{error}");
}

#[test]
fn a_dag_of_enormous_width_at_every_level_is_refused_by_name() {
    let mut blocks = Blocks::default();
    let mut top = (blocks.put(Block::new(Codec::Raw, &b"a"[..])), 1u64);
    let width = 30_000u64;
    for level in 1.. {
        // The first child leads on, so that all others wait.
        let rest = (blocks.put(Block::new(Codec::Raw, &b"b"[..])), 1);
        let children: Vec<_> = std::iter::once(top).chain((1..width).map(|_| rest)).collect();
        let block = file(b"", &children);
        assert!(block.data().len() <= crate::MAX_BLOCK);
        top = (blocks.put(block), top.1 + width - 1);
        let read = blocks.read(top.0);
        if level * width > 1 << 18 {
            let error = read.unwrap_err();
            assert!(error.to_string().contains("links above a block"), "{error}");
            return;
        }
        assert!(read.unwrap().1 <= 1 << 18);
    }
}

#[test]
fn links_without_room_for_their_hashes_are_refused_before_they_are_decoded() {
    // 100,000 links of 10 bytes, each of which would take fifteen times the room.
    let link = [0x12, 8, 0x0a, 4, 1, 0x55, 0, 0, 0x18, 1];
    let block = Block::new(Codec::DagPb, link.repeat(100_000));
    for error in [Node::decode(&block).unwrap_err(), links(&block).unwrap_err()] {
        assert!(error.to_string().contains("more links than"), "{error}");
    }
    let identity =
        Block::new(Codec::DagPb, vec![0x12, 9, 0x0a, 7, 1, 0x55, 0, 3, b'a', b'b', b'c']);
    // One link of too few bytes is refused for what it is, where its block has room for a real one.
    let padded = [identity.data().to_vec(), [&[0x0a, 40][..], &[0; 40]].concat()].concat();
    let error = links(&Block::new(Codec::DagPb, padded)).unwrap_err();
    assert!(error.to_string().contains("identity"), "{error}");
}

#[test]
fn paths_lead_through_directories_to_files_and_no_further() {
    let mut blocks = Blocks::default();
    let leaf = blocks.put(Block::new(Codec::Raw, &b"x"[..]));
    let parts = blocks.put(file(b"", &[(leaf, 1)]));
    let inner = blocks.put(directory(&[("file", parts), ("leaf", leaf)]));
    let root = blocks.put(directory(&[("a b", leaf), ("inner", inner), ("inner", leaf)]));
    let follow = |path: &str| {
        let path = DagPath::parse(&format!("{root}{path}")).unwrap();
        path.resolve(|cid| blocks.get(cid))
            .map(|trail| trail.iter().map(WrittenCid::cid).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    assert_eq!(follow("").unwrap(), [root]);
    assert_eq!(follow("/a b").unwrap(), [root, leaf]);
    assert_eq!(follow("/inner/file").unwrap(), [root, inner, parts], "the first of a name");
    for (path, words) in [
        ("/nope", "no link named \"nope\""),
        ("/inner/file/x", "no link named \"x\""),
        ("/inner/leaf/x", "no link named \"x\""),
    ] {
        let error = follow(path).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let missing = Block::new(Codec::DagPb, &b"elsewhere"[..]).cid();
    let path = DagPath::parse(&format!("{missing}/a")).unwrap();
    assert!(matches!(path.resolve(|cid| blocks.get(cid)), Err(ResolveError::Block(_))));
}

#[test]
fn a_sharded_directory_is_named_as_such() {
    let leaf = Block::new(Codec::Raw, &b"x"[..]);
    let shard = node(vec![8, 5, 0x28, 0x22, 0x30, 0x80, 2], [("00x", leaf.cid(), 1)].into_iter());
    assert_eq!(Entity::decode(&shard).unwrap().kind, Kind::Sharded);
    let path = DagPath::parse(&format!("{}/x", shard.cid())).unwrap();
    let error = path.resolve(|_| Ok::<_, String>(shard.clone())).unwrap_err();
    assert!(error.to_string().contains("HAMT-sharded"), "{error}");
    assert_eq!(links(&shard).unwrap(), [leaf.cid()], "its blocks can be pinned and exported");
}

#[test]
fn entities_say_what_they_are() {
    let leaf = Block::new(Codec::Raw, &b"abc"[..]);
    let kind = |block: &Block| Entity::decode(block).map(|entity| (entity.kind, entity.dag_size));
    assert_eq!(kind(&leaf).unwrap(), (Kind::File { size: 3 }, 3));
    let two = file(b"z", &[(leaf.cid(), 3)]);
    assert_eq!(kind(&two).unwrap(), (Kind::File { size: 4 }, two.data().len() as u64 + 3));
    assert_eq!(kind(&directory(&[])).unwrap().0, Kind::Directory);
    let link = node(vec![8, 4, 0x12, 1, b'a'], std::iter::empty());
    assert_eq!(kind(&link).unwrap().0, Kind::Symlink { target: Bytes::from_static(b"a") });
    for message in [vec![8, 3], vec![8, 9], vec![0x12, 1, b'a']] {
        assert!(kind(&node(message, std::iter::empty())).is_err());
    }
    let boundless =
        node(vec![8, 1], [("a", leaf.cid(), u64::MAX), ("b", leaf.cid(), 9)].into_iter());
    assert_eq!(kind(&boundless).unwrap().1, u64::MAX);
}

proptest! {
    #[test]
    fn damaged_nodes_are_decoded_or_refused_without_a_panic(
        sizes in prop::collection::vec(1u64..100, 0..6),
        data in prop::collection::vec(any::<u8>(), 0..20),
        is_directory in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let leaf = Block::new(Codec::Raw, &b"x"[..]).cid();
        let block = match is_directory {
            true => directory(&vec![("name", leaf); sizes.len()]),
            false => file(&data, &sizes.iter().map(|size| (leaf, *size)).collect::<Vec<_>>()),
        };
        let mut bytes = block.data().to_vec();
        for (index, byte) in damage {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if let Some(cut) = cut.filter(|_| !bytes.is_empty()) {
            bytes.truncate(cut.index(bytes.len()));
        }
        let block = Block::new(Codec::DagPb, bytes);
        let entity = Entity::decode(&block);
        let _ = links(&block);
        // Both readers of a block agree on what a file is.
        match (Node::decode(&block), entity) {
            (Ok(node), Ok(entity)) => prop_assert_eq!(entity.kind, Kind::File { size: node.size }),
            (Ok(_), Err(error)) => prop_assert!(false, "{}", error),
            (Err(_), Ok(entity)) => {
                let is_file = matches!(entity.kind, Kind::File { .. });
                prop_assert!(!is_file);
            }
            (Err(_), Err(_)) => {}
        }
    }
}
