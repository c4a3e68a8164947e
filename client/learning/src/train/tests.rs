#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;

fn two_blobs() -> Dataset {
    let (features, labels) = (0..60)
        .map(|i| {
            let label = i % 2;
            let center = if label == 0 { -1.0 } else { 1.0 };
            (vec![center + (i as f32 * 0.7).sin() * 0.5, (i as f32).cos()], label)
        })
        .unzip::<_, _, Vec<_>, Vec<u32>>();
    Dataset::new(features.concat(), labels, 2, 2).unwrap()
}

fn settings(optimizer: Optimizer) -> LocalTraining {
    LocalTraining { batch_size: 7, learning_rate: 0.1, optimizer, ..LocalTraining::epochs(8) }
}

const GO: fn(Progress) -> ControlFlow<()> = |_| ControlFlow::Continue(());

#[test]
fn every_optimizer_and_activation_learns_a_simple_task() {
    use crate::model::LayerSpec::{self, *};
    for activation in [Relu, Gelu, Tanh, Sigmoid] {
        for optimizer in [Optimizer::Sgd { momentum: 0.9 }, Optimizer::Adam] {
            let layers = vec![
                LayerSpec::dense(6),
                activation.clone(),
                LayerSpec::Dense { units: 2, bias: false },
            ];
            let spec = ModelSpec::new(vec![2], layers);
            let base = Weights::init(&spec, [1; 32]);
            let mut first = None;
            let outcome =
                train(&spec, &base, &two_blobs(), &settings(optimizer), [2; 32], |progress| {
                    first.get_or_insert(progress.loss);
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert!(outcome.loss < 0.3, "{activation:?} {optimizer:?}: {}", outcome.loss);
            assert!(outcome.loss < first.unwrap() && outcome.rows == 60);
        }
    }
}

#[test]
fn the_seed_determines_every_bit() {
    let spec = ModelSpec::mlp(2, &[5], 2);
    let base = Weights::init(&spec, [1; 32]);
    let local = settings(Optimizer::Sgd { momentum: 0.5 });
    let run = |seed| train(&spec, &base, &two_blobs(), &local, seed, GO).unwrap();
    assert_eq!(run([2; 32]), run([2; 32]));
    assert_ne!(run([2; 32]).weights, run([3; 32]).weights);
}

#[test]
fn one_step_of_plain_sgd_is_the_gradient_by_hand() {
    let spec = ModelSpec::mlp(1, &[], 2);
    let base = Weights::new(&spec, vec![0.0; 4]).unwrap();
    let data = Dataset::new(vec![2.0], vec![1], 1, 2).unwrap();
    let local =
        LocalTraining { work: Work::Epochs(1), ..settings(Optimizer::Sgd { momentum: 0.0 }) };
    let outcome = train(&spec, &base, &data, &local, [0; 32], GO).unwrap();
    // softmax − onehot = [0.5, −0.5]; times the learning rate 0.1; times x = 2 for the weights.
    let expected = [-0.05, 0.05, -0.1, 0.1];
    for (found, expected) in outcome.weights.values().iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
    assert!((outcome.loss - 2_f64.ln()).abs() < 1e-6);
}

#[test]
fn an_observer_can_stop_between_two_batches() {
    let spec = ModelSpec::mlp(2, &[5], 2);
    let base = Weights::init(&spec, [1; 32]);
    let mut seen = 0;
    let result =
        train(&spec, &base, &two_blobs(), &settings(Optimizer::Adam), [0; 32], |progress| {
            seen = progress.batches_done;
            assert_eq!(progress.batches, 72);
            if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    assert!(matches!(result, Err(TrainError::Stopped)) && seen == 3);
}

#[test]
fn impossible_requests_are_refused() {
    let spec = ModelSpec::mlp(2, &[5], 2);
    let base = Weights::init(&spec, [1; 32]);
    let good = settings(Optimizer::Adam);
    let run = |spec: &ModelSpec, data: &Dataset, local: LocalTraining| {
        train(spec, &base, data, &local, [0; 32], GO).unwrap_err()
    };
    let data = two_blobs();
    let name = |local| match run(&spec, &data, local) {
        TrainError::Setting { name, .. } => name,
        other => panic!("{other}"),
    };
    assert_eq!(name(LocalTraining { work: Work::Epochs(0), ..good }), "epochs");
    assert_eq!(name(LocalTraining { batch_size: 0, ..good }), "batch_size");
    assert_eq!(name(LocalTraining { learning_rate: f64::NAN, ..good }), "learning_rate");
    assert_eq!(name(LocalTraining { weight_decay: -1.0, ..good }), "weight_decay");
    assert_eq!(name(settings(Optimizer::Sgd { momentum: 1.0 })), "momentum");
    assert!(matches!(run(&spec, &data.subset(&[]), good), TrainError::NoRows));
    assert!(matches!(
        run(&ModelSpec::mlp(3, &[5], 2), &data, good),
        TrainError::Data(SpecError::Features { expected: 3, found: 2 })
    ));
    assert!(matches!(run(&ModelSpec::mlp(2, &[4], 2), &data, good), TrainError::Weights(_)));
    let wild = LocalTraining { learning_rate: 1e30, ..settings(Optimizer::Sgd { momentum: 0.9 }) };
    assert!(matches!(run(&spec, &data, wild), TrainError::Diverged { .. }));
}

/// A model of each task whose layers use all that training knows, and rows for it.
pub(super) fn tasks() -> Vec<(ModelSpec, Dataset)> {
    use crate::model::{LayerSpec, Task};
    // The picture repeats with every thirteenth row, and so do label and quantity.
    let images: Vec<f32> =
        (0..40 * 32).map(|i| ((i / 32 * 7 + i * 3) % 13) as f32 / 13.0).collect();
    let labels = (0..40).map(|row| row % 13 % 2).collect();
    let quantities = (0..40).map(|row| (row % 13 % 5) as f32).collect();
    let text: Vec<f32> = (0..40 * 12).map(|i| (i % 5) as f32).collect();
    let next = (0..40).map(|row| ((row + 1) * 12 % 5) as u32).collect();
    let image = vec![
        LayerSpec::conv(4, 3),
        LayerSpec::GroupNorm { groups: 2 },
        LayerSpec::Relu,
        LayerSpec::MaxPool { size: 2, stride: 2, padding: 0 },
        LayerSpec::Flatten,
        LayerSpec::Dropout { percent: 25 },
        LayerSpec::dense(2),
    ];
    let line = ModelSpec::mlp(32, &[8], 1).with_task(Task::Regression);
    vec![
        (
            ModelSpec::new(vec![2, 4, 4], image),
            Dataset::new(images.clone(), labels, 32, 2).unwrap(),
        ),
        (line, Dataset::with_quantities(images, quantities, 32, 1).unwrap()),
        (
            ModelSpec::named("transformer-char", Some(&[12]), Some(5)).unwrap(),
            Dataset::new(text.clone(), next, 12, 5).unwrap(),
        ),
        (
            ModelSpec::new(
                vec![12],
                vec![
                    LayerSpec::Embedding { vocabulary: 5, units: 6 },
                    LayerSpec::Gru { units: 12 },
                    LayerSpec::Lstm { units: 8 },
                    LayerSpec::dense(5),
                ],
            )
            .with_task(Task::NextToken),
            Dataset::new(text, (0..40).map(|row| ((row + 1) * 12 % 5) as u32).collect(), 12, 5)
                .unwrap(),
        ),
    ]
}

#[test]
fn every_task_is_learned() {
    for (spec, data) in tasks() {
        let base = Weights::init(&spec, [1; 32]);
        let local = LocalTraining {
            learning_rate: 0.01,
            work: Work::Epochs(40),
            ..settings(Optimizer::Adam)
        };
        let before = crate::evaluate(&spec, &base, &data).unwrap();
        let outcome = train(&spec, &base, &data, &local, [2; 32], GO).unwrap();
        let after = crate::evaluate(&spec, &outcome.weights, &data).unwrap();
        assert!(after.loss < 0.5 * before.loss, "{}: {before:?} {after:?}", spec.task.name());
        assert!(after.utility > before.utility, "{before:?} {after:?}");
    }
}

#[test]
fn every_ready_model_takes_steps_that_lower_its_loss() {
    use crate::model::READY;
    for name in READY {
        let spec = ModelSpec::named(name, None, None).unwrap();
        let (rows, columns, classes) = (4, spec.features(), spec.classes());
        let tokens = spec.tokens();
        let number = |i: usize| match tokens {
            Some(tokens) => (i * 31 % tokens) as f32,
            None => (i * 7919 % 256) as f32 / 255.0,
        };
        let labels = (0..rows as u32).map(|row| row * 3 % classes as u32).collect();
        let features = (0..rows * columns).map(number).collect();
        let data = Dataset::new(features, labels, columns, classes).unwrap();
        let base = Weights::init(&spec, [1; 32]);
        let before = crate::evaluate(&spec, &base, &data).unwrap();
        // Nothing is known yet: the loss is near that of a blind guess.
        assert!(before.loss < 2.0 * (classes as f64).ln(), "{name}: {before:?}");
        let local = LocalTraining {
            learning_rate: 0.001,
            work: Work::Steps(4),
            ..settings(Optimizer::Sgd { momentum: 0.0 })
        };
        let outcome = train(&spec, &base, &data, &local, [2; 32], GO).unwrap();
        let after = crate::evaluate(&spec, &outcome.weights, &data).unwrap();
        assert!(after.loss < before.loss, "{name}: {before:?} {after:?}");
    }
}

#[test]
fn what_a_device_does_not_give_is_its_failure_and_no_divergence() {
    // In place of a card that fails, two numbers where one is asked for.
    let unreadable = Tensor::<1>::zeros([2], &device::cpu());
    assert!(matches!(read(Some(unreadable)), Err(TrainError::Device { .. })));
    assert_eq!(read(None).unwrap(), 0.0);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let on = |threads: usize, spec: &ModelSpec, data: &Dataset| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let base = Weights::init(spec, [1; 32]);
        let local =
            LocalTraining { work: Work::Epochs(2), ..settings(Optimizer::Sgd { momentum: 0.9 }) };
        pool.install(|| train(spec, &base, data, &local, [2; 32], GO).unwrap())
    };
    for (spec, data) in tasks() {
        let once = on(1, &spec, &data);
        for threads in [1, 2, 3] {
            assert_eq!(on(threads, &spec, &data), once, "{threads} threads, {}", spec.task.name());
        }
    }
}
