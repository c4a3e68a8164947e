//! Runs on rows of other kinds, and on rows that are wrong or rare.

use std::{fmt::Write as _, fs, path::Path, sync::atomic::AtomicBool};

use decentralml_simulator::{
    Federation, Folder, Options, Outcome, RunFile, SimulateError, simulate,
};
use tempfile::TempDir;

use super::TRAINING;

/// Files of rows, which run files name.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn federation(text: &str, folder: &Path) -> Federation {
    Federation::load(&RunFile::from_toml(text).unwrap(), folder).unwrap()
}

fn try_run(federation: &Federation, folder: &Path) -> Result<Outcome, SimulateError> {
    let out = Folder::open(&folder.join("out")).unwrap();
    let options = Options { threads: 2, restart: true, ..Options::default() };
    simulate(federation, &out, options, &AtomicBool::new(false), &|_| {})
}

fn run(text: &str, folder: &Path) -> Outcome {
    try_run(&federation(text, folder), folder).unwrap()
}

/// Numbers from −1 to 1.
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    }
}

/// Where the rows of three classes lie.
const PLACES: [[f64; 2]; 3] = [[-2.0, 0.0], [2.0, 0.0], [0.0, 3.0]];

/// So many rows of somebody, of these classes in turn, around their places and `scale` times as large.
fn owned(who: &str, classes: &[usize], rows: usize, scale: f64) -> String {
    let mut number = numbers(who.len() as u64 + classes.len() as u64);
    let mut text = String::new();
    for class in classes.iter().cycle().take(rows) {
        let [x, y] = PLACES[*class].map(|place| (place + number()) * scale);
        let _ = writeln!(text, "{who},{x:e},{y:e},{class}");
    }
    text
}

const HEADER: &str = "who,x,y,class\n";

/// Four people on `rows.csv`, each a client, and others on `test.csv`.
fn people(rounds: u32, tail: &str) -> String {
    format!(
        "clients = 4\nrounds = {rounds}\npartition = \"natural\"\n[model]\nname = \"mlp\"\n[data]\nfile = \
         \"rows.csv\"\ntest = \"test.csv\"\ngroup_column = \"who\"\n{TRAINING}{tail}"
    )
}

#[test]
fn a_client_that_diverges_is_counted_and_the_others_go_on() {
    let all = [0, 1, 2];
    let rows = ["ann", "bob", "cem"].map(|who| owned(who, &all, 60, 1.0)).concat();
    // Mirrored: what the others learn is wrong for it in every round.
    let rows = format!("{HEADER}{rows}{}", owned("exploding", &all, 60, -1e30));
    let test = format!("{HEADER}{}", owned("test", &all, 90, 1.0));
    let folder = folder(&[("rows.csv", &rows), ("test.csv", &test)]);
    for (tail, head) in [
        ("", ""),
        ("[aggregation]\nrule = \"median\"\n", ""),
        ("[aggregation]\ncount = { nova = {} }\n", ""),
        ("", "scaffold = true\n"),
    ] {
        let Outcome { model, report } = run(&format!("{head}{}", people(5, tail)), folder.path());
        let told = format!("{head}{tail}: {:?}", report.metrics);
        for record in &report.rounds {
            assert_eq!((record.clients, record.diverged), (4, 1), "{told}");
            assert!(record.loss.is_some_and(f64::is_finite), "{told}");
        }
        assert!(model.values().iter().all(|weight| weight.is_finite()), "{told}");
        assert!(report.metrics.accuracy > 0.8, "{told}");
    }
}

#[test]
fn where_all_clients_diverge_the_run_ends() {
    let rate = TRAINING.replace("0.1", "1e30");
    let text = format!(
        "clients = 3\nrounds = 1\n[model]\nname = \"mlp\"\n[data]\nfile = \"digits\"\nrows = 100\n{rate}"
    );
    let folder = folder(&[]);
    let error = try_run(&federation(&text, folder.path()), folder.path()).unwrap_err();
    assert!(error.to_string().contains("all 3 clients have diverged"), "{error}");
}

#[test]
fn a_label_that_no_other_client_has_is_learned_by_all() {
    let rows = ["ann", "bob", "cem"].map(|who| owned(who, &[0, 1], 60, 1.0)).concat();
    let rows = format!("{HEADER}{rows}{}", owned("alone", &[2], 60, 1.0));
    let test = format!("{HEADER}{}", owned("test", &[0, 1, 2], 90, 1.0));
    let without = format!("{HEADER}{}", owned("test", &[0, 1], 90, 1.0));
    let folder = folder(&[("rows.csv", &rows), ("test.csv", &test), ("without.csv", &without)]);
    let text = people(15, "");
    let report = run(&text, folder.path()).report;
    assert!(report.metrics.balanced_accuracy.is_some_and(|share| share > 0.9), "{report:?}");
    // Nor do the rows for the evaluation have to have it.
    let classes = text.replace("test.csv\"", "without.csv\"\nclasses = 3");
    assert!(run(&classes, folder.path()).report.metrics.accuracy > 0.9);
}

