//! Convolution with a step of one pixel on overlapping 6 × 6 tiles (Winograd's minimal filtering;
//! Lavin and Gray 2016), forward and backward.
//!
//! A tile gives `7 − kernel` outputs in each direction for 36 products per pair of channels, where
//! the definition takes `kernel² · (7 − kernel)²`: 2.8 times fewer for a 5 × 5 kernel, 4 times
//! fewer for a 3 × 3 one. The products of all tiles are 36 matrix products. The backward pass is
//! the transpose of each of these linear maps, so its gradients are those of this very function.

// Loops of a known count over arrays of vectors: written with iterators, the compiler does not unroll them.
#![allow(clippy::needless_range_loop)]

mod maps;

use std::ops::Range;

use pulp::Simd;

use self::maps::{
    Collect, CollectKernel, Evaluate, EvaluateKernel, Pixels, PixelsTransposed, TILE, both,
};
use super::Shape;
use crate::gemm;

/// Points at which a tile's products are taken.
pub(super) const POINTS: usize = TILE * TILE;
/// A square of vectors in memory.
#[derive(Clone, Copy)]
struct Square {
    /// Where it begins.
    at: usize,
    /// From one row to the next.
    row: usize,
    /// From one column to the next.
    column: usize,
}

impl Square {
    /// The points of a tile, `plane` apart.
    fn points(at: usize, plane: usize) -> Self {
        Self { at, row: TILE * plane, column: plane }
    }

    #[inline(always)]
    fn load<S: Simd, const N: usize>(self, simd: S, from: &[f32]) -> [[S::f32s; N]; N] {
        let mut out = [[simd.splat_f32s(0.0); N]; N];
        for row in 0..N {
            for column in 0..N {
                let at = self.at + row * self.row + column * self.column;
                out[row][column] = S::as_simd_f32s(&from[at..at + S::F32_LANES]).0[0];
            }
        }
        out
    }

    #[inline(always)]
    fn store<S: Simd, const N: usize>(self, to: &mut [f32], x: [[S::f32s; N]; N]) {
        for row in 0..N {
            for column in 0..N {
                let at = self.at + row * self.row + column * self.column;
                S::as_mut_simd_f32s(&mut to[at..at + S::F32_LANES]).0[0] = x[row][column];
            }
        }
    }

    #[inline(always)]
    fn add<S: Simd, const N: usize>(self, simd: S, to: &mut [f32], x: [[S::f32s; N]; N]) {
        let mut sum = self.load::<S, N>(simd, to);
        for row in 0..N {
            for column in 0..N {
                sum[row][column] = simd.add_f32s(sum[row][column], x[row][column]);
            }
        }
        self.store::<S, N>(to, sum);
    }
}

/// The tiles of one image.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    /// Tiles down and across.
    pub(super) count: [usize; 2],
    /// Rows of tiles that are worked on at once.
    band: usize,
    /// Height and width of an image with its padding, so that every tile is whole.
    pub(super) padded: [usize; 2],
    /// Outputs per tile and direction.
    step: usize,
}

impl Tiles {
    pub(super) fn new(shape: &Shape) -> Self {
        let step = TILE + 1 - shape.kernel[0];
        let count = shape.output.map(|size| size.div_ceil(step));
        let padded = count.map(|tiles| tiles * step + TILE - step);
        // As many tiles as keep their 36 products in the second-level cache.
        let band = (BAND / count[1]).clamp(1, count[0]);
        Self { count, band, padded, step }
    }

    /// Height and width of the outputs of all tiles.
    pub(super) fn computed(&self) -> [usize; 2] {
        self.count.map(|tiles| tiles * self.step)
    }

    /// All vectors of channels of some rows of tiles.
    #[inline(always)]
    fn places<S: Simd>(
        &self,
        rows: Range<usize>,
        channels: usize,
    ) -> impl Iterator<Item = Place> + use<S> {
        let across = self.count[1];
        let plane = rows.len() * across * channels;
        (0..rows.len() * across).flat_map(move |tile| {
            let (row, column) = (rows.start + tile / across, tile % across);
            (0..channels).step_by(S::F32_LANES).map(move |channel| {
                let at = tile * channels + channel;
                Place { row, column, channel, channels, at, plane }
            })
        })
    }

