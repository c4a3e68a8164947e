//! Convolution on the processor: images are laid out with their channels last and the work becomes
//! matrix products, image by image and on as many threads as there are.
//!
//! What is summed over images is cut into parts that depend on the batch alone, so that any number
//! of threads gives the same bits.

use std::cell::RefCell;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Gradients, Shape,
    columns::Columns,
    layout,
    winograd::{self, Tiles},
};
use crate::gemm;

/// Gradients of the weights are summed over a batch in at most this many parts.
const PARTS: usize = 4;

/// How a convolution is computed.
enum Plan {
    Tiles3(Tiles),
    Tiles5(Tiles),
    Columns(Columns),
}

/// What every image of a batch needs.
struct Context<'a> {
    shape: &'a Shape,
    plan: Plan,
    /// Numbers per pixel of the input and the output, with their padding.
    channels: [usize; 2],
    /// Height and width of the input with its padding.
    padded: [usize; 2],
    /// Height and width of the output as far as it is computed.
    computed: [usize; 2],
}

impl<'a> Context<'a> {
    fn new<S: Simd>(shape: &'a Shape) -> Self {
        // With few channels the transforms of the tiles would outweigh their products.
        let wide = shape.channels_in >= 8 && shape.channels_out >= 8 && shape.stride == [1, 1];
        let channels = [shape.channels_in, shape.channels_out].map(gemm::padded::<S>);
        let tiled = |tiles: &Tiles| (channels, tiles.padded, tiles.computed());
        let (plan, (channels, padded, computed)) = match shape.kernel {
            [3, 3] if wide => {
                let tiles = Tiles::new(shape);
                let sizes = tiled(&tiles);
                (Plan::Tiles3(tiles), sizes)
            }
            [5, 5] if wide => {
                let tiles = Tiles::new(shape);
                let sizes = tiled(&tiles);
                (Plan::Tiles5(tiles), sizes)
            }
            _ => {
                let columns = Columns::new(shape);
                let sizes = ([shape.channels_in, channels[1]], columns.padded, shape.output);
                (Plan::Columns(columns), sizes)
            }
        };
        Self { shape, plan, channels, padded, computed }
    }

    /// `weight` as the forward pass needs it.
    fn kernels<S: Simd>(&self, simd: S, weight: &[f32]) -> Vec<f32> {
        let (depth, columns) = (self.shape.channels_in, self.channels[1]);
        let kernels = layout::kernels_first(self.shape, weight, columns);
        match self.plan {
            Plan::Tiles3(_) => winograd::kernels::<S, 3>(simd, &kernels, depth, columns),
            Plan::Tiles5(_) => winograd::kernels::<S, 5>(simd, &kernels, depth, columns),
            Plan::Columns(_) => gemm::panels::<S>(&kernels, columns),
        }
    }

    /// `weight` as the gradients of the input need it.
    fn transposed_kernels<S: Simd>(&self, simd: S, weight: &[f32]) -> Vec<f32> {
        let (depth, columns) = (self.shape.channels_out, self.channels[0]);
        let kernels = || layout::transposed_kernels_first(self.shape, weight, columns);
        match self.plan {
            Plan::Tiles3(_) => winograd::kernels::<S, 3>(simd, &kernels(), depth, columns),
            Plan::Tiles5(_) => winograd::kernels::<S, 5>(simd, &kernels(), depth, columns),
            Plan::Columns(_) => {
                let (rows, stride) = layout::kernel_rows(self.shape, weight, gemm::padded::<S>);
                gemm::panels::<S>(&rows, stride)
            }
        }
    }

    /// Size of the sums from which the gradients of the weights are made.
    fn kernel_gradients(&self) -> usize {
        let points = match self.plan {
            Plan::Tiles3(_) | Plan::Tiles5(_) => winograd::POINTS,
            Plan::Columns(_) => self.shape.kernel[0] * self.shape.kernel[1],
        };
        points * self.shape.channels_in * self.channels[1]
    }

