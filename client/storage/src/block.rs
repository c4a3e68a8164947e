//! Blocks: bytes under the CID that their hash makes.

use crate::WrittenCid;
use bytes::Bytes;
use cid::multihash::Multihash;
use decentralml_types::{Cid, Codec};
use sha2::{Digest, Sha256};

/// Most bytes of one block: what Kubo's bitswap still carries.
pub const MAX_BLOCK: usize = 2 << 20;

/// Multicodec of SHA2-256.
const SHA2_256: u64 = 0x12;

/// Bytes whose hash is their CID; there is no way to make one that lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    cid: Cid,
    data: Bytes,
}

impl Block {
    /// Names `data` by its hash.
    pub fn new(codec: Codec, data: impl Into<Bytes>) -> Self {
        let data = data.into();
        Self { cid: Cid { codec, digest: sha256(&data) }, data }
    }

    /// Takes `data` as the block `cid`, or `None` when the hash is another one.
    pub fn verified(cid: Cid, data: impl Into<Bytes>) -> Option<Self> {
        let data = data.into();
        (sha256(&data) == cid.digest).then_some(Self { cid, data })
    }

    /// The CID.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// The bytes.
    pub fn data(&self) -> &Bytes {
        &self.data
    }
}

/// The CID of a raw block.
pub(crate) fn raw(digest: [u8; 32]) -> Cid {
    Cid { codec: Codec::Raw, digest }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Why a CID is of no use here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidError {
    /// Not a CID at all.
    #[error("invalid CID: {0}")]
    Syntax(String),
    /// Another codec or hash than those of files.
    #[error("unsupported CID: {0}; files have codec raw or dag-pb and hash sha2-256")]
    Unsupported(String),
}

/// Reads a CID in any of its text forms: every multibase, and also CIDv0 (`Qm…`), which names a DAG-PB node.
pub fn parse_cid(text: &str) -> Result<Cid, CidError> {
    WrittenCid::parse(text).map(|written| written.cid())
}

/// The CID as the IPLD crates know it.
pub(crate) fn to_ipld(cid: &Cid) -> cid::Cid {
    // A digest of 32 bytes always fits into the 64 that a multihash has room for, so the default is never taken.
    let hash = Multihash::wrap(SHA2_256, &cid.digest).unwrap_or_default();
    cid::Cid::new_v1(cid.codec.code(), hash)
}

/// The CID of an IPLD link, of version 0 or 1.
pub(crate) fn from_ipld(cid: &cid::Cid) -> Result<Cid, CidError> {
    let codec = match cid.codec() {
        code if code == Codec::Raw.code() => Codec::Raw,
        code if code == Codec::DagPb.code() => Codec::DagPb,
        other => return Err(CidError::Unsupported(format!("codec {other:#x}"))),
    };
    let hash = cid.hash();
    if hash.code() != SHA2_256 {
        return Err(CidError::Unsupported(format!("hash {:#x}", hash.code())));
    }
    let digest =
        hash.digest().try_into().map_err(|_| CidError::Unsupported("truncated digest".into()))?;
    Ok(Cid { codec, digest })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_block_with_other_bytes_does_not_exist() {
        let block = Block::new(Codec::Raw, &b"weights"[..]);
        assert_eq!(Block::verified(block.cid(), &b"weights"[..]), Some(block.clone()));
        assert_eq!(Block::verified(block.cid(), &b"Weights"[..]), None);
    }

    #[test]
    fn every_text_form_of_a_cid_names_the_same_block() {
        let v0 = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";
        let cid = parse_cid(v0).unwrap();
        assert_eq!(cid.codec, Codec::DagPb);
        assert_eq!(parse_cid(&cid.to_string()).unwrap(), cid);
        assert_eq!(from_ipld(&to_ipld(&cid)).unwrap(), cid);
    }

    #[test]
    fn foreign_cids_are_refused_by_name() {
        assert!(matches!(parse_cid("hello"), Err(CidError::Syntax(_))));
        // dag-cbor
        let cbor = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
        assert!(matches!(parse_cid(cbor), Err(CidError::Unsupported(_))));
    }
}
