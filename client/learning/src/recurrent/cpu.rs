//! The steps on the processor. Rows do not see each other, so some of them go through all steps on one
//! thread, and any number of threads gives the same bits.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Sizes,
    cells::{Carried, Cell},
};
use crate::gemm;

/// Rows that a product works on at once.
const TILE: usize = 6;

/// What the forward pass gives: `[rows, steps, units]`, and the same with [`Cell::KEPT`] numbers per unit.
pub(super) struct States {
    pub(super) states: Vec<f32>,
    pub(super) kept: Vec<f32>,
}

/// Gradients of the products of inputs and of states, `[rows, steps, gates]` each.
pub(super) struct Gradients {
    pub(super) inputs: Vec<f32>,
    pub(super) hidden: Vec<f32>,
}

impl Sizes {
    /// Rows for one thread.
    fn share(&self) -> usize {
        self.rows.div_ceil(rayon::current_num_threads()).next_multiple_of(TILE)
    }
}

/// Takes all rows through all steps.
pub(super) fn forward<C: Cell>(
    sizes: Sizes,
    inputs: &[f32],
    weight: &[f32],
    bias: &[f32],
) -> States {
    Arch::new().dispatch(Forward { cell: C::default(), sizes, inputs, weight, bias })
}

struct Forward<'a, C> {
    cell: C,
    sizes: Sizes,
    inputs: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
}

impl<C: Cell> WithSimd for Forward<'_, C> {
    type Output = States;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> States {
        let Self { cell, sizes, inputs, weight, bias } = self;
        let Sizes { rows, steps, units, gates } = sizes;
        let panels = &gemm::panels::<S>(weight, gates);
        let mut states = vec![0.0; rows * steps * units];
        let mut kept = vec![0.0; rows * steps * units * C::KEPT];
        let share = sizes.share() * steps;
        states
            .par_chunks_mut(share * units)
            .zip(kept.par_chunks_mut(share * units * C::KEPT))
            .zip(inputs.par_chunks(share * gates))
            .for_each(|((states, kept), inputs)| {
                simd.vectorize(ForwardRows { cell, sizes, panels, bias, inputs, states, kept });
            });
        States { states, kept }
    }
}

/// Some rows of [`Forward`].
struct ForwardRows<'a, C> {
    cell: C,
    sizes: Sizes,
    panels: &'a [f32],
    bias: &'a [f32],
    inputs: &'a [f32],
    states: &'a mut [f32],
    kept: &'a mut [f32],
}

impl<C: Cell> WithSimd for ForwardRows<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { cell, sizes: Sizes { steps, units, gates, .. }, panels, bias, .. } = self;
        let rows = self.states.len() / (steps * units);
        let width = gemm::padded::<S>(gates);
        let mut state = vec![0.0; rows * units];
        let mut memory = vec![0.0; rows * units];
        let mut products = vec![0.0; rows * width];
        for step in 0..steps {
            gemm::product(simd, &state, units, panels, units, &mut products, width);
            let carried = state.chunks_exact_mut(units).zip(memory.chunks_exact_mut(units));
            for (row, ((state, memory), hidden)) in
                carried.zip(products.chunks_exact(width)).enumerate()
            {
                let at = row * steps + step;
                let input = &self.inputs[at * gates..][..gates];
                let kept = &mut self.kept[at * units * C::KEPT..][..units * C::KEPT];
                cell.forward(input, &hidden[..gates], bias, Carried { state, memory }, kept);
                self.states[at * units..][..units].copy_from_slice(state);
            }
        }
    }
}

/// The gradients of [`forward`] for those of the states, `output`.
pub(super) fn backward<C: Cell>(
    sizes: Sizes,
    weight: &[f32],
    states: &[f32],
    kept: &[f32],
    output: &[f32],
) -> Gradients {
    Arch::new().dispatch(Backward { cell: C::default(), sizes, weight, states, kept, output })
}

