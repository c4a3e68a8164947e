//! Training on a card, or on a driver that computes as one on the processor, against training on the processor.
#![allow(clippy::unwrap_used)]
use super::{
    mixed_tests::{apart, few_steps},
    tests::tasks,
    *,
};
use crate::device::Choice;

const GO: fn(Progress) -> ControlFlow<()> = |_| ControlFlow::Continue(());

/// A card of this machine, if it has one.
fn card() -> Option<Device> {
    let found = device::find(Choice::Wgpu(0)).or_else(|_| device::find(Choice::Software));
    found.map_err(|why| eprintln!("SKIPPED: no card: {why}")).ok()
}

/// How far both devices end from each other, see [`apart`].
fn compare(
    card: &Device,
    products: FloatDType,
    spec: &ModelSpec,
    data: &Dataset,
    local: &LocalTraining,
) -> f64 {
    let base = &Weights::init(spec, [1; 32]);
    let job = Job { spec, base, data, local, correction: None, seed: [2; 32] };
    let here = Place { device: device::cpu(), products: FloatDType::F32 }.train(job, GO).unwrap();
    let there = Place { device: card.clone(), products }.train(job, GO).unwrap();
    assert!((here.loss - there.loss).abs() < 0.02 * here.loss.abs().max(1.0));
    let apart = apart(base, &here.weights, &there.weights);
    eprintln!("{products:?}, {} layers, {}: {apart:.2e}", spec.layers.len(), spec.task.name());
    apart
}

#[test]
fn a_card_trains_every_task_as_the_processor_does() {
    let Some(card) = card() else { return };
    let plain = few_steps();
    let all = LocalTraining {
        optimizer: Optimizer::Sgd { momentum: 0.9 },
        clip_norm: Some(1.0),
        proximal: 0.1,
        ..plain
    };
    for (spec, data) in tasks() {
        for local in [plain, all] {
            let apart = compare(&card, FloatDType::F32, &spec, &data, &local);
            assert!(apart < 1e-3, "{}: {apart}", spec.task.name());
        }
    }
}

#[test]
fn a_card_trains_ready_models_as_the_processor_does() {
    let Some(card) = card() else { return };
    let pixels = (0..8 * 784).map(|i| ((i * 7919) % 1_000) as f32 / 1_000.0).collect();
    let data = Dataset::new(pixels, (0..8).collect(), 784, 10).unwrap();
    let local = LocalTraining { batch_size: 4, learning_rate: 0.05, ..LocalTraining::steps(3) };
    for name in ["2nn", "mcmahan-cnn"] {
        let spec = ModelSpec::named(name, None, None).unwrap();
        let apart = compare(&card, FloatDType::F32, &spec, &data, &local);
        assert!(apart < 1e-3, "{name}: {apart}");
    }
}

#[test]
fn clients_in_a_batch_on_a_card_end_where_each_ends_alone_on_the_processor() {
    let Some(card) = card() else { return };
    let all = LocalTraining {
        optimizer: Optimizer::Sgd { momentum: 0.9 },
        clip_norm: Some(1.0),
        proximal: 0.1,
        ..few_steps()
    };
    for (spec, data) in tasks() {
        if can_train_together(&spec, &all).is_err() {
            continue;
        }
        let base = &Weights::init(&spec, [1; 32]);
        let parts = [13, 40, 26].map(|rows| data.subset(&(0..rows).collect::<Vec<_>>()));
        let trainees =
            parts.each_ref().map(|data| Trainee { data, correction: None, seed: [2; 32] });
        let go = || ControlFlow::Continue(());
        let found = together::train_on(card.clone(), &spec, base, &trainees, &all, go).unwrap();
        for (found, data) in found.into_iter().zip(&parts) {
            let job = Job { spec: &spec, base, data, local: &all, correction: None, seed: [2; 32] };
            let here = Place { device: device::cpu(), products: FloatDType::F32 };
            let alone = here.train(job, GO).unwrap();
            let apart = apart(base, &alone.weights, &found.unwrap().weights);
            assert!(apart < 1e-3, "{}: {apart}", spec.task.name());
        }
    }
}

#[test]
fn mixed_precision_on_a_card_is_close_to_single_precision() {
    let Some(card) = card() else { return };
    let Some(products) = device::narrow(&card) else {
        eprintln!("SKIPPED: this card has no floats of 16 bits");
        return;
    };
    for (spec, data) in tasks() {
        let apart = compare(&card, products, &spec, &data, &few_steps());
        assert!(apart > 0.0 && apart < 0.06, "{}: {apart}", spec.task.name());
    }
}
