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
    pub(super) fn gru(&self, pair: Pair, shape: Steps, units: usize, x: Tensor<2>) -> Tensor<2> {
        self.recur(pair, shape, units, x, |input, hidden, state| {
            let both =
                input.clone().narrow(1, 0, 2 * units) + hidden.clone().narrow(1, 0, 2 * units);
            let both = sigmoid(both);
            let (reset, update) = (gate(&both, 0, units), gate(&both, 1, units));
            let candidate = tanh(gate(&input, 2, units) + reset * gate(&hidden, 2, units));
            candidate.clone() + update * (state - candidate)
        })
    }

    /// `i, f, o = σ(…)`, `g = tanh(…)`, `c' = f ∘ c + i ∘ g`, `h' = o ∘ tanh(c')`; the weights' columns are those of i,
    /// f, g and o.
    pub(super) fn lstm(&self, pair: Pair, shape: Steps, units: usize, x: Tensor<2>) -> Tensor<2> {
        let mut cell = None;
        self.recur(pair, shape, units, x, |input, hidden, state| {
            let gates = input + hidden;
            let both = sigmoid(gates.clone().narrow(1, 0, 2 * units));
            let (enter, forget) = (gate(&both, 0, units), gate(&both, 1, units));
            let candidate = tanh(gate(&gates, 2, units));
            let leave = sigmoid(gate(&gates, 3, units));
            // The first cell is as zero as the first state.
            let next = forget * cell.take().unwrap_or(state) + enter * candidate;
            cell = Some(next.clone());
            leave * tanh(next)
        })
    }

    /// The states after every step, side by side: `step` gives the next one for the products of a step's
    /// input and of the last state, `x·W + b` and `h·U + b`, and that state, which is zero at first.
    fn recur(
        &self,
        Pair { first, second }: Pair,
        shape: Steps,
        units: usize,
        x: Tensor<2>,
        mut step: impl FnMut(Tensor<2>, Tensor<2>, Tensor<2>) -> Tensor<2>,
    ) -> Tensor<2> {
        let [rows, _] = x.dims();
        let inputs = self.inputs(first, shape, x);
        let (weight, bias) = (self.matrix(second.weight), self.vector(second.bias));
        let mut state = Tensor::<2>::zeros([rows, units], &inputs[0].device());
        let mut states = Vec::with_capacity(inputs.len());
        for input in inputs {
            let hidden = linear(state.clone(), weight.clone(), Some(bias.clone()));
            state = step(input, hidden, state);
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

/// The columns of one gate.
fn gate(all: &Tensor<2>, index: usize, units: usize) -> Tensor<2> {
    all.clone().narrow(1, index * units, units)
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
