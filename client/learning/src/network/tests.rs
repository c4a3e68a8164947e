#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::{
    device::cpu as device,
    model::{
        LayerSpec::{self, *},
        Task,
    },
    train::{LocalTraining, train},
};
use std::ops::ControlFlow;

/// What a model gives for one row.
fn outputs(spec: &ModelSpec, weights: &Weights, row: &[f32]) -> Vec<f32> {
    let network = Network::new(spec, weights, &device()).unwrap();
    let x = Tensor::from_data(TensorData::new(row.to_vec(), [1, row.len()]), &device());
    network.forward(x, None).into_data().as_slice::<f32>().unwrap().to_vec()
}

/// Small weights that differ from each other.
fn varied(spec: &ModelSpec) -> Weights {
    let values = (0..spec.parameter_count()).map(|i| ((i * 37 % 101) as f32 - 50.0) / 90.0);
    Weights::new(spec, values.collect()).unwrap()
}

fn tensor(weights: &Weights, name: &str) -> Vec<f64> {
    let (_, numbers) = weights.tensors().find(|(parameter, _)| parameter.name == name).unwrap();
    numbers.iter().map(|&x| f64::from(x)).collect()
}

fn close(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
    }
}

/// `x · W + b` by hand, of shape `[units]`.
fn product(x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let units = bias.len();
    (0..units)
        .map(|unit| {
            bias[unit]
                + x.iter().enumerate().map(|(i, x)| x * weight[i * units + unit]).sum::<f64>()
        })
        .collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn residual(layers: Vec<LayerSpec>) -> LayerSpec {
    Residual { layers, shortcut: Vec::new() }
}

/// One small model of every kind of layer, with rows for it.
fn zoo() -> Vec<(ModelSpec, Dataset)> {
    let conv =
        |filters, kernel, stride, padding| Conv2d { filters, kernel, stride, padding, bias: true };
    let numbers = |rows: usize, columns: usize| -> Vec<f32> {
        (0..rows * columns).map(|i| (((i * 7919) % 1_000) as f32 / 500.0 - 1.0) * 1.5).collect()
    };
    let labels = |rows: usize, classes: u32| (0..rows as u32).map(|row| row % classes).collect();
    let images = || Dataset::new(numbers(6, 72), labels(6, 3), 72, 3).unwrap();
    let image = |layers| (ModelSpec::new(vec![2, 6, 6], layers), images());
    let sequences = || Dataset::new(numbers(6, 20), labels(6, 3), 20, 3).unwrap();
    let sequence = |layers| (ModelSpec::new(vec![5, 4], layers), sequences());
    let tokens = || {
        let tokens = (0..40).map(|i| ((i * 13) % 6) as f32).collect();
        Dataset::new(tokens, labels(8, 6), 5, 6).unwrap()
    };
    let text = |layers| (ModelSpec::new(vec![5], layers).with_task(Task::NextToken), tokens());
    let quantities = Dataset::with_quantities(numbers(6, 4), numbers(6, 2), 4, 2).unwrap();
    let embedding = || Embedding { vocabulary: 6, units: 4 };
    let dense = LayerSpec::dense;
    vec![
        image(vec![conv(3, 3, 2, 1), Tanh, conv(2, 2, 1, 0), Flatten, dense(3)]),
        image(vec![
            MaxPool { size: 2, stride: 2, padding: 0 },
            conv(2, 1, 1, 0),
            Gelu,
            Flatten,
            dense(3),
        ]),
        image(vec![conv(4, 3, 1, 1), GroupNorm { groups: 2 }, Tanh, GlobalPool, dense(3)]),
        image(vec![
            AvgPool { size: 2, stride: 2 },
            Residual { layers: vec![conv(3, 3, 1, 1)], shortcut: vec![conv(3, 1, 1, 0)] },
            Reshape { shape: vec![9, 3] },
            LastStep,
            dense(3),
        ]),
        sequence(vec![Gru { units: 3 }, LastStep, dense(3)]),
        sequence(vec![Lstm { units: 3 }, LastStep, LayerNorm, dense(3)]),
        sequence(vec![Position, Attention { heads: 2, causal: false }, Flatten, dense(3)]),
        text(vec![
            embedding(),
            Position,
            residual(vec![LayerNorm, Attention { heads: 2, causal: true }]),
            residual(vec![LayerNorm, dense(8), Gelu, dense(4)]),
            dense(6),
        ]),
        text(vec![embedding(), Gru { units: 3 }, Lstm { units: 3 }, dense(6)]),
        (
            ModelSpec::new(vec![4], vec![dense(3), Tanh, dense(2)]).with_task(Task::Regression),
            quantities,
        ),
    ]
}

#[test]
fn weights_come_back_as_they_went_in() {
    for (spec, _) in zoo() {
        spec.validate().unwrap();
        let weights = Weights::init(&spec, [5; 32]);
        let network = Network::new(&spec, &weights, &device().autodiff()).unwrap();
        assert_eq!(network.values().unwrap(), weights.values(), "{spec:?}");
    }
}

#[test]
fn the_forward_pass_agrees_with_one_by_hand() {
    let spec = ModelSpec::mlp(2, &[2], 2);
    // layers.0.bias, layers.0.weight, layers.2.bias, layers.2.weight
    let values = vec![0.5, -4.0, 1.0, 2.0, 3.0, 1.0, 0.25, 0.0, 1.0, -1.0, 7.0, 7.0];
    let weights = Weights::new(&spec, values).unwrap();
    // hidden = relu([1 + 3 + 0.5, 2 + 1 − 4]) = [4.5, 0]
    assert_eq!(outputs(&spec, &weights, &[1.0, 1.0]), [4.75, -4.5]);
}

#[test]
fn every_row_is_its_own() {
    // The batch has no influence on a row, whatever the layer: no norm looks at other rows.
    for (spec, data) in zoo() {
        let weights = varied(&spec);
        let network = Network::new(&spec, &weights, &device()).unwrap();
        let all = network.forward(upload(&spec, &data, 0..data.rows(), &device()), None);
        let all = all.into_data().as_slice::<f32>().unwrap().to_vec();
        let width = all.len() / data.rows();
        for row in 0..data.rows() {
            let alone = outputs(&spec, &weights, data.row(row).unwrap().0);
            let together: Vec<f64> =
                all[row * width..(row + 1) * width].iter().map(|&x| f64::from(x)).collect();
            close(&alone, &together);
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for (spec, data) in zoo() {
        let base = varied(&spec);
        let local = LocalTraining {
            batch_size: data.rows() as u32,
            learning_rate: 1.0,
            ..LocalTraining::epochs(1)
        };
        let go = |_| ControlFlow::Continue(());
        let step = train(&spec, &base, &data, &local, [0; 32], go).unwrap().weights;
        let loss = |values: Vec<f32>| {
            let weights = Weights::new(&spec, values).unwrap();
            crate::evaluate(&spec, &weights, &data).unwrap().loss
        };
        for index in 0..base.values().len() {
            const H: f32 = 1e-2;
            let moved = |by: f32| {
                let mut values = base.values().to_vec();
                values[index] += by;
                loss(values)
            };
            let expected = (moved(H) - moved(-H)) / f64::from(2.0 * H);
            let found = f64::from(base.values()[index] - step.values()[index]);
            let error = (found - expected).abs();
            assert!(error < 2e-3 + 0.02 * expected.abs(), "{spec:?} {index}: {found} {expected}");
        }
    }
}

#[test]
fn images_go_through_squares_and_norms_as_by_hand() {
    let row: Vec<f32> = (0..16).map(|i| ((i * 5) % 16) as f32).collect();
    let identity = |spec: &ModelSpec| {
        let inputs = spec.parameters().last().unwrap().shape[0];
        let mut values = vec![0.0; spec.parameter_count()];
        let units = spec.classes();
        let start = values.len() - inputs * units;
        for i in 0..inputs.min(units) {
            values[start + i * units + i] = 1.0;
        }
        values
    };
    let pooled = |layer| {
        let spec = ModelSpec::new(vec![1, 4, 4], vec![layer, Flatten, LayerSpec::dense(4)]);
        let weights = Weights::new(&spec, identity(&spec)).unwrap();
        outputs(&spec, &weights, &row)
    };
    // 0 5 10 15 | 4 9 14 3 | 8 13 2 7 | 12 1 6 11
    assert_eq!(pooled(MaxPool { size: 2, stride: 2, padding: 0 }), [9.0, 15.0, 13.0, 11.0]);
    assert_eq!(pooled(AvgPool { size: 2, stride: 2 }), [4.5, 10.5, 8.5, 6.5]);

    let spec =
        ModelSpec::new(vec![2, 1, 2], vec![GroupNorm { groups: 1 }, Flatten, LayerSpec::dense(4)]);
    let mut values = identity(&spec);
    // layers.0.bias, layers.0.weight: the offset and the gain of two channels.
    values[..4].copy_from_slice(&[0.0, 10.0, 1.0, 2.0]);
    let weights = Weights::new(&spec, values).unwrap();
    let scale = 1.0 / (5.0 + 1e-5_f64).sqrt();
    close(
        &outputs(&spec, &weights, &[0.0, 2.0, 4.0, 6.0]),
        &[-3.0 * scale, -scale, 10.0 + 2.0 * scale, 10.0 + 6.0 * scale],
    );
    let spec = ModelSpec::new(vec![1, 2, 2], vec![GlobalPool, LayerSpec::dense(2)]);
    let weights = Weights::new(&spec, vec![0.5, 0.0, 1.0, 2.0]).unwrap();
    assert_eq!(outputs(&spec, &weights, &[1.0, 2.0, 3.0, 6.0]), [3.5, 6.0]);
}

#[test]
fn recurrent_layers_follow_their_formulas() {
    let row: Vec<f32> = (0..6).map(|i| i as f32 / 3.0 - 1.0).collect();
    let steps: Vec<Vec<f64>> =
        row.chunks(2).map(|step| step.iter().map(|&x| f64::from(x)).collect()).collect();
    for is_gru in [true, false] {
        let layer = if is_gru { Gru { units: 2 } } else { Lstm { units: 2 } };
        let spec = ModelSpec::new(vec![3, 2], vec![layer, Flatten, LayerSpec::dense(6)]);
        let mut values = varied(&spec).values().to_vec();
        let start = values.len() - 36;
        // The dense layer passes all states on: layers.2.bias and layers.2.weight are the last.
        values[start - 6..].fill(0.0);
        (0..6).for_each(|i| values[start + 7 * i] = 1.0);
        let weights = Weights::new(&spec, values).unwrap();
        let part = |name: &str| tensor(&weights, &format!("layers.0.{name}"));
        let (mut state, mut cell) = (vec![0.0; 2], vec![0.0; 2]);
        let mut expected = Vec::new();
        for step in &steps {
            let x = product(step, &part("input_weight"), &part("input_bias"));
            let h = product(&state, &part("hidden_weight"), &part("hidden_bias"));
            for unit in 0..2 {
                let gate = |index: usize| x[index * 2 + unit] + h[index * 2 + unit];
                if is_gru {
                    let (reset, update) = (sigmoid(gate(0)), sigmoid(gate(1)));
                    let candidate = (x[4 + unit] + reset * h[4 + unit]).tanh();
                    state[unit] = (1.0 - update) * candidate + update * state[unit];
                } else {
                    cell[unit] = sigmoid(gate(1)) * cell[unit] + sigmoid(gate(0)) * gate(2).tanh();
                    state[unit] = sigmoid(gate(3)) * cell[unit].tanh();
                }
            }
            expected.extend(state.clone());
        }
        close(&outputs(&spec, &weights, &row), &expected);
    }
}

#[test]
fn attention_follows_its_formula_and_looks_back_only() {
    let spec = |causal| {
        let layers = vec![Attention { heads: 2, causal }, Flatten, LayerSpec::dense(12)];
        ModelSpec::new(vec![3, 4], layers)
    };
    let row: Vec<f32> = (0..12).map(|i| ((i * 5) % 12) as f32 / 6.0 - 1.0).collect();
    let mut values = varied(&spec(true)).values().to_vec();
    let start = values.len() - 144;
    values[start - 12..].fill(0.0);
    (0..12).for_each(|i| values[start + 13 * i] = 1.0);
    for causal in [true, false] {
        let spec = spec(causal);
        let weights = Weights::new(&spec, values.clone()).unwrap();
        let part = |name: &str| tensor(&weights, &format!("layers.0.{name}"));
        let all: Vec<Vec<f64>> = row
            .chunks(4)
            .map(|x| {
                let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
                product(&x, &part("input_weight"), &part("input_bias"))
            })
            .collect();
        let mut expected = Vec::new();
        for step in 0..3 {
            let mut mixed = vec![0.0; 4];
            for head in 0..2 {
                let seen = if causal { 0..step + 1 } else { 0..3 };
                let scores: Vec<f64> = seen
                    .map(|other: usize| {
                        let dot: f64 = (0..2)
                            .map(|i| all[step][head * 2 + i] * all[other][4 + head * 2 + i])
                            .sum();
                        (dot / 2_f64.sqrt()).exp()
                    })
                    .collect();
                let sum: f64 = scores.iter().sum();
                for (other, score) in scores.iter().enumerate() {
                    for i in 0..2 {
                        mixed[head * 2 + i] += score / sum * all[other][8 + head * 2 + i];
                    }
                }
            }
            expected.extend(product(&mixed, &part("output_weight"), &part("output_bias")));
        }
        close(&outputs(&spec, &weights, &row), &expected);
    }
}

#[test]
fn what_comes_later_changes_nothing_before_it() {
    for (spec, _) in zoo().into_iter().filter(|(spec, _)| spec.task == Task::NextToken) {
        let weights = varied(&spec);
        let one = outputs(&spec, &weights, &[0.0, 1.0, 2.0, 3.0, 4.0]);
        let other = outputs(&spec, &weights, &[0.0, 1.0, 2.0, 5.0, 0.0]);
        assert_eq!(one[..18], other[..18]);
        assert_ne!(one[18..], other[18..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn dropout_keeps_the_expectation_and_is_drawn_from_the_seed(percent in 1..100_u32, seed in any::<Seed>()) {
        let spec = ModelSpec::new(vec![4_000], vec![Dropout { percent }, LayerSpec::dense(2)]);
        let weights = Weights::new(&spec, [vec![0.0; 2], vec![1.0 / 4_000.0; 8_000]].concat()).unwrap();
        let network = Network::new(&spec, &weights, &device()).unwrap();
        let mean = |dropping| {
            let x = Tensor::<2>::ones([1, 4_000], &device());
            network.forward(x, dropping).into_data().as_slice::<f32>().unwrap()[0]
        };
        let at = |step| mean(Some(Dropping { seed, step }));
        prop_assert!((mean(None) - 1.0).abs() < 1e-4, "nothing is dropped outside training");
        let share = f64::from(percent) / 100.0;
        // The mean of the mask has a deviation of √(p / (1 − p) / 4000).
        let bound = 6.0 * (share / (1.0 - share) / 4_000.0).sqrt();
        prop_assert!((f64::from(at(0)) - 1.0).abs() < bound, "{} {}", at(0), bound);
        prop_assert_eq!(at(7), at(7));
        prop_assert!((0..4).any(|step| at(step) != at(step + 1)));
    }
}

#[test]
fn rows_are_normalized_before_the_first_layer() {
    let toml = "version = 2\ninput = [2]\nlayers = [{ dense = { units = 2 } }]\n\
                [rows.normalize]\nmean = [1.0, 10.0]\ndeviation = [2.0, 5.0]";
    let spec = ModelSpec::from_toml(toml).unwrap();
    let data = Dataset::new(vec![3.0, 0.0], vec![0], 2, 2).unwrap();
    let x = upload(&spec, &data, 0..1, &device()).into_data();
    assert_eq!(x.as_slice::<f32>().unwrap(), [1.0, -2.0]);
}

#[test]
fn weights_of_another_model_are_refused() {
    let weights = Weights::init(&ModelSpec::mlp(2, &[2], 2), [0; 32]);
    assert!(Network::new(&ModelSpec::mlp(2, &[3], 2), &weights, &device()).is_err());
}
