//! Rounds that learn something else than classes: quantities, and the next character of a text.

use anyhow::{Context, Result, ensure};
use decentralml_learning::{ModelSpec, Task, Weights};
use decentralml_tests::{BOND, EVALUATORS, POCKET, Process, SPONSOR, System, honest, logs, stop};
use decentralml_types::{Balance, Cid, Outcome, Role, TaskId};
use std::fmt::Write as _;

const TRAINERS: [(&str, &str); 4] =
    [("//T1", "honest"), ("//T2", "honest"), ("//T3", "honest"), ("//T4", "sign-flip")];
const ROUNDS: u32 = 2;

/// A chain on which all of them have money, and a folder for their rows.
async fn system() -> Result<System> {
    let people = [&TRAINERS.map(|(uri, _)| uri)[..], &EVALUATORS].concat();
    let system = System::start().await?;
    system.endow(&people).await?;
    std::fs::create_dir(system.folder().join("data"))?;
    Ok(system)
}

/// All trainers on files of their own, and the evaluators.
fn workers(system: &System, task: TaskId, ending: &str, options: &[&str]) -> Result<Vec<Process>> {
    let trainer = |(part, (uri, conduct)): (usize, &(&str, &str))| {
        let options = [&["--conduct", conduct], options].concat();
        system.trainer_on(uri, task, &format!("trainer-{part}.{ending}"), &options)
    };
    let mut workers = (1..).zip(&TRAINERS).map(trainer).collect::<Result<Vec<Process>>>()?;
    for (uri, conduct) in EVALUATORS.map(honest) {
        workers.push(system.evaluator(uri, task, conduct)?);
    }
    Ok(workers)
}

/// Runs all rounds: honest updates are accepted and paid, the flipped one is not. Returns what the committee has attested of each
/// version's model, in shares.
async fn learned(
    system: &System,
    task: TaskId,
    before: Balance,
    mut workers: Vec<Process>,
) -> Result<Vec<f64>> {
    let trainers = TRAINERS.map(|(uri, _)| uri);
    let outcomes = system.outcomes(task, &trainers).await.with_context(|| logs(&workers))?;
    system.completed(task).await.with_context(|| logs(&workers))?;
    stop(&mut workers)?;
    system.settle(task).await.with_context(|| logs(&workers))?;
    for ((uri, conduct), outcome) in TRAINERS.into_iter().zip(outcomes) {
        let owned = system.owned_by(uri).await?;
        let told = format!("{uri} {conduct}: {outcome:?}, {owned}\n{}", logs(&workers));
        match conduct {
            "honest" => {
                ensure!(matches!(outcome, Outcome::Accepted { .. }) && owned > POCKET, told);
            }
            _ => ensure!(outcome == Outcome::Rejected, told),
        }
        // Nobody has done what costs a bond.
        let member = system.member(Role::Trainer, uri).await?;
        ensure!((member.faults, member.bond) == (0, BOND), "{uri}: {member:?}");
    }
    for uri in EVALUATORS {
        ensure!(system.owned_by(uri).await? > POCKET, "{uri} earned nothing\n{}", logs(&workers));
    }
    ensure!(system.sum_of_balances().await? == before, "money has come or gone");
    let models = system.chain.finalized().await?.models(Some(task)).await?;
    ensure!(models.len() == ROUNDS as usize, "{models:?}");
    Ok(models.iter().map(|model| f64::from(model.metric) / 1e6).collect())
}

/// Rows of eight numbers and a quantity that follows from them, but for a little noise.
fn prices(rows: usize, seed: u64) -> String {
    let mut state = seed;
    let mut number = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    let mut text = String::new();
    for _ in 0..rows {
        let x: [f64; 8] = std::array::from_fn(|_| number());
        let price = x[0] - 0.5 * x[1] + 0.8 * x[2] * x[3] + 0.3 * x[4].abs() + 0.05 * number();
        for x in x {
            let _ = write!(text, "{x:.4},");
        }
        let _ = writeln!(text, "{price:.4}");
    }
    text
}

