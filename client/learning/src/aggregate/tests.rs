#![allow(clippy::unwrap_used, clippy::panic)]

use decentralml_exact::robust;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::*;
use crate::{
    model::ModelSpec,
    random::{Purpose, Stream},
    updates::{Clipped, UpdateFile},
};

fn spec() -> ModelSpec {
    ModelSpec::mlp(64, &[80], 10)
}

fn encoding(bits: u8) -> Encoding {
    let clip = match bits {
        4 => 7,
        8 => 127,
        16 => 8_191,
        _ => i32::MAX,
    };
    Encoding::new(bits, [3, 6, 12, 28][usize::from(bits.ilog2() as u8 - 2)], clip).unwrap()
}

fn updates_of(count: u8, bits: u8) -> (Weights, Vec<Update>) {
    let base = Weights::init(&spec(), [0; 32]);
    let updates = (1..=count)
        .map(|seed| {
            let trained = Weights::init(&spec(), [seed; 32]);
            Update::from_delta(&base, &trained, encoding(bits)).unwrap()
        })
        .collect();
    (base, updates)
}

fn updates(count: u8) -> (Weights, Vec<Update>) {
    updates_of(count, 16)
}

const SEED: Seed = [3; 32];

fn every_way() -> Vec<Aggregation> {
    let rules = [
        Rule::Mean,
        Rule::Median,
        Rule::TrimmedMean { k: 1 },
        Rule::Krum { hostile: 1 },
        Rule::MultiKrum { hostile: 1, kept: 3 },
        Rule::Bulyan { hostile: 1 },
        Rule::GeometricMedian { steps: 6 },
        Rule::CenteredClipping { radius: 900, steps: 2 },
    ];
    let befores = [
        Before::Nothing,
        Before::NearestNeighbors { hostile: 2 },
        Before::Buckets { size: 2, seed: SEED },
    ];
    let all = befores.into_iter().flat_map(|before| {
        rules.into_iter().map(move |rule| Aggregation { before, rule, counts: None })
    });
    all.collect()
}

/// What `decentralml-exact` says, on whole updates.
fn reference(
    base: &Weights,
    updates: &[&Update],
    how: &Aggregation,
) -> Result<Vec<f32>, exact::Error> {
    let rows: Vec<&[i32]> = updates.iter().map(|update| update.values()).collect();
    let before = match how.before {
        Before::Nothing => robust::Before::Nothing,
        Before::NearestNeighbors { hostile } => robust::Before::NearestNeighbors { hostile },
        Before::Buckets { size, seed } => {
            let order = Stream::new(&seed, Purpose::Buckets, 0).permutation(updates.len());
            let permutation = order.into_iter().map(|place| place as u32).collect();
            robust::Before::Buckets { size, permutation }
        }
    };
    let mut change = vec![0; base.values().len()];
    robust::aggregate(&rows, how.rule, &before, &mut change)?;
    Ok(step(base.values(), &change, updates[0].encoding()).collect())
}

#[test]
fn every_rule_at_every_width_gives_what_the_exact_rules_give() {
    for (bits, count) in [(4, 9), (8, 9), (16, 8), (16, 12), (32, 9)] {
        let (base, updates) = updates_of(count, bits);
        let all: Vec<&Update> = updates.iter().collect();
        for how in every_way() {
            let expected = reference(&base, &all, &how);
            let found = aggregate_with(&base, &all, &how);
            match (expected, found) {
                (Ok(expected), Ok(found)) => {
                    assert_eq!(found.values(), expected, "{how:?} at {bits} bits");
                    assert_ne!(found, base);
                }
                (Err(expected), Err(AggregateError::Rule(found))) => assert_eq!(found, expected),
                (expected, found) => panic!("{how:?}: {:?}, {:?}", expected.err(), found.err()),
            }
        }
    }
}

#[test]
fn no_order_and_no_number_of_threads_changes_a_bit() {
    let pools: Vec<_> = (1..=16)
        .map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
        .collect();
    // Each width is summed up in its own way, and 16 bits in two: with room above the clip, and without.
    for (bits, fraction, clip) in
        [(4, 3, 7), (8, 6, 127), (16, 12, 8_191), (16, 16, 32_767), (32, 28, i32::MAX)]
    {
        no_order_changes_a_bit(Encoding::new(bits, fraction, clip).unwrap(), &pools);
    }
}

fn no_order_changes_a_bit(encoding: Encoding, pools: &[ThreadPool]) {
    let (folder, spec) = (tempfile::tempdir().unwrap(), ModelSpec::mlp(64, &[20], 10));
    let base = Weights::init(&spec, [0; 32]);
    // Two equal updates: there is a tie to break.
    let updates: Vec<Update> = [1, 2, 3, 4, 3, 6, 7, 8, 9]
        .map(|seed| Update::from_delta(&base, &Weights::init(&spec, [seed; 32]), encoding).unwrap())
        .to_vec();
    let files: Vec<UpdateFile> = updates
        .iter()
        .enumerate()
        .map(|(index, update)| UpdateFile::write(&folder.path().join(index.to_string()), update))
        .collect::<Result<_, _>>()
        .unwrap();
    let counts = [7, 1, 30, 2, 9, 9, 100, 4, 1];
    let bound = (updates[0].norm_squared().isqrt() / 2).max(1) as u64;
    let ways = every_way();
    let run = |way: usize, order: &[usize]| {
        let all: Vec<UpdateFile> = order.iter().map(|&index| files[index].clone()).collect();
        if let Some(how) = ways.get(way) {
            return aggregate_with(&base, all.as_slice(), how).ok();
        }
        if way > ways.len() {
            let cut = Clipped::new(all.as_slice(), bound).unwrap();
            return Some(aggregate_with(&base, &cut, &Rule::Mean.into()).unwrap());
        }
        let own = order.iter().map(|&index| counts[index]).collect();
        let counts = Some(Blend::new(own, 163).unwrap());
        let how = Aggregation { counts, ..Rule::Mean.into() };
        Some(aggregate_with(&base, all.as_slice(), &how).unwrap())
    };
    let straight: Vec<usize> = (0..files.len()).collect();
    // The last two: updates that count differently, and those that are cut.
    let every = ways.len() + 2;
    let expected: Vec<Option<Weights>> = (0..every).map(|way| run(way, &straight)).collect();
    assert!(expected.iter().flatten().count() >= 22);
    for round in 0..1_000 {
        let order = Stream::new(&SEED, Purpose::Permutation, round).permutation(files.len());
        // Each way sees every number of threads several times, in other orders each time.
        let (at, pool) = (round as usize % every, round as usize / every % pools.len());
        let found = pools[pool].install(|| run(at, &order));
        assert_eq!(found, expected[at], "way {at} at {encoding:?}, order {order:?}");
    }
}

