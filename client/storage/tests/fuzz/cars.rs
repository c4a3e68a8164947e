//! CARs: their headers, their sections, and both ways.

use crate::{
    encode::leaf,
    files::{blocks_of, check_node, nodes},
};
use decentralml_storage::{
    Block, Cid, Codec, WrittenCid,
    car::{CarReader, CarWriter},
};
use std::io::{self, Read};

/// Bytes of the shortest section: its length and a CID of version 0.
const SHORTEST_SECTION: usize = 35;

/// Bytes of the shortest root in a header: a tag, a length, a prefix and a CID of version 0.
const SHORTEST_ROOT: usize = 38;

fn car(roots: &[WrittenCid], blocks: &[Block]) -> Vec<u8> {
    let mut writer = CarWriter::new(Vec::new(), roots).unwrap();
    blocks.iter().for_each(|block| writer.write(block).unwrap());
    writer.into_inner()
}

fn roots() -> [WrittenCid; 3] {
    let v0 = WrittenCid::parse("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n").unwrap();
    let leaf: Cid = leaf(b"abc").cid();
    [leaf.into(), v0, v0.like(leaf)]
}

pub fn headers() -> Vec<Vec<u8>> {
    let many: Vec<_> = roots().into_iter().cycle().take(40).collect();
    let written = [&[][..], &roots()[..1], &roots(), &many];
    let mut headers: Vec<_> = written.iter().map(|roots| car(roots, &[])).collect();
    // The same with its fields in the other order.
    headers.push(b"\x11\xa2\x67version\x01\x65roots\x80".to_vec());
    headers
}

pub fn whole() -> Vec<Vec<u8>> {
    let nodes: Vec<_> = nodes().into_iter().map(|node| Block::new(Codec::DagPb, node)).collect();
    let file = blocks_of(b"a short file");
    vec![
        car(&roots(), &[]),
        car(&[file[0].cid().into()], &file),
        car(&[nodes[2].cid().into()], &nodes),
        car(&roots(), &[leaf(b""), leaf(b"abc"), leaf(b"abc"), leaf(&[7; 300])]),
    ]
}

/// Gives a few bytes at a time, and counts how often it is asked.
struct Slow<'a> {
    bytes: &'a [u8],
    asked: &'a mut usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        *self.asked += 1;
        let count = buffer.len().min(7).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.bytes = later;
        Ok(count)
    }
}

pub fn check_header(bytes: &[u8]) -> bool {
    match CarReader::new(bytes) {
        Ok(car) => {
            assert!(car.roots().len() * SHORTEST_ROOT <= bytes.len());
            true
        }
        Err(_) => false,
    }
}

pub fn check_whole(bytes: &[u8]) -> bool {
    let mut asked = 0;
    let slow = Slow { bytes, asked: &mut asked };
    let Ok(mut car) = CarReader::new(slow) else { return false };
    let (mut blocks, mut length, mut well) = (0, 0, true);
    for next in &mut car {
        let Ok((cid, block)) = next else {
            well = false;
            break;
        };
        assert_eq!(Block::verified(cid.cid(), block.data().clone()), Some(block.clone()));
        blocks += 1;
        length += block.data().len();
        assert!(length + blocks * SHORTEST_SECTION <= bytes.len());
    }
    assert!(car.next().is_none(), "after its end, or an error, a CAR has no more blocks");
    drop(car);
    assert!(asked <= bytes.len() / 7 + 4 * (blocks + 4), "{asked} reads of {} bytes", bytes.len());

    // A limit holds at every block.
    let limit = length as u64 / 2;
    let limited = CarReader::new(bytes).unwrap().with_limit(limit);
    let read: u64 = limited.map_while(Result::ok).map(|(_, block)| block.data().len() as u64).sum();
    assert!(read <= limit);
    well
}

/// Blocks of any content, also of nodes that are none, keep their bytes. Says whether it is one.
pub fn check_blocks(bytes: &[u8]) -> bool {
    let blocks = [Block::new(Codec::DagPb, bytes.to_vec()), leaf(bytes)];
    let bytes_of_car = car(&roots(), &blocks);
    let read = CarReader::new(&bytes_of_car[..]).unwrap();
    assert_eq!(read.roots(), roots());
    let read: Vec<_> = read.map(|next| next.unwrap().1).collect();
    assert_eq!(read, blocks);
    check_node(bytes)
}
