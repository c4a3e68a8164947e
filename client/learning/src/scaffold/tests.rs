#![allow(clippy::unwrap_used)]
use std::ops::ControlFlow;

use super::*;
use crate::{
    Aggregation, Dataset, Rule, TrainError, aggregate, change_of,
    model::{LayerSpec, Task},
    train::train_corrected,
};

const ENCODING: Encoding = match Encoding::new(32, 24, i32::MAX) {
    Ok(encoding) => encoding,
    Err(_) => unreachable!(),
};

/// `w x`, without a bias.
fn line() -> ModelSpec {
    ModelSpec::new(vec![1], vec![LayerSpec::Dense { units: 1, bias: false }])
        .with_task(Task::Regression)
}

fn weight(value: f32) -> Weights {
    Weights::new(&line(), vec![value]).unwrap()
}

/// Two clients who disagree: `(w − 1)²` and `9 (w + 1)²`, whose mean is smallest at −0.8.
fn clients() -> [Dataset; 2] {
    [(1.0, 1.0), (3.0, -3.0)]
        .map(|(x, y)| Dataset::with_quantities(vec![x], vec![y], 1, 1).unwrap())
}

fn trained(
    base: &Weights,
    data: &Dataset,
    local: &LocalTraining,
    correction: Option<&Weights>,
) -> Result<TrainOutcome, TrainError> {
    let go = |_| ControlFlow::Continue(());
    train_corrected(&line(), base, data, local, correction, [0; 32], go)
}

fn local() -> LocalTraining {
    LocalTraining { learning_rate: 0.02, ..LocalTraining::steps(10) }
}

/// Where the model stands after some rounds of all clients.
fn run(rounds: usize, local: &LocalTraining, scaffold: bool, order: [usize; 2]) -> Weights {
    let (mut model, mut server) = (weight(0.0), ControlVariate::zero(&line()));
    let mut own = [server.clone(), server.clone()];
    for _ in 0..rounds {
        let mut updates = vec![Update::zero(&line(), ENCODING); 2];
        let mut variates = updates.clone();
        for index in order {
            let correction = own[index].correction(&server).unwrap();
            let data = &clients()[index];
            let outcome = trained(&model, data, local, scaffold.then_some(&correction)).unwrap();
            updates[index] = Update::from_delta(&model, &outcome.weights, ENCODING).unwrap();
            let (change, next) =
                own[index].next(&server, &model, &outcome, local, ENCODING).unwrap();
            variates[index] = change;
            own[index] = next;
        }
        let (updates, variates): (Vec<_>, Vec<_>) =
            (updates.iter().collect(), variates.iter().collect());
        model = aggregate(&model, &updates, Rule::Mean).unwrap();
        let how = Aggregation::from(Rule::Mean);
        let change = change_of(&line().parameters(), &variates, &how).unwrap();
        server = server.moved(&change, 2, 2).unwrap();
        // The server's variate is the mean of the clients'.
        let mean = (own[0].values()[0] + own[1].values()[0]) / 2.0;
        assert!((server.values()[0] - mean).abs() < 1e-4, "{server:?} {own:?}");
    }
    model
}

#[test]
fn one_round_is_the_one_by_hand() {
    let (own, server) = (ControlVariate(weight(0.5)), ControlVariate(weight(2.0)));
    let correction = own.correction(&server).unwrap();
    assert_eq!(correction.values(), [1.5]);
    // From 0 on (w − 1)²: gradients −2 + 1.5 = −0.5, then 2 (0.05 − 1) + 1.5 = −0.4.
    let local = LocalTraining { learning_rate: 0.1, ..LocalTraining::steps(2) };
    let base = weight(0.0);
    let outcome = trained(&base, &clients()[0], &local, Some(&correction)).unwrap();
    assert!((outcome.weights.values()[0] - 0.09).abs() < 1e-6);
    // cᵢ⁺ = 0.5 − 2 − 0.09 / 0.2 = −1.95.
    let (change, next) = own.next(&server, &base, &outcome, &local, ENCODING).unwrap();
    assert!((next.values()[0] + 1.95).abs() < 1e-5, "{next:?}");
    assert!((ENCODING.decode(change.values()[0]) + 2.45).abs() < 1e-5);
    // A quarter of the clients took part: 2 + 1/4 · −2.45.
    let moved = server.moved(&[-2.45], 1, 4).unwrap();
    assert!((moved.values()[0] - (2.0 - 0.6125)).abs() < 1e-6);
}

#[test]
fn what_an_update_says_about_variates_is_what_they_would_have_said() {
    let (own, server) = (ControlVariate(weight(0.5)), ControlVariate(weight(2.0)));
    let local = LocalTraining { learning_rate: 0.1, ..LocalTraining::steps(2) };
    let base = weight(0.25);
    let correction = own.correction(&server).unwrap();
    let outcome = trained(&base, &clients()[0], &local, Some(&correction)).unwrap();
    let (change, next) = own.next(&server, &base, &outcome, &local, ENCODING).unwrap();
    let sent = Update::from_delta(&base, &outcome.weights, ENCODING).unwrap();
    let after = own.after(&server, &sent, local.way(2)).unwrap();
    assert!((after.values()[0] - next.values()[0]).abs() < 1e-5, "{after:?} {next:?}");
    // Three of four clients, all of whom sent the same.
    let (updates, changes) = (vec![&sent; 3], vec![&change; 3]);
    let how = Aggregation::from(Rule::Mean);
    let mean = change_of(&line().parameters(), &updates, &how).unwrap();
    let variates = change_of(&line().parameters(), &changes, &how).unwrap();
    let implied = server.implied(&mean, local.way(2), 3, 4).unwrap();
    let moved = server.moved(&variates, 3, 4).unwrap();
    assert!((implied.values()[0] - moved.values()[0]).abs() < 1e-5, "{implied:?} {moved:?}");
    // Where more came than there were to be, they are all.
    let all = server.implied(&mean, local.way(2), 5, 4).unwrap();
    assert_eq!(all, server.implied(&mean, local.way(2), 4, 4).unwrap());
    let other = Update::zero(&ModelSpec::mlp(1, &[], 2), ENCODING);
    assert!(matches!(own.after(&server, &other, 0.2), Err(ScaffoldError::DifferentModels)));
    let error = server.implied(&[0.0; 2], 0.2, 1, 1).unwrap_err();
    assert!(matches!(error, ScaffoldError::DifferentModels));
}

