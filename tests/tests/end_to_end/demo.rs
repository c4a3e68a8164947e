//! The demo, as `scripts/demo.sh` runs it: interrupted, killed, and to its end; its report holds what the README promises.

use anyhow::{Context, Result};
use decentralml_sdk::Signer;
use decentralml_tests::{Process, program, wait_until};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long a run may take, with the build before it.
const LIMIT: Duration = Duration::from_secs(900);
/// Planck of a token.
const TOKEN_DIGITS: usize = 12;
/// How far below the federated model everybody who trains alone ends, at least.
const CLEARLY: f64 = 0.05;
/// Planck that an account has at least, a task's among them.
const EXISTENTIAL_DEPOSIT: i128 = 1_000_000_000;

/// A run of the demo. A variable that all its processes inherit tells them from others.
struct Demo {
    process: Process,
    mark: String,
}

impl Demo {
    fn start(name: &str, folder: &Path) -> Result<Self> {
        let mark = format!("{name}-{}", std::process::id());
        // The build that the script wants is the one that this test is part of.
        let target = program("decentralml")?.ancestors().nth(2).unwrap().display().to_string();
        let environment =
            vec![("CARGO_TARGET_DIR".to_owned(), target), ("DEMO_MARK".to_owned(), mark.clone())];
        // What an earlier run has logged says nothing of this one, which removes it only after the build.
        fs::remove_dir_all(root().join("out/demo/logs")).or_else(|error| match error.kind() {
            ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        let log = folder.join(format!("{name}.log"));
        let process =
            Process::start_program(root().join("scripts/demo.sh"), vec![], environment, &log)?;
        Ok(Self { process, mark })
    }

    /// The processes of this run that live.
    fn processes(&self) -> Vec<String> {
        let mark = format!("DEMO_MARK={}\0", self.mark);
        let live = |process: &PathBuf| {
            fs::read(process.join("environ"))
                .is_ok_and(|bytes| bytes.windows(mark.len()).any(|part| part == mark.as_bytes()))
        };
        let folders = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        let name = |process: PathBuf| {
            let words = fs::read(process.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).replace('\0', " ")
        };
        folders.filter(live).map(name).collect()
    }

    /// Waits until trainers train: everything that the demo starts is there.
    async fn is_under_way(&mut self) -> Result<()> {
        let log = root().join("out/demo/logs/trainer-1.log");
        wait_until("the first training", LIMIT, async || {
            assert_eq!(self.process.exited()?, None, "{}", self.process.log());
            let log = fs::read_to_string(&log).unwrap_or_default();
            Ok(log.contains("trained").then_some(()))
        })
        .await
        .with_context(|| self.process.log())?;
        let processes = self.processes();
        // Chain (with what keeps it), store, nine workers, and the demo itself.
        assert!(processes.len() >= 12, "{processes:#?}");
        Ok(())
    }

    async fn ends(&mut self) -> Result<i32> {
        wait_until("the demo's end", LIMIT, async || self.process.exited())
            .await
            .with_context(|| self.process.log())
    }

    /// Waits a moment, in which what is left may end; then none of them has ended in a panic.
    async fn leaves_no_process(&self) -> Result<()> {
        wait_until("the end of all processes", Duration::from_secs(20), async || {
            let left = self.processes();
            anyhow::ensure!(left.is_empty(), "{left:#?}");
            Ok(Some(()))
        })
        .await?;
        let mut logs = vec![("the demo".to_owned(), self.process.log())];
        for entry in fs::read_dir(root().join("out/demo/logs"))? {
            let path = entry?.path();
            let log = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            logs.push((path.display().to_string(), log));
        }
        // Chain, store, nine workers, and the demo itself.
        assert!(logs.len() >= 12, "{} logs", logs.len());
        for (name, log) in logs {
            assert!(!log.contains("panicked"), "{name}:\n{log}");
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_keeps_its_promises_and_leaves_no_process_however_it_ends() -> Result<()> {
    let folder = tempfile::tempdir()?;

    let mut interrupted = Demo::start("interrupted", folder.path())?;
    interrupted.is_under_way().await?;
    interrupted.process.signal("INT")?;
    assert_eq!(interrupted.ends().await?, 130, "{}", interrupted.process.log());
    interrupted.leaves_no_process().await?;

    let mut killed = Demo::start("killed", folder.path())?;
    killed.is_under_way().await?;
    killed.process.kill()?;
    killed.leaves_no_process().await?;

    let start = Instant::now();
    let mut whole = Demo::start("whole", folder.path())?;
    assert_eq!(whole.ends().await?, 0, "{}", whole.process.log());
    let elapsed = start.elapsed();
    whole.leaves_no_process().await?;
    holds(&whole.process.log(), elapsed).with_context(|| whole.process.log())
}

/// Holds the report, and what was printed, against the promises.
fn holds(printed: &str, elapsed: Duration) -> Result<()> {
    let out = root().join("out/demo");
    let report: Value = serde_json::from_slice(&fs::read(out.join("report.json"))?)?;
    println!("{report:#}");
    let shares = |name: &str| -> Vec<f64> {
        report[name].as_array().unwrap().iter().map(|share| share.as_f64().unwrap()).collect()
    };

    let accuracy = shares("accuracy");
    let reached = *accuracy.last().context("no rounds")?;
    assert!(accuracy.len() <= 15, "{} rounds", accuracy.len());
    assert!(reached >= 0.95, "{reached}");
    let central = report["central_accuracy"].as_f64().unwrap();
    assert!((0.95..=0.99).contains(&central), "{central}");
    let alone = shares("alone_accuracy");
    assert!(alone.len() == 6, "{alone:?}");
    assert!(alone.iter().all(|share| share + CLEARLY <= reached), "{reached}: {alone:?}");

    let uris = ["//Trainer5", "//Trainer6"];
    let rejected = uris.map(|uri| Signer::from_uri(uri).unwrap().account().to_string());
    assert_eq!(report["rejected"], serde_json::json!(rejected), "hostile and free-rider");

    let cid = report["model_cid"].as_str().unwrap();
    let model = fs::read(out.join("model.safetensors"))?;
    assert_eq!(decentralml_storage::unixfs::canonical_cid(&model).to_string(), cid);
    let version = report["released_version"].as_u64().unwrap();
    assert!((1..=accuracy.len() as u64).contains(&version), "{version}");
    is_a_picture(&fs::read_to_string(out.join("accuracy.svg"))?, accuracy.len());
    let workers = (1..=6).map(|number| format!("trainer-{number}"));
    for name in workers.chain((1..=3).map(|number| format!("evaluator-{number}"))) {
        let log = fs::read_to_string(out.join(format!("logs/{name}.log"))).context(name.clone())?;
        assert!(log.contains("committed"), "{name} has done nothing:\n{log}");
        let own = fs::read_dir(out.join("workers").join(&name))?.next().context(name.clone())??;
        let store = decentralml_storage::Store::open(own.path().join("store"))?;
        // The task's model, and the weights that the last round began with, at least.
        assert!(store.stat()?.blocks >= 2, "{name} has kept nothing in its own store");
    }

    let total = seconds_in_all(&report["seconds"], elapsed);
    let last = printed.lines().last().unwrap();
    let released = accuracy[usize::try_from(version)? - 1] * 100.0;
    for part in [
        format!("{released:.1} % accuracy on unseen rows"),
        format!("{} rounds", accuracy.len()),
        format!("{total:.0} seconds"),
        cid.to_owned(),
        format!("version {version}"),
    ] {
        assert!(last.contains(&part), "{part:?} is missing in {last:?}");
    }

    let table = Table::read(printed);
    table.adds_up();
    assert_eq!(report["balances_add_up"], true);
    let amount = |name: &str| i128::from(report[name].as_u64().unwrap());
    let [paid, refunded, charged] = ["paid", "refunded", "charged"].map(amount);
    let rounds: Vec<Value> = serde_json::from_slice(&fs::read(out.join("rounds.json"))?)?;
    let charge = charged / i128::try_from(rounds.len())?;
    assert_eq!(charge * i128::try_from(rounds.len())?, charged, "each round costs the same");
    assert_eq!(paid + refunded + charged, escrow(charge)?, "{report:#}");
    let (earned, treasury) =
        (table.change(&["trainer ", "evaluator "]), table.change(&["treasury"]));
    // What earners and sponsor paid in fees, and what the task was charged, went to the treasury.
    let fees = treasury - charged;
    assert!(earned <= paid && paid - earned <= fees, "{paid} {earned} {fees}");
    let spent = -table.change(&["Dave (sponsor)"]) - paid - charged;
    assert!((0..=fees).contains(&spent), "{spent} {fees}");
    for misbehaving in ["trainer 5 (hostile)", "trainer 6 (free-rider)"] {
        assert!(table.change(&[misbehaving]) <= 0, "{misbehaving} was paid");
    }
    Ok(())
}

/// Three kinds of curves, each named, with a point for every round: six trainers alone, central training, the federated model.
fn is_a_picture(svg: &str, rounds: usize) {
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    for name in ["federated", "central", "alone"] {
        assert!(svg.lines().any(|line| line == name), "{name} is not named");
    }
    let curves = svg.lines().filter(|line| line.starts_with("<polyline"));
    let curves = curves.filter_map(|line| {
        let attribute = |name: &str| line.split_once(&format!("{name}=\""))?.1.split('"').next();
        let points = attribute("points")?.split_whitespace().count();
        (points == rounds).then_some(attribute("stroke")?)
    });
    let mut colors: BTreeMap<&str, usize> = BTreeMap::new();
    curves.for_each(|color| *colors.entry(color).or_default() += 1);
    let mut numbers: Vec<usize> = colors.into_values().collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 1, 6], "curves of each color, over {rounds} rounds");
}

/// How long the demo says it took in all: its parts fit into that, and all into what was measured here. How long it may take is no
/// matter of a machine on which other tests run.
fn seconds_in_all(seconds: &Value, elapsed: Duration) -> f64 {
    let part = |name: &str| seconds[name].as_f64().filter(|part| *part >= 0.0);
    let [build, chain, rounds, total] = ["build", "chain", "rounds", "total"]
        .map(|name| part(name).unwrap_or_else(|| panic!("{name} in {seconds}")));
    assert!(chain > 0.0 && rounds > 0.0 && chain + rounds < total, "{seconds}");
    // The build's time is counted in whole seconds.
    assert!(build + total < elapsed.as_secs_f64() + 1.0, "{seconds}, but all took {elapsed:?}");
    total
}

/// What the sponsor of the demo's task, which is the example's, gives in advance, in planck: the pay of its rounds, and what the
/// chain keeps of every attempt at one.
fn escrow(charge: i128) -> Result<i128> {
    let example = fs::read_to_string(root().join("client/cli/examples/digits.toml"))?;
    let setting = |key: &str| {
        let start = format!("{key} = ");
        let value = example.lines().find_map(|line| line.strip_prefix(&start));
        value.map(|value| value.trim_matches('"')).with_context(|| format!("no {key}"))
    };
    let number = |key: &str| Ok::<i128, anyhow::Error>(setting(key)?.parse()?);
    let round =
        planck(setting("reward_per_round")?) + number("seats")? * planck(setting("fee_per_seat")?);
    let attempts = 1 + number("max_retries")?;
    Ok(number("rounds")? * (round + attempts * charge) + EXISTENTIAL_DEPOSIT)
}

/// Every account's planck before and after, as the demo prints them, and their sums.
struct Table {
    rows: Vec<(String, i128, i128)>,
    sums: (i128, i128),
}

impl Table {
    fn read(printed: &str) -> Self {
        let mut rows: Vec<_> = printed
            .lines()
            .skip_while(|line| !line.starts_with("account "))
            .skip(1)
            .take_while(|line| !line.trim().is_empty())
            .map(|line| {
                let cells: Vec<&str> =
                    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
                let [name, free_before, held_before, free_after, held_after, change] = cells[..]
                else {
                    panic!("{line}")
                };
                let before = planck(free_before) + planck(held_before);
                let after = planck(free_after) + planck(held_after);
                assert_eq!(after - before, planck(change), "{line}");
                (name.to_owned(), before, after)
            })
            .collect();
        let (name, before, after) = rows.pop().expect("a table of accounts");
        assert_eq!(name, "all together");
        Self { rows, sums: (before, after) }
    }

    fn adds_up(&self) {
        let before: i128 = self.rows.iter().map(|(_, before, _)| before).sum();
        let after: i128 = self.rows.iter().map(|(_, _, after)| after).sum();
        assert_eq!((before, after), self.sums);
        assert_eq!(before, after, "money was lost or made");
        // Sponsor, faucet, nine earners, the council, the treasury at least.
        assert!(self.rows.len() >= 15, "{} accounts", self.rows.len());
    }

    /// What those whose names begin so have gained.
    fn change(&self, names: &[&str]) -> i128 {
        let named = |name: &str| names.iter().any(|start| name.starts_with(start));
        let rows = self.rows.iter().filter(|(name, ..)| named(name));
        rows.map(|(_, before, after)| after - before).sum()
    }
}

/// An amount such as `-1.25 DML` in planck.
fn planck(text: &str) -> i128 {
    let number = text.split_whitespace().next().unwrap();
    let sign = if number.starts_with('-') { -1 } else { 1 };
    let number = number.trim_start_matches(['+', '-']);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction:0<TOKEN_DIGITS$}");
    sign * digits.parse::<i128>().unwrap_or_else(|_| panic!("{text} is no amount"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().into()
}
