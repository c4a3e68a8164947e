//! Between burn's order of numbers, channels first, and the kernels', channels last.

use super::Shape;

/// An image of shape `[channels, height, width]` into one of shape `[…, width, channels]` with a
/// margin. The margins and the spare channels of the target keep what they hold.
#[inline(always)]
pub(super) fn channels_last(
    (from, [height, width]): (&[f32], [usize; 2]),
    margin: [usize; 2],
    (to, to_width, to_channels): (&mut [f32], usize, usize),
) {
    for (channel, plane) in from.chunks_exact(height * width).enumerate() {
        for (row, pixels) in plane.chunks_exact(width).enumerate() {
            let start = ((row + margin[0]) * to_width + margin[1]) * to_channels;
            let to = &mut to[start..start + width * to_channels];
            for (to, pixel) in to.chunks_exact_mut(to_channels).zip(pixels) {
                to[channel] = *pixel;
            }
        }
    }
}

/// The way back, without the margin and the spare channels.
#[inline(always)]
pub(super) fn channels_first(
    (from, from_width, from_channels): (&[f32], usize, usize),
    margin: [usize; 2],
    (to, [height, width]): (&mut [f32], [usize; 2]),
) {
    for (channel, plane) in to.chunks_exact_mut(height * width).enumerate() {
        for (row, pixels) in plane.chunks_exact_mut(width).enumerate() {
            let start = ((row + margin[0]) * from_width + margin[1]) * from_channels;
            let from = &from[start..start + width * from_channels];
            for (from, pixel) in from.chunks_exact(from_channels).zip(pixels) {
                *pixel = from[channel];
            }
        }
    }
}

/// Weights of shape `[channels_out, channels_in, kernel²]` as `[kernel², channels_in, columns]`.
pub(super) fn kernels_first(shape: &Shape, weight: &[f32], columns: usize) -> Vec<f32> {
    let area = shape.kernel[0] * shape.kernel[1];
    let mut out = vec![0.0; area * shape.channels_in * columns];
    for (output, weight) in weight.chunks_exact(shape.channels_in * area).enumerate() {
        for (input, weight) in weight.chunks_exact(area).enumerate() {
            for (point, weight) in weight.iter().enumerate() {
                out[(point * shape.channels_in + input) * columns + output] = *weight;
            }
        }
    }
    out
}

/// Weights of shape `[channels_out, channels_in, kernel²]` as `[kernel², channels_out, columns]`.
pub(super) fn transposed_kernels_first(shape: &Shape, weight: &[f32], columns: usize) -> Vec<f32> {
    let area = shape.kernel[0] * shape.kernel[1];
    let mut out = vec![0.0; area * shape.channels_out * columns];
    for (output, weight) in weight.chunks_exact(shape.channels_in * area).enumerate() {
        for (input, weight) in weight.chunks_exact(area).enumerate() {
            for (point, weight) in weight.iter().enumerate() {
                out[(point * shape.channels_out + output) * columns + input] = *weight;
            }
        }
    }
    out
}

/// Weights of shape `[channels_out, channels_in, kernel²]` as `[channels_out, kernel² · channels_in]`
/// with rows of a padded length, which is the second result.
pub(super) fn kernel_rows(
    shape: &Shape,
    weight: &[f32],
    padded: impl Fn(usize) -> usize,
) -> (Vec<f32>, usize) {
    let area = shape.kernel[0] * shape.kernel[1];
    let stride = padded(area * shape.channels_in);
    let mut out = vec![0.0; shape.channels_out * stride];
    let rows = weight.chunks_exact(shape.channels_in * area);
    for (row, weight) in out.chunks_exact_mut(stride).zip(rows) {
        for (input, weight) in weight.chunks_exact(area).enumerate() {
            for (point, weight) in weight.iter().enumerate() {
                row[point * shape.channels_in + input] = *weight;
            }
        }
    }
    (out, stride)
}

/// The way back from [`kernels_first`].
pub(super) fn kernels_last(shape: &Shape, from: &[f32], columns: usize) -> Vec<f32> {
    let area = shape.kernel[0] * shape.kernel[1];
    let mut out = vec![0.0; shape.channels_out * shape.channels_in * area];
    for (output, weight) in out.chunks_exact_mut(shape.channels_in * area).enumerate() {
        for (input, weight) in weight.chunks_exact_mut(area).enumerate() {
            for (point, weight) in weight.iter_mut().enumerate() {
                *weight = from[(point * shape.channels_in + input) * columns + output];
            }
        }
    }
    out
}

/// Sums over everything but the channels, for gradients of a batch's outputs.
pub(super) fn channel_sums(gradients: &[f32], shape: &Shape) -> Vec<f32> {
    let [height, width] = shape.output;
    let mut sums = vec![0.0; shape.channels_out];
    for image in gradients.chunks_exact(shape.output_size()) {
        for (sum, plane) in sums.iter_mut().zip(image.chunks_exact(height * width)) {
            *sum += plane_sum(plane);
        }
    }
    sums
}

/// A sum in a fixed order that vectors can follow.
fn plane_sum(plane: &[f32]) -> f32 {
    let (chunks, rest) = plane.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x);
    }
    sums.iter().chain(rest).sum()
}
