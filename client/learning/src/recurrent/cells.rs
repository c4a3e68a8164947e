//! What a layer computes in one step of one row between the products: every pass over numbers is a short
//! loop of its own, so that compilers make vectors of it.

use std::fmt::Debug;

use super::functions::{sigmoid, tanh};

/// A kind of layer.
pub(super) trait Cell: Clone + Copy + Debug + Default + Send + Sync + 'static {
    /// Columns of the weights per unit.
    const GATES: usize;
    /// Numbers per unit and step that the backward pass needs beside the states.
    const KEPT: usize;

    /// Takes what is carried one step further. `input` and `hidden` are the products of the step's input, with
    /// its bias, and of the last state, to which `bias` has to be added.
    fn forward(
        self,
        input: &[f32],
        hidden: &[f32],
        bias: &[f32],
        carried: Carried<'_>,
        kept: &mut [f32],
    );

    /// Takes the gradients of what is carried one step back, without what comes through the product of the state
    /// `before` this step, and gives those of both products.
    fn backward(
        self,
        kept: &[f32],
        before: &[f32],
        carried: Carried<'_>,
        input: &mut [f32],
        hidden: &mut [f32],
    );
}

/// What goes from step to step, one number per unit each; or its gradients, from the last to the first.
pub(super) struct Carried<'a> {
    pub(super) state: &'a mut [f32],
    /// The cell of a long short-term memory.
    pub(super) memory: &'a mut [f32],
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gru;

impl Cell for Gru {
    const GATES: usize = 3;
    /// r, z, n, and the state's product in n.
    const KEPT: usize = 4;

    #[inline(always)]
    fn forward(
        self,
        input: &[f32],
        hidden: &[f32],
        bias: &[f32],
        carried: Carried<'_>,
        kept: &mut [f32],
    ) {
        let units = carried.state.len();
        let (gates, rest) = kept.split_at_mut(2 * units);
        let (candidate, product) = rest.split_at_mut(units);
        add_all(gates, input, hidden, bias);
        sigmoid(gates);
        let (reset, update) = gates.split_at(units);
        let (hidden, bias) = (&hidden[2 * units..], &bias[2 * units..]);
        for ((to, x), b) in product.iter_mut().zip(hidden).zip(bias) {
            *to = x + b;
        }
        for (((n, x), r), h) in
            candidate.iter_mut().zip(&input[2 * units..]).zip(reset).zip(&*product)
        {
            *n = x + r * h;
        }
        tanh(candidate);
        for ((state, n), z) in carried.state.iter_mut().zip(&*candidate).zip(update) {
            *state = n + z * (*state - n);
        }
    }

    #[inline(always)]
    fn backward(
        self,
        kept: &[f32],
        before: &[f32],
        carried: Carried<'_>,
        input: &mut [f32],
        hidden: &mut [f32],
    ) {
        let units = carried.state.len();
        let [reset, update, candidate, product] = parts(kept, units);
        let (gates, of_candidate) = input.split_at_mut(2 * units);
        let (of_reset, of_update) = gates.split_at_mut(units);
        let slope = &*carried.state;
        for (((to, d), z), n) in of_candidate.iter_mut().zip(slope).zip(update).zip(candidate) {
            *to = d * (1.0 - z) * (1.0 - n * n);
        }
        for ((((to, d), z), n), h) in
            of_update.iter_mut().zip(slope).zip(update).zip(candidate).zip(before)
        {
            *to = d * (h - n) * z * (1.0 - z);
        }
        for (((to, d), h), r) in of_reset.iter_mut().zip(&*of_candidate).zip(product).zip(reset) {
            *to = d * h * r * (1.0 - r);
        }
        let (same, through) = hidden.split_at_mut(2 * units);
        same.copy_from_slice(gates);
        for ((to, d), r) in through.iter_mut().zip(&*of_candidate).zip(reset) {
            *to = d * r;
        }
        carried.state.iter_mut().zip(update).for_each(|(d, z)| *d *= z);
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lstm;

impl Cell for Lstm {
    const GATES: usize = 4;
    /// i, f, g, o, the cell before the step, and the tangent of the one after it.
    const KEPT: usize = 6;

    #[inline(always)]
    fn forward(
        self,
        input: &[f32],
        hidden: &[f32],
        bias: &[f32],
        carried: Carried<'_>,
        kept: &mut [f32],
    ) {
        let Carried { state, memory } = carried;
        let units = state.len();
        let (gates, rest) = kept.split_at_mut(4 * units);
        let (last, tangent) = rest.split_at_mut(units);
        add_all(gates, input, hidden, bias);
        sigmoid(&mut gates[..2 * units]);
        tanh(&mut gates[2 * units..3 * units]);
        sigmoid(&mut gates[3 * units..]);
        let [enter, forget, candidate, leave] = parts(gates, units);
        last.copy_from_slice(memory);
        for (((c, i), f), g) in memory.iter_mut().zip(enter).zip(forget).zip(candidate) {
            *c = f * *c + i * g;
        }
        tangent.copy_from_slice(memory);
        tanh(tangent);
        for ((state, o), t) in state.iter_mut().zip(leave).zip(&*tangent) {
            *state = o * t;
        }
    }

    #[inline(always)]
    fn backward(
        self,
        kept: &[f32],
        _: &[f32],
        carried: Carried<'_>,
        input: &mut [f32],
        hidden: &mut [f32],
    ) {
        let Carried { state: slope, memory } = carried;
        let units = slope.len();
        let [enter, forget, candidate, leave, last, tangent] = parts(kept, units);
        for (((c, d), o), t) in memory.iter_mut().zip(&*slope).zip(leave).zip(tangent) {
            *c += d * o * (1.0 - t * t);
        }
        let (first, second) = input.split_at_mut(2 * units);
        let (of_enter, of_forget) = first.split_at_mut(units);
        let (of_candidate, of_leave) = second.split_at_mut(units);
        for (((to, c), g), i) in of_enter.iter_mut().zip(&*memory).zip(candidate).zip(enter) {
            *to = c * g * i * (1.0 - i);
        }
        for (((to, c), last), f) in of_forget.iter_mut().zip(&*memory).zip(last).zip(forget) {
            *to = c * last * f * (1.0 - f);
        }
        for (((to, c), i), g) in of_candidate.iter_mut().zip(&*memory).zip(enter).zip(candidate) {
            *to = c * i * (1.0 - g * g);
        }
        for (((to, d), t), o) in of_leave.iter_mut().zip(&*slope).zip(tangent).zip(leave) {
            *to = d * t * o * (1.0 - o);
        }
        hidden.copy_from_slice(input);
        memory.iter_mut().zip(forget).for_each(|(c, f)| *c *= f);
        // The state goes on through its product alone.
        slope.fill(0.0);
    }
}

/// `to = x + y + z`, as far as `to` goes.
#[inline(always)]
fn add_all(to: &mut [f32], x: &[f32], y: &[f32], z: &[f32]) {
    for (((to, x), y), z) in to.iter_mut().zip(x).zip(y).zip(z) {
        *to = x + y + z;
    }
}

/// Parts of equal length.
#[inline(always)]
fn parts<const N: usize>(numbers: &[f32], length: usize) -> [&[f32]; N] {
    std::array::from_fn(|index| &numbers[index * length..][..length])
}