#[test]
fn updates_alone_lead_clients_who_disagree_to_the_joint_optimum() {
    let (mut model, mut server) = (weight(0.0), ControlVariate::zero(&line()));
    let mut own = [server.clone(), server.clone()];
    let way = local().way(10);
    for _ in 0..40 {
        let mut updates = Vec::new();
        for (own, data) in own.iter_mut().zip(clients()) {
            let correction = own.correction(&server).unwrap();
            let outcome = trained(&model, &data, &local(), Some(&correction)).unwrap();
            let sent = Update::from_delta(&model, &outcome.weights, ENCODING).unwrap();
            *own = own.after(&server, &sent, way).unwrap();
            updates.push(sent);
        }
        let updates: Vec<&Update> = updates.iter().collect();
        let how = Aggregation::from(Rule::Mean);
        let change = change_of(&line().parameters(), &updates, &how).unwrap();
        model = aggregate(&model, &updates, Rule::Mean).unwrap();
        server = server.implied(&change, way, 2, 2).unwrap();
        let mean = (own[0].values()[0] + own[1].values()[0]) / 2.0;
        assert!((server.values()[0] - mean).abs() < 1e-4, "{server:?} {own:?}");
    }
    assert!((model.values()[0] + 0.8).abs() < 1e-4, "{model:?}");
}

#[test]
fn clients_who_disagree_meet_at_the_joint_optimum_where_fedavg_does_not() {
    let at = |scaffold| run(40, &local(), scaffold, [0, 1]).values()[0];
    assert!((at(true) + 0.8).abs() < 1e-4, "{}", at(true));
    // The fixed point of averaging alone, from the contractions 0.96¹⁰ and 0.64¹⁰.
    let (a, b) = (0.96_f32.powi(10), 0.64_f32.powi(10));
    let fixed = ((1.0 - a) - (1.0 - b)) / (2.0 - a - b);
    assert!((at(false) - fixed).abs() < 1e-3 && fixed > -0.6, "{} {fixed}", at(false));
}

#[test]
fn momentum_is_taken_into_account() {
    let local = LocalTraining {
        learning_rate: 0.005,
        optimizer: Optimizer::Sgd { momentum: 0.5 },
        ..local()
    };
    assert!((run(200, &local, true, [0, 1]).values()[0] + 0.8).abs() < 1e-3);
}

#[test]
fn the_order_of_clients_changes_no_bit() {
    assert_eq!(run(5, &local(), true, [0, 1]), run(5, &local(), true, [1, 0]));
}

#[test]
fn a_client_keeps_what_it_has_sent() {
    // Steps of 1/4 and at most 2: the wish of −2.45 becomes −2, and is counted.
    let coarse = Encoding::new(8, 2, 8).unwrap();
    let (own, server) = (ControlVariate(weight(0.5)), ControlVariate(weight(2.0)));
    let outcome = TrainOutcome { weights: weight(0.09), loss: 0.0, rows: 1, steps: 2 };
    let local = LocalTraining { learning_rate: 0.1, ..LocalTraining::steps(2) };
    let (change, next) = own.next(&server, &weight(0.0), &outcome, &local, coarse).unwrap();
    assert_eq!((change.values(), change.at_clip()), (&[-8][..], 1));
    assert_eq!(next.values(), [0.5 - 2.0]);
}

#[test]
fn a_variate_survives_a_crash_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("variate");
    let first = ControlVariate::load(&path, &line()).unwrap();
    assert_eq!(first, ControlVariate::zero(&line()));
    let variate = ControlVariate(weight(0.75));
    variate.save(&path).unwrap();
    std::fs::write(folder.path().join("variate.new"), b"half").unwrap();
    assert_eq!(ControlVariate::load(&path, &line()).unwrap(), variate);
    assert_eq!(ControlVariate::from_bytes(&variate.to_bytes(), &line()).unwrap(), variate);
    std::fs::write(&path, b"no variate").unwrap();
    assert!(matches!(ControlVariate::load(&path, &line()), Err(StateError::Malformed(_))));
}

#[test]
fn what_does_not_fit_is_refused() {
    let variate = ControlVariate::zero(&line());
    let base = weight(0.0);
    let outcome = TrainOutcome { weights: base.clone(), loss: 0.0, rows: 1, steps: 2 };
    let adam = LocalTraining { optimizer: Optimizer::Adam, ..local() };
    let error = variate.next(&variate, &base, &outcome, &adam, ENCODING).unwrap_err();
    assert!(matches!(error, ScaffoldError::Optimizer));
    let other = ControlVariate::zero(&ModelSpec::mlp(1, &[], 2));
    assert!(matches!(variate.correction(&other), Err(ScaffoldError::DifferentModels)));
    for (participating, clients) in [(0, 2), (3, 2)] {
        let error = variate.moved(&[0.0], participating, clients).unwrap_err();
        assert!(matches!(error, ScaffoldError::Clients { .. }));
    }
    assert!(matches!(variate.moved(&[f64::NAN], 1, 1), Err(ScaffoldError::Weights(_))));
}
