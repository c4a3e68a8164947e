//! The forward pass of several clients, layer by layer.

use burn::tensor::{
    Tensor, TensorData,
    activation::{gelu, relu, sigmoid, tanh},
    module::{avg_pool2d, embedding},
    ops::AvgPoolOptions,
};

use super::{Droppings, Stack, whole_numbers};
use crate::{
    network::{
        layers::{EPSILON, kept},
        plan::{Affine, Image, Operation, Steps},
    },
    pool::max_pool2d,
    random::{Purpose, Stream},
};

impl Stack {
    /// One layer: `[clients, rows, numbers]` to `[clients, rows, other numbers]`.
    pub(super) fn apply(
        &self,
        operation: &Operation,
        x: Tensor<3>,
        dropping: Droppings<'_>,
    ) -> Tensor<3> {
        let [clients, rows, numbers] = x.dims();
        match *operation {
            Operation::Dense { weight, bias, inputs, units } => {
                let steps = numbers / inputs;
                let x = x.reshape([clients, rows * steps, inputs]);
                let product = x.matmul(self.matrix(weight));
                let sum = match bias {
                    Some(bias) => product + self.vector(bias).unsqueeze_dim::<3>(1),
                    None => product,
                };
                sum.reshape([clients, rows, steps * units])
            }
            Operation::Relu => relu(x),
            Operation::Gelu => gelu(x),
            Operation::Tanh => tanh(x),
            Operation::Sigmoid => sigmoid(x),
            Operation::Conv { weight, bias, image, stride, padding } => {
                self.conv(weight, bias, image, [stride, padding], x)
            }
            Operation::MaxPool { image, size, stride, padding } => {
                let (size, stride, padding) = ([size, size], [stride, stride], [padding, padding]);
                rows_of(max_pool2d(as_images(x, image), size, stride, padding), clients)
            }
            Operation::AvgPool { image, size, stride } => {
                let options = AvgPoolOptions::new([size, size]).with_stride([stride, stride]);
                rows_of(avg_pool2d(as_images(x, image), options), clients)
            }
            Operation::GlobalPool { image: Image { channels, height, width } } => x
                .reshape([clients * rows, channels, height * width])
                .mean_dim(2)
                .reshape([clients, rows, channels]),
            Operation::GroupNorm { affine, image, groups } => {
                let Image { channels, height, width } = image;
                let x = normal(x.reshape([clients * rows * groups, numbers / groups]));
                let x = x.reshape([clients, rows, channels, height * width]);
                let (gain, offset) = self.affine(affine);
                let of_channels = [clients, 1, channels, 1];
                (x * gain.reshape(of_channels) + offset.reshape(of_channels))
                    .reshape([clients, rows, numbers])
            }
            Operation::LayerNorm { affine, features } => {
                let steps = numbers / features;
                let x = normal(x.reshape([clients * rows * steps, features]));
                let (gain, offset) = self.affine(affine);
                let x = x.reshape([clients, rows * steps, features]);
                (x * gain.unsqueeze_dim::<3>(1) + offset.unsqueeze_dim::<3>(1))
                    .reshape([clients, rows, numbers])
            }
            Operation::Dropout { percent, layer } => drop_out(x, percent, layer, dropping),
            Operation::Keep => x,
            Operation::LastStep(Steps { steps, features }) => {
                x.narrow(2, (steps - 1) * features, features)
            }
            Operation::Residual { ref layers, ref shortcut } => {
                let beside = self.run(shortcut, x.clone(), dropping);
                self.run(layers, x, dropping) + beside
            }
            Operation::Embedding { weight, steps, units } => {
                // One table, in which each client's tokens follow those of the client before.
                let weight = self.matrix(weight);
                let [_, vocabulary, _] = weight.dims();
                let firsts = (0..clients).map(|client| client * vocabulary);
                let firsts = whole_numbers(firsts, &x.device()).reshape([clients, 1, 1]);
                let tokens = (x.int() + firsts).reshape([clients * rows, steps]);
                embedding(weight.reshape([clients * vocabulary, units]), tokens).reshape([
                    clients,
                    rows,
                    steps * units,
                ])
            }
            Operation::Position { weight } => {
                x + self.matrix(weight).reshape([clients, 1, numbers])
            }
            // Models with these layers are refused before.
            Operation::Gru { .. } | Operation::Lstm { .. } | Operation::Attention { .. } => x,
        }
    }

    fn affine(&self, Affine { weight, bias }: Affine) -> (Tensor<2>, Tensor<2>) {
        (self.vector(weight), self.vector(bias))
    }
}

fn as_images(x: Tensor<3>, Image { channels, height, width }: Image) -> Tensor<4> {
    let [clients, rows, _] = x.dims();
    x.reshape([clients * rows, channels, height, width])
}

fn rows_of(x: Tensor<4>, clients: usize) -> Tensor<3> {
    let [all, channels, height, width] = x.dims();
    x.reshape([clients, all / clients, channels * height * width])
}

/// Every row to mean 0 and variance 1.
fn normal(x: Tensor<2>) -> Tensor<2> {
    let mean = x.clone().mean_dim(1);
    let x = x - mean;
    let variance = x.clone().square().mean_dim(1);
    x / (variance + EPSILON).sqrt()
}

/// Sets numbers to zero and scales the others so that their expectation stays; the rows that fill a batch up stay as they are.
fn drop_out(
    x: Tensor<3>,
    percent: u32,
    layer: u32,
    Droppings { seeds, rows: own, step }: Droppings<'_>,
) -> Tensor<3> {
    let [clients, rows, numbers] = x.dims();
    let mut mask = Vec::with_capacity(clients * rows * numbers);
    for (client, (seed, own)) in seeds.iter().zip(own).enumerate() {
        let mut stream = Stream::new(seed, Purpose::Dropout, layer).at_step(step);
        mask.extend((0..own * numbers).map(|_| kept(&mut stream, percent)));
        mask.resize((client + 1) * rows * numbers, 1.0);
    }
    let device = x.device();
    x * Tensor::<3>::from_data(TensorData::new(mask, [clients, rows, numbers]), &device)
}
