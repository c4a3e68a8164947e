//! What a list of pins takes of the memory, whatever was pinned.

use crate::{
    process::{alone, status},
    support::{Daemon, post},
};
use decentralml_storage::{Block, Codec};

/// Nodes one under the other, and links of each to the next. All these links are more than 130 MB of CIDs.
const NODES: usize = 100;
const LINKS: usize = 40_000;

/// KiB of memory at most that a list takes more than the pin itself.
const MOST: usize = 32_000_000 >> 10;

#[test]
fn a_pin_with_millions_of_links_is_listed_in_little_memory() {
    alone("pins::a_pin_with_millions_of_links_is_listed_in_little_memory", inside());
}

async fn inside() {
    let daemon = Daemon::start().await;
    let leaf = Block::new(Codec::Raw, &b"leaf"[..]);
    daemon.store.put(&leaf).unwrap();
    let mut top = leaf.cid();
    for _ in 0..NODES {
        let mut link = vec![0x12, 38, 0x0a, 36, 1, top.codec.code() as u8, 0x12, 32];
        link.extend_from_slice(&top.digest);
        let node = Block::new(Codec::DagPb, link.repeat(LINKS));
        daemon.store.put(&node).unwrap();
        top = node.cid();
    }
    daemon.store.pin(&top).unwrap();
    let before = status("VmHWM");
    let listed = post(daemon.addr, "pin/ls").await;
    assert_eq!(listed.json()["Keys"].as_object().unwrap().len(), NODES + 1);
    let streamed = post(daemon.addr, "pin/ls?stream=true").await;
    assert_eq!(streamed.text().lines().count(), NODES + 1);
    let one = post(daemon.addr, &format!("pin/ls?arg={}", leaf.cid())).await;
    assert!(one.text().contains(&format!("indirect through {top}")), "{}", one.text());
    let grown = status("VmHWM") - before;
    eprintln!("{NODES} nodes with {LINKS} links each were listed in {grown} KiB more");
    assert!(grown < MOST, "{grown} KiB");
}
