//! The forward pass, layer by layer.

use burn::tensor::{
    Tensor, TensorData,
    activation::{gelu, relu, sigmoid, tanh},
    module::{avg_pool2d, embedding, layer_norm},
    ops::AvgPoolOptions,
};

use super::{
    Dropping, Network,
    plan::{Affine, Image, Operation, Steps},
};
use crate::{
    mixed::{conv2d, linear},
    pool::max_pool2d,
    random::{Purpose, Stream},
};

/// Keeps the quotient of a norm finite where all numbers are equal.
pub(super) const EPSILON: f64 = 1e-5;

impl Network {
    /// One layer: `[rows, numbers]` to `[rows, other numbers]`.
    pub(super) fn apply(
        &self,
        operation: &Operation,
        x: Tensor<2>,
        dropping: Option<Dropping>,
    ) -> Tensor<2> {
        let [rows, numbers] = x.dims();
        match *operation {
            Operation::Dense { weight, bias, inputs, units } => {
                let (weight, bias) = (self.factor(weight), bias.map(|bias| self.vector(bias)));
                if inputs == numbers {
                    return linear(x, weight, bias);
                }
                let steps = numbers / inputs;
                linear(x.reshape([rows * steps, inputs]), weight, bias)
                    .reshape([rows, steps * units])
            }
            Operation::Relu => relu(x),
            Operation::Gelu => gelu(x),
            Operation::Tanh => tanh(x),
            Operation::Sigmoid => sigmoid(x),
            Operation::Conv { weight, bias, image, stride, padding } => {
                let (weight, bias) = (self.kernel(weight), bias.map(|bias| self.vector(bias)));
                let (stride, padding) = ([stride, stride], [padding, padding]);
                rows_of(conv2d(as_image(x, image), weight, bias, stride, padding))
            }
            Operation::MaxPool { image, size, stride, padding } => {
                let (size, stride, padding) = ([size, size], [stride, stride], [padding, padding]);
                rows_of(max_pool2d(as_image(x, image), size, stride, padding))
            }
            Operation::AvgPool { image, size, stride } => {
                let options = AvgPoolOptions::new([size, size]).with_stride([stride, stride]);
                rows_of(avg_pool2d(as_image(x, image), options))
            }
            Operation::GlobalPool { image: Image { channels, height, width } } => {
                x.reshape([rows, channels, height * width]).mean_dim(2).reshape([rows, channels])
            }
            Operation::GroupNorm { affine, image, groups } => {
                self.group_norm(affine, x, image, groups)
            }
            Operation::LayerNorm { affine: Affine { weight, bias }, features } => {
                let (gain, offset) = (self.vector(weight), Some(self.vector(bias)));
                let x = x.reshape([rows * (numbers / features), features]);
                layer_norm(x, gain, offset, EPSILON).reshape([rows, numbers])
            }
            Operation::Dropout { percent, layer } => match dropping {
                Some(dropping) => drop_out(x, percent, layer, dropping),
                None => x,
            },
            Operation::Keep => x,
            Operation::LastStep(Steps { steps, features }) => {
                x.narrow(1, (steps - 1) * features, features)
            }
            Operation::Residual { ref layers, ref shortcut } => {
                let beside = self.run(shortcut, x.clone(), dropping);
                self.run(layers, x, dropping) + beside
            }
            Operation::Embedding { weight, steps, units } => {
                embedding(self.matrix(weight), x.int()).reshape([rows, steps * units])
            }
            Operation::Position { weight } => x + self.matrix(weight).reshape([1, numbers]),
            Operation::Gru { pair, steps } => self.gru(pair, steps, x),
            Operation::Lstm { pair, steps } => self.lstm(pair, steps, x),
            Operation::Attention { pair, steps, heads, causal } => {
                self.attention(pair, steps, heads, causal, x)
            }
        }
    }

    /// Each group of channels of each row to mean 0 and variance 1, then a gain and an offset per
    /// channel.
    fn group_norm(
        &self,
        Affine { weight, bias }: Affine,
        x: Tensor<2>,
        Image { channels, height, width }: Image,
        groups: usize,
    ) -> Tensor<2> {
        let [rows, numbers] = x.dims();
        let x = x.reshape([rows * groups, numbers / groups]);
        let mean = x.clone().mean_dim(1);
        let x = x - mean;
        let variance = x.clone().square().mean_dim(1);
        let x = x / (variance + EPSILON).sqrt();
        let gain = self.vector(weight).reshape([1, channels, 1]);
        let offset = self.vector(bias).reshape([1, channels, 1]);
        (x.reshape([rows, channels, height * width]) * gain + offset).reshape([rows, numbers])
    }
}

fn as_image(x: Tensor<2>, Image { channels, height, width }: Image) -> Tensor<4> {
    let [rows, _] = x.dims();
    x.reshape([rows, channels, height, width])
}

fn rows_of(x: Tensor<4>) -> Tensor<2> {
    let [rows, channels, height, width] = x.dims();
    x.reshape([rows, channels * height * width])
}

/// Sets numbers to zero and scales the others so that their expectation stays.
fn drop_out(
    x: Tensor<2>,
    percent: u32,
    layer: u32,
    Dropping { seed, step }: Dropping,
) -> Tensor<2> {
    let [rows, numbers] = x.dims();
    let mut stream = Stream::new(&seed, Purpose::Dropout, layer).at_step(step);
    let mask: Vec<f32> = (0..rows * numbers).map(|_| kept(&mut stream, percent)).collect();
    let device = x.device();
    x * Tensor::<2>::from_data(TensorData::new(mask, [rows, numbers]), &device)
}

/// What the next number is multiplied by.
pub(super) fn kept(stream: &mut Stream, percent: u32) -> f32 {
    // A number stays where its 32 bits are not in the lowest `percent` hundredths of their range.
    let first = (u64::from(percent) << 32).div_ceil(100);
    if u64::from(stream.bits()) < first { 0.0 } else { 100.0 / (100 - percent) as f32 }
}
