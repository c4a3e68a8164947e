#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::block::Block;
use decentralml_types::Codec;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

const MIB: usize = 1 << 20;

/// The test data of IPIP-499: the ChaCha20 key stream under the hash of a seed.
struct KeyStream {
    stream: ChaCha20Rng,
    left: u64,
}

impl KeyStream {
    fn new(seed: &str, size: u64) -> Self {
        Self { stream: ChaCha20Rng::from_seed(Sha256::digest(seed).into()), left: size }
    }
}

impl Read for KeyStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (buffer.len() as u64).min(self.left) as usize;
        self.stream.fill_bytes(&mut buffer[..count]);
        self.left -= count as u64;
        Ok(count)
    }
}

fn cid_of(reader: impl Read) -> String {
    import(reader, |_| Ok::<(), io::Error>(())).unwrap().cid.to_string()
}

fn import_with(
    chunk_size: usize,
    max_links: usize,
    bytes: &[u8],
) -> (Imported, HashMap<Cid, Block>, Vec<Cid>) {
    let mut blocks = HashMap::new();
    let mut order = Vec::new();
    let mut sink = |block: Block| {
        order.push(block.cid());
        blocks.insert(block.cid(), block);
        Ok::<(), Infallible>(())
    };
    let mut importer = Importer::with_layout(chunk_size, max_links).unwrap();
    // Pieces that do not fall on chunk boundaries.
    for piece in bytes.chunks(7) {
        importer.push(piece, &mut sink).unwrap();
    }
    let imported = importer.finish(&mut sink).unwrap();
    (imported, blocks, order)
}

fn read(root: Cid, blocks: &HashMap<Cid, Block>) -> Result<Vec<u8>, NodeError> {
    let mut pending = vec![Step::root(root)];
    let mut bytes = Vec::new();
    while let Some(step) = pending.pop() {
        let expanded = step.expand(&blocks[&step.cid()])?;
        bytes.extend_from_slice(&expanded.data);
        pending.extend(expanded.children.into_iter().rev());
    }
    Ok(bytes)
}

