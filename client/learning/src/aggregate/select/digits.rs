//! The search for the value of a rank, byte by byte from the highest, in all lanes of vector registers at once.
//!
//! Bytes have the most lanes, and there is one loop that counts for integers of every width. What has been found of a value decides
//! about most rows: such a row goes on as the smallest or the largest byte, which stays on its side of everything that is tried.

use super::{LANES, Lanes};

/// Rows whose counts a byte holds.
const COUNTED: usize = i8::MAX as usize;

/// Bytes of many integers, those of one place next to each other: the highest as a signed byte, the others as their distance from the
/// middle, so that signed comparisons order them.
pub(super) struct Planes {
    /// `[planes][rows]`.
    bytes: Vec<[i8; LANES]>,
    rows: usize,
    /// Bits of the highest byte that may differ.
    top: u32,
    /// What the next byte is compared as, `[rows]`.
    current: Vec<[i8; LANES]>,
    /// Zero as long as a row agrees with what has been found, else the end on whose side it is, `[rows]`.
    sides: Vec<[i8; LANES]>,
}

impl Planes {
    pub(super) fn new(rows: usize) -> Self {
        let empty = || vec![[0; LANES]; rows];
        Self { bytes: Vec::new(), rows, top: 0, current: empty(), sides: empty() }
    }

    /// Takes the integers apart.
    #[inline(always)]
    pub(super) fn fill<C: Lanes>(&mut self, cells: &[[C; LANES]]) {
        // As many bytes as the largest needs, with its sign.
        let bits = C::bits(cells.as_flattened()) + 1;
        let planes = bits.div_ceil(8).max(1);
        self.top = bits - 8 * (planes - 1);
        self.bytes.resize(planes as usize * self.rows, [0; LANES]);
        let all = self.bytes.chunks_exact_mut(self.rows.max(1));
        for (plane, place) in all.zip((0..planes).rev()) {
            let middle = if place + 1 == planes { 0 } else { i8::MIN };
            for (out, cells) in plane.iter_mut().zip(cells) {
                for (out, cell) in out.iter_mut().zip(cells) {
                    *out = cell.byte(place) ^ middle;
                }
            }
        }
    }

    /// The value of a rank in each lane: the largest number below which there are at most `rank` values.
    #[inline(always)]
    pub(super) fn find(&mut self, rank: usize) -> [i32; LANES] {
        let mut planes = self.bytes.chunks_exact(self.rows.max(1));
        let Some(highest) = planes.next() else { return [0; LANES] };
        let mut found = narrow(highest, self.top, rank);
        let mut value = found.map(i32::from);
        if planes.len() > 0 {
            self.current.copy_from_slice(highest);
            self.sides.fill([0; LANES]);
        }
        for plane in planes {
            let rows = self.sides.iter_mut().zip(&mut self.current).zip(plane);
            for ((sides, current), next) in rows {
                for lane in 0..LANES {
                    // All bits where it holds; a row that has its side stays there, as nothing lies beyond it.
                    let less = -i8::from(current[lane] < found[lane]);
                    let more = -i8::from(current[lane] > found[lane]);
                    let side = sides[lane] | (less & i8::MIN) | (more & i8::MAX);
                    sides[lane] = side;
                    current[lane] = side | (next[lane] & -i8::from(side == 0));
                }
            }
            found = narrow(&self.current, 8, rank);
            for (value, found) in value.iter_mut().zip(found) {
                *value = (*value << 8) + (i32::from(found) - i32::from(i8::MIN));
            }
        }
        value
    }
}

/// The byte of a rank, of bytes in `−2^(bits − 1)..2^(bits − 1)`, or [`i8::MIN`] where so many are below them all.
#[inline(always)]
fn narrow(rows: &[[i8; LANES]], bits: u32, rank: usize) -> [i8; LANES] {
    let rank = rank as u32;
    let mut found = [(-1_i32 << (bits - 1)) as i8; LANES];
    for bit in (0..bits).rev() {
        let mut tried = found;
        tried.iter_mut().for_each(|tried| *tried = tried.wrapping_add((1_u32 << bit) as i8));
        let mut below = [0_u32; LANES];
        for rows in rows.chunks(COUNTED) {
            for (below, some) in below.iter_mut().zip(count_below(rows, &tried)) {
                *below += u32::from(some as u8);
            }
        }
        for lane in 0..LANES {
            // All bits where it holds: a branch would be a guess in every lane.
            let holds = -i8::from(below[lane] <= rank);
            found[lane] ^= (found[lane] ^ tried[lane]) & holds;
        }
    }
    found
}

/// How many of at most [`COUNTED`] rows are below what is tried.
#[inline(always)]
fn count_below(rows: &[[i8; LANES]], tried: &[i8; LANES]) -> [i8; LANES] {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return count_vectors(simd, rows, tried);
    }
    count_plain(rows, tried)
}

/// The count in plain code: what the vector instructions have to agree with.
#[inline(always)]
pub(super) fn count_plain(rows: &[[i8; LANES]], tried: &[i8; LANES]) -> [i8; LANES] {
    let mut below = [0; LANES];
    for row in rows {
        for (below, (value, tried)) in below.iter_mut().zip(row.iter().zip(tried)) {
            *below += i8::from(value < tried);
        }
    }
    below
}

/// The same with all counts in registers.
#[cfg(target_arch = "x86_64")]
pub(super) fn count_vectors(
    simd: pulp::x86::V3,
    rows: &[[i8; LANES]],
    tried: &[i8; LANES],
) -> [i8; LANES] {
    use core::arch::x86_64::__m256i;

    struct Count<'a>(pulp::x86::V3, &'a [[i8; LANES]], &'a [i8; LANES]);

    impl pulp::WithSimd for Count<'_> {
        type Output = [i8; LANES];

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
            let Self(simd, rows, tried) = self;
            let (avx, avx2) = (simd.avx, simd.avx2);
            let tried: [__m256i; 2] = pulp::cast(*tried);
            let mut below = [avx._mm256_setzero_si256(); 2];
            for row in rows {
                let row: [__m256i; 2] = pulp::cast(*row);
                for half in 0..2 {
                    // A comparison gives −1 where it holds.
                    let less = avx2._mm256_cmpgt_epi8(tried[half], row[half]);
                    below[half] = avx2._mm256_sub_epi8(below[half], less);
                }
            }
            pulp::cast(below)
        }
    }

    pulp::Simd::vectorize(simd, Count(simd, rows, tried))
}