    /// A tile's outputs in an image.
    #[inline(always)]
    fn output(&self, place: Place) -> Square {
        self.square(place, self.count[1] * self.step)
    }

    /// A tile's pixels in an image with its padding.
    #[inline(always)]
    fn input(&self, place: Place) -> Square {
        self.square(place, self.padded[1])
    }

    #[inline(always)]
    fn square(&self, Place { row, column, channel, channels, .. }: Place, width: usize) -> Square {
        let pixel = row * self.step * width + column * self.step;
        Square { at: pixel * channels + channel, row: width * channels, column: channels }
    }

    /// Sizes of a band of tiles at their points: pixels, outputs, and gradients of the pixels.
    pub(super) fn scratch(
        &self,
        channels_in: usize,
        channels_out: usize,
        back: bool,
    ) -> [usize; 3] {
        let count = POINTS * self.band * self.count[1];
        [count * channels_in, count * channels_out, if back { count * channels_in } else { 0 }]
    }
}

const BAND: usize = 56;

/// A vector of channels of a tile.
#[derive(Clone, Copy)]
struct Place {
    /// Row and column of the tile.
    row: usize,
    column: usize,
    /// The first channel, of so many.
    channel: usize,
    channels: usize,
    /// Where it is at the first point, and how far the next point is.
    at: usize,
    plane: usize,
}

impl Place {
    #[inline(always)]
    fn points(self) -> Square {
        Square::points(self.at, self.plane)
    }
}

/// Kernels of shape `[kernel², depth, columns]`, with whole panels of columns, as 36 matrices of
/// panels.
#[inline(always)]
pub(super) fn kernels<S: Simd, const K: usize>(
    simd: S,
    kernels: &[f32],
    depth: usize,
    columns: usize,
) -> Vec<f32> {
    let width = gemm::panel_width::<S>();
    let plane = depth * columns;
    let mut out = vec![0.0; POINTS * plane];
    for row in 0..depth {
        for column in (0..columns).step_by(S::F32_LANES) {
            let from = Square { at: row * columns + column, row: K * plane, column: plane };
            let panel = column / width * depth;
            let to = Square::points((panel + row) * width + column % width, plane);
            let x = from.load::<S, K>(simd, kernels);
            to.store::<S, TILE>(&mut out, both::<S, EvaluateKernel, K, TILE>(simd, x));
        }
    }
    out
}

/// The transpose of [`kernels`], without the panels: gradients of 36 matrices of `plane` numbers
/// become gradients of shape `[kernel², plane]`.
#[inline(always)]
pub(super) fn kernel_gradients<S: Simd, const K: usize>(
    simd: S,
    gradients: &[f32],
    plane: usize,
) -> Vec<f32> {
    let mut out = vec![0.0; K * K * plane];
    for at in (0..plane).step_by(S::F32_LANES) {
        let x = Square::points(at, plane).load::<S, TILE>(simd, gradients);
        let to = Square { at, row: K * plane, column: plane };
        to.store::<S, K>(&mut out, both::<S, CollectKernel, TILE, K>(simd, x));
    }
    out
}

