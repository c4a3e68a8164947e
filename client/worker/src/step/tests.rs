#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::{
    convert::{
        self,
        tests::{packed, task_spec},
    },
    variate,
    wire::Wire,
};
use decentralml_learning::{
    Adaptive, Before, Draw, Encoding, Parameter, Rule, Update, UpdateFile, updates::Part,
};
use decentralml_types::spec;
use std::{
    io,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

const UPDATES: u8 = 7;
const SEED: Seed = [9; 32];

fn model() -> ModelSpec {
    ModelSpec::mlp(6, &[20], 3)
}

fn base() -> Weights {
    Weights::init(&model(), [0; 32])
}

/// A task of seven trainers.
fn task(aggregation: spec::Aggregation, encoding: spec::Encoding) -> TaskSpec {
    let trainers = spec::TrainerCount { min: UPDATES.into(), max: UPDATES.into() };
    let mut spec = TaskSpec { aggregation, encoding, trainers, ..task_spec() };
    spec.training.optimizer = spec::Optimizer::Sgd { momentum: 0 };
    decentralml_protocol::spec::check(&spec).unwrap();
    spec
}

/// What trainers send and seats read of a round, in files as seats keep them.
fn updates(spec: &TaskSpec, folder: &Path) -> (Vec<Update>, Vec<UpdateFile>) {
    let wire = Wire::of(spec).unwrap();
    let update = |trainer: u8| {
        let trained = Weights::init(&model(), [trainer + 1; 32]);
        let draw = Draw { run: [trainer; 32], round: 1, client: 0 };
        let written = wire.write(&base(), &trained, &draw, None).unwrap();
        let read = wire.read(&written.bytes, &model()).unwrap();
        assert_eq!(read, written.update);
        let file = UpdateFile::write(&folder.join(trainer.to_string()), &read).unwrap();
        (read, file)
    };
    (0..UPDATES).map(update).unzip()
}

fn samples() -> Vec<u32> {
    (1..=UPDATES.into()).map(|trainer| trainer * 10).collect()
}

/// The step that a seat takes, with the updates in this order and in the other.
fn taken(spec: &TaskSpec, files: &[UpdateFile], state: &State) -> (Weights, State) {
    let step = Step::of(spec, 0, &samples(), SEED).unwrap();
    let found = step.take(&base(), files, state.clone()).unwrap();
    let reversed: Vec<UpdateFile> = files.iter().rev().cloned().collect();
    let mut other = samples();
    other.reverse();
    let again = Step::of(spec, 0, &other, SEED).unwrap();
    assert_eq!(again.take(&base(), reversed.as_slice(), state.clone()).unwrap(), found);
    found
}

fn plain() -> spec::Encoding {
    spec::Encoding::plain(16, 12, 32_767)
}

#[test]
fn every_rule_of_a_task_is_the_learning_crates_after_what_comes_before_it() {
    let rule = |rule| spec::Aggregation { rule, ..Default::default() };
    let before = |before, rule| spec::Aggregation { before, rule, ..Default::default() };
    let plainly = |rule: Rule| Aggregation::from(rule);
    let after = |before, rule| Aggregation { before, rule, counts: None };
    let table = [
        (rule(spec::Rule::Mean), plainly(Rule::Mean)),
        (rule(spec::Rule::Median), plainly(Rule::Median)),
        (rule(spec::Rule::TrimmedMean { trim: 300_000 }), plainly(Rule::TrimmedMean { k: 2 })),
        (rule(spec::Rule::Krum { hostile: 2 }), plainly(Rule::Krum { hostile: 2 })),
        (
            rule(spec::Rule::MultiKrum { hostile: 2, kept: 4 }),
            plainly(Rule::MultiKrum { hostile: 2, kept: 4 }),
        ),
        (rule(spec::Rule::Bulyan { hostile: 1 }), plainly(Rule::Bulyan { hostile: 1 })),
        (
            rule(spec::Rule::GeometricMedian { steps: 8 }),
            plainly(Rule::GeometricMedian { steps: 8 }),
        ),
        (
            rule(spec::Rule::CenteredClipping { radius: 500_000, steps: 3 }),
            plainly(Rule::CenteredClipping { radius: 2_048, steps: 3 }),
        ),
        (
            before(spec::Before::NearestNeighbors { hostile: 2 }, spec::Rule::Median),
            after(Before::NearestNeighbors { hostile: 2 }, Rule::Median),
        ),
        (
            before(spec::Before::Buckets { size: 2 }, spec::Rule::Krum { hostile: 0 }),
            after(Before::Buckets { size: 2, seed: SEED }, Rule::Krum { hostile: 0 }),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for (asked, expected) in table {
        let spec = task(asked.clone(), plain());
        let (updates, files) = updates(&spec, folder.path());
        let (next, state) = taken(&spec, &files, &State::default());
        let all: Vec<&Update> = updates.iter().collect();
        let direct = aggregate_with(&base(), &all, &expected).unwrap();
        assert_eq!(next.to_bytes(), direct.to_bytes(), "{asked:?}");
        assert_eq!(state, State::default());
        assert!(!seen.contains(&next), "{asked:?} is as another rule");
        seen.push(next);
    }
}

#[test]
fn updates_are_cut_to_the_norm_bound_before_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    let bounded = spec::Aggregation { norm_bound: Some(500_000), ..Default::default() };
    let spec = task(bounded, plain());
    let (mut updates, files) = updates(&spec, folder.path());
    assert!(updates.iter().all(|update| update.norm() > 0.5));
    updates.iter_mut().for_each(|update| update.clip_norm(2_048).unwrap());
    let all: Vec<&Update> = updates.iter().collect();
    let direct = aggregate_with(&base(), &all, &Rule::Mean.into()).unwrap();
    assert_eq!(taken(&spec, &files, &State::default()).0, direct);
}

#[test]
fn counts_of_rows_and_steps_shift_the_mean() {
    let folder = tempfile::tempdir().unwrap();
    let counted = |counts| spec::Aggregation { counts, ..Default::default() };
    let of = |counts| {
        let spec = task(counted(counts), plain());
        let (_, files) = updates(&spec, folder.path());
        taken(&spec, &files, &State::default()).0
    };
    let equal = of(spec::Counts::Equal);
    assert_eq!(of(spec::Counts::Samples { cap: 10 }), equal, "all have ten rows or more");
    let (samples, nova) =
        (of(spec::Counts::Samples { cap: 50 }), of(spec::Counts::Nova { cap: 50 }));
    assert!(samples != equal && nova != equal && samples != nova);
}

#[test]
fn every_optimizer_goes_on_from_the_state_that_was_attested() {
    let numbers = spec::Adaptive { rate: 20_000, beta1: 900_000, beta2: 990_000, tau: 1_000 };
    let same = Adaptive { rate: 0.02, beta1: 0.9, beta2: 0.99, tau: 0.001 };
    use spec::ServerOptimizer as Asked;
    let table = [
        (Asked::FedAvg { rate: 500_000 }, ServerOptimizer::FedAvg { rate: 0.5 }),
        (
            Asked::FedAvgM { rate: 1_000_000, momentum: 900_000 },
            ServerOptimizer::FedAvgM { rate: 1.0, momentum: 0.9 },
        ),
        (Asked::FedAdagrad(numbers), ServerOptimizer::FedAdagrad(same)),
        (Asked::FedAdam(numbers), ServerOptimizer::FedAdam(same)),
        (Asked::FedYogi(numbers), ServerOptimizer::FedYogi(same)),
        (
            Asked::DiLoCo { rate: 700_000, momentum: 900_000 },
            ServerOptimizer::DiLoCo { rate: 0.7, momentum: 0.9 },
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (server, optimizer) in table {
        let asked = spec::Aggregation { server, ..Default::default() };
        let spec = task(asked, plain());
        let (updates, files) = updates(&spec, folder.path());
        let all: Vec<&Update> = updates.iter().collect();
        let change = change_of(base().parameters(), &all, &Rule::Mean.into()).unwrap();
        let mut expected = optimizer.start(&model()).unwrap();
        let step = Step::of(&spec, 0, &samples(), SEED).unwrap();
        let mut state = step.start(&model()).unwrap();
        assert_eq!((state.server.as_ref(), &state.variate), (Some(&expected), &None));
        for round in 1..=3 {
            let next = optimizer.apply(&base(), &mut expected, &change).unwrap();
            let (found, after) = taken(&spec, &files, &state);
            assert_eq!(found.to_bytes(), next.to_bytes(), "{server:?} in round {round}");
            assert_eq!(after.server.as_ref(), Some(&expected));
            let bytes = step.state_bytes(&model(), &after).unwrap();
            assert_eq!(bytes.is_some(), server.has_state(), "{server:?}");
            // The next round's seats have nothing but the bytes.
            if let Some(bytes) = bytes {
                let read = ServerState::from_bytes(&bytes, &optimizer, &model()).unwrap();
                state = State { server: Some(read), variate: None };
            } else {
                state = after;
            }
        }
    }
}

#[test]
fn every_encoding_goes_through_a_rule_and_an_optimizer() {
    let numbers = spec::Adaptive { rate: 20_000, beta1: 900_000, beta2: 990_000, tau: 1_000 };
    let asked = spec::Aggregation {
        norm_bound: Some(2_000_000),
        before: spec::Before::NearestNeighbors { hostile: 1 },
        rule: spec::Rule::MultiKrum { hostile: 2, kept: 5 },
        counts: spec::Counts::Equal,
        server: spec::ServerOptimizer::FedAdam(numbers),
        ..Default::default()
    };
    let mut encodings = vec![
        spec::Encoding::plain(8, 6, 127),
        plain(),
        spec::Encoding::plain(32, 20, i32::MAX as u32),
    ];
    for bits in [4, 8, 16, 32] {
        for keep in [1_000_000, 50_000] {
            encodings.push(spec::Encoding { bits, keep, ..packed() });
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for encoding in encodings {
        let spec = task(asked.clone(), encoding);
        let (_, files) = updates(&spec, folder.path());
        let start = Step::of(&spec, 0, &samples(), SEED).unwrap().start(&model()).unwrap();
        let (next, state) = taken(&spec, &files, &start);
        assert_ne!(next, base(), "{encoding:?}");
        assert_ne!(state, start, "{encoding:?}");
    }
}

/// A task of seven trainers with SCAFFOLD, of ten expected ones.
fn scaffold(aggregation: spec::Aggregation, encoding: spec::Encoding) -> TaskSpec {
    let mut spec = task(aggregation, encoding);
    spec.training.work = spec::Work::Steps(5);
    spec.training.schedule = spec::Schedule::Constant { warmup: 1 };
    spec.training.optimizer = spec::Optimizer::Scaffold { clients: 10 };
    decentralml_protocol::spec::check(&spec).unwrap();
    spec
}

#[test]
fn the_servers_variate_follows_from_the_same_change_as_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let server = spec::ServerOptimizer::FedAvg { rate: 500_000 };
    let bounded = spec::Aggregation { norm_bound: Some(500_000), ..Default::default() };
    let median = spec::Aggregation { rule: spec::Rule::Median, server, ..Default::default() };
    let stochastic = spec::Encoding { keep: 1_000_000, error_feedback: false, ..packed() };
    for aggregation in [spec::Aggregation::default(), bounded, median] {
        for encoding in [plain(), stochastic] {
            let spec = scaffold(aggregation.clone(), encoding);
            let (_, files) = updates(&spec, folder.path());
            let rate = match aggregation.server {
                spec::ServerOptimizer::FedAvg { rate: 500_000 } => 0.5,
                _ => 1.0,
            };
            let mut state = State::default();
            let mut expected = vec![0.0_f64; model().parameter_count()];
            // Half of the learning rate of 0.1 in the first round, all of it in those that follow.
            for (settled, way) in [(0, 0.25), (1, 0.5), (2, 0.5)] {
                let step = Step::of(&spec, settled, &samples(), SEED).unwrap();
                if settled == 0 {
                    state = step.start(&model()).unwrap();
                }
                let (next, after) = step.take(&base(), files.as_slice(), state).unwrap();
                let moved = next.values().iter().zip(base().values().to_vec());
                for (c, (new, old)) in expected.iter_mut().zip(moved) {
                    let change = (f64::from(*new) - f64::from(old)) / rate;
                    *c += 0.7 * (-*c - change / way);
                }
                let variate = after.variate.as_ref().unwrap();
                for (found, expected) in variate.values().iter().zip(&expected) {
                    assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
                }
                // The next round's seats and trainers have nothing but the bytes.
                let bytes = step.state_bytes(&model(), &after).unwrap().unwrap();
                let read = ControlVariate::from_bytes(&bytes, &model()).unwrap();
                state = State { server: after.server, variate: Some(read) };
            }
        }
    }
}

#[test]
fn the_servers_variate_stays_the_mean_of_the_trainers() {
    let folder = tempfile::tempdir().unwrap();
    let bounded = spec::Aggregation { norm_bound: Some(500_000), ..Default::default() };
    for aggregation in [spec::Aggregation::default(), bounded] {
        let mut spec = scaffold(aggregation, plain());
        spec.training.optimizer = spec::Optimizer::Scaffold { clients: UPDATES.into() };
        let (sent, files) = updates(&spec, folder.path());
        let mut own = vec![ControlVariate::zero(&model()); sent.len()];
        let mut state = Step::of(&spec, 0, &samples(), SEED).unwrap().start(&model()).unwrap();
        for settled in 0..3 {
            let step = Step::of(&spec, settled, &samples(), SEED).unwrap();
            let scaffold = convert::scaffold(&spec, settled).unwrap();
            let bound = convert::norm_bound(&spec);
            let server = state.variate.clone().unwrap();
            for (own, sent) in own.iter_mut().zip(&sent) {
                *own = variate::after(own, &server, sent, &scaffold, bound).unwrap();
            }
            (_, state) = step.take(&base(), files.as_slice(), state).unwrap();
            for (index, c) in state.variate.as_ref().unwrap().values().iter().enumerate() {
                let sum: f64 = own.iter().map(|own| f64::from(own.values()[index])).sum();
                let mean = sum / f64::from(UPDATES);
                assert!((f64::from(*c) - mean).abs() < 1e-5, "round {settled}: {c} {mean}");
            }
        }
        assert_ne!(own[0], own[1]);
    }
}

#[test]
fn the_order_of_updates_changes_no_byte_of_the_variate() {
    let folder = tempfile::tempdir().unwrap();
    let spec = scaffold(spec::Aggregation::default(), plain());
    let (_, files) = updates(&spec, folder.path());
    let start = Step::of(&spec, 0, &samples(), SEED).unwrap().start(&model()).unwrap();
    let (_, once) = taken(&spec, &files, &start);
    assert_ne!(once.variate, start.variate);
    let (_, twice) = taken(&spec, &files, &once);
    assert_ne!(twice.variate, once.variate);
}

/// Updates that count what is read of them.
struct Counted<'a> {
    updates: &'a [UpdateFile],
    read: AtomicUsize,
}

/// See [`Counted`].
struct CountedPart<'a> {
    part: Box<dyn Part + 'a>,
    read: &'a AtomicUsize,
}

impl Updates for Counted<'_> {
    fn count(&self) -> usize {
        self.updates.count()
    }

    fn kind(&self, update: usize) -> Option<(&[Parameter], Encoding)> {
        self.updates.kind(update)
    }

    fn read(&self, update: usize, start: usize, out: &mut [i32]) -> io::Result<()> {
        self.read.fetch_add(size_of_val(out), Ordering::Relaxed);
        Updates::read(self.updates, update, start, out)
    }

    fn open(&self, update: usize) -> io::Result<Box<dyn Part + '_>> {
        let part = self.updates.open(update)?;
        Ok(Box::new(CountedPart { part, read: &self.read }))
    }
}

impl Part for CountedPart<'_> {
    fn read(&mut self, start: usize, out: &mut [u8]) -> io::Result<()> {
        self.read.fetch_add(out.len(), Ordering::Relaxed);
        self.part.read(start, out)
    }
}

#[test]
fn a_seat_reads_updates_once_for_the_model_and_the_variate() {
    let folder = tempfile::tempdir().unwrap();
    for rule in [spec::Rule::Mean, spec::Rule::Median] {
        let asked = spec::Aggregation { rule, ..Default::default() };
        let take = |spec: &TaskSpec| {
            let (_, files) = updates(spec, folder.path());
            let counted = Counted { updates: &files, read: AtomicUsize::new(0) };
            let step = Step::of(spec, 0, &samples(), SEED).unwrap();
            let start = step.start(&model()).unwrap();
            let (next, after) = step.take(&base(), &counted, start).unwrap();
            assert_eq!(after.variate.is_some(), step.has_variate());
            (next.to_bytes(), counted.read.into_inner())
        };
        let plain_spec = task(asked.clone(), plain());
        assert_eq!(take(&scaffold(asked, plain())), take(&plain_spec), "{rule:?}");
    }
}