    fn weight_gradients<S: Simd>(&self, simd: S, sums: &[f32]) -> Vec<f32> {
        let plane = self.shape.channels_in * self.channels[1];
        let rows = match self.plan {
            Plan::Tiles3(_) => &winograd::kernel_gradients::<S, 3>(simd, sums, plane),
            Plan::Tiles5(_) => &winograd::kernel_gradients::<S, 5>(simd, sums, plane),
            Plan::Columns(_) => sums,
        };
        layout::kernels_last(self.shape, rows, self.channels[1])
    }

    fn room<S: Simd>(&self, back: bool) -> Room {
        let [input, output] = self.channels;
        Room {
            input: vec![0.0; self.padded[0] * self.padded[1] * input],
            output: vec![0.0; self.computed[0] * self.computed[1] * output],
            input_gradient: if back {
                vec![0.0; self.padded[0] * self.padded[1] * input]
            } else {
                Vec::new()
            },
            scratch: spare(match &self.plan {
                Plan::Tiles3(tiles) | Plan::Tiles5(tiles) => tiles.scratch(input, output, back),
                Plan::Columns(columns) => columns.scratch(gemm::padded::<S>, back),
            }),
        }
    }
}

thread_local! {
    /// Large buffers from the last convolution on this thread: new ones would be cleared page by page.
    static SPARE: RefCell<[Vec<f32>; 3]> = const { RefCell::new([const { Vec::new() }; 3]) };
}

/// Buffers of at least these sizes, with anything in them.
fn spare(sizes: [usize; 3]) -> [Vec<f32>; 3] {
    let mut buffers = SPARE.take();
    for (buffer, size) in buffers.iter_mut().zip(sizes) {
        if buffer.len() < size {
            buffer.resize(size, 0.0);
        }
    }
    buffers
}

/// Buffers that one thread uses for one image after another.
struct Room {
    input: Vec<f32>,
    output: Vec<f32>,
    input_gradient: Vec<f32>,
    scratch: [Vec<f32>; 3],
}

impl Drop for Room {
    fn drop(&mut self) {
        SPARE.set(std::mem::take(&mut self.scratch));
    }
}

/// The convolution of `input` with `weight`, plus `bias`.
pub(super) fn forward(
    shape: &Shape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    Arch::new().dispatch(Forward { shape, input, weight, bias })
}

struct Forward<'a> {
    shape: &'a Shape,
    input: &'a [f32],
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
}

impl WithSimd for Forward<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let context = Context::new::<S>(self.shape);
        let kernels = context.kernels(simd, self.weight);
        let mut output = vec![0.0; self.shape.batch * self.shape.output_size()];
        let images = self.input.par_chunks_exact(self.shape.input_size());
        output.par_chunks_exact_mut(self.shape.output_size()).zip(images).for_each_init(
            || context.room::<S>(false),
            |room, (output, input)| {
                simd.vectorize(ForwardImage {
                    context: &context,
                    kernels: &kernels,
                    bias: self.bias,
                    room,
                    input,
                    output,
                });
            },
        );
        output
    }
}

struct ForwardImage<'a> {
    context: &'a Context<'a>,
    kernels: &'a [f32],
    bias: Option<&'a [f32]>,
    room: &'a mut Room,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for ForwardImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { context, kernels, bias, room, input, output } = self;
        let [channels_in, channels_out] = context.channels;
        let shape = context.shape;
        layout::channels_last(
            (input, shape.input),
            shape.padding,
            (&mut room.input, context.padded[1], channels_in),
        );
        let sizes = [channels_in, shape.channels_in, channels_out];
        let (from, to, scratch) = (&room.input, &mut room.output, &mut room.scratch);
        match &context.plan {
            Plan::Tiles3(tiles) => {
                winograd::forward::<S, 4>(simd, tiles, from, kernels, sizes, scratch, to);
            }
            Plan::Tiles5(tiles) => {
                winograd::forward::<S, 2>(simd, tiles, from, kernels, sizes, scratch, to);
            }
            Plan::Columns(columns) => {
                columns.forward(simd, from, kernels, channels_out, scratch, to);
            }
        }
        let from = (&room.output[..], context.computed[1], channels_out);
        layout::channels_first(from, [0, 0], (output, shape.output));
        if let Some(bias) = bias {
            let [height, width] = shape.output;
            for (plane, bias) in output.chunks_exact_mut(height * width).zip(bias) {
                plane.iter_mut().for_each(|x| *x += bias);
            }
        }
    }
}

