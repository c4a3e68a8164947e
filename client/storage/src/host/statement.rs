//! What an uploader signs.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use codec::{Decode, DecodeAll, Encode};
use decentralml_types::{BlockNumber, Cid, Hash, RoundNumber, TaskId};

/// Which of our payloads it is. No call of the chain begins so, whose first byte is the number of a pallet.
const DOMAIN: &[u8; 20] = b"decentralml/upload/1";

/// The scheme in the header.
const SCHEME: &str = "DecentralML";

/// Most characters of the header.
const MAX_HEADER: usize = 1024;

/// "This account of the round hands the DAG under this CID to this host."
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Statement {
    /// Hash of block 0 of the chain.
    pub genesis: Hash,
    /// The task.
    pub task: TaskId,
    /// Its round.
    pub round: RoundNumber,
    /// Who hands over.
    pub account: [u8; 32],
    /// Who takes it.
    pub host: [u8; 32],
    /// The root of what is handed over.
    pub cid: Cid,
    /// Bytes of it as a CAR: [`Parcel::bytes`](super::Parcel::bytes).
    pub bytes: u64,
    /// The last block of the chain in which it holds.
    pub expires: BlockNumber,
}

impl Statement {
    /// The bytes that are signed, domain-separated.
    pub fn payload(&self) -> Vec<u8> {
        (DOMAIN, self).encode()
    }
}

/// A statement and its signature, of whatever kind the [`Admission`](super::Admission) knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// What is said.
    pub statement: Statement,
    /// By whom.
    pub signature: Vec<u8>,
}

/// Why a header is no [`Authorization`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no authorization: {0}; it is \"DecentralML STATEMENT.SIGNATURE\", both in base64url")]
pub struct AuthorizationError(&'static str);

impl Authorization {
    /// The value of the header `Authorization`.
    pub fn header(&self) -> String {
        let statement = URL_SAFE_NO_PAD.encode(self.statement.encode());
        format!("{SCHEME} {statement}.{}", URL_SAFE_NO_PAD.encode(&self.signature))
    }

    /// Reads the header.
    pub fn parse(text: &str) -> Result<Self, AuthorizationError> {
        if text.len() > MAX_HEADER {
            return Err(AuthorizationError("it has more than 1,024 characters"));
        }
        let (scheme, value) =
            text.split_once(' ').ok_or(AuthorizationError("it has no scheme and value"))?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(AuthorizationError("it has another scheme"));
        }
        let (statement, signature) =
            value.split_once('.').ok_or(AuthorizationError("it has no signature"))?;
        let bytes = |text| {
            URL_SAFE_NO_PAD.decode(text).map_err(|_| AuthorizationError("it is not in base64url"))
        };
        let statement = Statement::decode_all(&mut &bytes(statement)?[..])
            .map_err(|_| AuthorizationError("its statement is malformed"))?;
        Ok(Self { statement, signature: bytes(signature)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_types::Codec;
    use proptest::prelude::*;

    fn authorization() -> Authorization {
        let cid = Cid { codec: Codec::DagPb, digest: [9; 32] };
        let statement = Statement {
            genesis: [1; 32],
            task: 2,
            round: 3,
            account: [4; 32],
            host: [5; 32],
            cid,
            bytes: 6,
            expires: 7,
        };
        Authorization { statement, signature: vec![8; 65] }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let written = authorization();
        let header = written.header();
        assert!(header.starts_with("DecentralML ") && header.len() < MAX_HEADER, "{header}");
        assert_eq!(Authorization::parse(&header), Ok(written.clone()));
        assert_eq!(
            Authorization::parse(&header.replace("DecentralML", "decentralml")),
            Ok(written)
        );
    }

    #[test]
    fn every_field_is_signed() {
        let base = authorization().statement;
        let changed = [
            Statement { genesis: [2; 32], ..base.clone() },
            Statement { task: 3, ..base.clone() },
            Statement { round: 4, ..base.clone() },
            Statement { account: [5; 32], ..base.clone() },
            Statement { host: [6; 32], ..base.clone() },
            Statement { cid: Cid { codec: Codec::Raw, ..base.cid }, ..base.clone() },
            Statement { bytes: 7, ..base.clone() },
            Statement { expires: 8, ..base.clone() },
        ];
        let payload = base.payload();
        assert!(payload.starts_with(DOMAIN));
        for other in changed {
            assert_ne!(other.payload(), payload, "{other:?}");
        }
    }

    #[test]
    fn what_is_no_authorization_is_refused() {
        let header = authorization().header();
        let longer = header.replace('.', "AAAA.");
        for text in [
            "",
            "DecentralML",
            "DecentralML ",
            "DecentralML .",
            "Bearer abc",
            &header.replace("DecentralML", "Bearer"),
            &header.replace('.', ""),
            &header.replace('.', "="),
            &longer,
            &format!("{header}{}", "A".repeat(MAX_HEADER)),
        ] {
            assert!(Authorization::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "(DecentralML )?[A-Za-z0-9_.-]{0,300}") {
            let _ = Authorization::parse(&text);
        }
    }
}