struct Backward<'a, C> {
    cell: C,
    sizes: Sizes,
    weight: &'a [f32],
    states: &'a [f32],
    kept: &'a [f32],
    output: &'a [f32],
}

impl<C: Cell> WithSimd for Backward<'_, C> {
    type Output = Gradients;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients {
        let Self { cell, sizes, weight, states, kept, output } = self;
        let Sizes { rows, steps, units, gates } = sizes;
        let panels = &gemm::panels::<S>(&transposed(weight, gates), units);
        let mut inputs = vec![0.0; rows * steps * gates];
        let mut hidden = vec![0.0; rows * steps * gates];
        let share = sizes.share() * steps;
        inputs
            .par_chunks_mut(share * gates)
            .zip(hidden.par_chunks_mut(share * gates))
            .zip(states.par_chunks(share * units))
            .zip(kept.par_chunks(share * units * C::KEPT))
            .zip(output.par_chunks(share * units))
            .for_each(|((((inputs, hidden), states), kept), output)| {
                let rows =
                    BackwardRows { cell, sizes, panels, states, kept, output, inputs, hidden };
                simd.vectorize(rows);
            });
        Gradients { inputs, hidden }
    }
}

/// Some rows of [`Backward`].
struct BackwardRows<'a, C> {
    cell: C,
    sizes: Sizes,
    panels: &'a [f32],
    states: &'a [f32],
    kept: &'a [f32],
    output: &'a [f32],
    inputs: &'a mut [f32],
    hidden: &'a mut [f32],
}

impl<C: Cell> WithSimd for BackwardRows<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { cell, sizes: Sizes { steps, units, gates, .. }, panels, .. } = self;
        let rows = self.states.len() / (steps * units);
        let width = gemm::padded::<S>(units);
        let zeros = vec![0.0; units];
        let mut slope = vec![0.0; rows * units];
        let mut memory = vec![0.0; rows * units];
        // Of this step's rows, one after the other, and what their product gives back.
        let mut products = vec![0.0; rows * gates];
        let mut back = vec![0.0; rows * width];
        for step in (0..steps).rev() {
            let carried = slope.chunks_exact_mut(units).zip(memory.chunks_exact_mut(units));
            for (row, ((state, memory), product)) in
                carried.zip(products.chunks_exact_mut(gates)).enumerate()
            {
                let at = row * steps + step;
                let output = &self.output[at * units..][..units];
                state.iter_mut().zip(output).for_each(|(slope, x)| *slope += x);
                let before = match step {
                    0 => &zeros[..],
                    _ => &self.states[(at - 1) * units..][..units],
                };
                let kept = &self.kept[at * units * C::KEPT..][..units * C::KEPT];
                let input = &mut self.inputs[at * gates..][..gates];
                cell.backward(kept, before, Carried { state, memory }, input, product);
                self.hidden[at * gates..][..gates].copy_from_slice(product);
            }
            if step > 0 {
                gemm::product(simd, &products, gates, panels, gates, &mut back, width);
                for (slope, back) in slope.chunks_exact_mut(units).zip(back.chunks_exact(width)) {
                    slope.iter_mut().zip(back).for_each(|(slope, x)| *slope += x);
                }
            }
        }
    }
}

/// A matrix of `columns`, with rows and columns exchanged.
fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let column = |index| matrix.iter().skip(index).step_by(columns).copied();
    (0..columns).flat_map(column).collect()
}

/// The state before every step, `[rows, steps, units]`: zero before the first.
pub(super) fn before(sizes: Sizes, states: &[f32]) -> Vec<f32> {
    let Sizes { steps, units, .. } = sizes;
    let mut before = Vec::with_capacity(states.len());
    for row in states.chunks_exact(steps * units) {
        before.resize(before.len() + units, 0.0);
        before.extend_from_slice(&row[..(steps - 1) * units]);
    }
    before
}

/// The sum of each of `columns`.
pub(super) fn column_sums(matrix: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    for row in matrix.chunks_exact(columns) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    sums
}
