//! Two-dimensional convolution with an own backward pass on the processor.
//!
//! On the processor burn computes the gradients of the weights by a general convolution with
//! exchanged dimensions; here they are matrix products as the forward pass is. 3 × 3 and 5 × 5 kernels
//! with a step of one pixel work on tiles (`winograd.rs`), all others on rows of pixels
//! (`columns.rs`). On any other device, burn's convolution is called.

mod columns;
mod cpu;
mod layout;
mod winograd;

use std::borrow::Cow;

use burn::{
    backend::{
        Autodiff, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
            grads::Gradients as Tape,
            ops::{Backward, Ops, OpsKind},
        },
        flex::FlexTensor,
    },
    tensor::{DType, Float, Tensor, TensorData, module, ops::ConvOptions},
};

/// The processor with burn's graph.
pub(crate) type Traced = Autodiff<Flex>;

/// Convolves `input` of shape `[batch, channels_in, height, width]` with `weight` of shape
/// `[channels_out, channels_in, kernel height, kernel width]`.
///
/// The result has shape `[batch, channels_out, height_out, width_out]` with
/// `height_out = (height + 2 · padding[0] − kernel height) / stride[0] + 1`, rounded down, and the
/// width accordingly. `bias` has shape `[channels_out]`; `stride` and `padding` are pixels as
/// `[vertical, horizontal]`.
///
/// On the processor, equal inputs give equal bits for any number of threads.
///
/// # Panics
///
/// As burn's convolution: where the shapes do not fit together.
pub fn conv2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: [usize; 2],
    padding: [usize; 2],
) -> Tensor<4> {
    if let Some(shape) = Shape::new(input.dims(), weight.dims(), stride, padding)
        && bias.as_ref().is_none_or(|bias| bias.dims() == [shape.channels_out])
    {
        let own = traced(shape, &input, &weight, bias.as_ref())
            .or_else(|| plain(shape, &input, &weight, bias.as_ref()));
        if let Some(output) = own {
            return output;
        }
    }
    module::conv2d(input, weight, bias, ConvOptions::new(stride, padding, [1, 1], 1))
}

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
struct Shape {
    batch: usize,
    channels_in: usize,
    channels_out: usize,
    /// Height and width.
    input: [usize; 2],
    output: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

impl Shape {
    /// Nothing where the kernel does not fit or the channels differ.
    fn new(
        [batch, channels_in, height, width]: [usize; 4],
        [channels_out, kernel_channels, kernel_height, kernel_width]: [usize; 4],
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Option<Self> {
        let (input, kernel) = ([height, width], [kernel_height, kernel_width]);
        let sizes = [batch, channels_in, channels_out, height, width, kernel_height, kernel_width];
        if channels_in != kernel_channels || sizes.contains(&0) || stride.contains(&0) {
            return None;
        }
        let mut output = [0; 2];
        for axis in 0..2 {
            let room = (input[axis] + 2 * padding[axis]).checked_sub(kernel[axis])?;
            output[axis] = room / stride[axis] + 1;
        }
        Some(Self { batch, channels_in, channels_out, input, output, kernel, stride, padding })
    }

    /// Numbers of one image.
    fn input_size(&self) -> usize {
        self.channels_in * self.input[0] * self.input[1]
    }

    /// Numbers of one image's result.
    fn output_size(&self) -> usize {
        self.channels_out * self.output[0] * self.output[1]
    }
}

/// Gradients of a convolution, each in its tensor's order.
struct Gradients {
    input: Option<Vec<f32>>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// The convolution on the processor without gradients; nothing for tensors of another device.
fn plain(
    shape: Shape,
    input: &Tensor<4>,
    weight: &Tensor<4>,
    bias: Option<&Tensor<1>>,
) -> Option<Tensor<4>> {
    let input = input.clone().try_into_primitive::<Flex>().ok()?;
    let weight = weight.clone().try_into_primitive::<Flex>().ok()?;
    let bias = match bias {
        Some(bias) => Some(bias.clone().try_into_primitive::<Flex>().ok()?),
        None => None,
    };
    let output = forward(&shape, &input, &weight, bias.as_ref())?;
    Some(Tensor::from_primitive::<Flex>(output))
}

/// The convolution on the processor as a node of burn's graph; nothing for tensors without one.
fn traced(
    shape: Shape,
    input: &Tensor<4>,
    weight: &Tensor<4>,
    bias: Option<&Tensor<1>>,
) -> Option<Tensor<4>> {
    let input = input.clone().try_into_primitive::<Traced>().ok()?;
    let weight = weight.clone().try_into_primitive::<Traced>().ok()?;
    let bias = match bias {
        Some(bias) => Some(bias.clone().try_into_primitive::<Traced>().ok()?),
        None => None,
    };
    let inner = bias.as_ref().map(|bias| bias.primitive());
    let output = forward(&shape, input.primitive(), weight.primitive(), inner)?;
    let state =
        State { shape, input: input.primitive().clone(), weight: weight.primitive().clone() };
    let output = match bias {
        Some(bias) => match Convolution
            .prepare::<NoCheckpointing>([input.node(), weight.node(), bias.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => prepared.finish(state, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        },
        None => match Convolution
            .prepare::<NoCheckpointing>([input.node(), weight.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => prepared.finish(state, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        },
    };
    Some(Tensor::<4, Float>::from_primitive::<Traced>(output))
}

fn forward(
    shape: &Shape,
    input: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&FlexTensor>,
) -> Option<FlexTensor> {
    let (input, weight) = (numbers(input)?, numbers(weight)?);
    let bias = match bias {
        Some(bias) => Some(numbers(bias)?),
        None => None,
    };
    let output = cpu::forward(shape, &input, &weight, bias.as_deref());
    let [height, width] = shape.output;
    Some(tensor(output, &[shape.batch, shape.channels_out, height, width]))
}

/// A tensor's numbers in order; nothing where they are not `f32`.
pub(crate) fn numbers(tensor: &FlexTensor) -> Option<Cow<'_, [f32]>> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    match tensor.as_slice::<f32>() {
        Some(numbers) => Some(Cow::Borrowed(numbers)),
        None => tensor.to_contiguous().as_slice::<f32>().map(|x| Cow::Owned(x.to_vec())),
    }
}

/// Numbers in order as a tensor.
pub(crate) fn tensor(numbers: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape.to_vec()))
}

/// The operation in burn's graph.
#[derive(Debug)]
struct Convolution;

/// What the backward pass needs of the forward pass.
#[derive(Clone, Debug)]
struct State {
    shape: Shape,
    input: FlexTensor,
    weight: FlexTensor,
}

impl State {
    /// Gradients for those of the output, as tensors. They are there: `forward` has read these
    /// tensors, and a gradient has its tensor's numbers.
    fn gradients(self, output: &FlexTensor, wants_input: bool) -> Option<[Option<FlexTensor>; 3]> {
        let shape = self.shape;
        let (input, weight) = (numbers(&self.input)?, numbers(&self.weight)?);
        let output = numbers(output)?;
        let gradients = cpu::backward(&shape, &input, &weight, &output, wants_input);
        let [height, width] = shape.input;
        let image = [shape.batch, shape.channels_in, height, width];
        let kernel = [shape.channels_out, shape.channels_in, shape.kernel[0], shape.kernel[1]];
        Some([
            gradients.input.map(|numbers| tensor(numbers, &image)),
            Some(tensor(gradients.weight, &kernel)),
            Some(tensor(gradients.bias, &[shape.channels_out])),
        ])
    }

    fn register<const N: usize>(ops: Ops<Self, N>, tape: &mut Tape) {
        let output = tape.consume::<Flex>(&ops.node);
        let wants_input = ops.parents.first().is_some_and(Option::is_some);
        let Some(gradients) = ops.state.gradients(&output, wants_input) else { return };
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                tape.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

impl Backward<Flex, 2> for Convolution {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, tape: &mut Tape, _: &mut Checkpointer) {
        State::register(ops, tape);
    }
}

impl Backward<Flex, 3> for Convolution {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, tape: &mut Tape, _: &mut Checkpointer) {
        State::register(ops, tape);
    }
}

#[cfg(test)]
mod tests;