#[test]
fn no_round_moves_the_model_beyond_the_norm_bound() {
    let folder = folder(&[]);
    let moved = |bound: &str| {
        let text = format!(
            "clients = 6\nrounds = 1\n[model]\nname = \"mlp\"\n[data]\nfile = \"digits\"\nrows = 300\n\
             {TRAINING}[aggregation]\n{bound}\n"
        );
        let federation = federation(&text, folder.path());
        let before = federation.first_model();
        let Outcome { model, report } = try_run(&federation, folder.path()).unwrap();
        let pairs = before.values().iter().zip(model.values());
        let moved = pairs.map(|(a, b)| f64::from(b - a).powi(2)).sum::<f64>().sqrt();
        (moved, report.bounded)
    };
    let free = moved("");
    assert!(free.0 > 0.2 && free.1 == 0, "{free:?}");
    for bound in [0.1, 0.001] {
        let (cut, counted) = moved(&format!("norm_bound = {bound}"));
        assert_eq!(counted, 6, "{bound}");
        // The sum of a weight and its change is rounded.
        assert!(cut > bound / 4.0 && cut < bound + 1e-5, "{bound}: {cut}");
    }
    assert_eq!(moved("norm_bound = 1e6"), free);
}

#[test]
fn variates_that_are_too_large_are_counted() {
    let rows = format!("{HEADER}{}", owned("ann", &[0, 1, 2], 60, 1e4));
    let folder = folder(&[("rows.csv", &rows), ("test.csv", &rows)]);
    let saturated = |head: &str| {
        let text = people(1, "").replace("clients = 4", "clients = 1");
        let text = text.replace("learning_rate = 0.1", "learning_rate = 1e-9");
        run(&format!("{head}{text}"), folder.path()).report.saturated
    };
    // Gradients of numbers this large leave the range of variates, weights stay within theirs.
    assert_eq!(saturated(""), 0);
    assert!(saturated("scaffold = true\n") > 0);
}

#[test]
fn quantities_are_learned_and_told_by_their_error() {
    let mut number = numbers(7);
    let rows: String = (0..400)
        .map(|_| {
            let [a, b] = [number(), number()];
            format!("{a:.4},{b:.4},{:.4}\n", a - 0.5 * b + 0.02 * number())
        })
        .collect();
    let folder = folder(&[("rows.csv", &rows)]);
    let text = format!(
        "clients = 5\nrounds = 60\ntarget = 0.02\n[model]\nname = \"mlp\"\n[data]\nfile = \"rows.csv\"\n\
         quantities = 1\n{TRAINING}"
    );
    let report = run(&text, folder.path()).report;
    let (mse, r2) = (report.metrics.mse.unwrap(), report.metrics.r2.unwrap());
    assert!(mse <= 0.02 && r2 > 0.9 && report.reached.is_some(), "{:?}", report.metrics);
    assert_eq!(report.fairness.unwrap().clients, 5);
}

#[test]
fn the_next_character_of_a_text_is_learned() {
    let model = "version = 2\ntask = \"next_token\"\ninput = [6]\nlayers = [{ embedding = { vocabulary = 4, units \
                 = 8 } }, { gru = { units = 16 } }, { dense = { units = 4 } }]\n[rows]\nvocabulary = \"abc\\n\"\n";
    let lines = "abcabcabc\ncabcab\n".repeat(80);
    let folder = folder(&[("model.toml", model), ("rows.txt", &lines)]);
    let text = format!(
        "clients = 4\nrounds = 8\n[model]\nfile = \"model.toml\"\n[data]\nfile = \"rows.txt\"\nsteps = \
         6\nvocabulary = \"abc\\n\"\n{}",
        TRAINING.replace("0.1", "0.5")
    );
    let report = run(&text, folder.path()).report;
    // A blind guess wavers among four.
    let perplexity = report.metrics.perplexity.unwrap();
    assert!(perplexity < 2.5 && report.metrics.accuracy > 0.5, "{:?}", report.metrics);
    // The same text with its characters in another order is another one to the model.
    let other = RunFile::from_toml(&text.replace("abc\\n", "cba\\n")).unwrap();
    let error = Federation::load(&other, folder.path()).unwrap_err().to_string();
    assert!(error.contains("label 0 is \"c\" in the data and \"a\" in the model"), "{error}");
}