/// The gradients of [`forward`] for those of its output; that of the input where it is wanted.
pub(super) fn backward(
    shape: &Shape,
    input: &[f32],
    weight: &[f32],
    output: &[f32],
    wants_input: bool,
) -> Gradients {
    Arch::new().dispatch(Backward { shape, input, weight, output, wants_input })
}

struct Backward<'a> {
    shape: &'a Shape,
    input: &'a [f32],
    weight: &'a [f32],
    output: &'a [f32],
    wants_input: bool,
}

impl WithSimd for Backward<'_> {
    type Output = Gradients;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients {
        let Self { shape, wants_input, .. } = self;
        let context = Context::new::<S>(shape);
        let kernels = wants_input.then(|| context.transposed_kernels(simd, self.weight));
        let (input_size, output_size) = (shape.input_size(), shape.output_size());
        let mut input = vec![0.0; if wants_input { shape.batch * input_size } else { 0 }];
        let part = shape.batch.div_ceil(PARTS).max(1);

        let run = |from: &[f32], output: &[f32], mut input: Option<&mut [f32]>| {
            let mut room = context.room::<S>(wants_input);
            let mut sums = vec![0.0; context.kernel_gradients()];
            for (index, (from, output)) in
                from.chunks_exact(input_size).zip(output.chunks_exact(output_size)).enumerate()
            {
                simd.vectorize(BackwardImage {
                    context: &context,
                    kernels: kernels.as_deref(),
                    room: &mut room,
                    from,
                    output,
                    sums: &mut sums,
                    input: input
                        .as_deref_mut()
                        .map(|all| &mut all[index * input_size..][..input_size]),
                });
            }
            sums
        };
        let from = self.input.par_chunks(part * input_size);
        let gradients = self.output.par_chunks(part * output_size);
        let parts: Vec<Vec<f32>> = if wants_input {
            let to = input.par_chunks_mut(part * input_size);
            let parts = from.zip(gradients).zip(to);
            parts.map(|((from, output), to)| run(from, output, Some(to))).collect()
        } else {
            from.zip(gradients).map(|(from, output)| run(from, output, None)).collect()
        };
        let mut sums = vec![0.0; context.kernel_gradients()];
        for part in &parts {
            sums.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
        }
        Gradients {
            input: wants_input.then_some(input),
            weight: context.weight_gradients(simd, &sums),
            bias: layout::channel_sums(self.output, shape),
        }
    }
}

struct BackwardImage<'a> {
    context: &'a Context<'a>,
    kernels: Option<&'a [f32]>,
    room: &'a mut Room,
    from: &'a [f32],
    output: &'a [f32],
    sums: &'a mut [f32],
    input: Option<&'a mut [f32]>,
}

impl WithSimd for BackwardImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { context, kernels, room, from, output, sums, input } = self;
        let [channels_in, channels_out] = context.channels;
        let shape = context.shape;
        layout::channels_last(
            (from, shape.input),
            shape.padding,
            (&mut room.input, context.padded[1], channels_in),
        );
        layout::channels_last(
            (output, shape.output),
            [0, 0],
            (&mut room.output, context.computed[1], channels_out),
        );
        let sizes = [channels_in, shape.channels_in, channels_out, shape.channels_out];
        room.input_gradient.fill(0.0);
        let back = kernels.map(|kernels| (kernels, &mut room.input_gradient[..]));
        let (from, output, scratch) = (&room.input, &room.output, &mut room.scratch);
        match &context.plan {
            Plan::Tiles3(tiles) => {
                winograd::backward::<S, 4>(simd, tiles, from, output, sizes, scratch, sums, back);
            }
            Plan::Tiles5(tiles) => {
                winograd::backward::<S, 2>(simd, tiles, from, output, sizes, scratch, sums, back);
            }
            Plan::Columns(columns) => {
                columns.backward(simd, from, output, channels_out, scratch, sums, back);
            }
        }
        if let Some(input) = input {
            let gradient = (&room.input_gradient[..], context.padded[1], channels_in);
            layout::channels_first(gradient, shape.padding, (input, shape.input));
        }
    }
}
