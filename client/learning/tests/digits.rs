//! Federated learning on the embedded digits, without chain and network: what the demo relies on.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{ops::ControlFlow, time::Instant};

use decentralml_learning::{
    Coalitions, Dataset, Encoding, Evaluator, LocalTraining, ModelSpec, Optimizer, Rule,
    ShapleyOptions, Update, Weights, aggregate, data::digits, evaluate, score_updates, train,
};

const SEED: [u8; 32] = [42; 32];

fn spec() -> ModelSpec {
    ModelSpec::mlp(64, &[32], 10)
}

fn encoding() -> Encoding {
    Encoding::new(16, 12, 32_767).unwrap()
}

/// The hyper-parameters of the measurements behind the scoring rule.
fn local(epochs: u32) -> LocalTraining {
    LocalTraining {
        batch_size: 16,
        learning_rate: 0.1,
        optimizer: Optimizer::Sgd { momentum: 0.9 },
        ..LocalTraining::epochs(epochs)
    }
}

fn trained(base: &Weights, data: &Dataset, epochs: u32, seed: u8) -> Weights {
    let go = |_| ControlFlow::Continue(());
    train(&spec(), base, data, &local(epochs), [seed; 32], go).unwrap().weights
}

fn accuracy(weights: &Weights, data: &Dataset) -> f64 {
    evaluate(&spec(), weights, data).unwrap().accuracy
}

/// Training rows of five clients with skewed labels, rows for scoring, rows that nobody sees.
struct World {
    clients: Vec<Dataset>,
    scoring: Dataset,
    unseen: Dataset,
}

fn world() -> World {
    let mut parts = digits().unwrap().split(&[2, 1, 1], SEED).into_iter();
    let (training, scoring, unseen) =
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let clients = training.partition_dirichlet(5, 0.5, 30, SEED).unwrap();
    World { clients, scoring, unseen }
}

fn honest_updates(base: &Weights, clients: &[Dataset], round: u8) -> Vec<Update> {
    let updates = clients.iter().enumerate().map(|(index, data)| {
        let seed = round * 16 + index as u8;
        Update::from_delta(base, &trained(base, data, 5, seed), encoding()).unwrap()
    });
    updates.collect()
}

#[test]
fn central_training_reaches_the_ceiling() {
    let parts = digits().unwrap().split(&[3, 1], SEED);
    let weights = trained(&Weights::init(&spec(), SEED), &parts[0], 30, 1);
    let accuracy = accuracy(&weights, &parts[1]);
    println!("central accuracy {accuracy:.4}");
    assert!(accuracy > 0.95, "{accuracy}");
}

#[test]
fn federated_training_beats_every_client_alone() {
    let World { clients, unseen, .. } = world();
    let mut model = Weights::init(&spec(), SEED);
    let mut history = vec![accuracy(&model, &unseen)];
    for round in 0..12 {
        let updates = honest_updates(&model, &clients, round);
        let all: Vec<&Update> = updates.iter().collect();
        model = aggregate(&model, &all, Rule::Mean).unwrap();
        history.push(accuracy(&model, &unseen));
    }
    let start = Weights::init(&spec(), SEED);
    let alone = clients.iter().map(|data| accuracy(&trained(&start, data, 60, 1), &unseen));
    let best_alone = alone.fold(0.0, f64::max);
    println!("federated {history:.3?}, best alone {best_alone:.3}");
    let last = history[12];
    assert!(history[0] < 0.3 && last > 0.93, "{history:?}");
    assert!(last > best_alone + 0.02, "{last} {best_alone}");
}

