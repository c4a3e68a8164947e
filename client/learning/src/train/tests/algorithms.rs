//! Every algorithm against steps by hand, on a quadratic: `(w x − y)²` with one weight.
#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::model::{LayerSpec, Task};

const GO: fn(Progress) -> ControlFlow<()> = |_| ControlFlow::Continue(());

/// `w x`, without a bias.
fn line() -> ModelSpec {
    ModelSpec::new(vec![1], vec![LayerSpec::Dense { units: 1, bias: false }])
        .with_task(Task::Regression)
}

fn one(x: f32, y: f32) -> Dataset {
    Dataset::with_quantities(vec![x], vec![y], 1, 1).unwrap()
}

fn weight(value: f32) -> Weights {
    Weights::new(&line(), vec![value]).unwrap()
}

/// Where `steps` steps of rate 0.1 from `w` end, on the row `x = 1, y`: gradients are `2 (w − y)`.
fn after(steps: u32, w: f32, y: f32, local: LocalTraining) -> f64 {
    let local = LocalTraining { work: Work::Steps(steps), learning_rate: 0.1, ..local };
    let outcome = train(&line(), &weight(w), &one(1.0, y), &local, [0; 32], GO).unwrap();
    assert_eq!(outcome.steps, u64::from(steps));
    f64::from(outcome.weights.values()[0])
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-5, "{found} instead of {expected}");
}

#[test]
fn two_steps_of_each_optimizer_are_those_by_hand() {
    let plain = LocalTraining::steps(1);
    // 1 − 0.1 · 2 (1 − 3) = 1.4, then 1.4 − 0.1 · 2 (1.4 − 3) = 1.72.
    near(after(2, 1.0, 3.0, plain), 1.72);
    // Velocity −4, then 0.9 · −4 − 3.2 = −6.8.
    let momentum = LocalTraining { optimizer: Optimizer::Sgd { momentum: 0.9 }, ..plain };
    near(after(2, 1.0, 3.0, momentum), 1.4 + 0.68);
    // The penalty adds 0.5 w to the gradient: −4 + 0.5, then −3.3 + 0.675.
    let decay = LocalTraining { weight_decay: 0.5, ..plain };
    near(after(2, 1.0, 3.0, decay), 1.35 + 0.2625);
    // The first step of Adam is the rate, whatever the gradient; AdamW takes rate · decay off before.
    let adam = LocalTraining { optimizer: Optimizer::Adam, ..plain };
    near(after(1, 1.0, 3.0, adam), 1.1);
    let adamw = LocalTraining { optimizer: Optimizer::AdamW { weight_decay: 0.5 }, ..plain };
    near(after(1, 1.0, 3.0, adamw), 1.0 * (1.0 - 0.05) + 0.1);
    // Decoupled: a second step from the same moments as Adam without decay.
    let moments = |g: f64, h: f64| {
        let m = (0.9 * 0.1 * g + 0.1 * h) / (1.0 - 0.81);
        let v = (0.999 * 0.001 * g * g + 0.001 * h * h) / (1.0 - 0.998_001);
        0.1 * m / v.sqrt()
    };
    let second = 2.0 * (1.05 - 3.0);
    near(after(2, 1.0, 3.0, adamw), 1.05 * 0.95 - moments(-4.0, second));
}

#[test]
fn fedprox_pulls_to_where_the_round_began() {
    let with = |proximal| LocalTraining { proximal, ..LocalTraining::steps(1) };
    // The first step starts at w₀: no pull. The second: gradient −3.2 + 2 · (1.4 − 1).
    near(after(1, 1.0, 3.0, with(2.0)), 1.4);
    near(after(2, 1.0, 3.0, with(2.0)), 1.4 + 0.24);
    // In the limit 2 (w − 3) + μ (w − 1) = 0.
    near(after(200, 1.0, 3.0, with(2.0)), 2.0);
    let ways: Vec<f64> =
        [0.0, 0.1, 1.0, 5.0].map(|mu| after(20, 1.0, 3.0, with(mu)) - 1.0).to_vec();
    assert!(ways.is_sorted_by(|a, b| a > b) && ways[3] > 0.0, "{ways:?}");
}

