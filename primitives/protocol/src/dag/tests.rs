//! Trees made here, byte by byte, and every way to lie about them. `client/storage` compares with what its importer makes.

#![allow(clippy::unwrap_used)]

use super::{
    sample::{binary, field, link as link_to, node, varint},
    *,
};
use proptest::prelude::*;
use sp_crypto_hashing::sha2_256;
use std::{vec, vec::Vec};

fn cid(codec: Codec, block: &[u8]) -> Cid {
    Cid { codec, digest: sha2_256(block) }
}

/// Two nodes over two leaves each, and the node over them.
struct Tree {
    leaves: [Vec<u8>; 4],
    nodes: [Vec<u8>; 2],
    top: Vec<u8>,
}

impl Tree {
    fn new() -> Self {
        let leaves = [0u8, 1, 2, 3].map(|byte| vec![byte; 9]);
        let raw = |index: usize| cid(Codec::Raw, &leaves[index]);
        let nodes = [node(&[raw(0), raw(1)], 9), node(&[raw(2), raw(3)], 9)];
        let top = node(&[cid(Codec::DagPb, &nodes[0]), cid(Codec::DagPb, &nodes[1])], 18);
        Self { leaves, nodes, top }
    }

    fn root(&self) -> Cid {
        cid(Codec::DagPb, &self.top)
    }

    fn verify(&self, path: &[u16], blocks: &[&[u8]]) -> Result<Shown, PathError> {
        verify(sha2_256, &self.root(), path, blocks)
    }
}

#[test]
fn the_longest_path_is_that_of_the_largest_update() {
    assert_eq!((MAX_PATH, MAX_ANSWER), (2, (1 << 20) + (128 << 10)));
    assert_eq!([1, 2, 1_024, 1_025, 1 << 20].map(height), [0, 1, 1, 2, 2]);
}

#[test]
fn the_widest_node_of_the_canonical_form_is_short_enough() {
    let child = cid(Codec::DagPb, b"");
    // Subtrees of a tebibyte: sizes of six bytes, as long as they can be under one root.
    assert!(node(&[child; MAX_LINKS as usize], 1 << 40).len() <= MAX_NODE);
}

#[test]
fn every_block_of_a_tree_is_shown_by_the_blocks_above_it() {
    let tree = Tree::new();
    let Tree { leaves, nodes, top } = &tree;
    assert_eq!(tree.verify(&[], &[top]), Ok(Shown::Block));
    for (first, node) in (0u16..).zip(nodes) {
        assert_eq!(tree.verify(&[first], &[top, node]), Ok(Shown::Block));
        for second in [0u16, 1] {
            let leaf = &leaves[usize::from(2 * first + second)];
            assert_eq!(tree.verify(&[first, second], &[top, node, leaf]), Ok(Shown::Block));
        }
    }
}

#[test]
fn a_small_file_is_its_root() {
    let root = cid(Codec::Raw, b"small");
    assert_eq!(verify(sha2_256, &root, &[], &[b"small"]), Ok(Shown::Block));
    assert_eq!(verify(sha2_256, &root, &[], &[b"other"]), Err(PathError::OtherBlock));
    assert_eq!(verify(sha2_256, &root, &[], &[]), Err(PathError::TooFew));
    // Its CID says that nothing is below.
    assert_eq!(verify(sha2_256, &root, &[0], &[]), Ok(Shown::NoSuchBlock));
    assert_eq!(verify(sha2_256, &root, &[0], &[b"small"]), Err(PathError::TooMany));
}

