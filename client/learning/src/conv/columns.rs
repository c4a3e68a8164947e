//! Any convolution as matrix products: the pixels under the kernel become a row (im2col).

use pulp::Simd;

use super::Shape;
use crate::gemm;

/// Rows that are worked on at once hold about this many numbers.
const BAND: usize = 1 << 15;

/// How one image is cut into rows.
pub(super) struct Columns {
    kernel: [usize; 2],
    stride: [usize; 2],
    channels_in: usize,
    channels_out: usize,
    output: [usize; 2],
    /// Height and width of an image with its padding, as far as the kernel sees it.
    pub(super) padded: [usize; 2],
    /// Numbers under the kernel.
    depth: usize,
    /// Rows of the output that are worked on at once.
    band: usize,
}

impl Columns {
    pub(super) fn new(shape: &Shape) -> Self {
        let output = shape.output;
        let depth = shape.kernel[0] * shape.kernel[1] * shape.channels_in;
        Self {
            kernel: shape.kernel,
            stride: shape.stride,
            channels_in: shape.channels_in,
            channels_out: shape.channels_out,
            output,
            padded: [0, 1].map(|i| {
                let seen = (output[i] - 1) * shape.stride[i] + shape.kernel[i];
                seen.max(shape.input[i] + 2 * shape.padding[i])
            }),
            depth,
            band: (BAND / (depth * output[1])).clamp(1, output[0]),
        }
    }

    /// Sizes of a band of rows and of their gradients.
    pub(super) fn scratch(&self, padded: impl Fn(usize) -> usize, back: bool) -> [usize; 3] {
        let rows = self.band * self.output[1];
        [rows * self.depth, if back { rows * padded(self.depth) } else { 0 }, 0]
    }

    /// One image: `input` of shape `[padded height, padded width, channels_in]`, `kernels` as panels
    /// of `depth` rows, `output` of shape `[height, width, channels]`.
    #[inline(always)]
    pub(super) fn forward<S: Simd>(
        &self,
        simd: S,
        input: &[f32],
        kernels: &[f32],
        channels: usize,
        scratch: &mut [Vec<f32>; 3],
        output: &mut [f32],
    ) {
        let across = self.output[1];
        for first in (0..self.output[0]).step_by(self.band) {
            let last = (first + self.band).min(self.output[0]);
            let rows = &mut scratch[0][..(last - first) * across * self.depth];
            self.gather(first, input, rows);
            let output = &mut output[first * across * channels..last * across * channels];
            gemm::product(simd, rows, self.depth, kernels, self.depth, output, channels);
        }
    }

    /// One image's gradients: those of the kernels, of shape `[depth, channels]`, are added to `sums`,
    /// those of the input to the second half of `back`, whose first half are the kernels with a row
    /// per channel of the output, as panels.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub(super) fn backward<S: Simd>(
        &self,
        simd: S,
        input: &[f32],
        output: &[f32],
        channels: usize,
        scratch: &mut [Vec<f32>; 3],
        sums: &mut [f32],
        mut back: Option<(&[f32], &mut [f32])>,
    ) {
        let across = self.output[1];
        let stride = gemm::padded::<S>(self.depth);
        for first in (0..self.output[0]).step_by(self.band) {
            let last = (first + self.band).min(self.output[0]);
            let count = (last - first) * across;
            let rows = &mut scratch[0][..count * self.depth];
            self.gather(first, input, rows);
            let output = &output[first * across * channels..last * across * channels];
            gemm::add_transposed_product(
                simd, rows, self.depth, self.depth, output, channels, sums,
            );
            if let Some((kernels, gradient)) = &mut back {
                let rows = &mut scratch[1][..count * stride];
                let depth = self.channels_out;
                gemm::product(simd, output, channels, kernels, depth, rows, stride);
                self.scatter(first, rows, stride, gradient);
            }
        }
    }

    /// Where the kernel's rows begin in the image and in a row of columns, for one output.
    #[inline(always)]
    fn runs(&self, row: usize, column: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (channels, width) = (self.channels_in, self.padded[1]);
        let (top, left) = (row * self.stride[0], column * self.stride[1]);
        let run = self.kernel[1] * channels;
        (0..self.kernel[0]).map(move |i| (((top + i) * width + left) * channels, i * run))
    }

    #[inline(always)]
    fn gather(&self, first: usize, input: &[f32], rows: &mut [f32]) {
        let run = self.kernel[1] * self.channels_in;
        for (index, to) in rows.chunks_exact_mut(self.depth).enumerate() {
            let (row, column) = (first + index / self.output[1], index % self.output[1]);
            for (from, at) in self.runs(row, column) {
                to[at..at + run].copy_from_slice(&input[from..from + run]);
            }
        }
    }

    #[inline(always)]
    fn scatter(&self, first: usize, rows: &[f32], stride: usize, gradient: &mut [f32]) {
        let run = self.kernel[1] * self.channels_in;
        for (index, from) in rows.chunks_exact(stride).enumerate() {
            let (row, column) = (first + index / self.output[1], index % self.output[1]);
            for (to, at) in self.runs(row, column) {
                let sums = gradient[to..to + run].iter_mut();
                sums.zip(&from[at..at + run]).for_each(|(sum, x)| *sum += x);
            }
        }
    }
}
