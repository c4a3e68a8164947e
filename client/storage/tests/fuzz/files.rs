//! DAG-PB, UnixFS, and walks through files.

use crate::encode::{Link, file, file_message, leaf, node};
use decentralml_storage::{
    Block, Cid, Codec,
    unixfs::{Entity, Importer, Kind, Node, Step, links},
};
use std::{collections::HashMap, convert::Infallible};

/// Bytes of the shortest link: its CID alone has 34.
const SHORTEST_LINK: usize = 36;

/// Levels that a walk follows, the root's included.
const LEVELS: u64 = 33;

/// Bytes after which a walk is left: a caller has a limit, too.
const ENOUGH: u64 = 2_000;

pub fn nodes() -> Vec<Vec<u8>> {
    let (a, b) = (leaf(b"abc"), leaf(b"defg"));
    let inner = Block::new(Codec::DagPb, file(b"", &[(a.cid(), 3), (b.cid(), 4)]));
    let entry = |name, block: &Block, size| Link { name, cid: block.cid(), size };
    vec![
        inner.data().to_vec(),
        file(b"own bytes", &[]),
        file(b"xy", &[(inner.cid(), 7), (a.cid(), 3)]),
        file(b"", &[(a.cid(), 3); 9]),
        node(&[], &[8, 1]),
        node(&[entry("a.txt", &a, 3), entry("b", &b, 4), entry("ü b", &inner, 200)], &[8, 1]),
        // A symbolic link, a directory in shards.
        node(&[], b"\x08\x04\x12\x05a.txt"),
        node(&[entry("00a.txt", &a, 3)], b"\x08\x05\x28\x22\x30\x80\x02"),
    ]
}

pub fn messages() -> Vec<Vec<u8>> {
    vec![
        file_message(b"", &[3, 4]),
        file_message(b"own", &[300, 1 << 40]),
        // Sizes packed, a mode, a time, fields of a fixed width.
        b"\x08\x02\x22\x02\x03\x04\x38\xa4\x03\x42\x04\x08\x80\x94\x23".to_vec(),
        b"\x08\x02\x20\x03\x20\x04\x4d\x01\x02\x03\x04\x51\x01\x02\x03\x04\x05\x06\x07\x08"
            .to_vec(),
        vec![8, 1],
    ]
}

/// Holds what is decoded against the bytes that it came from.
pub fn check_node(bytes: &[u8]) -> bool {
    let block = Block::new(Codec::DagPb, bytes.to_vec());
    let (links, node, entity) = (links(&block), Node::decode(&block), Entity::decode(&block));
    if let Ok(links) = &links {
        assert!(links.len() * SHORTEST_LINK <= bytes.len(), "{} links", links.len());
    }
    if let Ok(entity) = &entity {
        let names: usize = entity.links.iter().map(|link| link.name.len()).sum();
        assert!(names + entity.links.len() * SHORTEST_LINK <= bytes.len(), "{entity:?}");
        assert!(entity.dag_size >= bytes.len() as u64);
        let decoded: Vec<Cid> = entity.links.iter().map(|link| link.cid.cid()).collect();
        assert_eq!(links.as_ref().unwrap(), &decoded);
    }
    match (&node, &entity) {
        (Ok(node), Ok(entity)) => {
            assert_eq!(entity.kind, Kind::File { size: node.size });
            assert!(node.data.len() <= bytes.len());
            let parts: u64 = node.children.iter().map(|child| child.size).sum();
            assert_eq!(node.size, node.data.len() as u64 + parts);
            assert_eq!(node.children.len(), entity.links.len());
        }
        (Ok(_), Err(error)) => panic!("a file that is no entity: {error}"),
        (Err(error), Ok(Entity { kind: Kind::File { .. }, .. })) => panic!("no node: {error}"),
        (Err(_), _) => {}
    }
    entity.is_ok()
}

