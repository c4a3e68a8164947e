//! Readers and writers that misbehave, or count.

use std::{
    cell::Cell,
    io::{self, Read, Write},
};

/// Gives a few bytes at a time, after an interruption each.
pub struct Drops<'a> {
    rest: &'a [u8],
    step: usize,
    interrupted: bool,
}

impl<'a> Drops<'a> {
    pub fn new(rest: &'a [u8], step: usize) -> Self {
        Self { rest, step, interrupted: false }
    }
}

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let step = self.step.min(buffer.len());
        self.rest.read(&mut buffer[..step])
    }
}

/// Counts what is read through it.
pub struct Counted<'a, R> {
    pub inner: R,
    pub bytes: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.bytes.set(self.bytes.get() + length as u64);
        Ok(length)
    }
}

/// The same bytes again and again.
pub struct Endless {
    pattern: &'static [u8],
    at: usize,
}

impl Endless {
    pub fn of(pattern: &'static [u8]) -> Self {
        Self { pattern, at: 0 }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in &mut *buffer {
            *byte = self.pattern[self.at % self.pattern.len()];
            self.at += 1;
        }
        Ok(buffer.len())
    }
}

/// Cannot be read or written.
pub struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the disk is broken"))
    }
}

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
