//! A round's updates, a part at a time: those in memory, or those in files.
//!
//! Nothing that scores or aggregates updates needs more of them at once than one whole update or one
//! chunk of each. Kept in files, any number of updates is worked on in the memory of a few models.

mod clipped;
mod files;

use std::io;

use decentralml_exact::Encoding;

pub use self::{clipped::Clipped, files::UpdateFile};
use crate::{model::Parameter, update::Update};

/// A round's updates, in their order; several threads may read them.
pub trait Updates: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// The names and shapes of an update's tensors, and its encoding; `None` from [`count`](Self::count) on.
    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)>;

    /// Fills `out` with an update's integers from the weight `start` on, in units of `2^-f`.
    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()>;

    /// One update, opened to be read in several parts.
    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>>;
}

/// One update's integers as little-endian bytes of the encoding's width, a part at a time.
pub trait Part {
    /// Fills `out`, whole integers, from the weight `start` on.
    fn read(&mut self, start: usize, out: &mut [u8]) -> io::Result<()>;
}

/// The integers of an update in memory.
struct Values<'a> {
    values: &'a [i32],
    width: usize,
}

impl Part for Values<'_> {
    fn read(&mut self, start: usize, out: &mut [u8]) -> io::Result<()> {
        let count = out.len() / self.width;
        let values = self.values.get(start..).and_then(|values| values.get(..count));
        let values = values.ok_or_else(beyond)?;
        // Values lie within the clip, which fits into the width: the low bytes say it all.
        match self.width {
            1 => out.iter_mut().zip(values).for_each(|(out, q)| *out = *q as u8),
            2 => {
                let cells = out.as_chunks_mut().0.iter_mut().zip(values);
                cells.for_each(|(out, q)| *out = (*q as i16).to_le_bytes());
            }
            _ => {
                let cells = out.as_chunks_mut().0.iter_mut().zip(values);
                cells.for_each(|(out, q)| *out = q.to_le_bytes());
            }
        }
        Ok(())
    }
}

/// The updates' encoding, `None` where there are no updates; or the first of them that has another one than the first, or
/// belongs to another model.
pub(crate) fn encoding<U: Updates + ?Sized>(
    updates: &U,
    parameters: &[Parameter],
) -> Result<Option<Encoding>, usize> {
    let first = updates.kind(0).map(|(_, encoding)| encoding);
    for index in 0..updates.count() {
        match updates.kind(index) {
            Some((own, encoding)) if own == parameters && Some(encoding) == first => {}
            _ => return Err(index),
        }
    }
    Ok(first)
}

impl Updates for [&Update] {
    fn count(&self) -> usize {
        self.len()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.get(update).map(|update| (update.parameters(), update.encoding()))
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        let values = self.get(update).and_then(|update| update.values().get(start..));
        let values = values.and_then(|values| values.get(..out.len())).ok_or_else(beyond)?;
        out.copy_from_slice(values);
        Ok(())
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        let update = self.get(update).ok_or_else(beyond)?;
        Ok(Box::new(Values { values: update.values(), width: width(update.encoding()) }))
    }
}

impl Updates for Vec<&Update> {
    fn count(&self) -> usize {
        self.as_slice().count()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.as_slice().kind(update)
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        self.as_slice().read(update, start, out)
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        let update = self.get(update).ok_or_else(beyond)?;
        Ok(Box::new(Values { values: update.values(), width: width(update.encoding()) }))
    }
}

/// Integers from their little-endian bytes.
pub(crate) fn decode(bytes: &[u8], width: usize, out: &mut [i32]) {
    match width {
        1 => {
            let values = bytes.iter().map(|&byte| i32::from(byte as i8));
            out.iter_mut().zip(values).for_each(|(out, q)| *out = q);
        }
        2 => {
            let values = bytes.as_chunks().0.iter().map(|q| i32::from(i16::from_le_bytes(*q)));
            out.iter_mut().zip(values).for_each(|(out, q)| *out = q);
        }
        _ => {
            let values = bytes.as_chunks().0.iter().map(|q| i32::from_le_bytes(*q));
            out.iter_mut().zip(values).for_each(|(out, q)| *out = q);
        }
    }
}

/// Bytes of a number; four bits take a byte where they are not packed.
pub(crate) fn width(encoding: Encoding) -> usize {
    usize::from(encoding.bits() / 8).max(1)
}

fn beyond() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "no update has that many weights")
}

#[cfg(test)]
#[path = "updates/tests.rs"]
mod tests;
