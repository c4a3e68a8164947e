//! Memory for blocks, which goes round.
//!
//! A megabyte that has just come from the system costs more to fill than to hash, and what an allocator keeps of it, it keeps for
//! each thread: a program of twenty threads has many times as much as it uses. So buffers of the usual size go back to where all
//! threads find them.

use bytes::Bytes;
use std::{
    io::{self, ErrorKind, Read},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Of so many bytes are the sectors of all disks multiples, and so are addresses and lengths that they take.
pub(crate) const SECTOR: usize = 4096;

/// Bytes that a buffer of the usual size has room for: those of a canonical leaf, and of one in the older profiles of Kubo.
const USUAL: usize = 1 << 20;

/// Of fewer bytes there is no buffer of the usual size.
const SMALL: usize = 64 << 10;

/// Buffers that wait for their next use; those that come later are freed.
const IDLE: usize = 16;

/// Their memory, all of it initialized.
static WAITING: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Bytes that come piece by piece, at an address that disks take where they are many.
#[derive(Debug)]
pub(crate) struct Buffer {
    memory: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Buffer {
    /// Room for so many bytes.
    pub fn with_room(bytes: usize) -> Self {
        if bytes < SMALL {
            return Self { memory: vec![0; bytes], begin: 0, end: 0 };
        }
        let memory = match bytes <= USUAL {
            true => waiting().pop().unwrap_or_else(|| vec![0; USUAL + SECTOR]),
            false => vec![0; bytes.next_multiple_of(SECTOR) + SECTOR],
        };
        // Where there is no such address, the file system refuses the one that it is given.
        let begin = memory.as_ptr().align_offset(SECTOR).min(SECTOR);
        Self { memory, begin, end: begin }
    }

    /// These bytes, with zeros up to the end of a sector.
    pub fn padded(bytes: &[u8]) -> Self {
        let padding = bytes.len().next_multiple_of(SECTOR) - bytes.len();
        let mut buffer = Self::with_room((bytes.len() + padding).max(SMALL));
        buffer.extend(bytes);
        buffer.extend(&[0; SECTOR][..padding]);
        buffer
    }

    pub fn len(&self) -> usize {
        self.end - self.begin
    }

    /// Appends `bytes`, as far as there is room.
    pub fn extend(&mut self, bytes: &[u8]) {
        let free = &mut self.memory[self.end..];
        let count = bytes.len().min(free.len());
        free[..count].copy_from_slice(&bytes[..count]);
        self.end += count;
    }

    /// Appends up to `most` bytes, as far as there is room and the reader has them; returns how many.
    pub fn fill(&mut self, reader: &mut impl Read, most: usize) -> io::Result<usize> {
        let before = self.end;
        let last = before.saturating_add(most).min(self.memory.len());
        while self.end < last {
            match reader.read(&mut self.memory[self.end..last]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.end - before)
    }

    /// What is in it. Few bytes are copied: they may be kept for long, and the memory is wanted.
    pub fn into_bytes(mut self) -> Bytes {
        match self.len() {
            count if count == self.memory.len() => mem::take(&mut self.memory).into(),
            0..SMALL => Bytes::copy_from_slice(self.as_ref()),
            _ => Bytes::from_owner(self),
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.memory[self.begin..self.end]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.memory.len() == USUAL + SECTOR {
            let mut waiting = waiting();
            if waiting.len() < IDLE {
                waiting.push(mem::take(&mut self.memory));
            }
        }
    }
}

/// No panic leaves a list that is half made.
fn waiting() -> MutexGuard<'static, Vec<Vec<u8>>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_put_in_comes_out_and_nothing_of_what_was_there_before() {
        for turn in 1..=3 {
            for size in [0, 1, SMALL - 1, SMALL, SMALL + 1, USUAL - 1, USUAL, USUAL + 1, 2 << 20] {
                let bytes = vec![turn; size];
                let mut buffer = Buffer::with_room(size);
                buffer.extend(&bytes[..size / 3]);
                assert_eq!(
                    buffer.fill(&mut &bytes[size / 3..], usize::MAX).unwrap(),
                    size - size / 3
                );
                assert_eq!(buffer.into_bytes(), bytes);
                let few = (size / 2).min(100);
                let mut buffer = Buffer::with_room(size);
                assert_eq!(buffer.fill(&mut &bytes[..], few).unwrap(), few);
                assert_eq!(buffer.len(), few);
                assert_eq!(buffer.into_bytes(), bytes[..few]);
            }
        }
    }

    #[test]
    fn many_bytes_lie_where_disks_take_them() {
        for size in [SMALL, USUAL, 2 << 20] {
            let mut buffer = Buffer::with_room(size);
            buffer.extend(&vec![1; size]);
            assert_eq!(buffer.into_bytes().as_ptr().align_offset(SECTOR), 0, "{size} bytes");
        }
        for size in [1, SECTOR, SMALL + 1, (2 << 20) - 1] {
            let padded = Buffer::padded(&vec![1; size]);
            assert_eq!(padded.as_ref().as_ptr().align_offset(SECTOR), 0, "{size} bytes");
            assert_eq!(padded.len(), size.next_multiple_of(SECTOR));
            assert!(padded.as_ref()[size..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn no_more_memory_waits_than_is_said() {
        let many: Vec<_> = (0..3 * IDLE).map(|_| Buffer::with_room(USUAL)).collect();
        drop(many);
        assert!(waiting().len() <= IDLE);
    }
}
