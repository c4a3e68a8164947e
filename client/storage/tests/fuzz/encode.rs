//! Nodes as nobody's importer makes them.

use crate::mutate::varint;
use decentralml_storage::{Block, Cid, Codec};

/// A link with its name and the size that it claims.
pub struct Link<'a> {
    pub name: &'a str,
    pub cid: Cid,
    pub size: u64,
}

/// A DAG-PB node with these links and, before or after them, a message.
pub fn node(links: &[Link<'_>], message: &[u8]) -> Vec<u8> {
    let mut node = Vec::new();
    for link in links {
        let mut body = vec![0x0a, 36, 1, link.cid.codec.code() as u8, 0x12, 32];
        body.extend_from_slice(&link.cid.digest);
        body.push(0x12);
        varint(&mut body, link.name.len() as u64);
        body.extend_from_slice(link.name.as_bytes());
        body.push(0x18);
        varint(&mut body, link.size);
        node.push(0x12);
        varint(&mut node, body.len() as u64);
        node.extend_from_slice(&body);
    }
    node.push(0x0a);
    varint(&mut node, message.len() as u64);
    node.extend_from_slice(message);
    node
}

/// The message of a file with bytes of its own and parts of these sizes.
pub fn file_message(data: &[u8], sizes: &[u64]) -> Vec<u8> {
    let mut message = vec![8, 2];
    if !data.is_empty() {
        message.push(0x12);
        varint(&mut message, data.len() as u64);
        message.extend_from_slice(data);
    }
    message.push(0x18);
    varint(&mut message, sizes.iter().fold(data.len() as u64, |sum, size| sum.wrapping_add(*size)));
    for size in sizes {
        message.push(0x20);
        varint(&mut message, *size);
    }
    message
}

/// A node of a file.
pub fn file(data: &[u8], children: &[(Cid, u64)]) -> Vec<u8> {
    let links: Vec<_> =
        children.iter().map(|(cid, size)| Link { name: "", cid: *cid, size: *size }).collect();
    let sizes: Vec<_> = children.iter().map(|(_, size)| *size).collect();
    node(&links, &file_message(data, &sizes))
}

pub fn leaf(data: &[u8]) -> Block {
    Block::new(Codec::Raw, data.to_vec())
}
