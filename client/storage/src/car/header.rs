//! The header: DAG-CBOR `{"roots": [CID, …], "version": 1}`, of which no more is understood than that.

use super::{CarError, frame::put_varint};
use crate::WrittenCid;

const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// The tag of a CID.
const CID: u64 = 42;

/// The header with its length before it, in the form that DAG-CBOR prescribes and Kubo writes.
pub(crate) fn encode(roots: &[WrittenCid]) -> Vec<u8> {
    let mut body = Vec::with_capacity(32 + 48 * roots.len());
    head(&mut body, MAP, 2);
    text(&mut body, "roots");
    head(&mut body, LIST, roots.len() as u64);
    for root in roots {
        let root = root.to_bytes();
        head(&mut body, TAG, CID);
        head(&mut body, BYTES, root.len() as u64 + 1);
        // The multibase prefix of plain bytes.
        body.push(0);
        body.extend_from_slice(&root);
    }
    text(&mut body, "version");
    head(&mut body, UNSIGNED, 1);
    let mut out = Vec::with_capacity(body.len() + 3);
    put_varint(&mut out, body.len() as u64);
    out.extend_from_slice(&body);
    out
}

/// The roots; there may be none. The fields may come in any order, and no others.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<WrittenCid>, CarError> {
    let mut rest = Reader(bytes);
    let fields = rest.expect(MAP, "a header that is no map")?;
    let (mut roots, mut version) = (None, None);
    for _ in 0..fields {
        let length = rest.expect(TEXT, "a header with a field that has no name")?;
        match rest.take(length)? {
            b"version" if version.is_none() => {
                version = Some(rest.expect(UNSIGNED, "a version that is no number")?);
            }
            b"roots" if roots.is_none() => roots = Some(rest.roots()?),
            _ => return Err(CarError::Header("a header with other fields than roots and version")),
        }
    }
    match version {
        Some(1) => {}
        Some(other) => return Err(CarError::Version(other)),
        None => return Err(CarError::Header("a header without a version")),
    }
    if !rest.0.is_empty() {
        return Err(CarError::Header("a header with something after it"));
    }
    roots.ok_or(CarError::Header("a header without roots"))
}

fn head(out: &mut Vec<u8>, kind: u8, value: u64) {
    let kind = kind << 5;
    match value {
        0..24 => out.push(kind | value as u8),
        24..0x100 => out.extend_from_slice(&[kind | 24, value as u8]),
        0x100..0x1_0000 => {
            out.push(kind | 25);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(kind | 26);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            out.push(kind | 27);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], CarError> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.0.len());
        let (taken, rest) =
            self.0.split_at(length.ok_or(CarError::Header("a header that ends too early"))?);
        self.0 = rest;
        Ok(taken)
    }

    /// The number in the head of a value of this kind.
    fn expect(&mut self, kind: u8, otherwise: &'static str) -> Result<u64, CarError> {
        let first = self.take(1)?.first().copied().unwrap_or_default();
        if first >> 5 != kind {
            return Err(CarError::Header(otherwise));
        }
        let length = match first & 31 {
            value @ 0..24 => return Ok(value.into()),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(CarError::Header("a header with a value without a length")),
        };
        Ok(self.take(length)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn roots(&mut self) -> Result<Vec<WrittenCid>, CarError> {
        const OTHER: &str = "a header with a root that is no CID";
        let count = self.expect(LIST, "a header with roots that are no list")?;
        // Nothing is reserved on the word of the header: each root is there before there is room for it.
        let mut roots = Vec::new();
        for _ in 0..count {
            if self.expect(TAG, OTHER)? != CID {
                return Err(CarError::Header(OTHER));
            }
            let length = self.expect(BYTES, OTHER)?;
            let Some((0, bytes)) = self.take(length)?.split_first() else {
                return Err(CarError::Header(OTHER));
            };
            let (root, read) = WrittenCid::read(bytes)?;
            if read != bytes.len() {
                return Err(CarError::Header(OTHER));
            }
            roots.push(root);
        }
        Ok(roots)
    }
}