#[test]
fn a_bound_of_the_norm_bounds_the_step() {
    let with = |norm| LocalTraining { clip_norm: Some(norm), ..LocalTraining::steps(1) };
    near(after(1, 1.0, 3.0, with(0.5)), 1.05);
    near(after(1, 1.0, -1e12, with(0.5)), 0.95);
    // A longer bound than the gradient changes nothing.
    near(after(1, 1.0, 3.0, with(4.5)), 1.4);
    // The norm is that of all tensors together, and the direction stays.
    let spec = ModelSpec::mlp(2, &[5], 2);
    let base = Weights::init(&spec, [1; 32]);
    let data = Dataset::new(vec![3.0, -4.0, 1.0, 2.0], vec![0, 1], 2, 2).unwrap();
    let step = |clip_norm| {
        let local = LocalTraining { clip_norm, learning_rate: 1.0, ..LocalTraining::steps(1) };
        let weights = train(&spec, &base, &data, &local, [0; 32], GO).unwrap().weights;
        let pairs = base.values().iter().zip(weights.values());
        pairs.map(|(old, new)| f64::from(new - old)).collect::<Vec<f64>>()
    };
    let norm = |step: &[f64]| step.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (free, bound) = (step(None), step(Some(0.01)));
    assert!(norm(&free) > 0.1 && (norm(&bound) - 0.01).abs() < 1e-6, "{}", norm(&bound));
    for (free_part, part) in free.iter().zip(&bound) {
        assert!((free_part / norm(&free) * 0.01 - part).abs() < 1e-6);
    }
}

#[test]
fn a_correction_is_added_to_every_gradient_before_the_bound() {
    let run = |local: LocalTraining| {
        let local = LocalTraining { learning_rate: 0.1, ..local };
        let data = one(1.0, 3.0);
        let correction = weight(1.0);
        let outcome =
            train_corrected(&line(), &weight(1.0), &data, &local, Some(&correction), [0; 32], GO);
        f64::from(outcome.unwrap().weights.values()[0])
    };
    near(run(LocalTraining::steps(1)), 1.3);
    near(run(LocalTraining::steps(2)), 1.3 + 0.24);
    near(run(LocalTraining { clip_norm: Some(2.0), ..LocalTraining::steps(1) }), 1.2);
    let other = Weights::zero(&ModelSpec::mlp(2, &[], 2));
    let local = LocalTraining::steps(1);
    let result =
        train_corrected(&line(), &weight(1.0), &one(1.0, 3.0), &local, Some(&other), [0; 32], GO);
    assert!(matches!(result, Err(TrainError::Weights(_))));
}

#[test]
fn steps_go_on_over_passes_of_the_rows() {
    let rows = 10_usize;
    let features: Vec<f32> = (0..rows).map(|row| row as f32 / 10.0).collect();
    let data = Dataset::with_quantities(features.clone(), features, 1, 1).unwrap();
    let run = |local: &LocalTraining| {
        let mut passes = Vec::new();
        let outcome = train(&line(), &weight(0.0), &data, local, [3; 32], |progress| {
            assert_eq!(progress.batches, 7);
            passes.push(progress.epoch);
            ControlFlow::Continue(())
        });
        (outcome.unwrap(), passes)
    };
    // Batches of 4, 4 and 2 rows.
    let local = LocalTraining { batch_size: 4, ..LocalTraining::steps(7) };
    let (outcome, passes) = run(&local);
    assert_eq!(passes, [0, 0, 0, 1, 1, 1, 2]);
    assert_eq!((outcome.steps, outcome.rows), (7, rows));
    // As many steps as two epochs are two epochs.
    let go =
        |local: &LocalTraining| train(&line(), &weight(0.0), &data, local, [3; 32], GO).unwrap();
    let epochs = go(&LocalTraining { work: Work::Epochs(2), ..local });
    assert_eq!(go(&LocalTraining { work: Work::Steps(6), ..local }), epochs);
}

