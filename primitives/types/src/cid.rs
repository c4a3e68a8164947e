//! Content identifiers as the chain stores them.
//!
//! The canonical form of our files (UnixFS profile `unixfs-v1-2025`) yields CIDv1 with SHA2-256 and one of two codecs, so a
//! CID on chain is one byte and a digest, never free text.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// How the bytes of a root block are to be read.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Codec {
    /// The block is the file (multicodec `0x55`).
    Raw,
    /// The block is a DAG-PB node that links to the file's chunks (multicodec `0x70`).
    DagPb,
}

impl Codec {
    /// The multicodec code.
    pub const fn code(self) -> u64 {
        match self {
            Codec::Raw => 0x55,
            Codec::DagPb => 0x70,
        }
    }
}

/// A CIDv1 with a SHA2-256 multihash.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Cid {
    /// How the root block is read.
    pub codec: Codec,
    /// SHA2-256 of the root block.
    pub digest: [u8; 32],
}

#[cfg(feature = "std")]
mod text {
    use super::{Cid, Codec};
    use std::{fmt, str::FromStr};

    const SHA2_256: u64 = 0x12;

    /// Why a text is not a CID that this project uses.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum ParseCidError {
        /// Not a CID at all.
        Syntax(String),
        /// A CID of another version, codec or hash; the text says which.
        Unsupported(String),
    }

    impl fmt::Display for ParseCidError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::Syntax(why) => write!(f, "not a CID: {why}"),
                Self::Unsupported(what) => {
                    write!(f, "unsupported CID: {what}; expected CIDv1, raw or dag-pb, sha2-256")
                }
            }
        }
    }

    impl std::error::Error for ParseCidError {}

    impl TryFrom<&cid::Cid> for Cid {
        type Error = ParseCidError;

        fn try_from(cid: &cid::Cid) -> Result<Self, Self::Error> {
            if cid.version() != cid::Version::V1 {
                return Err(ParseCidError::Unsupported("CIDv0".into()));
            }
            let codec = match cid.codec() {
                0x55 => Codec::Raw,
                0x70 => Codec::DagPb,
                other => return Err(ParseCidError::Unsupported(format!("codec {other:#x}"))),
            };
            if cid.hash().code() != SHA2_256 {
                return Err(ParseCidError::Unsupported(format!("hash {:#x}", cid.hash().code())));
            }
            let digest = cid
                .hash()
                .digest()
                .try_into()
                .map_err(|_| ParseCidError::Unsupported("truncated digest".into()))?;
            Ok(Cid { codec, digest })
        }
    }

    impl fmt::Display for Cid {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let hash =
                multihash::Multihash::<64>::wrap(SHA2_256, &self.digest).map_err(|_| fmt::Error)?;
            write!(f, "{}", cid::Cid::new_v1(self.codec.code(), hash))
        }
    }

    impl FromStr for Cid {
        type Err = ParseCidError;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            let cid: cid::Cid =
                text.parse().map_err(|e: cid::Error| ParseCidError::Syntax(e.to_string()))?;
            Self::try_from(&cid)
        }
    }

    impl serde::Serialize for Cid {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> serde::Deserialize<'de> for Cid {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        }
    }
}

#[cfg(feature = "std")]
pub use text::ParseCidError;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::string::ToString;

    // The empty file, as every IPFS implementation names it.
    const EMPTY: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

    #[test]
    fn text_form_is_the_one_of_ipfs() {
        let cid: Cid = EMPTY.parse().unwrap();
        assert_eq!(cid.codec, Codec::Raw);
        assert_eq!(cid.digest[..4], [0xe3, 0xb0, 0xc4, 0x42]);
        assert_eq!(cid.to_string(), EMPTY);
    }

    #[test]
    fn other_versions_codecs_and_hashes_are_named_in_the_error() {
        let v0 = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n".parse::<Cid>();
        assert_eq!(v0, Err(ParseCidError::Unsupported("CIDv0".into())));
        assert!(matches!("hello".parse::<Cid>(), Err(ParseCidError::Syntax(_))));
    }
}
