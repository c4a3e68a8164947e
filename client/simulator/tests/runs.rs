//! Whole runs: what they come to, that threads and stops change nothing, and what attackers do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "runs/rows.rs"]
mod rows;

#[path = "runs/together.rs"]
mod together;

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use decentralml_simulator::{
    EXAMPLE, Event, Federation, Folder, Options, Outcome, Report, RunFile, SimulateError, compare,
    comparison_page, simulate, variants,
};

const TRAINING: &str = "[training]\nepochs = 2\nbatch_size = 16\nlearning_rate = 0.1\n\
                        optimizer = \"sgd\"\n";

/// A short run on digits; `head` and `tail` are lines of the file before and after its usual tables.
fn file(head: &str, tail: &str) -> RunFile {
    RunFile::from_toml(&format!(
        "seed = 3\nclients = 8\nrounds = 4\n{head}\n[model]\nname = \"mlp\"\n[data]\nfile = \
         \"digits\"\nrows = 400\n{TRAINING}{tail}"
    ))
    .unwrap()
}

fn load(file: &RunFile) -> Federation {
    Federation::load(file, Path::new("")).unwrap()
}

fn run_in(file: &RunFile, folder: &Path, threads: usize) -> Result<Outcome, SimulateError> {
    let options = Options { threads, restart: false, ..Options::default() };
    let folder = Folder::open(folder)?;
    simulate(&load(file), &folder, options, &AtomicBool::new(false), &|_| {})
}

fn run(file: &RunFile) -> Outcome {
    run_in(file, tempfile::tempdir().unwrap().path(), 2).unwrap()
}

/// Rules, codecs and attacks that take different ways through a round.
fn kinds() -> Vec<(&'static str, RunFile)> {
    let packed = "[encoding]\nbits = 16\nfraction_bits = 12\nrounding = \"stochastic\"\n\
                  wire_bits = 8\nkeep = 0.1\ndeflate = true\nerror_feedback = true\n";
    vec![
        (
            "a summed mean",
            file("clients_per_round = 5\npartition = { dirichlet = { alpha = 0.5 } }", ""),
        ),
        ("a packed one", file("clients_per_round = 5", packed)),
        (
            "krum in buckets under attack",
            file(
                "rows_per_client = 40",
                "[aggregation]\nrule = { multi_krum = { hostile = 1, kept = 3 } }\nbefore = { \
                 nearest_neighbors = { hostile = 2 } }\nserver = { fed_avg_m = { rate = 1.0, \
                 momentum = 0.5 } }\n[attack]\nshare = 0.25\nkind = \"min_max\"\n",
            ),
        ),
        (
            "SCAFFOLD, worker momentum and error feedback",
            file(
                "clients_per_round = 5\nscaffold = true\nworker_momentum = 0.5",
                "[encoding]\nrounding = \"stochastic\"\nkeep = 0.2\nerror_feedback = true\n",
            ),
        ),
        (
            "FedNova by rows",
            file("partition = \"linear\"", "[aggregation]\ncount = { nova = { cap = 50 } }\n"),
        ),
        (
            "a mean by capped rows with a schedule",
            file(
                "partition = \"linear\"",
                "schedule = { kind = \"cosine\", rounds = 4, warmup = 1 }\n[aggregation]\ncount = { \
                 samples = { cap = 50 } }\nserver = { fed_adam = { rate = 0.01, beta1 = 0.9, beta2 = \
                 0.99, tau = 0.001 } }\n",
            ),
        ),
        (
            "the median of buckets of cut updates",
            file(
                "",
                "[aggregation]\nrule = \"median\"\nbefore = { buckets = { size = 2 } }\nnorm_bound = \
                 0.5\n",
            ),
        ),
    ]
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for (name, file) in kinds() {
        let found: Vec<Report> = [1, 2, 4]
            .map(|threads| {
                let folder = tempfile::tempdir().unwrap();
                run_in(&file, folder.path(), threads).unwrap().report
            })
            .to_vec();
        for report in &found {
            assert_eq!(report.model_cid, found[0].model_cid, "{name}");
            assert_eq!(report.metrics, found[0].metrics, "{name}");
            assert_eq!(report.fairness, found[0].fairness, "{name}");
        }
        let losses = |report: &Report| -> Vec<_> {
            report.rounds.iter().map(|record| (record.loss, record.bytes_up)).collect()
        };
        assert_eq!(losses(&found[0]), losses(&found[2]), "{name}");
        let other = RunFile { seed: file.seed + 1, ..file };
        assert_ne!(run(&other).report.model_cid, found[0].model_cid, "{name}");
    }
}