#[test]
fn more_updates_than_are_kept_open_give_the_same() {
    for bits in [8, 16, 32] {
        let (base, updates) = updates_of(45, bits);
        let all: Vec<&Update> = updates.iter().collect();
        let weights = Blend::new((1..=45).collect(), 45 * 23).unwrap();
        for how in [Rule::Mean.into(), Aggregation { counts: Some(weights), ..Rule::Mean.into() }] {
            let on = |threads| {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| aggregate_with(&base, &all, &how).unwrap())
            };
            // A thread keeps 256, or 16, updates open.
            assert_eq!(on(1), on(16));
            if how.counts.is_none() {
                assert_eq!(on(16).values(), reference(&base, &all, &how).unwrap());
            }
        }
    }
}

#[test]
fn streaming_gives_the_same_mean() {
    let (base, updates) = updates(4);
    let mut stream = MeanAggregate::new(base.clone(), updates[0].encoding());
    updates.iter().rev().for_each(|update| stream.add(update).unwrap());
    let all: Vec<&Update> = updates.iter().collect();
    assert_eq!(stream.finish().unwrap(), aggregate(&base, &all, Rule::Mean).unwrap());
}

#[test]
fn counts_are_repetitions_and_fednova_is_a_blend() {
    let (base, updates) = updates(3);
    let all: Vec<&Update> = updates.iter().collect();
    let with = |counts| {
        let how = Aggregation { counts: Some(counts), ..Rule::Mean.into() };
        aggregate_with(&base, &all, &how)
    };
    let repeated = [all[0], all[1], all[1], all[1], all[2], all[2]];
    let counted = with(Blend::new(vec![1, 3, 2], 6).unwrap()).unwrap();
    assert_eq!(counted, aggregate(&base, &repeated, Rule::Mean).unwrap());
    let nova = with(Blend::nova(&[1, 3, 2], &[5, 5, 5]).unwrap()).unwrap();
    for (a, b) in nova.values().iter().zip(counted.values()) {
        assert!((a - b).abs() < 1e-5);
    }
    let two = Blend::new(vec![1, 1], 2).unwrap();
    assert!(matches!(with(two.clone()), Err(AggregateError::Rule(exact::Error::Weights))));
    let how = Aggregation { counts: Some(two), ..Rule::Median.into() };
    assert!(aggregate_with(&base, &all, &how).is_err());
}

#[test]
fn a_change_is_what_the_step_adds() {
    let (base, updates) = updates(5);
    let all: Vec<&Update> = updates.iter().collect();
    for rule in [Rule::Mean, Rule::Median, Rule::GeometricMedian { steps: 3 }] {
        let change = change_of(base.parameters(), &all, &rule.into()).unwrap();
        let next = aggregate(&base, &all, rule).unwrap();
        assert_eq!(add_change(&base, &change).unwrap().to_bytes(), next.to_bytes());
        assert!(add_change(&base, &change[1..]).is_err(), "it is of another model");
    }
}

#[test]
fn one_update_leads_to_the_trained_weights_within_one_unit() {
    let (base, updates) = updates(1);
    let trained = Weights::init(&spec(), [1; 32]);
    for rule in [Rule::Mean, Rule::Median, Rule::GeometricMedian { steps: 1 }] {
        let next = aggregate(&base, &[&updates[0]], rule).unwrap();
        for (a, b) in next.values().iter().zip(trained.values()) {
            assert!((a - b).abs() <= 0.5001 / 4_096.0);
        }
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (base, updates) = updates(2);
    let other = Update::zero(&ModelSpec::mlp(64, &[81], 10), updates[0].encoding());
    assert!(matches!(aggregate(&base, &[], Rule::Mean), Err(AggregateError::Rule(_))));
    assert!(matches!(
        aggregate(&base, &[&updates[0], &other], Rule::Mean),
        Err(AggregateError::Mismatch(1))
    ));
    let both = [&updates[0], &updates[1]];
    assert!(matches!(
        aggregate(&base, &both, Rule::TrimmedMean { k: 1 }),
        Err(AggregateError::Rule(exact::Error::Trim { k: 1, updates: 2 }))
    ));
    assert!(matches!(
        aggregate(&base, &both, Rule::Krum { hostile: 1 }),
        Err(AggregateError::Rule(exact::Error::Hostile { needed: 5, .. }))
    ));
    assert!(MeanAggregate::new(base, updates[0].encoding()).finish().is_err());
}
