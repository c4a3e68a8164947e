#![allow(clippy::unwrap_used)]
use burn::tensor::{Device, TensorData};
use rayon::ThreadPoolBuilder;

use super::*;
use crate::{device, testing::numbers_like_noise};

/// Rows, steps, units: with remainders in rows and units, and a single one of each.
const CASES: [[usize; 3]; 5] = [[1, 1, 1], [1, 4, 3], [7, 5, 9], [13, 3, 40], [3, 6, 16]];

type Layer = fn(Tensor<2>, Tensor<2>, Tensor<1>) -> Tensor<2>;

/// The layer, its steps by burn, and its gates.
const LAYERS: [(&str, Layer, Layer, usize); 2] =
    [("gru", gru, steps::gru, 3), ("lstm", lstm, steps::lstm, 4)];

fn matrix(shape: [usize; 2], seed: u32, device: &Device) -> Tensor<2> {
    let numbers = numbers_like_noise(shape[0] * shape[1], seed);
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

/// Inputs, weight and bias.
fn tensors(
    [rows, steps, units]: [usize; 3],
    gates: usize,
    device: &Device,
) -> (Tensor<2>, Tensor<2>, Tensor<1>) {
    let columns = gates * units;
    let bias = TensorData::new(numbers_like_noise(columns, 3), [columns]);
    (
        matrix([rows, steps * columns], 1, device),
        matrix([units, columns], 2, device),
        Tensor::from_data(bias, device),
    )
}

fn data<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_to_vec().unwrap()
}

/// The states, and the gradients of inputs, weight and bias, of a sum that weights each state differently.
fn through(layer: Layer, sizes: [usize; 3], gates: usize) -> [Vec<f32>; 4] {
    let device = device::cpu().autodiff();
    let (inputs, weight, bias) = tensors(sizes, gates, &device);
    let (inputs, weight, bias) =
        (inputs.require_grad(), weight.require_grad(), bias.require_grad());
    let states = layer(inputs.clone(), weight.clone(), bias.clone());
    let [rows, steps, units] = sizes;
    let tape = (states.clone() * matrix([rows, steps * units], 4, &device)).sum().backward();
    [
        data(states),
        data(inputs.grad(&tape).unwrap()),
        data(weight.grad(&tape).unwrap()),
        data(bias.grad(&tape).unwrap()),
    ]
}

#[test]
fn states_and_gradients_agree_with_burns_operations() {
    for (name, own, burns, gates) in LAYERS {
        for sizes in CASES {
            let (own, burns) = (through(own, sizes, gates), through(burns, sizes, gates));
            for (what, (own, burns)) in
                ["states", "inputs", "weight", "bias"].into_iter().zip(own.iter().zip(&burns))
            {
                assert_eq!(own.len(), burns.len(), "{name} {sizes:?}: {what}");
                for (index, (own, burns)) in own.iter().zip(burns).enumerate() {
                    let error = (own - burns).abs() / burns.abs().max(1.0);
                    assert!(error < 2e-5, "{name} {sizes:?}: {what}[{index}]: {own} {burns}");
                }
            }
        }
    }
}

#[test]
fn the_processor_has_an_operation_of_its_own() {
    for device in [device::cpu(), device::cpu().autodiff()] {
        let (inputs, weight, bias) = tensors([2, 3, 4], 3, &device);
        assert!(own::<Gru>(&inputs, &weight, &bias).is_some());
        let (inputs, weight, bias) = tensors([2, 3, 4], 4, &device);
        assert!(own::<Lstm>(&inputs, &weight, &bias).is_some());
        // A matrix of three gates is none of four.
        assert!(own::<Gru>(&inputs, &weight, &bias).is_none());
    }
}

#[test]
fn a_device_without_gradients_and_any_number_of_threads_give_the_same_bits() {
    for (name, own, _, gates) in LAYERS {
        for sizes in CASES {
            let bits = |threads: usize| {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let all = pool.install(|| through(own, sizes, gates));
                all.map(|x| x.into_iter().map(f32::to_bits).collect::<Vec<_>>())
            };
            let one = bits(1);
            assert!(one == bits(2) && one == bits(5), "{name} {sizes:?}");
            let (inputs, weight, bias) = tensors(sizes, gates, &device::cpu());
            let plain = data(own(inputs, weight, bias));
            assert_eq!(one[0], plain.into_iter().map(f32::to_bits).collect::<Vec<_>>());
        }
    }
}

#[test]
fn what_is_no_number_is_seen_in_the_states() {
    for (name, own, _, gates) in LAYERS {
        let (inputs, weight, bias) = tensors([1, 3, 2], gates, &device::cpu());
        let states = data(own(inputs * f32::NAN, weight, bias));
        assert!(states.iter().all(|x| x.is_nan()), "{name}");
    }
}