#[test]
fn a_run_that_is_stopped_in_a_round_ends_with_the_same_model() {
    for (name, file) in kinds() {
        let expected = run(&file);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        // Twice, in different places of a round, with checkpoints of every second round.
        let file = RunFile { checkpoint_every: 2, ..file };
        for (round, client) in [(2, 2), (4, 3)] {
            let stop = AtomicBool::new(false);
            let observe = |event: Event<'_>| {
                if let Event::Client { round: at, done, .. } = event
                    && (at, done) >= (round, client)
                {
                    stop.store(true, Ordering::Relaxed);
                }
            };
            let options = Options { threads: 1, restart: false, ..Options::default() };
            let held = Folder::open(path).unwrap();
            let error = simulate(&load(&file), &held, options, &stop, &observe).unwrap_err();
            let SimulateError::Stopped { round: done } = error else { panic!("{name}: {error}") };
            assert_eq!(done, round - 1, "{name}");
        }
        let found = run_in(&file, path, 2).unwrap();
        assert_eq!(found.report.model_cid, expected.report.model_cid, "{name}");
        assert_eq!(found.report.rounds.len(), 4, "{name}");
        assert_eq!(found.report.devices, ["cpu"], "{name}: the same one twice is one");
        let mut left: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["lock", "model.safetensors", "report.html", "report.json"], "{name}");
    }
}

#[test]
fn a_changed_file_does_not_go_on_from_the_checkpoint_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let first = RunFile { checkpoint_every: 1, ..file("", "") };
    let stop = AtomicBool::new(false);
    let observe = |event: Event<'_>| {
        if matches!(event, Event::Saved { round: 2 }) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let held = Folder::open(folder.path()).unwrap();
    let options = Options { threads: 2, restart: false, ..Options::default() };
    assert!(simulate(&load(&first), &held, options, &stop, &observe).is_err());
    let changed = file("partition = \"linear\"", "");
    let go = AtomicBool::new(false);
    let error = simulate(&load(&changed), &held, options, &go, &|_| {}).unwrap_err().to_string();
    assert!(
        error.contains("after round 2 of another run") && error.contains("--restart"),
        "{error}"
    );
    let fresh = Options { restart: true, ..options };
    let found = simulate(&load(&changed), &held, fresh, &go, &|_| {}).unwrap();
    assert_eq!(found.report.model_cid, run(&changed).report.model_cid);
    // Nor is what has ended replaced, by this run or over a report that cannot be read.
    let error = simulate(&load(&first), &held, options, &go, &|_| {}).unwrap_err();
    assert!(matches!(error, SimulateError::Changed { round: 4, .. }), "{error}");
    assert_eq!(Report::read(&held.report()).unwrap().run, found.report.run);
    fs::write(held.report(), "{}").unwrap();
    let error = simulate(&load(&changed), &held, options, &go, &|_| {}).unwrap_err().to_string();
    assert!(error.contains("--restart") && held.model().is_file(), "{error}");
}

#[test]
fn what_has_ended_is_read_and_not_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = file("", "");
    let first = run_in(&file, folder.path(), 1).unwrap();
    let rounds = AtomicBool::new(false);
    let observe = |event: Event<'_>| {
        if matches!(event, Event::Round(_)) {
            rounds.store(true, Ordering::Relaxed);
        }
    };
    let held = Folder::open(folder.path()).unwrap();
    fs::write(folder.path().join("checkpoint"), "left by a process that was killed").unwrap();
    let stop = AtomicBool::new(false);
    let again = simulate(&load(&file), &held, Options::default(), &stop, &observe).unwrap();
    assert!(!rounds.load(Ordering::Relaxed) && !folder.path().join("checkpoint").exists());
    // Numbers in JSON may lose their last bit.
    let told =
        |report: &Report| (report.run.clone(), report.model_cid.clone(), report.rounds.len());
    assert_eq!(told(&again.report), told(&first.report));
    assert_eq!(again.model, first.model);
    assert_eq!(told(&Report::read(&held.report()).unwrap()), told(&first.report));
}

