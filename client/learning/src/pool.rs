//! Pooling by the largest pixel, with an own backward pass on the processor.
//!
//! burn works out the borders of every window anew; for windows of two by two pixels that takes several
//! times as long as the comparisons.

use burn::{
    backend::{
        Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        flex::FlexTensor,
    },
    tensor::{Tensor, module, ops::MaxPoolOptions},
};
use rayon::prelude::*;

use crate::conv::{Traced, numbers, tensor};

/// The largest pixel of every window of `size` pixels of each channel of `input`, whose shape is
/// `[batch, channels, height, width]`.
///
/// The result has shape `[batch, channels, height_out, width_out]` with
/// `height_out = (height + 2 · padding[0] − size[0]) / stride[0] + 1`, rounded down, and the width
/// accordingly. Pixels of the padding never win; of equal pixels the first wins, and what is not a number
/// wins over all. `size`, `stride` and `padding` are pixels as `[vertical, horizontal]`.
///
/// # Panics
///
/// As burn's pooling: where a window does not fit.
pub fn max_pool2d(
    input: Tensor<4>,
    size: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Tensor<4> {
    if let Some(windows) = Windows::new(input.dims(), size, stride, padding) {
        let own = traced(windows, &input).or_else(|| plain(windows, &input));
        if let Some(output) = own {
            return output;
        }
    }
    let options = MaxPoolOptions::new(size).with_stride(stride).with_padding(padding);
    module::max_pool2d(input, options)
}

/// The windows of an image.
#[derive(Clone, Copy, Debug)]
struct Windows {
    batch: usize,
    channels: usize,
    /// Height and width.
    input: [usize; 2],
    output: [usize; 2],
    size: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

impl Windows {
    /// Nothing where a window does not fit, or could lie in the padding alone.
    fn new(
        [batch, channels, height, width]: [usize; 4],
        size: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Option<Self> {
        let input = [height, width];
        let plane = height.checked_mul(width).filter(|plane| u32::try_from(*plane).is_ok())?;
        if stride.contains(&0) || size.contains(&0) || batch * channels * plane == 0 {
            return None;
        }
        let mut output = [0; 2];
        for axis in 0..2 {
            if padding[axis] >= size[axis] {
                return None;
            }
            let room = (input[axis] + 2 * padding[axis]).checked_sub(size[axis])?;
            output[axis] = room / stride[axis] + 1;
        }
        Some(Self { batch, channels, input, output, size, stride, padding })
    }

    fn shape(&self, [height, width]: [usize; 2]) -> [usize; 4] {
        [self.batch, self.channels, height, width]
    }

    /// The largest pixels, and where each lies in its channel.
    fn forward(&self, input: &[f32]) -> (Vec<f32>, Vec<u32>) {
        let (from, to) = (self.input[0] * self.input[1], self.output[0] * self.output[1]);
        let count = self.batch * self.channels * to;
        let (mut output, mut places) = (vec![0.0; count], vec![0; count]);
        input
            .par_chunks_exact(from)
            .zip(output.par_chunks_exact_mut(to))
            .zip(places.par_chunks_exact_mut(to))
            .with_min_len(PLANES)
            .for_each(|((input, output), places)| match (self.size, self.stride, self.padding) {
                // Known sizes unroll the loops.
                ([2, 2], [2, 2], [0, 0]) => {
                    let known = Self { size: [2, 2], stride: [2, 2], padding: [0, 0], ..*self };
                    known.plane(input, output, places);
                }
                _ => self.plane(input, output, places),
            });
        (output, places)
    }

    #[inline(always)]
    fn plane(&self, input: &[f32], output: &mut [f32], places: &mut [u32]) {
        let [height, width] = self.input;
        let rows = output.chunks_exact_mut(self.output[1]);
        for (row, (output, places)) in rows.zip(places.chunks_exact_mut(self.output[1])).enumerate()
        {
            let (top, bottom) = self.span(0, row, height);
            for (column, (output, place)) in output.iter_mut().zip(places).enumerate() {
                let (left, right) = self.span(1, column, width);
                let mut best = (input[top * width + left], top * width + left);
                for y in top..bottom {
                    for x in left..right {
                        let pixel = input[y * width + x];
                        if pixel > best.0 || pixel.is_nan() {
                            best = (pixel, y * width + x);
                        }
                    }
                }
                (*output, *place) = (best.0, best.1 as u32);
            }
        }
    }

    /// The pixels of a window along one axis.
    #[inline(always)]
    fn span(&self, axis: usize, window: usize, pixels: usize) -> (usize, usize) {
        let start = window * self.stride[axis];
        let end = start + self.size[axis];
        let padding = self.padding[axis];
        if padding == 0 {
            return (start, end);
        }
        (start.saturating_sub(padding), (end - padding).min(pixels))
    }

    fn backward(&self, gradients: &[f32], places: &[u32]) -> Vec<f32> {
        let (from, to) = (self.input[0] * self.input[1], self.output[0] * self.output[1]);
        let mut input = vec![0.0; self.batch * self.channels * from];
        input
            .par_chunks_exact_mut(from)
            .zip(gradients.par_chunks_exact(to))
            .zip(places.par_chunks_exact(to))
            .with_min_len(PLANES)
            .for_each(|((input, gradients), places)| {
                for (gradient, place) in gradients.iter().zip(places) {
                    input[*place as usize] += gradient;
                }
            });
        input
    }
}

/// Channels that one thread takes at a time, at least.
const PLANES: usize = 16;

/// Pooling on the processor without gradients; nothing for tensors of another device.
fn plain(windows: Windows, input: &Tensor<4>) -> Option<Tensor<4>> {
    let input = input.clone().try_into_primitive::<Flex>().ok()?;
    let (output, _) = windows.forward(&numbers(&input)?);
    let output = tensor(output, &windows.shape(windows.output));
    Some(Tensor::from_primitive::<Flex>(output))
}

/// Pooling on the processor as a node of burn's graph; nothing for tensors without one.
fn traced(windows: Windows, input: &Tensor<4>) -> Option<Tensor<4>> {
    let input = input.clone().try_into_primitive::<Traced>().ok()?;
    let (output, places) = windows.forward(&numbers(input.primitive())?);
    let output = tensor(output, &windows.shape(windows.output));
    let output = match Pooling.prepare::<NoCheckpointing>([input.node()]).compute_bound().stateful()
    {
        OpsKind::Tracked(prepared) => prepared.finish((windows, places), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(Tensor::from_primitive::<Traced>(output))
}

/// The operation in burn's graph.
#[derive(Debug)]
struct Pooling;

impl Backward<Flex, 1> for Pooling {
    type State = (Windows, Vec<u32>);

    fn backward(self, ops: Ops<Self::State, 1>, tape: &mut Gradients, _: &mut Checkpointer) {
        let output: FlexTensor = tape.consume::<Flex>(&ops.node);
        let (windows, places) = ops.state;
        let [Some(parent)] = ops.parents else { return };
        // The gradient of an `f32` tensor has its numbers' type.
        let Some(gradients) = numbers(&output) else { return };
        let input = windows.backward(&gradients, &places);
        tape.register::<Flex>(parent.id, tensor(input, &windows.shape(windows.input)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::{Device, TensorData};

    use super::*;

    type Sizes = ([usize; 4], [usize; 2], [usize; 2], [usize; 2]);

    const CASES: [Sizes; 5] = [
        ([2, 3, 6, 8], [2, 2], [2, 2], [0, 0]),
        ([1, 2, 7, 5], [2, 2], [2, 2], [0, 0]),
        ([2, 2, 9, 7], [3, 3], [2, 2], [1, 1]),
        ([1, 20, 5, 6], [3, 2], [1, 3], [0, 1]),
        ([1, 1, 3, 3], [3, 3], [1, 1], [0, 0]),
    ];

    /// Output and gradient of the input, each output weighted by its index.
    fn run(
        device: &Device,
        shape: [usize; 4],
        pool: impl Fn(Tensor<4>) -> Tensor<4>,
    ) -> (Vec<f32>, Option<Vec<f32>>) {
        // Few values, so that windows have several largest pixels.
        let count = shape.iter().product::<usize>();
        let pixels = (0..count).map(|i| ((i * 7_919 + 13) % 11) as f32 - 5.0).collect::<Vec<_>>();
        let input = Tensor::<4>::from_data(TensorData::new(pixels, shape), device);
        let input = if device.is_autodiff() { input.require_grad() } else { input };
        let output = pool(input.clone());
        let dims = output.dims();
        let weights = (0..dims.iter().product()).map(|i: usize| i as f32 + 1.0).collect::<Vec<_>>();
        let weights = Tensor::<4>::from_data(TensorData::new(weights, dims), device);
        let gradient = device.is_autodiff().then(|| {
            let tape = (output.clone() * weights).sum().backward();
            input.grad(&tape).unwrap().into_data().try_to_vec().unwrap()
        });
        (output.into_data().try_to_vec().unwrap(), gradient)
    }

    #[test]
    fn output_and_gradient_are_those_of_burns_pooling() {
        for (shape, size, stride, padding) in CASES {
            for device in [Device::flex(), Device::flex().autodiff()] {
                let own = run(&device, shape, |x| max_pool2d(x, size, stride, padding));
                let options = MaxPoolOptions::new(size).with_stride(stride).with_padding(padding);
                let burns = run(&device, shape, |x| module::max_pool2d(x, options.clone()));
                assert_eq!(own, burns, "{shape:?} {size:?}");
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_not_hidden() {
        let pixels = TensorData::new(vec![1.0, f32::NAN, 3.0, 2.0], [1, 1, 2, 2]);
        let input = Tensor::<4>::from_data(pixels, &Device::flex());
        let output = max_pool2d(input, [2, 2], [2, 2], [0, 0]).into_data();
        assert!(output.try_to_vec::<f32>().unwrap()[0].is_nan());
    }

    #[test]
    fn windows_that_do_not_fit_are_left_to_burn() {
        assert!(Windows::new([1, 1, 3, 3], [4, 2], [1, 1], [0, 0]).is_none());
        assert!(Windows::new([1, 1, 3, 3], [2, 2], [1, 0], [0, 0]).is_none());
        assert!(Windows::new([1, 1, 3, 3], [2, 2], [1, 1], [2, 0]).is_none());
        assert!(Windows::new([0, 1, 3, 3], [2, 2], [1, 1], [0, 0]).is_none());
    }
}
