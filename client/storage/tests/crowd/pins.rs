//! What a list of pins takes of the memory, whatever was pinned.

use crate::{
    process::{alone, beside, status},
    support::{Daemon, block_file, post},
};
use decentralml_storage::{
    Block, Cid, Codec, Store,
    server::{Access, Server},
};
use std::{fs, net::SocketAddr, sync::Arc};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Nodes one under the other, and links of each to the next. All these links are more than 130 MB of CIDs.
const NODES: usize = 100;
const LINKS: usize = 40_000;

/// Blocks under one pin, and KiB at most that their list takes: the CIDs alone are 3 MB in tables that are half empty, the text is 4 MB.
const BLOCKS: u32 = 40_000;
const MOST_OF_BLOCKS: usize = 16_000_000 >> 10;

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
        let node = Block::new(Codec::DagPb, link(&top).repeat(LINKS));
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

fn link(cid: &Cid) -> Vec<u8> {
    let head = [0x12, 38, 0x0a, 36, 1, cid.codec.code() as u8, 0x12, 32];
    [&head[..], &cid.digest].concat()
}

#[test]
fn a_list_of_very_many_pins_is_written_while_it_is_sent() {
    let fill = async {
        let folder = TempDir::new().unwrap();
        drop(Store::open(folder.path()).unwrap());
        // Each of them would be made to last, which takes the disk a minute.
        let lay = |block: &Block| {
            fs::write(block_file(folder.path(), &block.cid()), block.data()).unwrap();
        };
        let mut links = Vec::new();
        for number in 0..BLOCKS {
            let leaf = Block::new(Codec::Raw, number.to_le_bytes().to_vec());
            links.extend(link(&leaf.cid()));
            lay(&leaf);
        }
        let root = Block::new(Codec::DagPb, links);
        lay(&root);
        fs::write(folder.path().join("pins").join(root.cid().to_string()), "").unwrap();
        (folder.path().display().to_string(), folder)
    };
    beside("pins::a_list_of_very_many_pins_is_written_while_it_is_sent", fill, list);
}

async fn list(folder: &str) {
    let store = Arc::new(Store::open(folder).unwrap());
    let server = Server::bind(store, Access::default()).await.unwrap();
    let addr = server.addr();
    tokio::spawn(server.run(std::future::pending()));
    let before = status("VmHWM");
    let (entries, bytes) = read(addr).await;
    assert_eq!(entries, BLOCKS as usize + 1);
    let grown = status("VmHWM") - before;
    eprintln!("{entries} pins were listed in {} KiB of text, with {grown} KiB more", bytes >> 10);
    assert!(grown < MOST_OF_BLOCKS, "{grown} KiB");
}

/// Asks for all pins in one value; returns how many entries it has and how long it is. Nothing of it is kept.
async fn read(addr: SocketAddr) -> (usize, usize) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "POST /api/v0/pin/ls HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut buffer, mut braces, mut bytes) = (vec![0; 16 << 10], 0, 0);
    while let read @ 1.. = stream.read(&mut buffer).await.unwrap() {
        // One in each entry, wherever a piece of the answer ends.
        braces += buffer[..read].iter().filter(|byte| **byte == b'{').count();
        bytes += read;
    }
    // The value's own, and that of its list.
    (braces - 2, bytes)
}
