//! Recurrent layers: the input's products for all steps at once, then the steps.

use burn::tensor::Tensor;

use super::{
    Network,
    plan::{Affine, Pair, Steps},
};
use crate::{mixed::linear, recurrent};

impl Network {
    pub(super) fn gru(&self, pair: Pair, shape: Steps, x: Tensor<2>) -> Tensor<2> {
        self.recur(pair, shape, x, recurrent::gru)
    }

    pub(super) fn lstm(&self, pair: Pair, shape: Steps, x: Tensor<2>) -> Tensor<2> {
        self.recur(pair, shape, x, recurrent::lstm)
    }

    /// `layer` for `x · W + b` of every step, `[rows, steps · gates]`, and the weights of the state.
    fn recur(
        &self,
        Pair { first, second }: Pair,
        Steps { steps, features }: Steps,
        x: Tensor<2>,
        layer: impl Fn(Tensor<2>, Tensor<2>, Tensor<1>) -> Tensor<2>,
    ) -> Tensor<2> {
        let [rows, _] = x.dims();
        let (weight, bias) = self.affine(first);
        let [_, gates] = weight.dims();
        let inputs = linear(x.reshape([rows * steps, features]), weight, Some(bias));
        let (weight, bias) = self.affine(second);
        layer(inputs.reshape([rows, steps * gates]), weight, bias)
    }

    fn affine(&self, Affine { weight, bias }: Affine) -> (Tensor<2>, Tensor<1>) {
        (self.factor(weight), self.vector(bias))
    }
}
