//! What the chain makes of the blocks that are stored here: it follows links by a reader of its own.

#![allow(clippy::unwrap_used)]

use super::*;
use decentralml_protocol::dag::{MAX_LEAF, MAX_PATH, PathError, Shown, sample, verify};
use decentralml_types::Codec;
use proptest::prelude::*;
use std::collections::HashMap;

const _: () =
    assert!(CHUNK_SIZE == MAX_LEAF && MAX_LINKS == decentralml_protocol::dag::MAX_LINKS as usize);

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Block::new(Codec::Raw, bytes.to_vec()).cid().digest
}

type Blocks = HashMap<Cid, Block>;

fn imported(importer: Importer, bytes: &[u8]) -> (Cid, Blocks) {
    let mut blocks = Blocks::new();
    let mut sink = |block: Block| {
        blocks.insert(block.cid(), block);
        Ok::<(), Infallible>(())
    };
    let mut importer = importer;
    importer.push(bytes, &mut sink).unwrap();
    let root = importer.finish(&mut sink).unwrap().cid;
    (root, blocks)
}

/// All paths through a file, each with the blocks along it.
fn paths(root: Cid, blocks: &Blocks) -> Vec<(Vec<u16>, Vec<Cid>)> {
    let mut found = vec![(Vec::new(), vec![root])];
    let mut at = 0;
    while at < found.len() {
        let (path, along) = found[at].clone();
        for (number, child) in (0u16..).zip(links(&blocks[along.last().unwrap()]).unwrap()) {
            found.push(([&path[..], &[number]].concat(), [&along[..], &[child]].concat()));
        }
        at += 1;
    }
    found
}

fn shown(root: Cid, path: &[u16], along: &[Cid], blocks: &Blocks) -> Result<Shown, PathError> {
    let along: Vec<&[u8]> = along.iter().map(|cid| &blocks[cid].data()[..]).collect();
    verify(sha256, &root, path, &along)
}

proptest! {
    #[test]
    fn every_block_of_a_stored_file_answers_for_itself_and_for_what_is_not_there(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        chunk_size in 3usize..20,
        max_links in 8usize..20,
    ) {
        let (root, blocks) = imported(Importer::with_layout(chunk_size, max_links).unwrap(), &bytes);
        for (path, along) in paths(root, &blocks) {
            prop_assert!(path.len() <= MAX_PATH);
            prop_assert_eq!(shown(root, &path, &along, &blocks), Ok(Shown::Block));
            prop_assert_eq!(shown(root, &path, &along[1..], &blocks).is_ok(), false);
            if path.len() < MAX_PATH {
                let last = *along.last().unwrap();
                let children = links(&blocks[&last]).unwrap().len() as u16;
                let beyond = [&path[..], &[children]].concat();
                // Of a leaf only its CID is needed.
                let along = if children == 0 { &along[..path.len()] } else { &along[..] };
                prop_assert_eq!(shown(root, &beyond, along, &blocks), Ok(Shown::NoSuchBlock));
            }
        }
    }
}

#[test]
fn files_of_the_canonical_form_answer_block_by_block() {
    for size in [0, 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE] {
        let bytes: Vec<u8> = (0..size).map(|index| (index / 4_093) as u8).collect();
        let (root, blocks) = imported(Importer::new(), &bytes);
        let paths = paths(root, &blocks);
        assert_eq!(paths.len(), if size <= CHUNK_SIZE { 1 } else { 1 + size.div_ceil(CHUNK_SIZE) });
        for (path, along) in paths {
            assert_eq!(shown(root, &path, &along, &blocks), Ok(Shown::Block));
        }
    }
}

#[test]
fn the_chains_sample_of_a_node_is_the_one_that_is_stored() {
    let (root, blocks) = imported(Importer::with_layout(4, 8).unwrap(), &[7; 12]);
    let leaf = links(&blocks[&root]).unwrap()[0];
    assert_eq!(sample::node(&[leaf; 3], 4), blocks[&root].data()[..]);
}
