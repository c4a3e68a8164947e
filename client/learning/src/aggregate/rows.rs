//! Reading a few weights of every update.

use std::io;

use pulp::bytemuck::{self, Pod};

use crate::updates::{Part, Updates};

/// What all threads together hold of the updates at a time, in bytes.
const BUDGET: usize = 128 << 20;

/// The most bytes that are read of an update at a time: what is summed is then still in the cache.
const LARGEST: usize = 64 << 10;

/// How many weights to read of each of `rows` updates at a time, so that `rows · width` bytes of each of
/// them, in each thread, stay within the budget. A multiple of 64.
pub(super) fn chunk(rows: usize, width: usize) -> usize {
    let each = BUDGET / rayon::current_num_threads().max(1) / rows.max(1);
    (each.clamp(64 * width, LARGEST) / width / 64 * 64).max(64)
}

/// An integer as it lies in a file.
pub(super) trait Cell: Pod + Into<i32> + Into<i64> + Send + Sync {
    /// The sum of eight.
    fn sum(cells: [Self; 8]) -> i32;

    /// From the order of bytes in files to that of the machine.
    fn order(cells: &mut [Self]);
}

impl Cell for i8 {
    #[inline(always)]
    fn sum(cells: [Self; 8]) -> i32 {
        // In lanes of 16 bits, of which a register has more.
        cells.into_iter().map(i16::from).sum::<i16>().into()
    }

    fn order(_: &mut [Self]) {}
}

impl Cell for i16 {
    #[inline(always)]
    fn sum(cells: [Self; 8]) -> i32 {
        cells.into_iter().map(i32::from).sum()
    }

    fn order(cells: &mut [Self]) {
        cells.iter_mut().for_each(|cell| *cell = Self::from_le(*cell));
    }
}

impl Cell for i32 {
    #[inline(always)]
    fn sum(cells: [Self; 8]) -> i32 {
        cells.into_iter().fold(0, i32::wrapping_add)
    }

    fn order(cells: &mut [Self]) {
        cells.iter_mut().for_each(|cell| *cell = Self::from_le(*cell));
    }
}

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

/// The same weights of some updates, one after the other.
pub(super) struct Rows<C> {
    cells: Vec<C>,
    count: usize,
}

impl<C: Cell> Rows<C> {
    pub(super) fn new() -> Self {
        Self { cells: Vec::new(), count: 1 }
    }

    /// Reads `count` weights of the `chosen` updates, from `start` on.
    pub(super) fn read<U: Updates + ?Sized>(
        &mut self,
        updates: &U,
        chosen: &[usize],
        start: usize,
        count: usize,
    ) -> io::Result<()> {
        self.count = count.max(1);
        self.cells.resize(self.count * chosen.len(), C::zeroed());
        for (row, &update) in self.cells.chunks_exact_mut(self.count).zip(chosen) {
            read(&mut *updates.open(update)?, start, row)?;
        }
        Ok(())
    }

    /// The rows.
    pub(super) fn rows(&self) -> Vec<&[C]> {
        self.cells.chunks_exact(self.count).collect()
    }
}
