//! The frames around what a CAR holds: lengths as unsigned varints.

use super::CarError;
use crate::{WrittenCid, buffer::Buffer};
use std::io::{self, BufRead, ErrorKind};

/// Bytes of the longest varint: the specification ends at 63 bits.
const LONGEST: usize = 9;

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What stands before the bytes of a block.
pub(crate) fn before_block(cid: &WrittenCid, length: usize) -> Vec<u8> {
    let cid = cid.to_bytes();
    let mut out = Vec::with_capacity(LONGEST + cid.len());
    put_varint(&mut out, (cid.len() + length) as u64);
    out.extend_from_slice(&cid);
    out
}

/// A reader that knows where it is.
#[derive(Debug)]
pub(super) struct Counted<R> {
    reader: R,
    pub at: u64,
}

impl<R: BufRead> Counted<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, at: 0 }
    }

    /// A length, or `None` at the end of the stream.
    pub fn length(&mut self) -> Result<Option<u64>, CarError> {
        let start = self.at;
        let mut value = 0;
        for index in 0..LONGEST {
            let Some(byte) = self.byte()? else {
                return if index == 0 { Ok(None) } else { Err(CarError::CutOff(self.at)) };
            };
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                let padded = byte == 0 && index > 0;
                return if padded { Err(CarError::Varint(start)) } else { Ok(Some(value)) };
            }
        }
        Err(CarError::Varint(start))
    }

    /// The next `length` bytes; the caller has held the length against a limit.
    pub fn bytes(&mut self, length: usize) -> Result<Vec<u8>, CarError> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match self.reader.read(&mut bytes[filled..]) {
                Ok(0) => return Err(CarError::CutOff(self.at)),
                Ok(read) => {
                    filled += read;
                    self.at += read as u64;
                }
                Err(e) => self.failed(e)?,
            }
        }
        Ok(bytes)
    }

    /// The next `length` bytes, behind what is in a buffer that has room for them.
    pub fn fill(&mut self, buffer: &mut Buffer, length: usize) -> Result<(), CarError> {
        let before = buffer.len();
        let read = buffer.fill(&mut self.reader, length);
        let now = buffer.len() - before;
        self.at += now as u64;
        match read {
            Ok(_) if now == length => Ok(()),
            Ok(_) => Err(CarError::CutOff(self.at)),
            Err(error) => self.failed(error),
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, CarError> {
        loop {
            match self.reader.fill_buf() {
                Ok(buffer) => {
                    let byte = buffer.first().copied();
                    if byte.is_some() {
                        self.reader.consume(1);
                        self.at += 1;
                    }
                    return Ok(byte);
                }
                Err(e) => self.failed(e)?,
            }
        }
    }

    fn failed(&self, error: io::Error) -> Result<(), CarError> {
        match error.kind() {
            ErrorKind::Interrupted => Ok(()),
            // Of a source that knows that it should have gone on.
            ErrorKind::UnexpectedEof => Err(CarError::CutOff(self.at)),
            _ => Err(CarError::Io(error)),
        }
    }
}