#[test]
fn what_is_not_there_is_shown_by_the_node_that_lacks_it() {
    let tree = Tree::new();
    let Tree { leaves, nodes, top } = &tree;
    assert_eq!(tree.verify(&[2], &[top]), Ok(Shown::NoSuchBlock));
    assert_eq!(tree.verify(&[u16::MAX, 0], &[top]), Ok(Shown::NoSuchBlock));
    assert_eq!(tree.verify(&[1, 2], &[top, &nodes[1]]), Ok(Shown::NoSuchBlock));
    // Below a leaf.
    let flat = node(&[cid(Codec::Raw, &leaves[0])], 9);
    let root = cid(Codec::DagPb, &flat);
    assert_eq!(verify(sha2_256, &root, &[0, 0], &[&flat]), Ok(Shown::NoSuchBlock));
    assert_eq!(verify(sha2_256, &root, &[0, 0], &[&flat, &leaves[0]]), Err(PathError::TooMany));
    assert_eq!(verify(sha2_256, &root, &[0, 0], &[]), Err(PathError::TooFew));
}

#[test]
fn blocks_of_another_path_show_nothing() {
    let tree = Tree::new();
    let Tree { leaves, nodes, top } = &tree;
    for (path, blocks) in [
        ([0, 0], [top, &nodes[0], &leaves[1]]),
        ([0, 0], [top, &nodes[1], &leaves[2]]),
        ([1, 1], [top, &nodes[1], &leaves[0]]),
        ([0, 0], [&nodes[0], top, &leaves[0]]),
    ] {
        let blocks = blocks.map(Vec::as_slice);
        assert_eq!(tree.verify(&path, &blocks), Err(PathError::OtherBlock));
    }
}

#[test]
fn blocks_that_end_early_or_late_show_nothing() {
    let tree = Tree::new();
    let Tree { leaves, nodes, top } = &tree;
    let whole: [&[u8]; 3] = [top, &nodes[0], &leaves[0]];
    for count in 0..3 {
        assert_eq!(tree.verify(&[0, 0], &whole[..count]), Err(PathError::TooFew));
    }
    assert_eq!(tree.verify(&[0], &whole), Err(PathError::TooMany));
    assert_eq!(tree.verify(&[2], &whole[..2]), Err(PathError::TooMany));
    assert_eq!(tree.verify(&[0, 0, 0], &whole), Err(PathError::PathTooLong));
}

#[test]
fn blocks_that_are_too_long_are_not_hashed() {
    let hash = |_: &[u8]| -> [u8; 32] { unreachable!("a long block was hashed") };
    let (leaf, node) = (vec![0; MAX_LEAF + 1], vec![0; MAX_NODE + 1]);
    let root = |codec| Cid { codec, digest: [0; 32] };
    assert_eq!(verify(hash, &root(Codec::Raw), &[], &[&leaf]), Err(PathError::TooLong));
    for path in [&[][..], &[0]] {
        assert_eq!(verify(hash, &root(Codec::DagPb), path, &[&node]), Err(PathError::TooLong));
    }
}

