//! Blocks into a CAR.

use super::{frame::before_block, header};
use crate::{Block, WrittenCid};
use std::io::{self, Write};

/// Writes a CAR block by block. What is written is flushed by whoever owns the sink.
#[derive(Debug)]
pub struct CarWriter<W> {
    writer: W,
}

impl<W: Write> CarWriter<W> {
    /// Writes the header.
    pub fn new(mut writer: W, roots: &[WrittenCid]) -> io::Result<Self> {
        writer.write_all(&header::encode(roots))?;
        Ok(Self { writer })
    }

    /// Writes a block under its CID of version 1.
    pub fn write(&mut self, block: &Block) -> io::Result<()> {
        self.writer.write_all(&before_block(&block.cid().into(), block.data().len()))?;
        self.writer.write_all(block.data())
    }

    /// Gives the sink back.
    pub fn into_inner(self) -> W {
        self.writer
    }
}
