//! DAGs of enormous depth and width: they are followed in bounded time, or refused by name.

use crate::support::{
    node,
    peer::{Blocks, Manner, Peer},
    quick,
    store::open,
};
use decentralml_storage::{Block, Cid, Codec, Collected, Error, Storage};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// Levels of one link each, and levels of 20,000.
const DEEP: u64 = 5000;
const WIDE: u64 = 20;

#[test]
fn dags_of_enormous_depth_and_width_are_pinned_leased_and_collected_as_others_are() {
    let (_folder, store) = open();
    let mut batch = store.batch();
    let mut top = Block::new(Codec::Raw, &b"leaf"[..]);
    batch.put(&top).unwrap();
    // More levels than a stack has room for.
    for _ in 0..DEEP {
        top = node(std::slice::from_ref(&top));
        batch.put(&top).unwrap();
    }
    // More ways to the leaf than can be gone.
    for _ in 0..WIDE {
        top = node(&vec![top; 20_000]);
        batch.put(&top).unwrap();
    }
    let hold = batch.commit().unwrap();
    store.pin(&top.cid()).unwrap();
    drop(hold);
    assert_eq!(store.gc(|_| {}).unwrap(), Collected::default());
    let lease = store.lease(&top.cid());
    store.unpin(&top.cid()).unwrap();
    assert_eq!(store.gc(|_| {}).unwrap(), Collected::default());
    drop(lease);
    assert_eq!(store.gc(|_| {}).unwrap().blocks, 1 + DEEP + WIDE);
}

/// A file whose node has at every level the node below it and as many more links to a leaf, with so many levels.
fn levels(count: usize, links: usize) -> (Cid, Blocks) {
    let varint = |mut value: u64| {
        let mut bytes = Vec::new();
        while value > 127 {
            bytes.push(value as u8 | 128);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    let leaf = Block::new(Codec::Raw, &b"a"[..]);
    let (mut top, mut size) = (leaf.clone(), 1);
    let mut blocks = HashMap::from([(leaf.cid(), leaf.clone())]);
    for _ in 0..count {
        let link = |cid: Cid| {
            let link = vec![0x12, 38, 0x0a, 36, 1, cid.codec.code() as u8, 0x12, 32];
            [link, cid.digest.to_vec()].concat()
        };
        let whole = size + links as u64;
        let sizes = [&[0x20][..], &varint(size), &[0x20, 1].repeat(links)].concat();
        let data = [&[8, 2, 0x18][..], &varint(whole), &sizes].concat();
        let children = [link(top.cid()), link(leaf.cid()).repeat(links)].concat();
        let node = [&children[..], &[0x0a], &varint(data.len() as u64), &data].concat();
        (top, size) = (Block::new(Codec::DagPb, node), whole);
        blocks.insert(top.cid(), top.clone());
    }
    (top.cid(), Arc::new(Mutex::new(blocks)))
}

#[tokio::test]
async fn a_file_of_enormous_depth_or_width_is_refused_by_name_and_a_modest_one_is_read() {
    for (count, links, expected) in [
        (30, 0, Ok(1)),
        (3000, 0, Err("levels")),
        (3, 20, Ok(61)),
        (30, 30_000, Err("links above a block")),
    ] {
        let (root, blocks) = levels(count, links);
        let peer = Peer::start(&blocks, |_| Manner::Honest).await;
        let client = Storage::connect_with(&peer.origin, quick()).await.unwrap();
        match (client.fetch(&root, 1 << 20).await, expected) {
            (Ok(data), Ok(length)) => assert_eq!(data, vec![b'a'; length]),
            (Err(error @ Error::NotAFile { .. }), Err(why)) => {
                assert!(error.to_string().contains(why), "{error}");
                let asked = peer.asked().len();
                assert!(asked < 50, "{asked} blocks were asked for");
            }
            (fetched, _) => panic!("{count} levels, {links} links: {:?}", fetched.map(|_| ())),
        }
    }
}
