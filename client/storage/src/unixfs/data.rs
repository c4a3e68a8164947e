//! The protobuf message `Data` inside a DAG-PB node (UnixFS specification, section "Data Format").

use bytes::Bytes;

/// Field `Type`.
pub(super) const RAW: u64 = 0;
pub(super) const DIRECTORY: u64 = 1;
pub(super) const FILE: u64 = 2;
pub(super) const METADATA: u64 = 3;
pub(super) const SYMLINK: u64 = 4;
pub(super) const HAMT_SHARD: u64 = 5;

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED_32: u64 = 5;

/// The fields that a file needs; times, modes and hash functions are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Data {
    pub kind: u64,
    pub bytes: Bytes,
    pub file_size: Option<u64>,
    pub block_sizes: Vec<u64>,
}

impl Data {
    /// Encodes in the order and form of Kubo (fields ascending, block sizes unpacked): the bytes make the CID.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.bytes.len() + 5 * self.block_sizes.len());
        field(&mut out, 1, VARINT);
        varint(&mut out, self.kind);
        if !self.bytes.is_empty() {
            field(&mut out, 2, LENGTH);
            varint(&mut out, self.bytes.len() as u64);
            out.extend_from_slice(&self.bytes);
        }
        if let Some(size) = self.file_size {
            field(&mut out, 3, VARINT);
            varint(&mut out, size);
        }
        for &size in &self.block_sizes {
            field(&mut out, 4, VARINT);
            varint(&mut out, size);
        }
        out
    }

    /// Decodes any valid message; the error says what is wrong with it.
    pub fn decode(input: &Bytes) -> Result<Self, &'static str> {
        let mut rest = Reader { bytes: input, at: 0 };
        let mut data = Self::default();
        let mut typed = false;
        while rest.at < input.len() {
            let key = rest.varint()?;
            match (key >> 3, key & 7) {
                (1, VARINT) => {
                    data.kind = rest.varint()?;
                    typed = true;
                }
                (2, LENGTH) => data.bytes = rest.slice()?,
                (3, VARINT) => data.file_size = Some(rest.varint()?),
                (4, VARINT) => data.block_sizes.push(rest.varint()?),
                (4, LENGTH) => {
                    let packed = rest.slice()?;
                    let mut sizes = Reader { bytes: &packed, at: 0 };
                    while sizes.at < packed.len() {
                        data.block_sizes.push(sizes.varint()?);
                    }
                }
                (_, VARINT) => drop(rest.varint()?),
                (_, LENGTH) => drop(rest.slice()?),
                (_, FIXED_64) => rest.skip(8)?,
                (_, FIXED_32) => rest.skip(4)?,
                _ => return Err("unknown wire type"),
            }
        }
        if typed { Ok(data) } else { Err("no type") }
    }
}

/// Counts the links of a DAG-PB node, the message around this one, up to what it cannot read or to `most`, and keeps none.
pub(super) fn count_links(node: &Bytes, most: usize) -> usize {
    let mut rest = Reader { bytes: node, at: 0 };
    let mut links = 0;
    while rest.at < node.len() && links < most {
        let key = rest.varint();
        match key {
            Ok(0x12) => links += 1,
            Ok(0x0a) => {}
            _ => break,
        }
        if rest.slice().is_err() {
            break;
        }
    }
    links
}

struct Reader<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn varint(&mut self) -> Result<u64, &'static str> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or("truncated varint")?;
            self.at += 1;
            // The tenth byte holds the one bit that is left.
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("varint longer than 64 bits")
    }

    fn slice(&mut self) -> Result<Bytes, &'static str> {
        let length = usize::try_from(self.varint()?).map_err(|_| "field too long")?;
        let start = self.at;
        self.skip(length)?;
        Ok(self.bytes.slice(start..self.at))
    }

    fn skip(&mut self, count: usize) -> Result<(), &'static str> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        self.at = end.ok_or("truncated field")?;
        Ok(())
    }
}

fn field(out: &mut Vec<u8>, number: u64, wire: u64) {
    varint(out, number << 3 | wire);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            kind in 0u64..6,
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            file_size in any::<Option<u64>>(),
            block_sizes in prop::collection::vec(any::<u64>(), 0..9),
        ) {
            let data = Data { kind, bytes: bytes.into(), file_size, block_sizes };
            prop_assert_eq!(Data::decode(&data.encode().into()).unwrap(), data);
        }

        #[test]
        fn any_bytes_are_decoded_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Data::decode(&bytes.into());
        }
    }

    #[test]
    fn packed_sizes_and_unknown_fields_are_understood() {
        let message = [8, 2, 0x22, 2, 7, 9, 0x38, 1, 0x45, 0, 0, 0, 0];
        let data = Data::decode(&Bytes::copy_from_slice(&message)).unwrap();
        assert_eq!((data.kind, data.block_sizes), (FILE, vec![7, 9]));
    }

    #[test]
    fn truncated_and_endless_messages_are_refused() {
        for message in
            [&[8][..], &[8, 2, 0x12, 5, 1], &[0x18, 3], &[8, 0xff, 0xff], &[8; 1], &[0xff; 11]]
        {
            assert!(Data::decode(&Bytes::copy_from_slice(message)).is_err(), "{message:?}");
        }
    }
}
