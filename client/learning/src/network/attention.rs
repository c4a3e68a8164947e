//! Multi-head self-attention.

use burn::tensor::{FloatDType, Tensor, TensorData, activation::softmax};

use super::{
    Network,
    plan::{Pair, Steps},
};
use crate::mixed::linear;

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
        let all = linear(x, self.factor(first.weight), Some(self.vector(first.bias)));
        let all = all.cast(self.products);
        let part = |index: usize| {
            all.clone()
                .narrow(1, index * features, features)
                .reshape([rows, steps, heads, size])
                .swap_dims(1, 2)
        };
        let (queries, keys, values) = (part(0), part(1), part(2));
        let scores = queries.matmul(keys.swap_dims(2, 3)).cast(FloatDType::F32);
        let mut scores = scores * (1.0 / (size as f64).sqrt());
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
        let shares = softmax(scores, 3).cast(self.products);
        let seen = shares.matmul(values).cast(FloatDType::F32).swap_dims(1, 2);
        let seen = seen.reshape([rows * steps, features]);
        linear(seen, self.factor(second.weight), Some(self.vector(second.bias)))
            .reshape([rows, numbers])
    }
}
