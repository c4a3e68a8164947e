//! Clients that are trained together, against each of them alone.
#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::{
    model::{LayerSpec, Task},
    testing::numbers_like_noise,
};

const GO: fn(Progress) -> ControlFlow<()> = |_| ControlFlow::Continue(());
const PROCEED: fn() -> ControlFlow<()> = || ControlFlow::Continue(());

/// Rows of several clients: with batches of four, five rows leave a batch of one.
const ROWS: [usize; 4] = [5, 17, 8, 10];

/// Rows of `columns` numbers and a label below 3, for each client.
fn images(columns: usize) -> Vec<Dataset> {
    let client = |(client, rows): (usize, usize)| {
        let features = numbers_like_noise(rows * columns, 7 + client as u32);
        let labels = (0..rows).map(|row| ((row * 5 + client) % 3) as u32).collect();
        Dataset::new(features, labels, columns, 3).unwrap()
    };
    ROWS.into_iter().enumerate().map(client).collect()
}

fn small_cnn() -> ModelSpec {
    let layers = vec![
        LayerSpec::conv(4, 3),
        LayerSpec::GroupNorm { groups: 2 },
        LayerSpec::Relu,
        LayerSpec::MaxPool { size: 2, stride: 2, padding: 0 },
        LayerSpec::conv(6, 3),
        LayerSpec::Tanh,
        LayerSpec::Flatten,
        LayerSpec::Dropout { percent: 25 },
        LayerSpec::dense(3),
    ];
    ModelSpec::new(vec![2, 6, 6], layers)
}

/// The layers for images that the small network lacks.
fn residual() -> ModelSpec {
    let conv = |filters, kernel, stride, padding| LayerSpec::Conv2d {
        filters,
        kernel,
        stride,
        padding,
        bias: false,
    };
    let layers = vec![
        LayerSpec::Residual {
            layers: vec![conv(4, 3, 2, 1), LayerSpec::Sigmoid, LayerSpec::conv(4, 3)],
            shortcut: vec![conv(4, 1, 2, 0)],
        },
        LayerSpec::AvgPool { size: 2, stride: 1 },
        LayerSpec::GlobalPool,
        LayerSpec::LayerNorm,
        LayerSpec::Dense { units: 3, bias: false },
    ];
    ModelSpec::new(vec![2, 6, 6], layers)
}

/// Texts of seven tokens for each client, and models of the next token and of the last.
fn texts() -> [(ModelSpec, Vec<Dataset>); 2] {
    let client = |rows: usize| {
        let tokens = (0..rows * 7).map(|place| (place * place % 5) as f32).collect();
        Dataset::new(tokens, (0..rows as u32).map(|row| row % 5).collect(), 7, 5).unwrap()
    };
    let all = || ROWS.into_iter().map(client).collect::<Vec<_>>();
    let each = vec![
        LayerSpec::Embedding { vocabulary: 5, units: 6 },
        LayerSpec::Position,
        LayerSpec::LayerNorm,
        LayerSpec::dense(8),
        LayerSpec::Gelu,
        LayerSpec::Dropout { percent: 10 },
    ];
    let with = |more: &[LayerSpec]| [each.as_slice(), more].concat();
    let next = ModelSpec::new(vec![7], with(&[LayerSpec::dense(5)])).with_task(Task::NextToken);
    let last = ModelSpec::new(vec![7], with(&[LayerSpec::LastStep, LayerSpec::dense(5)]));
    [(next, all()), (last, all())]
}

fn regression() -> (ModelSpec, Vec<Dataset>) {
    let client = |rows: usize| {
        let (features, quantities) =
            (numbers_like_noise(rows * 4, rows as u32), numbers_like_noise(rows * 2, 3));
        Dataset::with_quantities(features, quantities, 4, 2).unwrap()
    };
    let spec = ModelSpec::mlp(4, &[6], 2).with_task(Task::Regression);
    (spec, ROWS.into_iter().map(client).collect())
}

fn plain() -> LocalTraining {
    LocalTraining { batch_size: 4, learning_rate: 0.05, ..LocalTraining::epochs(3) }
}

