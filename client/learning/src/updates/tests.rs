#![allow(clippy::unwrap_used)]
use std::path::Path;

use super::*;
use crate::{
    Coalitions, Dataset, Evaluator, ModelSpec, Rule, ShapleyOptions, Weights, aggregate,
    aggregate::aggregate_from, contribution::shapley,
};

fn spec() -> ModelSpec {
    ModelSpec::mlp(64, &[80], 10)
}

fn updates(count: u8, bits: u8) -> (Weights, Vec<Update>) {
    let encoding = Encoding::new(bits, 6, 127).unwrap();
    let base = Weights::init(&spec(), [0; 32]);
    let trained = (1..=count).map(|seed| Weights::init(&spec(), [seed; 32]));
    let updates =
        trained.map(|trained| Update::from_delta(&base, &trained, encoding).unwrap()).collect();
    (base, updates)
}

fn files(folder: &Path, updates: &[Update]) -> Vec<UpdateFile> {
    let write =
        |(index, update)| UpdateFile::write(&folder.join(format!("{index}")), update).unwrap();
    updates.iter().enumerate().map(write).collect()
}

#[test]
fn a_file_gives_back_any_range_at_every_width() {
    let folder = tempfile::tempdir().unwrap();
    for bits in [8, 16, 32] {
        let (_, updates) = updates(1, bits);
        let file = files(folder.path(), &updates).remove(0);
        let values = updates[0].values();
        assert!(values.iter().any(|&q| q < 0));
        for range in [0..values.len(), 0..1, 17..4_113, values.len() - 3..values.len()] {
            let mut out = vec![0; range.len()];
            file.read(range.start, &mut out).unwrap();
            assert_eq!(out, values[range]);
        }
        let error = file.read(values.len() - 1, &mut [0; 2]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}

#[test]
fn files_and_memory_give_the_same_model_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let (base, updates) = updates(5, 16);
    let files = files(folder.path(), &updates);
    let all: Vec<&Update> = updates.iter().collect();
    for rule in [Rule::Mean, Rule::TrimmedMean { k: 1 }, Rule::Median] {
        let expected = aggregate(&base, &all, rule).unwrap();
        let found = aggregate_from(&base, files.as_slice(), rule).unwrap();
        assert_eq!(found.to_bytes(), expected.to_bytes());
    }
}

#[test]
fn files_and_memory_give_the_same_scores_exactly_and_by_permutations() {
    let digits = crate::data::digits().unwrap();
    let rows: Dataset = digits.subset(&(0..40).collect::<Vec<_>>());
    let evaluator = Evaluator::new(&spec(), &rows).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = ShapleyOptions { permutations: 3, tolerance: 0.0 };
    for count in [4, 10] {
        let (base, updates) = updates(count, 16);
        let files = files(folder.path(), &updates);
        let all: Vec<&Update> = updates.iter().collect();
        let players = updates.len();
        let mut memory = Coalitions::new(&evaluator, &base, &all).unwrap();
        let expected = shapley(players, [3; 32], &options, |who| memory.utility(who)).unwrap();
        let mut disk = Coalitions::new(&evaluator, &base, files.as_slice()).unwrap();
        let found = shapley(players, [3; 32], &options, |who| disk.utility(who)).unwrap();
        assert_eq!(found, expected);
        assert!(found.iter().any(|score| *score != 0));
    }
}

#[test]
fn updates_cut_while_they_are_read_are_those_cut_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    for bits in [8, 16, 32] {
        let (base, mut updates) = updates(5, bits);
        let files = files(folder.path(), &updates);
        let clipped = Clipped::new(files.as_slice(), 700).unwrap();
        assert_eq!(clipped.cut(), 5);
        updates.iter_mut().for_each(|update| update.clip_norm(700).unwrap());
        let all: Vec<&Update> = updates.iter().collect();
        for rule in [Rule::Mean, Rule::Median, Rule::Krum { hostile: 1 }] {
            let expected = aggregate(&base, &all, rule).unwrap();
            assert_eq!(aggregate_from(&base, &clipped, rule).unwrap(), expected);
        }
    }
    let (_, updates) = self::updates(1, 8);
    let all: Vec<&Update> = updates.iter().collect();
    assert!(Clipped::new(&all, 0).is_err());
    assert_eq!(Clipped::new(&all, 1 << 40).unwrap().cut(), 0);
}

#[test]
fn a_file_that_is_gone_is_an_error_and_not_a_zero() {
    let folder = tempfile::tempdir().unwrap();
    let (base, updates) = updates(2, 16);
    let files = files(folder.path(), &updates);
    std::fs::remove_file(folder.path().join("1")).unwrap();
    let error = aggregate_from(&base, files.as_slice(), Rule::Mean).unwrap_err();
    assert!(matches!(error, crate::AggregateError::Read(_)), "{error}");
    let digits = crate::data::digits().unwrap();
    let evaluator = Evaluator::new(&spec(), &digits.subset(&[0, 1])).unwrap();
    let mut coalitions = Coalitions::new(&evaluator, &base, files.as_slice()).unwrap();
    assert!(matches!(coalitions.utility(&[true, true]), Err(crate::ContributionError::Read(_))));
    // What was read before still counts once.
    let alone = coalitions.model(&[true, false]).unwrap();
    let mut fresh = Coalitions::new(&evaluator, &base, files.as_slice()).unwrap();
    assert_eq!(alone, fresh.model(&[true, false]).unwrap());
}
