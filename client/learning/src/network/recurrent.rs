//! Recurrent layers: the input's products for all steps at once, then one step after the other.

use burn::tensor::{
    Tensor,
    activation::{sigmoid, tanh},
    module::linear,
};

use super::{
    Network,
    plan::{Affine, Pair, Steps},
};

impl Network {
    /// `r = σ(x·Wr + h·Ur)`, `z = σ(x·Wz + h·Uz)`, `n = tanh(x·Wn + r ∘ (h·Un))`, `h' = n + z ∘ (h − n)`, with
    /// a bias at every product; the weights' columns are those of r, z and n.
    pub(super) fn gru(
        &self,
        Pair { first, second }: Pair,
        shape: Steps,
        units: usize,
        x: Tensor<2>,
    ) -> Tensor<2> {
        let [rows, _] = x.dims();
        let inputs = self.inputs(first, shape, x);
        let (weight, bias) = (self.matrix(second.weight), self.vector(second.bias));
        let mut state = Tensor::<2>::zeros([rows, units], &inputs[0].device());
        let mut states = Vec::with_capacity(inputs.len());
        for input in inputs {
            let hidden = linear(state.clone(), weight.clone(), Some(bias.clone()));
            let gates =
                input.clone().narrow(1, 0, 2 * units) + hidden.clone().narrow(1, 0, 2 * units);
            let gates = sigmoid(gates);
            let reset = gates.clone().narrow(1, 0, units);
            let update = gates.narrow(1, units, units);
            let candidate = tanh(
                input.narrow(1, 2 * units, units) + reset * hidden.narrow(1, 2 * units, units),
            );
            state = candidate.clone() + update * (state - candidate);
            states.push(state.clone());
        }
        Tensor::cat(states, 1)
    }

    /// `i, f, o = σ(…)`, `g = tanh(…)`, `c' = f ∘ c + i ∘ g`, `h' = o ∘ tanh(c')`; the weights' columns are those of i,
    /// f, g and o.
    pub(super) fn lstm(
        &self,
        Pair { first, second }: Pair,
        shape: Steps,
        units: usize,
        x: Tensor<2>,
    ) -> Tensor<2> {
        let [rows, _] = x.dims();
        let inputs = self.inputs(first, shape, x);
        let (weight, bias) = (self.matrix(second.weight), self.vector(second.bias));
        let mut state = Tensor::<2>::zeros([rows, units], &inputs[0].device());
        let mut cell = state.clone();
        let mut states = Vec::with_capacity(inputs.len());
        for input in inputs {
            let gates = input + linear(state, weight.clone(), Some(bias.clone()));
            let both = sigmoid(gates.clone().narrow(1, 0, 2 * units));
            let (enter, forget) = (both.clone().narrow(1, 0, units), both.narrow(1, units, units));
            let candidate = tanh(gates.clone().narrow(1, 2 * units, units));
            let leave = sigmoid(gates.narrow(1, 3 * units, units));
            cell = forget * cell + enter * candidate;
            state = leave * tanh(cell.clone());
            states.push(state.clone());
        }
        Tensor::cat(states, 1)
    }

    /// `x · W + b` for every step: at least one matrix of shape `[rows, gates · units]`.
    fn inputs(
        &self,
        Affine { weight, bias }: Affine,
        Steps { steps, features }: Steps,
        x: Tensor<2>,
    ) -> Vec<Tensor<2>> {
        let [rows, _] = x.dims();
        let (weight, bias) = (self.matrix(weight), self.vector(bias));
        let all = linear(x.reshape([rows * steps, features]), weight, Some(bias));
        let [_, width] = all.dims();
        let mut each = Vec::with_capacity(steps);
        divide(all.reshape([rows, steps * width]), steps, &mut each);
        each
    }
}

/// Cuts a matrix into `parts` of equal width, by halves: the gradient of a cut is as wide as what was
/// cut, so cutting step after step off the whole would cost the square of their number.
fn divide(x: Tensor<2>, parts: usize, each: &mut Vec<Tensor<2>>) {
    if parts <= 1 {
        each.push(x);
        return;
    }
    let [_, width] = x.dims();
    let half = parts / 2;
    let cut = width / parts * half;
    divide(x.clone().narrow(1, 0, cut), half, each);
    divide(x.narrow(1, cut, width - cut), parts - half, each);
}
