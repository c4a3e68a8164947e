//! The steps as burn's operations, for devices other than the processor and for products in 16 bits.

use burn::tensor::{
    Tensor,
    activation::{sigmoid, tanh},
};

use crate::mixed::linear;

/// See [`super::gru`].
pub(super) fn gru(inputs: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    let [units, _] = weight.dims();
    recur(inputs, weight, bias, |input, hidden, state| {
        let both = input.clone().narrow(1, 0, 2 * units) + hidden.clone().narrow(1, 0, 2 * units);
        let both = sigmoid(both);
        let (reset, update) = (gate(&both, 0, units), gate(&both, 1, units));
        let candidate = tanh(gate(&input, 2, units) + reset * gate(&hidden, 2, units));
        candidate.clone() + update * (state - candidate)
    })
}

/// See [`super::lstm`].
pub(super) fn lstm(inputs: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    let [units, _] = weight.dims();
    let mut cell = None;
    recur(inputs, weight, bias, |input, hidden, state| {
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
/// input and of the last state, and that state, which is zero at first.
fn recur(
    inputs: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    mut step: impl FnMut(Tensor<2>, Tensor<2>, Tensor<2>) -> Tensor<2>,
) -> Tensor<2> {
    let ([rows, columns], [units, gates]) = (inputs.dims(), weight.dims());
    let mut state = Tensor::<2>::zeros([rows, units], &inputs.device());
    let mut each = Vec::with_capacity(columns / gates);
    divide(inputs, columns / gates, &mut each);
    let mut states = Vec::with_capacity(each.len());
    for input in each {
        let hidden = linear(state.clone(), weight.clone(), Some(bias.clone()));
        state = step(input, hidden, state);
        states.push(state.clone());
    }
    Tensor::cat(states, 1)
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
