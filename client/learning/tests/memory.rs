//! How much memory aggregation takes. A test of its own process, whose peak is the largest of all that runs in it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;

use decentralml_learning::{
    Aggregation, Before, Encoding, ModelSpec, Rule, Update, UpdateFile, Weights, aggregate_with,
};

/// A number of `/proc/self/status`, in bytes.
fn status(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim_start_matches(':').trim_end_matches("kB").trim().parse::<u64>().unwrap() << 10
}

#[test]
fn any_number_of_updates_is_aggregated_in_one_model_and_256_mb() {
    const UPDATES: usize = 160;
    let spec = ModelSpec::mlp(1_999, &[], 1_000);
    let model = 4 * spec.parameter_count() as u64;
    let base = Weights::init(&spec, [0; 32]);
    let folder = tempfile::tempdir().unwrap();
    // A few files many times over: the disk need not hold what the memory must not.
    let files: Vec<UpdateFile> = (1..=4)
        .map(|seed| {
            let trained = Weights::init(&spec, [seed; 32]);
            let encoding = Encoding::new(16, 14, 8_191).unwrap();
            let update = Update::from_delta(&base, &trained, encoding).unwrap();
            UpdateFile::write(&folder.path().join(seed.to_string()), &update).unwrap()
        })
        .collect();
    let all: Vec<UpdateFile> = files.into_iter().cycle().take(UPDATES).collect();
    let bound = model + 256_000_000;
    assert!(
        UPDATES as u64 * model / 2 > 2 * bound,
        "together they are larger than what is allowed"
    );
    let neighbors = Before::NearestNeighbors { hostile: 20 };
    for how in [
        Rule::Mean.into(),
        Rule::Median.into(),
        Rule::TrimmedMean { k: 20 }.into(),
        Rule::MultiKrum { hostile: 20, kept: 100 }.into(),
        Rule::Bulyan { hostile: 20 }.into(),
        Rule::GeometricMedian { steps: 2 }.into(),
        Rule::CenteredClipping { radius: 9_000, steps: 2 }.into(),
        Aggregation { before: neighbors, ..Rule::Median.into() },
    ] {
        let before = status("VmRSS");
        aggregate_with(&base, all.as_slice(), &how).unwrap();
        // The peak is that of the whole process: what came before is in it.
        let taken = status("VmHWM").saturating_sub(before);
        assert!(taken <= bound, "{how:?} took {taken} bytes, of {bound}");
    }
}
