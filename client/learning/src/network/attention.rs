//! Multi-head self-attention.

use burn::tensor::{Tensor, TensorData, activation::softmax, module::linear};

use super::{
    Network,
    plan::{Pair, Steps},
};

impl Network {
    /// `softmax(q · kᵀ / √d) · v` per head, between a product that makes queries, keys and values and one
    /// that mixes the heads: `[rows, steps · features]` to the same.
    pub(super) fn attention(
        &self,
        Pair { first, second }: Pair,
        Steps { steps, features }: Steps,
        heads: usize,
        causal: bool,
        x: Tensor<2>,
    ) -> Tensor<2> {
        let [rows, numbers] = x.dims();
        let size = features / heads;
        let x = x.reshape([rows * steps, features]);
        let all = linear(x, self.matrix(first.weight), Some(self.vector(first.bias)));
        let part = |index: usize| {
            all.clone()
                .narrow(1, index * features, features)
                .reshape([rows, steps, heads, size])
                .swap_dims(1, 2)
        };
        let (queries, keys, values) = (part(0), part(1), part(2));
        let mut scores = queries.matmul(keys.swap_dims(2, 3)) * (1.0 / (size as f64).sqrt());
        if causal {
            // Minus infinity becomes a share of zero; every step sees itself, so none is left without.
            let hidden = (0..steps * steps).map(|index| match index % steps > index / steps {
                true => f32::NEG_INFINITY,
                false => 0.0,
            });
            let hidden = TensorData::new(hidden.collect::<Vec<f32>>(), [1, 1, steps, steps]);
            let device = scores.device();
            scores = scores + Tensor::<4>::from_data(hidden, &device);
        }
        let seen = softmax(scores, 3).matmul(values).swap_dims(1, 2);
        let seen = seen.reshape([rows * steps, features]);
        linear(seen, self.matrix(second.weight), Some(self.vector(second.bias)))
            .reshape([rows, numbers])
    }
}