/// Weights for the example's layers as another program has them, which become a file in the store.
fn imported(system: &System) -> Result<Cid> {
    let spec = ModelSpec::mlp(8, &[32], 1).with_task(Task::Regression);
    let path = |name: &str| system.folder().join("data").join(name).display().to_string();
    let [layers, trained, onnx, first] =
        ["layers.json", "trained.safetensors", "trained.onnx", "first.safetensors"].map(path);
    std::fs::write(&layers, spec.to_canonical_json()?)?;
    std::fs::write(&trained, Weights::init(&spec, [7; 32]).to_bytes())?;
    system.json(SPONSOR, &["model", "export", &trained, "--layers", &layers, "--out", &onnx])?;
    let found = system.json(SPONSOR, &["model", "import", &onnx, "--out", &first])?;
    let added = system.json(SPONSOR, &["ipfs", "add", &first])?;
    ensure!(added[0]["cid"] == found["cid"], "{added} {found}");
    found["cid"].as_str().context("a CID")?.parse().map_err(|_| anyhow::anyhow!("{found}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quantity_is_learned_and_its_models_are_attested_by_their_r2() -> Result<()> {
    let system = system().await?;
    let data = system.folder().join("data");
    for part in 1..=TRAINERS.len() {
        std::fs::write(data.join(format!("trainer-{part}.csv")), prices(150, part as u64))?;
    }
    std::fs::write(data.join("validation.csv"), prices(120, 99))?;
    let before = system.sum_of_balances().await?;
    let first = imported(&system)?;
    let weights = format!("max_retries = 3\nweights = \"{first}\"");
    let task = system.create_task_like(
        "regression.toml",
        ROUNDS,
        TRAINERS.len(),
        &[("min = 3", "min = 4"), ("max_retries = 3", &weights)],
    )?;
    let workers = workers(&system, task, "csv", &["--quantities", "1"])?;
    let shares = learned(&system, task, before, workers).await?;
    assert!(shares[1] > shares[0] && shares[1] > 0.3, "{shares:?}");
    let bases = system.chain.finalized().await?.rounds(task).await?;
    let bases: Vec<Option<Cid>> = bases.iter().map(|round| round.base).collect();
    assert!(bases[0] == Some(first) && bases.last() != bases.first(), "{bases:?}");

    // The command measures on the same rows what the committee has attested.
    let id = task.to_string();
    let measured = system.json(SPONSOR, &["model", "evaluate", &id])?;
    let r2 = measured["r2"].as_f64().context("the share of the variance")?;
    assert!((r2 - shares[1]).abs() < 1e-6, "{measured} {shares:?}");
    let file = data.join("validation.csv").display().to_string();
    let again =
        system.json(SPONSOR, &["model", "evaluate", &id, "--data", &file, "--quantities", "1"])?;
    assert_eq!(again["mse"], measured["mse"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_character_of_a_text_is_learned() -> Result<()> {
    let system = system().await?;
    let data = system.folder().join("data");
    let text = |line: &str| format!("{line}\n").repeat(60);
    for (part, line) in (1..).zip(["abcabcabc", "abcabc abc", "cabcabca", "bcabcab"]) {
        std::fs::write(data.join(format!("trainer-{part}.txt")), text(line))?;
    }
    std::fs::write(data.join("validation.txt"), text("abcabcabcabc"))?;
    let before = system.sum_of_balances().await?;
    let task = system.create_task(
        ROUNDS,
        TRAINERS.len(),
        &[
            ("min = 3", "min = 4"),
            ("file = \"validation.csv\"", "file = \"validation.txt\""),
            ("features = 64\nclasses = 10", "features = 8\nclasses = 96"),
            (
                "input = [64]\nlayers = [{ dense = { units = 128 } }, \"relu\", { dense = { units = 10 } }]",
                "task = \"next_token\"\ninput = [8]\nlayers = [{ embedding = { vocabulary = 96, units = 8 } }, \
                 { gru = { units = 16 } }, { dense = { units = 96 } }]",
            ),
            ("optimizer = \"sgd\"\nmomentum = 0.9", "optimizer = \"adam\""),
            ("learning_rate = 0.15", "learning_rate = 0.01"),
        ],
    )?;
    let workers = workers(&system, task, "txt", &["--steps", "8", "--device", "cuda:999"])?;
    let shares = learned(&system, task, before, workers).await?;
    // No machine has so many cards: trainers say so, and go on.
    for (uri, _) in TRAINERS {
        let log = std::fs::read_to_string(system.log(uri))?;
        assert!(log.contains("trains on the processor, not on cuda:999"), "{uri}: {log}");
    }
    assert!(shares[1] > 0.2, "a blind guess finds one of 96: {shares:?}");
    let measured = system.json(SPONSOR, &["model", "evaluate", &task.to_string()])?;
    assert!(measured["perplexity"].as_f64().is_some_and(|tokens| tokens < 96.0), "{measured}");
    Ok(())
}
