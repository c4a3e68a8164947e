//! Products between tensors of `f32`, computed in the numbers that the weights have.
//!
//! Mixed precision (Micikevicius et al. 2018) computes what costs most, products and convolutions, in floats of
//! 16 bits. Biases are added, and gradients of the weights arrive, in `f32`.

use burn::tensor::{DType, FloatDType, Tensor, module};

use crate::conv;

/// `x · weight + bias` of shape `[rows, units]`, in `f32`, for `x` of shape `[rows, inputs]`.
pub(crate) fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let numbers = weight.dtype();
    if numbers == DType::F32 {
        return module::linear(x, weight, bias);
    }
    let product = module::linear(x.cast(numbers), weight, None).cast(FloatDType::F32);
    match bias {
        Some(bias) => product + bias.unsqueeze::<2>(),
        None => product,
    }
}

/// [`conv::conv2d`] of an image of `f32`, to the same.
pub(crate) fn conv2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: [usize; 2],
    padding: [usize; 2],
) -> Tensor<4> {
    let numbers = weight.dtype();
    if numbers == DType::F32 {
        return conv::conv2d(input, weight, bias, stride, padding);
    }
    let output = conv::conv2d(input.cast(numbers), weight, None, stride, padding);
    let output = output.cast(FloatDType::F32);
    match bias {
        Some(bias) => {
            let [channels] = bias.dims();
            output + bias.reshape([1, channels, 1, 1])
        }
        None => output,
    }
}
