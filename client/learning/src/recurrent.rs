//! Recurrent layers as one operation with an own backward pass on the processor.
//!
//! Step by step, burn's graph has a dozen small operations for each step and packs the weights anew for
//! each product. Here the weights are packed once, rows go through all their steps together in a few, and
//! the gradients of the weights are one product over all steps. On any other device, and where the weights
//! are floats of 16 bits, the steps are burn's operations (`steps.rs`).

mod cells;
mod cpu;
mod functions;
mod steps;

use std::sync::Arc;

use burn::{
    backend::{
        Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
            grads::Gradients as Tape,
            ops::{Backward, Ops, OpsKind},
        },
        flex::FlexTensor,
    },
    tensor::Tensor,
};

use crate::conv::{Traced, numbers, tensor};
use cells::{Cell, Gru, Lstm};

/// The states of a gated recurrent unit after every step, `[rows, steps · units]`.
///
/// `inputs` are the products `x·W + b` of every step's input, of shape `[rows, steps · 3 · units]`, `weight`
/// and `bias` those of the state, `[units, 3 · units]` and `[3 · units]`; columns are those of r, z and n.
/// `r = σ(x·Wr + h·Ur)`, `z = σ(x·Wz + h·Uz)`, `n = tanh(x·Wn + r ∘ (h·Un))`, `h' = n + z ∘ (h − n)`, with a bias
/// at every product (Cho et al. 2014, with the reset after the product). The first state is zero.
pub(crate) fn gru(inputs: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    own::<Gru>(&inputs, &weight, &bias).unwrap_or_else(|| steps::gru(inputs, weight, bias))
}

/// The states of a long short-term memory after every step, as for [`gru`], with four gates: columns are
/// those of i, f, g and o.
/// `i, f, o = σ(…)`, `g = tanh(…)`, `c' = f ∘ c + i ∘ g`, `h' = o ∘ tanh(c')` (Hochreiter and Schmidhuber 1997, with
/// the forget gate of Gers et al. 2000). The first state and the first cell are zero.
pub(crate) fn lstm(inputs: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    own::<Lstm>(&inputs, &weight, &bias).unwrap_or_else(|| steps::lstm(inputs, weight, bias))
}

/// Sizes of a layer.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    rows: usize,
    steps: usize,
    units: usize,
    /// Columns of the weights.
    gates: usize,
}

impl Sizes {
    /// Nothing where the shapes do not fit together.
    fn new<C: Cell>(
        [rows, columns]: [usize; 2],
        [units, gates]: [usize; 2],
        [biases]: [usize; 1],
    ) -> Option<Self> {
        let fits = gates == units * C::GATES && biases == gates;
        if !fits || [rows, columns, units].contains(&0) || columns % gates != 0 {
            return None;
        }
        Some(Self { rows, steps: columns / gates, units, gates })
    }
}

/// The layer on the processor, with or without a graph; nothing for tensors of another device.
fn own<C: Cell>(inputs: &Tensor<2>, weight: &Tensor<2>, bias: &Tensor<1>) -> Option<Tensor<2>> {
    let sizes = Sizes::new::<C>(inputs.dims(), weight.dims(), bias.dims())?;
    traced::<C>(sizes, inputs, weight, bias).or_else(|| plain::<C>(sizes, inputs, weight, bias))
}

fn plain<C: Cell>(
    sizes: Sizes,
    inputs: &Tensor<2>,
    weight: &Tensor<2>,
    bias: &Tensor<1>,
) -> Option<Tensor<2>> {
    let inputs = inputs.clone().try_into_primitive::<Flex>().ok()?;
    let weight = weight.clone().try_into_primitive::<Flex>().ok()?;
    let bias = bias.clone().try_into_primitive::<Flex>().ok()?;
    let (states, _) = forward::<C>(sizes, &inputs, &weight, &bias)?;
    Some(Tensor::from_primitive::<Flex>(states))
}

fn traced<C: Cell>(
    sizes: Sizes,
    inputs: &Tensor<2>,
    weight: &Tensor<2>,
    bias: &Tensor<1>,
) -> Option<Tensor<2>> {
    let inputs = inputs.clone().try_into_primitive::<Traced>().ok()?;
    let weight = weight.clone().try_into_primitive::<Traced>().ok()?;
    let bias = bias.clone().try_into_primitive::<Traced>().ok()?;
    let (states, kept) =
        forward::<C>(sizes, inputs.primitive(), weight.primitive(), bias.primitive())?;
    let state = State {
        sizes,
        weight: weight.primitive().clone(),
        states: states.clone(),
        kept: Arc::new(kept),
    };
    let output = match Recurrence::<C>(C::default())
        .prepare::<NoCheckpointing>([inputs.node(), weight.node(), bias.node()])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prepared) => prepared.finish(state, states),
        OpsKind::UnTracked(prepared) => prepared.finish(states),
    };
    Some(Tensor::from_primitive::<Traced>(output))
}

/// The states, and what the cell keeps for the backward pass.
fn forward<C: Cell>(
    sizes: Sizes,
    inputs: &FlexTensor,
    weight: &FlexTensor,
    bias: &FlexTensor,
) -> Option<(FlexTensor, Vec<f32>)> {
    let (inputs, weight, bias) = (numbers(inputs)?, numbers(weight)?, numbers(bias)?);
    let cpu::States { states, kept } = cpu::forward::<C>(sizes, &inputs, &weight, &bias);
    Some((tensor(states, &[sizes.rows, sizes.steps * sizes.units]), kept))
}

/// The operation in burn's graph.
#[derive(Debug)]
struct Recurrence<C>(C);

/// What the backward pass needs of the forward pass.
#[derive(Clone, Debug)]
struct State {
    sizes: Sizes,
    weight: FlexTensor,
    states: FlexTensor,
    kept: Arc<Vec<f32>>,
}

impl State {
    /// Gradients of inputs, weight and bias for those of the states. They are there: `forward` has read
    /// these tensors, and a gradient has its tensor's numbers.
    fn gradients<C: Cell>(&self, output: &FlexTensor) -> Option<[FlexTensor; 3]> {
        let Sizes { rows, steps, units, gates } = self.sizes;
        let (weight, states) = (numbers(&self.weight)?, numbers(&self.states)?);
        let output = numbers(output)?;
        let cpu::Gradients { inputs, hidden } =
            cpu::backward::<C>(self.sizes, &weight, &states, &self.kept, &output);
        let bias = cpu::column_sums(&hidden, gates);
        let before = cpu::before(self.sizes, &states);
        let before = Tensor::<2>::from_primitive::<Flex>(tensor(before, &[rows * steps, units]));
        let hidden = Tensor::<2>::from_primitive::<Flex>(tensor(hidden, &[rows * steps, gates]));
        let weight = before.transpose().matmul(hidden).try_into_primitive::<Flex>().ok()?;
        Some([tensor(inputs, &[rows, steps * gates]), weight, tensor(bias, &[gates])])
    }
}

impl<C: Cell> Backward<Flex, 3> for Recurrence<C> {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, tape: &mut Tape, _: &mut Checkpointer) {
        let output = tape.consume::<Flex>(&ops.node);
        let Some(gradients) = ops.state.gradients::<C>(&output) else { return };
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(parent) = parent {
                tape.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

#[cfg(test)]
mod tests;
