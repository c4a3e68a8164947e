//! Reading a few weights of every update.

use std::io;

use pulp::bytemuck::{self, Pod};

use super::select::Lanes;
use crate::updates::{Part, Updates};

/// What all threads together hold of the updates at a time, in bytes.
const BUDGET: usize = 128 << 20;

/// The most bytes that are read of an update at a time: what is summed is then still in the cache.
const LARGEST: usize = 64 << 10;

/// What a thread reads of all updates at a time, where that takes enough of each: it stays in the core's own cache.
const CACHED: usize = 4 << 20;

/// The fewest bytes that are worth a reading of an open update, and of one that is opened for it.
const WORTH: [usize; 2] = [32 << 10, LARGEST];

/// How many weights to read of each of `rows` updates at a time, so that they stay in the cache where they can. A multiple of 64.
pub(super) fn chunk(rows: usize, width: usize) -> usize {
    let worth = WORTH[usize::from(rows > most_open())];
    let wanted = (CACHED / rows.max(1)).clamp(worth, LARGEST);
    (wanted / width / 64 * 64).max(64).min(large(rows, width))
}

/// The same for updates that are opened each time: so that `rows · width` bytes of each of them, in each thread, stay within the budget.
pub(super) fn large(rows: usize, width: usize) -> usize {
    let each = BUDGET / rayon::current_num_threads().max(1) / rows.max(1);
    (each.clamp(64 * width, LARGEST) / width / 64 * 64).max(64)
}

/// An integer as it lies in a file.
pub(super) trait Cell: Pod + Lanes + Into<i64> + Send + Sync {
    /// Its low 16 bits.
    fn short(self) -> i16;

    /// From the order of bytes in files to that of the machine.
    fn order(cells: &mut [Self]);
}

macro_rules! cell {
    ($cell:ty) => {
        impl Cell for $cell {
            #[inline(always)]
            fn short(self) -> i16 {
                self as i16
            }

            fn order(cells: &mut [Self]) {
                cells.iter_mut().for_each(|cell| *cell = Self::from_le(*cell));
            }
        }
    };
}

cell!(i8);
cell!(i16);
cell!(i32);

/// Reads integers from the weight `start` on, of as many bytes as a cell has.
pub(super) fn read<C: Cell>(
    part: &mut (dyn Part + '_),
    start: usize,
    out: &mut [C],
) -> io::Result<()> {
    part.read(start, bytemuck::cast_slice_mut(out))?;
    C::order(out);
    Ok(())
}

/// Updates, in files, that all threads together keep open: a process may have 1,024 open by default.
const OPEN: usize = 256;

/// Some updates that a thread reads again and again: open where they are few, else opened for each reading.
pub(super) struct Opened<'a, U: ?Sized> {
    updates: &'a U,
    chosen: &'a [usize],
    parts: Vec<Box<dyn Part + 'a>>,
}

impl<'a, U: Updates + ?Sized> Opened<'a, U> {
    pub(super) fn new(updates: &'a U, chosen: &'a [usize]) -> io::Result<Self> {
        let few = if Self::fit(chosen.len()) { chosen } else { &[] };
        let parts = few.iter().map(|update| updates.open(*update)).collect::<io::Result<_>>()?;
        Ok(Self { updates, chosen, parts })
    }

    /// Whether so many stay open.
    pub(super) fn fit(chosen: usize) -> bool {
        chosen <= most_open()
    }

    /// Lets `work` read the update at a place of the chosen ones.
    pub(super) fn with(
        &mut self,
        place: usize,
        work: impl FnOnce(&mut (dyn Part + 'a)) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some(part) = self.parts.get_mut(place) {
            return work(&mut **part);
        }
        let update = self.chosen.get(place).copied().unwrap_or(usize::MAX);
        work(&mut *self.updates.open(update)?)
    }
}

/// Updates that a thread keeps open.
pub(super) fn most_open() -> usize {
    (OPEN / rayon::current_num_threads().max(1)).max(8)
}

/// The same weights of some updates, one after the other.
pub(super) struct Rows<'a, C, U: ?Sized> {
    opened: Opened<'a, U>,
    cells: Vec<C>,
    count: usize,
}

impl<'a, C: Cell, U: Updates + ?Sized> Rows<'a, C, U> {
    pub(super) fn new(updates: &'a U, chosen: &'a [usize]) -> io::Result<Self> {
        Ok(Self { opened: Opened::new(updates, chosen)?, cells: Vec::new(), count: 1 })
    }

    /// Reads `count` weights of the updates, from `start` on.
    pub(super) fn read(&mut self, start: usize, count: usize) -> io::Result<()> {
        self.count = count.max(1);
        self.cells.resize(self.count * self.opened.chosen.len(), C::zeroed());
        for (place, row) in self.cells.chunks_exact_mut(self.count).enumerate() {
            self.opened.with(place, |part| read(part, start, row))?;
        }
        Ok(())
    }

    /// The rows.
    pub(super) fn rows(&self) -> Vec<&[C]> {
        self.cells.chunks_exact(self.count).collect()
    }
}