#[test]
fn small_files_have_the_cids_of_kubo() {
    assert_eq!(cid_of(&b""[..]), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    assert_eq!(
        cid_of(&b"hello world"[..]),
        "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    );
}

// The values of Kubo's own conformance test for the profile.
#[test]
fn files_around_one_chunk_have_the_cids_of_kubo() {
    let cid = |size| cid_of(KeyStream::new("chunk-v1-seed", size));
    assert_eq!(cid(MIB as u64), "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta");
    assert_eq!(cid(MIB as u64 + 1), "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64");
}

#[test]
fn files_around_one_full_node_have_the_cids_of_kubo() {
    let cid = |size| cid_of(KeyStream::new("v1-2025-seed", size));
    assert_eq!(cid(1024 << 20), "bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm");
    assert_eq!(
        cid((1024 << 20) + 1),
        "bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe"
    );
}

#[test]
fn a_file_of_at_most_one_chunk_is_one_raw_block() {
    for size in [0, 1, MIB - 1, MIB] {
        let bytes = vec![7; size];
        let mut blocks = Vec::new();
        let imported = import(&bytes[..], |block| {
            blocks.push(block);
            Ok::<(), io::Error>(())
        })
        .unwrap();
        assert_eq!(blocks, [Block::new(Codec::Raw, bytes.clone())]);
        assert_eq!(imported.cid, blocks[0].cid());
        assert_eq!((imported.size, imported.dag_size), (size as u64, size as u64));
        assert_eq!(imported.cid, canonical_cid(&bytes));
    }
}

#[test]
fn one_byte_more_is_a_node_of_two_leaves() {
    let bytes: Vec<u8> = (0..=MIB).map(|i| (i / 4096) as u8).collect();
    let mut blocks = Vec::new();
    let imported = import(&bytes[..], |block| {
        blocks.push(block);
        Ok::<(), io::Error>(())
    })
    .unwrap();
    let [first, second, root] = &blocks[..] else { panic!("{} blocks", blocks.len()) };
    assert_eq!((first.data().len(), second.data().len()), (MIB, 1));
    assert_eq!(imported.cid, root.cid());
    let node = Node::decode(root).unwrap();
    assert_eq!(node.size, bytes.len() as u64);
    assert_eq!(
        node.children,
        [Child { cid: first.cid(), size: MIB as u64 }, Child { cid: second.cid(), size: 1 }]
    );
    assert_eq!(imported.dag_size, (bytes.len() + root.data().len()) as u64);
    assert_eq!(canonical_cid(&bytes), imported.cid);
}

#[test]
fn the_tree_grows_a_level_when_a_node_is_full() {
    // Leaves of 2 bytes, 3 links: 9 leaves fill two levels, the tenth needs a third.
    let heights = |size: usize| {
        let bytes: Vec<u8> = (0..size).map(|i| i as u8).collect();
        let (imported, blocks, _) = import_with(2, 3, &bytes);
        let mut height = 0;
        let mut at = Node::decode(&blocks[&imported.cid]).unwrap();
        while let Some(last) = at.children.last().copied() {
            at = Node::decode(&blocks[&last.cid]).unwrap();
            height += 1;
        }
        (height, blocks.len())
    };
    assert_eq!(heights(2), (0, 1));
    assert_eq!(heights(3), (1, 3));
    assert_eq!(heights(6), (1, 4));
    assert_eq!(heights(7), (2, 7));
    assert_eq!(heights(18), (2, 13));
    assert_eq!(heights(19), (3, 17));
}

proptest! {
    #[test]
    fn what_is_imported_is_read_back(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        chunk_size in 1usize..9,
        max_links in 2usize..6,
    ) {
        let (imported, blocks, order) = import_with(chunk_size, max_links, &bytes);
        prop_assert_eq!(imported.size, bytes.len() as u64);
        prop_assert_eq!(order.last(), Some(&imported.cid));
        prop_assert_eq!(read(imported.cid, &blocks).unwrap(), bytes);
    }

    #[test]
    fn any_node_is_decoded_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let block = Block::new(Codec::DagPb, bytes);
        let _ = Node::decode(&block);
        let _ = links(&block);
    }
}

fn node(message: &[u8], links: &[(&Block, Option<&str>)]) -> Block {
    let links = links
        .iter()
        .map(|(block, name)| ipld_dagpb::PbLink {
            cid: crate::block::to_ipld(&block.cid()),
            name: name.map(str::to_owned),
            size: None,
        })
        .collect();
    let data = Some(bytes::Bytes::copy_from_slice(message));
    Block::new(Codec::DagPb, ipld_dagpb::PbNode { links, data }.into_bytes())
}

#[test]
fn leaves_inside_dag_pb_nodes_are_read_as_kubo_writes_them_without_raw_leaves() {
    // Type File or Raw, data "ab" and "c".
    let first = node(&[8, 2, 0x12, 2, b'a', b'b', 0x18, 2], &[]);
    let second = node(&[8, 0, 0x12, 1, b'c'], &[]);
    let root = node(&[8, 2, 0x18, 3, 0x20, 2, 0x20, 1], &[(&first, Some("")), (&second, None)]);
    let blocks = [&first, &second, &root].map(|block| (block.cid(), block.clone())).into();
    assert_eq!(read(root.cid(), &blocks).unwrap(), b"abc");
}

#[test]
fn a_directory_is_named_as_such_and_still_has_links() {
    let file = Block::new(Codec::Raw, &b"x"[..]);
    let directory = node(&[8, 1], &[(&file, Some("x.txt"))]);
    assert_eq!(Node::decode(&directory), Err(NodeError::NotAFile("a directory")));
    assert_eq!(links(&directory).unwrap(), [file.cid()]);
}

#[test]
fn sizes_that_do_not_add_up_are_refused() {
    let leaf = Block::new(Codec::Raw, &b"abc"[..]);
    let malformed = |message: &[u8]| {
        let root = node(message, &[(&leaf, Some(""))]);
        let blocks = [&leaf, &root].map(|block| (block.cid(), block.clone())).into();
        matches!(read(root.cid(), &blocks), Err(NodeError::Malformed(_)))
    };
    assert!(!malformed(&[8, 2, 0x18, 3, 0x20, 3]));
    assert!(malformed(&[8, 2, 0x18, 4, 0x20, 3]), "the sum differs");
    assert!(malformed(&[8, 2, 0x18, 4, 0x20, 4]), "the leaf differs");
    assert!(malformed(&[8, 2, 0x18, 3]), "no block size");
    assert!(malformed(&[8, 2, 0x18, 0, 0x20, 0]), "a link to nothing");
}

#[test]
fn a_chain_without_end_is_refused() {
    let mut block = Block::new(Codec::Raw, &b"a"[..]);
    let mut blocks = HashMap::from([(block.cid(), block.clone())]);
    for level in 1..=40 {
        block = node(&[8, 2, 0x18, 1, 0x20, 1], &[(&block, Some(""))]);
        blocks.insert(block.cid(), block.clone());
        assert_eq!(read(block.cid(), &blocks).is_ok(), level <= 32, "{level} levels");
    }
}