#[test]
fn the_example_reaches_its_target_early() {
    let file = RunFile::from_toml(EXAMPLE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = run_in(&file, folder.path(), 2).unwrap().report;
    let reached = report.reached.expect("the target is reached");
    assert_eq!(reached as usize, report.rounds.len());
    assert!(report.metrics.accuracy >= 0.94 && report.metrics.accuracy < 1.0);
    let fairness = report.fairness.as_ref().unwrap();
    assert_eq!(fairness.clients, 20);
    assert!(fairness.worst_tenth <= fairness.mean && fairness.mean > 0.9);
    // 10 clients, 9,610 weights of 2 bytes and a header, in each round.
    let sent = report.rounds[0].bytes_up;
    assert!((192_200..210_000).contains(&sent), "{sent}");
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    for text in ["Accuracy on the held-out rows", "Loss", "Bytes", "own rows", &report.model_cid] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(page.matches("<svg").count(), 4);
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="));
}

#[test]
fn hostile_clients_harm_the_mean_and_robust_rules_bear_them() {
    let harmed = |kind: &str, rule: &str| {
        let attack =
            format!("[aggregation]\nrule = {rule}\n[attack]\nshare = 0.25\nkind = {kind}\n");
        run(&file("", &attack)).report.metrics.accuracy
    };
    let clean = run(&file("", "")).report.metrics.accuracy;
    // Robust rules bear what lies far off; the others are made to get past them.
    for (kind, is_borne) in [
        ("{ sign_flip = { factor = 5.0 } }", true),
        ("{ gaussian = { deviation = 1.0 } }", true),
        ("\"fang\"", false),
        ("{ inner_product = { factor = 4.0 } }", false),
        ("\"label_flip\"", false),
        ("{ alie = { deviations = 20.0 } }", false),
    ] {
        let mean = harmed(kind, "\"mean\"");
        assert!(mean < clean, "{kind}: {mean} {clean}");
        if is_borne {
            let robust = harmed(kind, "{ multi_krum = { hostile = 2, kept = 4 } }");
            assert!(robust > mean, "{kind}: {robust} {mean} {clean}");
        }
    }
}

#[test]
fn every_client_algorithm_takes_another_way() {
    let plain = run(&file("partition = \"linear\"", "")).report;
    let mut found = vec![plain.model_cid.clone()];
    for head in ["scaffold = true", "worker_momentum = 0.5"] {
        let report = run(&file(&format!("partition = \"linear\"\n{head}"), "")).report;
        assert!(report.metrics.accuracy > 0.5, "{head}: {}", report.metrics.accuracy);
        assert!(!found.contains(&report.model_cid), "{head}");
        // Control variates travel beside the weights, in both directions.
        let twice = if head.contains("scaffold") { 2 } else { 1 };
        assert_eq!(report.bytes_down, twice * plain.bytes_down, "{head}");
        assert!(report.bytes_up > (twice - 1) * plain.bytes_up, "{head}");
        found.push(report.model_cid);
    }
}

#[test]
fn rates_follow_the_schedule_from_round_to_round() {
    let losses = |schedule: &str| -> Vec<_> {
        run(&file("", schedule)).report.rounds.iter().map(|record| record.loss).collect()
    };
    let plain = losses("");
    let stepped = losses("schedule = { kind = \"step\", every = 2, factor = 0.01 }\n");
    assert_eq!(stepped[..2], plain[..2]);
    assert_ne!(stepped[2], plain[2]);
}

#[test]
fn rows_count_up_to_the_cap() {
    let counted = |count: &str| {
        let table = format!("[aggregation]\ncount = {count}\n");
        run(&file("partition = \"linear\"", &table)).report.model_cid
    };
    let equal = counted("\"equal\"");
    // Eight clients of 11 to 89 rows.
    assert_eq!(counted("{ samples = { cap = 1 } }"), equal);
    let all = counted("{ samples = {} }");
    assert_ne!(all, equal);
    assert_eq!(counted("{ samples = { cap = 400 } }"), all);
    assert_ne!(counted("{ samples = { cap = 40 } }"), all);
}

#[test]
fn integers_that_are_too_small_are_counted() {
    let narrow = file("", "[encoding]\nbits = 8\nfraction_bits = 12\n");
    let report = run(&narrow).report;
    assert!(report.saturated > 0);
    assert_eq!(run(&file("", "")).report.saturated, 0);
}

#[test]
fn a_sweep_is_compared_with_means_and_deviations() {
    let text = format!(
        "clients = 4\nrounds = 2\nseeds = [1, 2]\n[model]\nname = \"mlp\"\n[data]\nfile = \
         \"digits\"\nrows = 200\n{TRAINING}[sweep]\ntraining.learning_rate = [0.1, 0.001]\n"
    );
    let all = variants(&text, Path::new("sweep.toml")).unwrap();
    assert_eq!(all.len(), 4);
    let mut groups: Vec<(String, Vec<Report>)> = Vec::new();
    for variant in &all {
        let report = run(&variant.file).report;
        match groups.iter_mut().find(|(label, _)| *label == variant.label) {
            Some((_, reports)) => reports.push(report),
            None => groups.push((variant.label.clone(), vec![report])),
        }
    }
    let compared = compare(&groups);
    assert_eq!(compared.len(), 2);
    assert_eq!(compared[0].seeds, [1, 2]);
    assert!(compared[0].accuracy.mean > compared[1].accuracy.mean);
    assert!(compared[0].loss.deviation > 0.0);
    let page = comparison_page(&groups, &compared).unwrap();
    assert!(page.contains("training.learning_rate=0.001") && page.contains(" ± "));
}

#[test]
fn every_example_is_a_run_file_whose_data_and_clients_can_be_had() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let all = variants(&RunFile::text(&path).unwrap(), &path).unwrap();
        let first = Federation::load(&all[0].file, &folder).unwrap();
        assert_eq!(first.clients.count(), all[0].file.clients, "{}", path.display());
        found += 1;
    }
    assert_eq!(found, 4);
}

#[test]
fn a_round_of_a_million_clients_trains_those_that_are_drawn() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/million.toml");
    let file = RunFile::from_toml(&RunFile::text(&path).unwrap()).unwrap();
    let file = RunFile { rounds: 1, fairness_clients: 10, ..file };
    let federation = load(&file);
    assert!(federation.clients.bytes() < 16 << 20);
    let report = run(&file).report;
    assert_eq!((report.rounds[0].clients, report.fairness.unwrap().clients), (100, 10));
}