/// The message alone, in a node that is in order and has two links.
pub fn check_message(message: &[u8]) -> bool {
    let (a, b) = (leaf(b"abc"), leaf(b"defg"));
    let links =
        [Link { name: "", cid: a.cid(), size: 3 }, Link { name: "b", cid: b.cid(), size: 4 }];
    check_node(&node(&links, message))
}

/// Plans of DAGs, see [`check_walk`].
pub fn plans() -> Vec<Vec<u8>> {
    vec![
        vec![0, 3, 0, 4, 1, 2, 0, 1],
        vec![0, 9, 1, 3, 0, 0, 0, 1, 2, 1, 0, 2, 2, 1, 2, 5],
        // A chain, and one that doubles at every level.
        (0..20)
            .flat_map(|level| if level == 0 { vec![0, 1] } else { vec![1, 1, level - 1] })
            .collect(),
        (0..9)
            .flat_map(
                |level| if level == 0 { vec![0, 1] } else { vec![1, 2, level - 1, level - 1] },
            )
            .collect(),
    ]
}

/// Builds a DAG by a plan and walks through it. `0 N` is a leaf of N bytes, `1 N A B …` a node above the N blocks A, B, … that were made
/// before, `2 N A B … B` the same with B bytes of its own, and `3 N A B … B` the same that claims B bytes more for its first child.
pub fn check_walk(plan: &[u8]) -> bool {
    let mut plan = plan.iter().copied();
    let mut blocks: HashMap<Cid, Block> = HashMap::new();
    let mut made: Vec<(Cid, u64)> = Vec::new();
    while let (Some(kind), Some(count)) = (plan.next(), plan.next()) {
        let (block, size) = if kind % 4 == 0 || made.is_empty() {
            (leaf(&vec![made.len() as u8; count.into()]), count.into())
        } else {
            let children = plan.by_ref().take((count % 32).into());
            let mut children: Vec<_> =
                children.map(|at| made[usize::from(at) % made.len()]).collect();
            let more = if kind % 4 > 1 { plan.next().unwrap_or(1) } else { 0 };
            let own = vec![b'.'; if kind % 4 == 2 { more.into() } else { 0 }];
            if let Some((_, size)) = children.first_mut().filter(|_| kind % 4 == 3) {
                *size = size.saturating_add(more.into());
            }
            let size =
                children.iter().fold(own.len() as u64, |sum, (_, size)| sum.saturating_add(*size));
            (Block::new(Codec::DagPb, file(&own, &children)), size)
        };
        made.push((block.cid(), size));
        blocks.insert(block.cid(), block);
    }
    let Some((root, _)) = made.last() else { return false };
    walk(*root, &blocks)
}

/// Whether the file is in order, or so long that it was not read to its end.
fn walk(root: Cid, blocks: &HashMap<Cid, Block>) -> bool {
    let (mut pending, mut visits, mut bytes, mut total) =
        (vec![Step::root(root)], 0_u64, 0_u64, None);
    while let Some(step) = pending.pop() {
        visits += 1;
        let Ok(expanded) = step.expand(&blocks[&step.cid()]) else { return false };
        let total = *total.get_or_insert(expanded.size);
        bytes += expanded.data.len() as u64;
        assert!(bytes <= total, "{bytes} bytes of a file of {total}");
        assert!(visits <= LEVELS * total.max(1), "{visits} visits for {total} bytes");
        pending.extend(expanded.children.into_iter().rev());
        assert!(pending.len() <= 1 << 18);
        if bytes > ENOUGH || visits > LEVELS * ENOUGH {
            return true;
        }
    }
    assert_eq!(Some(bytes), total, "a walk that ends well has all bytes");
    true
}

/// The blocks of a file, which a CAR holds.
pub fn blocks_of(bytes: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut keep = |block| {
        blocks.push(block);
        Ok::<(), Infallible>(())
    };
    let mut importer = Importer::new();
    importer.push(bytes, &mut keep).and_then(|()| importer.finish(&mut keep)).unwrap();
    blocks
}