fn momentum() -> LocalTraining {
    LocalTraining { optimizer: Optimizer::Sgd { momentum: 0.9 }, ..plain() }
}

fn seed(client: usize) -> Seed {
    [client as u8 + 1; 32]
}

/// Trains the clients together and each alone; the numbers may be `most` apart.
fn compare(
    spec: &ModelSpec,
    data: &[Dataset],
    corrections: &[Weights],
    local: &LocalTraining,
    most: f64,
) {
    let base = Weights::init(spec, [1; 32]);
    let trainee =
        |(client, data)| Trainee { data, correction: corrections.get(client), seed: seed(client) };
    let trainees: Vec<Trainee<'_>> = data.iter().enumerate().map(trainee).collect();
    let together = train_together(spec, &base, &trainees, local, PROCEED).unwrap();
    assert_eq!(together.len(), data.len());
    for (client, (found, Trainee { data, correction, seed })) in
        together.into_iter().zip(trainees).enumerate()
    {
        let alone = train_corrected(spec, &base, data, local, correction, seed, GO).unwrap();
        let found = found.unwrap();
        assert_eq!((found.rows, found.steps), (alone.rows, alone.steps));
        let pairs = found.weights.values().iter().zip(alone.weights.values());
        let apart = pairs.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
        let what = format!("client {client}, {} layers, {local:?}", spec.layers.len());
        assert!(apart < most, "{what}: {apart:e}");
        assert!((found.loss - alone.loss).abs() < most, "{what}: {} {}", found.loss, alone.loss);
        let moved = alone.weights.values().iter().zip(base.values());
        assert!(moved.into_iter().any(|(a, b)| (a - b).abs() > 0.01), "{what}: nothing is learned");
    }
}

#[test]
fn clients_trained_together_end_where_each_ends_alone() {
    let dense = ModelSpec::mlp(72, &[20, 20], 3);
    let mut cases = vec![
        (dense, images(72)),
        (small_cnn(), images(72)),
        (residual(), images(72)),
        regression(),
    ];
    cases.extend(texts());
    for (spec, data) in &cases {
        for local in [plain(), momentum()] {
            compare(spec, data, &[], &local, 1e-4);
        }
    }
}

#[test]
fn every_setting_does_to_each_client_what_it_does_to_one_alone() {
    let spec = ModelSpec::mlp(72, &[8], 3);
    let data = images(72);
    let corrections: Vec<Weights> = (0..data.len())
        .map(|client| {
            let numbers = numbers_like_noise(spec.parameter_count(), client as u32);
            Weights::new(&spec, numbers.iter().map(|number| number * 0.1).collect()).unwrap()
        })
        .collect();
    let steps = LocalTraining { work: Work::Steps(7), ..plain() };
    let all = LocalTraining {
        weight_decay: 0.1,
        // Of some steps and not of others.
        clip_norm: Some(1.0),
        proximal: 0.5,
        ..momentum()
    };
    let adam = LocalTraining { optimizer: Optimizer::Adam, learning_rate: 0.01, ..plain() };
    let adamw = LocalTraining { optimizer: Optimizer::AdamW { weight_decay: 0.1 }, ..adam };
    for local in [steps, all, adam, adamw] {
        compare(&spec, &data, &[], &local, 1e-4);
    }
    for local in [plain(), all] {
        compare(&spec, &data, &corrections, &local, 1e-4);
    }
    // More steps than are read at a time, and a batch that has all rows of a client.
    let long = LocalTraining { work: Work::Epochs(40), batch_size: 16, ..plain() };
    compare(&spec, &data, &[], &long, 1e-4);
}