#[test]
fn a_flipped_update_scores_below_zero_and_an_empty_one_exactly_zero() {
    let World { clients, scoring, unseen } = world();
    let evaluator = Evaluator::new(&spec(), &scoring).unwrap();
    let options = ShapleyOptions::default();
    let mut model = Weights::init(&spec(), SEED);
    // Clients 0 to 3 are honest, 4 flips the sign, a sixth sends nothing new.
    let mut running = [0_i64; 6];
    for round in 0..8 {
        let mut updates = honest_updates(&model, &clients, round);
        updates[4] = updates[4].clone().negated();
        updates.push(Update::zero(&spec(), encoding()));
        let all: Vec<&Update> = updates.iter().collect();

        let scores = score_updates(&evaluator, &model, &all, SEED, &options).unwrap();
        assert_eq!(scores[5], 0, "an empty update is worth nothing, in every single round");
        let empty = evaluator.evaluate(&model).unwrap().utility;
        let full = Coalitions::new(&evaluator, &model, &all).unwrap().utility(&[true; 6]).unwrap();
        let gain = ((full - empty) * 1e6).round() as i64;
        assert!((scores.iter().sum::<i64>() - gain).abs() <= 4, "{scores:?} {gain}");

        running.iter_mut().zip(&scores).for_each(|(sum, score)| *sum += score);
        let accepted: Vec<&Update> = updates
            .iter()
            .zip(&running)
            .filter_map(|(update, score)| (*score > 0).then_some(update))
            .collect();
        model = aggregate(&model, &accepted, Rule::Mean).unwrap();
    }
    let accuracy = accuracy(&model, &unseen);
    println!("running scores {running:?}, accuracy {accuracy:.3}");
    assert!(running[..4].iter().all(|score| *score > 0), "{running:?}");
    assert!(running[4] < 0, "{running:?}");
    assert!(accuracy > 0.9, "{accuracy}");
}

#[test]
fn a_coalition_of_everybody_is_the_mean_and_of_nobody_the_base() {
    let World { clients, scoring, .. } = world();
    let base = Weights::init(&spec(), SEED);
    let updates = honest_updates(&base, &clients, 0);
    let all: Vec<&Update> = updates.iter().collect();
    let evaluator = Evaluator::new(&spec(), &scoring).unwrap();
    let mut coalitions = Coalitions::new(&evaluator, &base, &all).unwrap();
    let mean = aggregate(&base, &all, Rule::Mean).unwrap();
    assert_eq!(coalitions.model(&[true; 5]).unwrap().to_bytes(), mean.to_bytes());
    coalitions.model(&[false, true, true, false, true]).unwrap();
    assert_eq!(coalitions.model(&[false; 5]).unwrap().to_bytes(), base.to_bytes());
}

#[test]
fn more_than_eight_updates_are_scored_from_the_seeds_permutations() {
    let World { clients, scoring, .. } = world();
    let base = Weights::init(&spec(), SEED);
    let mut updates = honest_updates(&base, &clients, 0);
    updates.extend(honest_updates(&base, &clients[..3], 1));
    updates.push(updates[0].clone().negated());
    updates.push(Update::zero(&spec(), encoding()));
    let all: Vec<&Update> = updates.iter().collect();
    let evaluator = Evaluator::new(&spec(), &scoring).unwrap();
    let options = ShapleyOptions { permutations: 64, ..ShapleyOptions::default() };
    let score = |seed| score_updates(&evaluator, &base, &all, seed, &options).unwrap();
    let scores = score(SEED);
    println!("scores of ten updates {scores:?}");
    assert_eq!(scores, score(SEED));
    assert_eq!(scores[9], 0);
    assert!(scores[8] < 0 && scores[0] > 0, "{scores:?}");
}

#[test]
fn six_updates_are_scored_well_below_a_second() {
    let World { clients, scoring, .. } = world();
    let base = Weights::init(&spec(), SEED);
    let mut updates = honest_updates(&base, &clients, 0);
    updates.push(Update::zero(&spec(), encoding()));
    let all: Vec<&Update> = updates.iter().collect();
    let evaluator = Evaluator::new(&spec(), &scoring).unwrap();
    let start = Instant::now();
    score_updates(&evaluator, &base, &all, SEED, &ShapleyOptions::default()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("64 coalitions on {} rows: {seconds:.3} s", scoring.rows());
    assert!(seconds < 1.0, "{seconds}");
}
