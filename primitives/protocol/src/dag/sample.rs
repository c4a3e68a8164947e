//! Nodes as the canonical form has them, for tests and benchmarks. Files are written by `client/storage`, which this agrees with.

use super::{DATA, HASH, LINK, NAME, SIZE};
use alloc::vec::Vec;
use decentralml_types::Cid;

/// A node over `children`, each of which has `size` bytes below it.
pub fn node(children: &[Cid], size: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for child in children {
        field(LINK, &link(child, size), &mut bytes);
    }
    // The UnixFS message of a file: its type, its size, and the sizes of its parts.
    let mut data = Vec::from([8, 2, SIZE]);
    varint(size.saturating_mul(children.len() as u64), &mut data);
    for _ in children {
        data.push(0x20);
        varint(size, &mut data);
    }
    field(DATA, &data, &mut bytes);
    bytes
}

/// A link with an empty name.
pub(super) fn link(child: &Cid, size: u64) -> Vec<u8> {
    let mut link = Vec::new();
    field(HASH, &binary(child), &mut link);
    field(NAME, &[], &mut link);
    link.push(SIZE);
    varint(size, &mut link);
    link
}

/// The binary form of a CID.
pub(super) fn binary(cid: &Cid) -> Vec<u8> {
    let mut bytes = Vec::from([1, cid.codec.code() as u8, 0x12, 32]);
    bytes.extend_from_slice(&cid.digest);
    bytes
}

pub(super) fn field(key: u8, value: &[u8], bytes: &mut Vec<u8>) {
    bytes.push(key);
    varint(value.len() as u64, bytes);
    bytes.extend_from_slice(value);
}

pub(super) fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