#[test]
fn a_client_that_diverges_harms_no_other() {
    let sound = images(72);
    for spec in [ModelSpec::mlp(72, &[8], 3), small_cnn()] {
        let base = Weights::init(&spec, [1; 32]);
        let huge = numbers_like_noise(6 * 72, 1).iter().map(|number| number * 1e30).collect();
        let huge = Dataset::new(huge, vec![0, 1, 2, 0, 1, 2], 72, 3).unwrap();
        let wild = ModelSpec::mlp(72, &[8], 3) == spec;
        for clip_norm in [None, Some(1.0)] {
            let local = LocalTraining { clip_norm, ..momentum() };
            let data = [&sound[0], &huge, &sound[1], &sound[2]];
            let trainee = |(client, data)| Trainee { data, correction: None, seed: seed(client) };
            let trainees: Vec<Trainee<'_>> = data.into_iter().enumerate().map(trainee).collect();
            let found = train_together(&spec, &base, &trainees, &local, PROCEED).unwrap();
            for (client, found) in found.into_iter().enumerate() {
                let Trainee { data, seed, .. } = trainees[client];
                match (found, train(&spec, &base, data, &local, seed, GO)) {
                    (Ok(found), Ok(alone)) => {
                        let pairs = found.weights.values().iter().zip(alone.weights.values());
                        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-4), "{client}");
                    }
                    (Err(TrainError::Diverged { .. }), Err(TrainError::Diverged { .. })) => {
                        assert!(wild && client == 1, "client {client} has diverged");
                    }
                    (found, alone) => panic!(
                        "client {client}: {:?} together, {:?} alone",
                        found.map(|outcome| outcome.loss),
                        alone.map(|outcome| outcome.loss)
                    ),
                }
            }
        }
    }
}

#[test]
fn a_round_in_which_all_diverge_ends_early() {
    let spec = ModelSpec::mlp(72, &[8], 3);
    let base = Weights::init(&spec, [1; 32]);
    let data = images(72);
    let local = LocalTraining { learning_rate: 1e30, work: Work::Steps(100_000_000), ..momentum() };
    let trainees =
        [&data[0], &data[1]].map(|data| Trainee { data, correction: None, seed: [0; 32] });
    let found = train_together(&spec, &base, &trainees, &local, PROCEED).unwrap();
    assert!(found.iter().all(|client| matches!(client, Err(TrainError::Diverged { .. }))));
}

#[test]
fn what_cannot_be_trained_together_is_refused_with_a_reason() {
    let steps = |layer| {
        let block = LayerSpec::Residual { layers: vec![layer], shortcut: Vec::new() };
        let layers = vec![LayerSpec::Embedding { vocabulary: 5, units: 6 }, block];
        ModelSpec::new(vec![7], layers)
    };
    for (layer, kind) in [
        (LayerSpec::Gru { units: 6 }, "gru"),
        (LayerSpec::Lstm { units: 6 }, "lstm"),
        (LayerSpec::Attention { heads: 2, causal: true }, "attention"),
    ] {
        let refused = can_train_together(&steps(layer), &plain()).unwrap_err();
        assert_eq!(refused, Alone::Layer(kind));
        assert!(refused.to_string().contains(&format!("`{kind}`")), "{refused}");
    }
    let spec = ModelSpec::mlp(72, &[8], 3);
    let mixed = LocalTraining { precision: Precision::Mixed, ..plain() };
    assert_eq!(can_train_together(&spec, &mixed), Err(Alone::Mixed));
    assert_eq!(can_train_together(&spec, &plain()), Ok(()));

    let base = Weights::init(&spec, [1; 32]);
    let data = images(72);
    let none = data[0].subset(&[]);
    let run = |data, local: &LocalTraining, proceed: fn() -> ControlFlow<()>| {
        let trainees = [Trainee { data, correction: None, seed: [0; 32] }];
        train_together(&spec, &base, &trainees, local, proceed).unwrap_err()
    };
    assert!(matches!(run(&data[0], &mixed, PROCEED), TrainError::Alone(Alone::Mixed)));
    assert!(matches!(run(&none, &plain(), PROCEED), TrainError::NoRows));
    assert!(matches!(run(&data[0], &plain(), || ControlFlow::Break(())), TrainError::Stopped));
    assert!(train_together(&spec, &base, &[], &plain(), PROCEED).unwrap().is_empty());
}