/// One image: `input` of shape `[padded height, padded width, channels_in]`, `kernels` from
/// [`kernels()`], `output` of shape `[computed height, computed width, channels_out]`. The kernels'
/// `depth` is the number of channels without their padding.
#[inline(always)]
pub(super) fn forward<S: Simd, const N: usize>(
    simd: S,
    tiles: &Tiles,
    input: &[f32],
    kernels: &[f32],
    [channels_in, depth, channels_out]: [usize; 3],
    [pixels, sums, _]: &mut [Vec<f32>; 3],
    output: &mut [f32],
) {
    let across = tiles.count[1];
    for first in (0..tiles.count[0]).step_by(tiles.band) {
        let last = (first + tiles.band).min(tiles.count[0]);
        let count = (last - first) * across;
        let pixels = &mut pixels[..POINTS * count * channels_in];
        let sums = &mut sums[..POINTS * count * channels_out];
        take_pixels(simd, tiles, first..last, input, channels_in, pixels);
        for point in 0..POINTS {
            let pixels = &pixels[point * count * channels_in..][..count * channels_in];
            let kernels = &kernels[point * depth * channels_out..][..depth * channels_out];
            let sums = &mut sums[point * count * channels_out..][..count * channels_out];
            gemm::product(simd, pixels, channels_in, kernels, depth, sums, channels_out);
        }
        for place in tiles.places::<S>(first..last, channels_out) {
            let x = place.points().load::<S, TILE>(simd, sums);
            let to = tiles.output(place);
            to.store::<S, N>(output, both::<S, Collect, TILE, N>(simd, x));
        }
    }
}

/// One image's gradients, for those of [`forward`]'s output: what belongs to the 36 matrices of shape
/// `[depth, channels_out]` is added to `kernel_gradients`, what belongs to the pixels to the second
/// part of `back`, whose first part are the transposed kernels with `depth_out` rows.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) fn backward<S: Simd, const N: usize>(
    simd: S,
    tiles: &Tiles,
    input: &[f32],
    output: &[f32],
    [channels_in, depth, channels_out, depth_out]: [usize; 4],
    [pixels, sums, pixel_gradients]: &mut [Vec<f32>; 3],
    kernel_gradients: &mut [f32],
    mut back: Option<(&[f32], &mut [f32])>,
) {
    let across = tiles.count[1];
    for first in (0..tiles.count[0]).step_by(tiles.band) {
        let last = (first + tiles.band).min(tiles.count[0]);
        let count = (last - first) * across;
        let pixels = &mut pixels[..POINTS * count * channels_in];
        let sums = &mut sums[..POINTS * count * channels_out];
        take_pixels(simd, tiles, first..last, input, channels_in, pixels);
        for place in tiles.places::<S>(first..last, channels_out) {
            let y = tiles.output(place).load::<S, N>(simd, output);
            let to = place.points();
            to.store::<S, TILE>(sums, both::<S, Evaluate, N, TILE>(simd, y));
        }
        for point in 0..POINTS {
            let pixels = &pixels[point * count * channels_in..][..count * channels_in];
            let sums = &sums[point * count * channels_out..][..count * channels_out];
            let to = &mut kernel_gradients[point * depth * channels_out..][..depth * channels_out];
            gemm::add_transposed_product(simd, pixels, channels_in, depth, sums, channels_out, to);
        }
        let Some((kernels, gradient)) = &mut back else { continue };
        for point in 0..POINTS {
            let sums = &sums[point * count * channels_out..][..count * channels_out];
            let kernels = &kernels[point * depth_out * channels_in..][..depth_out * channels_in];
            let to = &mut pixel_gradients[point * count * channels_in..][..count * channels_in];
            gemm::product(simd, sums, channels_out, kernels, depth_out, to, channels_in);
        }
        for place in tiles.places::<S>(first..last, channels_in) {
            let x = place.points().load::<S, TILE>(simd, pixel_gradients);
            let y = both::<S, PixelsTransposed, TILE, TILE>(simd, x);
            tiles.input(place).add::<S, TILE>(simd, gradient, y);
        }
    }
}

/// The tiles' pixels of some rows of tiles at the points, of shape `[36, tiles, channels]`.
#[inline(always)]
fn take_pixels<S: Simd>(
    simd: S,
    tiles: &Tiles,
    rows: Range<usize>,
    input: &[f32],
    channels: usize,
    out: &mut [f32],
) {
    for place in tiles.places::<S>(rows, channels) {
        let x = tiles.input(place).load::<S, TILE>(simd, input);
        let to = place.points();
        to.store::<S, TILE>(out, both::<S, Pixels, TILE, TILE>(simd, x));
    }
}