#[test]
fn a_node_of_another_form_leads_nowhere() {
    let child = cid(Codec::Raw, b"leaf");
    let good = node(&[child], 4);
    assert_eq!(link(&good, 0), Some(Some(child)));
    assert_eq!(link(&good, 1), Some(None));

    let with = |link: &[u8], rest: &[u8]| {
        let mut bytes = Vec::new();
        field(LINK, link, &mut bytes);
        bytes.extend_from_slice(rest);
        bytes
    };
    let data = [DATA, 2, 8, 2];
    let to_leaf = link_to(&child, 4);
    assert_eq!(link(&with(&to_leaf, &data), 0), Some(Some(child)));
    let mut cidv0 = vec![0x12, 32];
    cidv0.extend_from_slice(&child.digest);
    let by = |cid: &[u8]| {
        let mut link = Vec::new();
        field(HASH, cid, &mut link);
        link
    };
    assert_eq!(link(&with(&by(&binary(&child)), &data), 0), Some(Some(child)));
    let altered = |at: usize, to: u8| {
        let mut bytes = binary(&child);
        bytes[at] = to;
        by(&bytes)
    };
    let malformed: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("no data", with(&to_leaf, &[])),
        ("data twice", with(&to_leaf, &[data, data].concat())),
        ("a link behind the data", [&data[..], &with(&to_leaf, &[])].concat()),
        ("another field", with(&to_leaf, &[0x1a, 0, DATA, 0])),
        ("a number as data", with(&to_leaf, &[8, 1])),
        ("data cut off", with(&to_leaf, &[DATA, 3, 8, 2])),
        ("a length written too long", with(&to_leaf, &[DATA, 0x82, 0, 8, 2])),
        ("a length beyond 64 bits", with(&to_leaf, &[&[DATA][..], &[0xff; 9], &[2]].concat())),
        ("a length of 64 bits", with(&to_leaf, &[&[DATA][..], &[0xff; 9], &[1]].concat())),
        ("no CID", with(&[NAME, 0], &data)),
        ("an empty link", with(&[], &data)),
        ("a short CID", with(&by(&binary(&child)[..35]), &data)),
        ("a long CID", with(&by(&[binary(&child), vec![0]].concat()), &data)),
        ("CIDv0", with(&by(&cidv0), &data)),
        ("version 2", with(&altered(0, 2), &data)),
        ("dag-cbor", with(&altered(1, 0x71), &data)),
        ("sha2-512", with(&altered(2, 0x13), &data)),
        ("a digest of 31 bytes", with(&altered(3, 31), &data)),
        ("a link with more in it", with(&[to_leaf.clone(), vec![0x20, 1]].concat(), &data)),
        (
            "a size written too long",
            with(&[by(&binary(&child)), vec![SIZE, 0x84, 0]].concat(), &data),
        ),
        ("one link too many", node(&[child; MAX_LINKS as usize + 1], 1)),
    ];
    for (what, bytes) in malformed {
        assert_eq!(link(&bytes, 0), None, "{what}");
        let root = cid(Codec::DagPb, &bytes);
        let shown = verify(sha2_256, &root, &[0], &[&bytes, b"leaf"]);
        assert_eq!(shown, Err(PathError::Malformed), "{what}");
    }
}

proptest! {
    #[test]
    fn every_link_of_a_node_is_found_by_its_number(count in 1u16..=MAX_LINKS, at in any::<prop::sample::Index>(), size in 0u64..1 << 40) {
        let children: Vec<Cid> = (0..count).map(|index| cid(Codec::Raw, &index.to_le_bytes())).collect();
        let bytes = node(&children, size);
        let number = at.index(count.into());
        prop_assert_eq!(link(&bytes, number as u16), Some(Some(children[number])));
        prop_assert_eq!(link(&bytes, count), Some(None));
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), number: u16) {
        let _ = link(&bytes, number);
    }

    #[test]
    fn a_damaged_node_names_no_block_that_the_whole_one_does_not(at in any::<prop::sample::Index>(), to: u8, cut: bool) {
        let children = [cid(Codec::Raw, b"a"), cid(Codec::DagPb, b"b"), cid(Codec::Raw, b"c")];
        let whole = node(&children, 70);
        let mut bytes = whole.clone();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = to }
        let _ = link(&bytes, 1);
        // Whatever it may name by itself, under the whole one's hash it shows nothing.
        let shown = verify(sha2_256, &cid(Codec::DagPb, &whole), &[1], &[&bytes, b"b"]);
        prop_assert_eq!(shown, if bytes == whole { Ok(Shown::Block) } else { Err(PathError::OtherBlock) });
    }

    #[test]
    fn any_blocks_under_any_root_end_without_a_panic(
        blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4),
        path in prop::collection::vec(any::<u16>(), 0..4),
        is_node: bool,
    ) {
        let codec = if is_node { Codec::DagPb } else { Codec::Raw };
        let root = blocks.first().map_or(cid(codec, b""), |block| cid(codec, block));
        let blocks: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
        let _ = verify(sha2_256, &root, &path, &blocks);
    }

    #[test]
    fn a_number_is_read_as_it_is_written_and_no_other_way(value: u64) {
        let mut bytes = Vec::new();
        varint(value, &mut bytes);
        prop_assert_eq!(Reader(&bytes).varint(), Some(value));
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push(0);
        prop_assert_eq!(Reader(&bytes).varint(), None);
    }
}
