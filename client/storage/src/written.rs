//! CIDs as they were written: of version 0 (`Qm…`) or 1.
//!
//! Both versions of a CID name the same block, and a [`Cid`] forgets which it was. Whoever asked about `Qm…` is answered
//! about `Qm…`, and a CAR keeps the CIDs of the links that led to its blocks.

use crate::block::{CidError, from_ipld};
use decentralml_types::{Cid, Codec};
use std::fmt;

/// Most characters of a CID's text. The longest form, one digit per bit, has 289.
const MAX_TEXT: usize = 512;

/// Multicodec of the hash that is none: such a CID holds the bytes themselves, as many as its author likes.
const IDENTITY: u64 = 0;

/// A CID with its version. Version 0 exists for DAG-PB only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WrittenCid {
    cid: Cid,
    v0: bool,
}

impl WrittenCid {
    /// The CID itself.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// Reads any text form of a CID; see [`parse_cid`](crate::parse_cid).
    pub fn parse(text: &str) -> Result<Self, CidError> {
        if text.len() > MAX_TEXT {
            return Err(CidError::Syntax(format!("longer than {MAX_TEXT} characters")));
        }
        // The parser would take what follows an `/ipfs/` anywhere in the text.
        if text.contains('/') {
            return Err(CidError::Syntax("a slash in it".into()));
        }
        let cid = cid::Cid::try_from(text).map_err(|e| CidError::Syntax(e.to_string()))?;
        Self::from_ipld(&cid)
    }

    /// Reads the binary form at the beginning of `bytes`; returns it with its length.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), CidError> {
        let mut rest = bytes;
        let cid = cid::Cid::read_bytes(&mut rest).map_err(|e| CidError::Syntax(e.to_string()))?;
        Ok((Self::from_ipld(&cid)?, bytes.len() - rest.len()))
    }

    /// The binary form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(36);
        if !self.v0 {
            // Both codecs fit into one byte of a varint.
            bytes.extend_from_slice(&[1, self.cid.codec.code() as u8]);
        }
        bytes.extend_from_slice(&[0x12, 32]);
        bytes.extend_from_slice(&self.cid.digest);
        bytes
    }

    pub(crate) fn from_ipld(cid: &cid::Cid) -> Result<Self, CidError> {
        if cid.hash().code() == IDENTITY {
            return Err(CidError::Unsupported("an identity CID, which holds its block".into()));
        }
        Ok(Self { cid: from_ipld(cid)?, v0: cid.version() == cid::Version::V0 })
    }

    /// The same version for another block, where that version can name it.
    pub fn like(&self, cid: Cid) -> Self {
        Self { cid, v0: self.v0 && cid.codec == Codec::DagPb }
    }
}

impl From<Cid> for WrittenCid {
    fn from(cid: Cid) -> Self {
        Self { cid, v0: false }
    }
}

impl fmt::Display for WrittenCid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cid = cid::Cid::try_from(self.to_bytes()).map_err(|_| fmt::Error)?;
        write!(f, "{cid}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const V0: &str = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";

    fn any_cid() -> impl Strategy<Value = WrittenCid> {
        (any::<[u8; 32]>(), 0..3).prop_map(|(digest, form)| {
            let codec = if form == 0 { Codec::Raw } else { Codec::DagPb };
            WrittenCid { cid: Cid { codec, digest }, v0: form == 2 }
        })
    }

    proptest! {
        #[test]
        fn both_forms_of_a_cid_are_read_as_they_were_written(written in any_cid()) {
            prop_assert_eq!(WrittenCid::parse(&written.to_string()).unwrap(), written);
            let mut bytes = written.to_bytes();
            let length = bytes.len();
            bytes.extend_from_slice(b"block");
            prop_assert_eq!(WrittenCid::read(&bytes).unwrap(), (written, length));
        }

        #[test]
        fn any_bytes_are_a_cid_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok((written, length)) = WrittenCid::read(&bytes) {
                prop_assert_eq!(&bytes[..length], written.to_bytes());
            }
        }

        #[test]
        fn a_damaged_cid_is_another_one_or_none(written in any_cid(), at in 0usize..34, bit in 0u8..8) {
            let mut bytes = written.to_bytes();
            bytes[at] ^= 1 << bit;
            prop_assert_ne!(WrittenCid::read(&bytes).ok().map(|(cid, _)| cid), Some(written));
        }

        #[test]
        fn any_text_is_a_cid_or_refused_without_a_panic(text in "\\PC{0,90}") {
            let _ = WrittenCid::parse(&text);
        }
    }

    #[test]
    fn a_version_is_kept_and_names_the_same_block() {
        let old = WrittenCid::parse(V0).unwrap();
        let new = WrittenCid::parse(&old.cid().to_string()).unwrap();
        assert_eq!((old.to_string().as_str(), old.cid()), (V0, new.cid()));
        assert_ne!(old, new);
        assert_eq!(old.like(new.cid()), old);
    }

    #[test]
    fn what_holds_its_own_bytes_or_has_no_end_is_no_cid() {
        let identity = WrittenCid::read(&[1, 0x55, 0, 3, b'a', b'b', b'c']).unwrap_err();
        assert!(identity.to_string().contains("identity"), "{identity}");
        for bytes in [
            &[][..],
            &[1, 0x55, 0, 200, 1],
            &[0xff; 40],
            &[0x12, 0x20, 1, 2],
            &[1, 0x55, 0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[1, 0x55, 0x12, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        ] {
            assert!(WrittenCid::read(bytes).is_err(), "{bytes:?}");
        }
        for text in [format!("/ipfs/{V0}"), format!("{V0}/a"), "z".repeat(1 << 20), "b".into()] {
            assert!(WrittenCid::parse(&text).is_err(), "{} characters", text.len());
        }
    }
}
