//! Mixed precision with the floats of 16 bits that the processor has, as cards compute it.
#![allow(clippy::unwrap_used)]
use super::{tests::tasks, *};
use crate::model::{LayerSpec, Task};

const GO: fn(Progress) -> ControlFlow<()> = |_| ControlFlow::Continue(());

fn processor(products: FloatDType) -> Place {
    Place { device: device::cpu(), products }
}

/// `‖b − a‖ / ‖a − base‖`: how far two trainings end from each other, in the length of the first's way.
pub(super) fn apart(base: &Weights, a: &Weights, b: &Weights) -> f64 {
    let distance = |a: &Weights, b: &Weights| {
        let squares = a.values().iter().zip(b.values()).map(|(a, b)| f64::from(a - b).powi(2));
        squares.sum::<f64>().sqrt()
    };
    distance(a, b) / distance(a, base)
}

/// Ten steps of plain SGD on a model of each task.
pub(super) fn few_steps() -> LocalTraining {
    LocalTraining { batch_size: 8, learning_rate: 0.05, ..LocalTraining::steps(10) }
}

#[test]
fn every_task_is_learned_as_in_single_precision() {
    let local = few_steps();
    for (spec, data) in tasks() {
        let base = Weights::init(&spec, [1; 32]);
        let job = Job {
            spec: &spec,
            base: &base,
            data: &data,
            local: &local,
            correction: None,
            seed: [2; 32],
        };
        let single = processor(FloatDType::F32).train(job, GO).unwrap();
        // bf16 has 8 bits of fraction, f16 has 11.
        for (products, most) in [(FloatDType::BF16, 0.06), (FloatDType::F16, 0.01)] {
            let mixed = processor(products).train(job, GO).unwrap();
            let apart = apart(&base, &single.weights, &mixed.weights);
            assert!(apart > 0.0 && apart < most, "{products:?}, {}: {apart}", spec.task.name());
            assert!((mixed.loss - single.loss).abs() < 0.02 * single.loss.abs().max(1.0));
            assert_eq!(mixed, processor(products).train(job, GO).unwrap());
        }
    }
}

/// Trains `w x = y` from `w = 0` on the processor, with products in floats of a kind.
fn line(
    products: FloatDType,
    x: f32,
    y: f32,
    local: &LocalTraining,
    observe: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<TrainOutcome, TrainError> {
    let layers = vec![LayerSpec::Dense { units: 1, bias: false }];
    let spec = ModelSpec::new(vec![1], layers).with_task(Task::Regression);
    let base = Weights::new(&spec, vec![0.0]).unwrap();
    let data = Dataset::with_quantities(vec![x], vec![y], 1, 1).unwrap();
    let (spec, base, data) = (&spec, &base, &data);
    let job = Job { spec, base, data, local, correction: None, seed: [0; 32] };
    processor(products).train(job, observe)
}

/// So many steps of rate `rate`.
fn steps(number: u32, rate: f64) -> LocalTraining {
    LocalTraining { learning_rate: rate, ..LocalTraining::steps(number) }
}

#[test]
fn gradients_too_small_for_f16_survive_by_scaling() {
    // The gradient is 2 · 10⁻⁹, and the least number above zero in f16 is 6 · 10⁻⁸.
    let outcome = line(FloatDType::F16, 1.0, 1e-9, &steps(1, 1e9), GO).unwrap();
    let weight = outcome.weights.values()[0];
    assert!((weight - 2.0).abs() < 0.01, "{weight}");
}

#[test]
fn gradients_too_large_for_f16_are_tried_again_with_a_smaller_factor() {
    // The gradient −2,000 is in range, and out of it with the first factor.
    let mut batches = 0;
    let outcome = line(FloatDType::F16, 1.0, 1e3, &steps(3, 0.25), |_| {
        batches += 1;
        ControlFlow::Continue(())
    });
    let outcome = outcome.unwrap();
    // Each step halves the distance: 500, 750, 875.
    let weight = outcome.weights.values()[0];
    assert!((weight - 875.0).abs() < 1.0, "{weight}");
    assert_eq!((outcome.steps, batches), (3, 3));
}

#[test]
fn what_is_out_of_range_without_a_factor_has_diverged() {
    let large = |products| line(products, 1e5, 1.0, &steps(1, 1e-12), GO);
    assert!(matches!(large(FloatDType::F16), Err(TrainError::Diverged { epoch: 0 })));
    // bf16 has the range of f32.
    assert!(large(FloatDType::BF16).is_ok());
}

#[test]
fn a_setting_asks_for_it_and_bf16_comes_first() {
    let place = Place::of(device::cpu(), Precision::Mixed).unwrap();
    assert_eq!(place.products, FloatDType::BF16);
    let place = Place::of(device::cpu(), Precision::Single).unwrap();
    assert_eq!(place.products, FloatDType::F32);
    let (spec, data) = tasks().swap_remove(1);
    let base = Weights::init(&spec, [1; 32]);
    let run = |precision| {
        let local = LocalTraining { precision, ..few_steps() };
        train(&spec, &base, &data, &local, [2; 32], GO).unwrap()
    };
    assert_ne!(run(Precision::Single), run(Precision::Mixed));
}
