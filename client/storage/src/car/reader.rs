//! Blocks out of a CAR.

use super::{CarError, MAX_HEADER, frame::Counted, header};
use crate::{Block, MAX_BLOCK, WrittenCid, buffer::Buffer};
use std::io::{BufReader, Read};

/// Bytes that a section may have beside its block: a CID of any kind that is understood, and of some that are refused by name.
const MAX_CID: usize = 128;

/// Reads a CAR block by block, in the memory of one block. After an error it ends.
#[derive(Debug)]
pub struct CarReader<R> {
    reader: Counted<BufReader<R>>,
    roots: Vec<WrittenCid>,
    limit: Option<u64>,
    bytes: u64,
    ended: bool,
}

impl<R: Read> CarReader<R> {
    /// Reads the header.
    pub fn new(reader: R) -> Result<Self, CarError> {
        let mut reader = Counted::new(BufReader::with_capacity(64 << 10, reader));
        let length = reader.length()?.ok_or(CarError::CutOff(0))?;
        if !(1..=MAX_HEADER).contains(&length) {
            return Err(CarError::HeaderSize(length));
        }
        let roots = header::decode(&reader.bytes(length as usize)?)?;
        Ok(Self { reader, roots, limit: None, bytes: 0, ended: false })
    }

    /// Takes at most this many bytes of blocks; the first block that exceeds it is not read.
    pub fn with_limit(self, bytes: u64) -> Self {
        Self { limit: Some(bytes), ..self }
    }

    /// The roots, by the word of the author: nothing says that their blocks are in it.
    pub fn roots(&self) -> &[WrittenCid] {
        &self.roots
    }

    fn section(&mut self) -> Result<Option<(WrittenCid, Block)>, CarError> {
        let start = self.reader.at;
        let Some(length) = self.reader.length()? else { return Ok(None) };
        if length == 0 {
            return Err(CarError::EmptySection(start));
        }
        if length > (MAX_BLOCK + MAX_CID) as u64 {
            return Err(CarError::SectionSize(length));
        }
        // A CID that is taken has at most 36 bytes; what is more is the block's.
        let sure = length.saturating_sub(36);
        if let Some(limit) = self.limit.filter(|limit| self.bytes + sure > *limit) {
            return Err(CarError::TooLarge(limit));
        }
        let length = length as usize;
        let head = self.reader.bytes(length.min(MAX_CID))?;
        let (cid, read) = WrittenCid::read(&head)?;
        if length - read > MAX_BLOCK {
            return Err(CarError::SectionSize(length as u64));
        }
        let mut data = Buffer::with_room(length - read);
        data.extend(&head[read..]);
        self.reader.fill(&mut data, length - head.len())?;
        let data = data.into_bytes();
        self.bytes += data.len() as u64;
        if let Some(limit) = self.limit.filter(|limit| self.bytes > *limit) {
            return Err(CarError::TooLarge(limit));
        }
        let block = Block::verified(cid.cid(), data).ok_or(CarError::Mismatch(cid))?;
        Ok(Some((cid, block)))
    }
}

impl<R: Read> Iterator for CarReader<R> {
    type Item = Result<(WrittenCid, Block), CarError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.section().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