#[test]
fn a_batch_larger_than_the_data_is_all_of_it() {
    let data = one(1.0, 3.0);
    let run = |batch_size| {
        let local = LocalTraining { batch_size, ..LocalTraining::epochs(3) };
        train(&line(), &weight(1.0), &data, &local, [0; 32], GO).unwrap()
    };
    let (whole, larger) = (run(1), run(u32::MAX));
    assert_eq!(whole, larger);
    assert_eq!(larger.steps, 3);
}

#[test]
fn what_leaves_the_range_of_numbers_is_an_error() {
    let run = |y: f32, local: LocalTraining| {
        train(&line(), &weight(1.0), &one(1.0, y), &local, [0; 32], GO).unwrap_err()
    };
    let wild = LocalTraining { learning_rate: 1e3, ..LocalTraining::steps(100) };
    let long = LocalTraining { clip_norm: Some(1.0), ..LocalTraining::steps(1) };
    for error in [run(3.0, wild), run(1e25, long), run(1e25, LocalTraining::steps(1))] {
        assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
    }
}

#[test]
fn a_label_that_no_other_client_has_is_learned() {
    let spec = ModelSpec::mlp(1, &[], 3);
    let data = Dataset::new(vec![1.0, 2.0, 1.5], vec![2, 2, 2], 1, 3).unwrap();
    let local = LocalTraining { learning_rate: 0.5, ..LocalTraining::epochs(50) };
    let base = Weights::zero(&spec);
    let outcome = train(&spec, &base, &data, &local, [0; 32], GO).unwrap();
    assert!(outcome.loss < 0.1 && outcome.loss.is_finite(), "{}", outcome.loss);
    assert_eq!(crate::evaluate(&spec, &outcome.weights, &data).unwrap().accuracy, 1.0);
}

#[test]
fn an_exploding_client_is_cut_to_the_clip_and_counted() {
    let encoding = crate::Encoding::new(8, 4, 100).unwrap();
    // The change of one step is 0.1 · 2 · 10⁶: far beyond 100 / 2⁴.
    let local = LocalTraining { learning_rate: 0.1, ..LocalTraining::steps(1) };
    let base = weight(0.0);
    let outcome = train(&line(), &base, &one(1.0, 1e6), &local, [0; 32], GO).unwrap();
    let update = crate::Update::from_delta(&base, &outcome.weights, encoding).unwrap();
    assert_eq!((update.values(), update.at_clip()), (&[100][..], 1));
    let update = crate::Update::from_delta(&base, &weight(1.0), encoding).unwrap();
    assert_eq!((update.values(), update.at_clip()), (&[16][..], 0));
}

#[test]
fn effective_steps_are_those_of_fednova() {
    let with = |momentum, proximal| LocalTraining {
        learning_rate: 0.1,
        optimizer: Optimizer::Sgd { momentum },
        proximal,
        ..LocalTraining::steps(1)
    };
    assert_eq!(with(0.0, 0.0).effective_steps(25), 25.0);
    assert_eq!(with(0.0, 0.0).nova_steps(25), 400);
    let (rho, tau) = (0.9_f64, 25.0);
    let closed = (tau - rho * (1.0 - rho.powf(tau)) / (1.0 - rho)) / (1.0 - rho);
    near(with(0.9, 0.0).effective_steps(25), closed);
    // FedProx: (1 − (1 − ημ)^τ) / (ημ).
    near(with(0.0, 2.0).effective_steps(25), (1.0 - 0.8_f64.powf(tau)) / 0.2);
    // And training goes as far: from the start, where the gradient is −4, with next to no curvature.
    let local = LocalTraining { optimizer: Optimizer::Sgd { momentum: 0.5 }, ..with(0.0, 0.0) };
    let flat = LocalTraining { work: Work::Steps(6), ..local };
    let data = one(1e-3, 1e3);
    let outcome = train(&line(), &weight(0.0), &data, &flat, [0; 32], GO).unwrap();
    let way = 0.1 * 2.0 * f64::from(1e-3_f32) * 1e3 * local.effective_steps(6);
    assert!((f64::from(outcome.weights.values()[0]) / way - 1.0).abs() < 1e-4);
    let adam = LocalTraining { optimizer: Optimizer::Adam, ..local };
    assert_eq!(adam.effective_steps(25), 25.0);
}
