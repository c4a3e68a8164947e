//! `decentralml simulate`: federated runs in one process, with the rules and the codec of the chain.
//!
//! ```text
//!  run.toml ──► variants ──► each: Federation ──► simulate, in a thread of its own ──► out/…/report.json, .html
//!                                                     │ what it tells
//!                                                     ▼
//!                              a bar and a chart on a terminal, lines elsewhere, JSON where asked for
//! ```

mod compare;
mod runs;
mod watch;

use crate::{
    exit::{Kind, is_broken_pipe, kind, problem},
    output::{Out, count, number_table, pairs},
};
use clap::{Args, Subcommand};
use color_eyre::{Report as Failure, Result};
use decentralml_learning::device::{self, Choice};
use decentralml_simulator::{EXAMPLE, Folder, Report};
use indicatif::DecimalBytes;
use runs::{Plan, Run, failure};
use std::path::{Path, PathBuf};

/// Where runs go if nothing else is asked for.
const FOLDER: &str = "out/simulate";

/// Simulate federated training: virtual clients in one process, with the rules and the codec of the chain.
///
/// The run file says everything; `--example` prints one with all its fields. Equal files give equal models, whatever the number of
/// threads; on a card or with batches of clients, but for rounding. Run it again to go on after it was interrupted.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
pub struct Opts {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The run file. With lists in `[sweep]` or `seeds` it stands for several runs.
    #[arg(value_name = "RUN.toml")]
    file: Option<PathBuf>,
    /// Print a run file with every field, and nothing else.
    #[arg(long, conflicts_with = "file")]
    example: bool,
    /// Where model and report go [default: out/simulate/ and the run's name].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Train on this device: cpu, cuda, wgpu, or a card by its number as in cuda:1; on the processor where that cannot be used
    /// [default: cpu].
    #[arg(long, value_name = "DEVICE")]
    device: Option<Choice>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Compare(compare::Opts),
}

/// How runs are done; it changes no number of a model, but that batches of clients round differently.
#[derive(Args, Clone, Copy, Debug)]
pub struct How {
    /// Clients that train at the same time, each on one thread [default: one per core].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// Clients that a thread trains at the same time, as one set of tensors; 1 for each by itself [default: 1 on the processor, 16 on a
    /// card, fewer for large models].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    clients_per_batch: usize,
    /// Start anew: forget checkpoints and finished runs of the folder.
    #[arg(long)]
    restart: bool,
}

/// Does what was asked for.
pub async fn run(opts: Opts, out: &mut Out<'_>) -> Result<()> {
    if let Some(Verb::Compare(compared)) = opts.verb {
        // What clap would refuse by itself, but then with the global flags too.
        let How { threads, clients_per_batch, restart } = opts.how;
        let asked = opts.file.is_some() || opts.out.is_some() || opts.device.is_some();
        if asked || opts.example || threads > 0 || clients_per_batch > 0 || restart {
            return Err(problem(
                Kind::Usage,
                "run files and options of `simulate compare` stand behind `compare`",
            ));
        }
        return compare::run(compared, out).await;
    }
    if opts.example {
        return out.bytes(EXAMPLE.as_bytes());
    }
    let Some(path) = opts.file else {
        return Err(problem(
            Kind::Usage,
            "no run file is named; `decentralml simulate --example > run.toml` makes one to start from",
        ));
    };
    let plan = Plan::read(&path)?;
    if let Some(choice) = opts.device
        && let Err(why) = device::select(choice)
    {
        tracing::warn!("trains on the processor, not on {choice}: {why}");
    }
    let folder = opts.out.unwrap_or_else(|| Path::new(FOLDER).join(plan.name()));
    let (groups, failures) = match plan.runs.as_slice() {
        [one] => {
            let report = one.run(&folder, opts.how, out).await?;
            return tell(&report, &folder, out);
        }
        _ => {
            let mut failures = Failures::new();
            let groups = plan.run(&folder, opts.how, &mut failures, out).await?;
            (groups, failures)
        }
    };
    compare::tell(&groups, &folder, out)?;
    failed(failures)
}

/// What one run has come to.
fn tell(report: &Report, folder: &Path, out: &mut Out<'_>) -> Result<()> {
    if out.json() {
        return line(report, out);
    }
    let mut rows = Vec::new();
    match report.metrics.mse {
        Some(error) => rows.push(("squared error", format!("{error:.4}"))),
        None => rows.push(("accuracy", format!("{:.2} %", report.metrics.accuracy * 100.0))),
    }
    rows.push(("loss", format!("{:.4}", report.metrics.loss)));
    let target = report.reached.map_or("", |_| ", the target is reached");
    rows.push(("rounds", format!("{}{target}", report.rounds.len())));
    rows.push(("sent", DecimalBytes(report.bytes_up).to_string()));
    rows.push(("fetched", DecimalBytes(report.bytes_down).to_string()));
    if report.saturated > 0 {
        let advice = "changes did not fit into the integers: fewer `fraction_bits`, or more `bits`";
        rows.push(("cut", format!("{} {advice}", report.saturated)));
    }
    if report.bounded > 0 {
        rows.push((
            "bounded",
            format!("{} were cut to the norm bound", count(report.bounded, "update")),
        ));
    }
    if let Some(fairness) = &report.fairness {
        let told = format!(
            "{:.4} ± {:.4} on the clients' own rows, {:.4} for the worst tenth",
            fairness.mean, fairness.deviation, fairness.worst_tenth
        );
        rows.push(("fairness", told));
    }
    rows.push(("seconds", format!("{:.1}", report.seconds)));
    rows.push(("model", report.model_cid.clone()));
    rows.push(("report", folder.join("report.html").display().to_string()));
    out.result(report, |_| pairs(&rows))
}

/// One line of JSON.
fn line<T: serde::Serialize + ?Sized>(value: &T, out: &mut Out<'_>) -> Result<()> {
    out.bytes(format!("{}\n", serde_json::to_string(value)?).as_bytes())
}

/// A table of runs side by side.
fn side_by_side(compared: &[decentralml_simulator::Comparison]) -> String {
    let rows = compared.iter().map(decentralml_simulator::Comparison::cells);
    number_table(decentralml_simulator::HEADER.map(str::to_owned).to_vec(), rows)
}

/// Reports of runs that differ in their seeds alone, under what they have in common.
type Groups = Vec<(String, Vec<Report>)>;

/// Runs that have failed, by what they are called, and why.
type Failures = Vec<(String, Failure)>;

/// One error for all of them, with the exit code of the first.
fn failed(failures: Failures) -> Result<()> {
    let Some((_, first)) = failures.first() else { return Ok(()) };
    let told = failures.iter().map(|(name, failure)| format!("{name}: {failure:#}"));
    let text = format!(
        "{} failed\n{}",
        count(failures.len() as u64, "run"),
        told.collect::<Vec<_>>().join("\n")
    );
    Err(problem(kind(first), text))
}

impl Plan {
    /// Does all runs one after the other, each in its folder, and groups them. One that fails does not
    /// end the others; an interruption does.
    async fn run(
        &self,
        folder: &Path,
        how: How,
        failures: &mut Failures,
        out: &mut Out<'_>,
    ) -> Result<Groups> {
        // Runs of several have folders in it, which is marked as theirs and held as that of one is.
        let _held = match self.runs.len() {
            0 | 1 => None,
            _ => Some(Folder::open(folder).map_err(failure)?),
        };
        let mut groups = Groups::new();
        for run in &self.runs {
            let Run { variant, .. } = run;
            let name = match variant.label.as_str() {
                "" => self.name().to_owned(),
                label => format!("{} {label}", self.name()),
            };
            let report = match run.run(&folder.join(&variant.folder), how, out).await {
                Ok(report) => report,
                Err(failure) if kind(&failure) == Kind::Interrupted => return Err(failure),
                // Nobody reads any more.
                Err(failure) if is_broken_pipe(&failure) => return Err(failure),
                Err(failure) => {
                    let name = format!("{name}, seed {}", variant.file.seed);
                    out.line(&format!("{name}: {failure:#}"))?;
                    failures.push((name, failure));
                    continue;
                }
            };
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, reports)) => reports.push(report),
                None => groups.push((name, vec![report])),
            }
        }
        Ok(groups)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn opts(file: Option<PathBuf>, out: Option<PathBuf>, example: bool) -> Opts {
        let how = How { threads: 1, clients_per_batch: 0, restart: false };
        // No machine has so many cards: all runs fall back to the processor.
        let device = Some(Choice::Cuda(999));
        Opts { verb: None, file, example, out, device, how }
    }

    async fn run_to_text(opts: Opts, json: bool) -> String {
        let mut bytes = Vec::new();
        run(opts, &mut Out::new(&mut bytes, json)).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn the_example_is_printed_and_runs_with_a_line_for_each_round() {
        let folder = tempfile::tempdir().unwrap();
        let example = run_to_text(opts(None, None, true), true).await;
        let file = folder.path().join("short.toml");
        std::fs::write(&file, example.replace("rounds = 30", "rounds = 2")).unwrap();
        let out = folder.path().join("out");
        let text = run_to_text(opts(Some(file), Some(out.clone()), false), true).await;
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1]["record"]["round"], 2);
        assert_eq!(lines[2]["rounds"].as_array().unwrap().len(), 2);
        assert!(out.join("model.safetensors").is_file() && out.join("report.html").is_file());
    }

    /// Words of a command line, as the program reads them.
    #[derive(Debug, clap::Parser)]
    struct Words {
        #[command(flatten)]
        flags: crate::config::Flags,
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, Subcommand)]
    enum Command {
        Simulate(Opts),
    }

    fn read(line: &str) -> Opts {
        let Words { flags, command: Command::Simulate(opts) } =
            <Words as clap::Parser>::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(flags.json, line.contains("--json"), "{line}");
        opts
    }

    #[tokio::test]
    async fn what_is_compared_stands_behind_the_word_and_global_flags_anywhere() {
        for line in [
            "decentralml simulate --json compare a.toml b.toml",
            "decentralml --json simulate compare a.toml b.toml",
            "decentralml simulate compare a.toml b.toml --json",
        ] {
            let cli = crate::cli::Cli::read(line.split(' ')).unwrap();
            assert!(cli.wants_json(), "{line}");
            let Some(Verb::Compare(compared)) = read(line).verb else { panic!("{line}") };
            assert_eq!(compared.files.len(), 2, "{line}");
        }
        for line in [
            "decentralml simulate run.toml compare a.toml",
            "decentralml simulate --restart compare a.toml",
            "decentralml simulate --out b compare a.toml",
            "decentralml simulate --clients-per-batch 4 compare a.toml",
        ] {
            let mut bytes = Vec::new();
            let error = run(read(line), &mut Out::new(&mut bytes, false)).await.unwrap_err();
            assert_eq!(crate::exit::kind(&error), Kind::Usage, "{line}");
            assert!(error.to_string().contains("behind `compare`"), "{line}: {error}");
        }
    }

    #[tokio::test]
    async fn a_run_that_diverges_does_not_end_the_sweep() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.toml");
        let text = "clients = 3\nrounds = 1\n[model]\nname = \"mlp\"\n[data]\nfile = \"digits\"\nrows = 60\n\
                    [training]\nepochs = 1\nbatch_size = 16\nlearning_rate = 0.1\noptimizer = \"sgd\"\n\
                    [sweep]\ntraining.learning_rate = [1e30, 0.1]\n";
        std::fs::write(&file, text).unwrap();
        let out = folder.path().join("out");
        let mut bytes = Vec::new();
        let error =
            run(opts(Some(file), Some(out.clone()), false), &mut Out::new(&mut bytes, false))
                .await
                .unwrap_err()
                .to_string();
        assert!(error.contains("1 run failed") && error.contains("have diverged"), "{error}");
        let compared = std::fs::read_to_string(out.join("compare.json")).unwrap();
        assert!(compared.contains("learning_rate=0.1\""), "{compared}");
        assert!(out.join("compare.html").is_file());
    }

    #[tokio::test]
    async fn run_files_are_compared_and_those_that_have_ended_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let write = |name: &str, head: &str, rate: &str| {
            let text = format!(
                "{head}clients = 3\nrounds = 2\n[model]\nname = \"mlp\"\n[data]\nfile = \"digits\"\nrows = 200\n\
                 [training]\nepochs = 1\nbatch_size = 16\nlearning_rate = {rate}\noptimizer = \"sgd\"\n"
            );
            std::fs::write(path(name), text).unwrap();
        };
        write("quick.toml", "", "0.1");
        write("slow.toml", "seeds = [1, 2]\n", "0.001");
        let line = format!(
            "decentralml simulate compare {} {} --out {} --json",
            path("quick.toml"),
            path("slow.toml"),
            path("out")
        );
        let first = run_to_text(read(&line), true).await;
        let last: serde_json::Value = serde_json::from_str(first.lines().last().unwrap()).unwrap();
        assert_eq!((&last[0]["name"], &last[1]["name"]), (&"quick".into(), &"slow".into()));
        assert_eq!(last[1]["seeds"], serde_json::json!([1, 2]));
        let accuracy = |run: usize| last[run]["accuracy"]["mean"].as_f64().unwrap();
        assert!(accuracy(0) > accuracy(1), "{last}");
        let kept = std::fs::read_to_string(path("out/compare.json")).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&kept).unwrap(), last);
        let page = std::fs::read_to_string(path("out/compare.html")).unwrap();
        assert!(page.contains("quick") && page.contains("slow") && page.contains("<svg"));

        // Six rounds the first time, none the second.
        let rounds = |text: &str| text.lines().filter(|line| line.contains("\"record\"")).count();
        let again = run_to_text(read(&line), true).await;
        assert_eq!((rounds(&first), rounds(&again)), (6, 0), "{again}");
        let again: serde_json::Value = serde_json::from_str(again.lines().last().unwrap()).unwrap();
        assert_eq!(again[1]["model_cids"], last[1]["model_cids"]);

        write("other.toml", "name = \"quick\"\n", "0.2");
        let line = line.replace("slow.toml", "other.toml");
        let mut bytes = Vec::new();
        let error = run(read(&line), &mut Out::new(&mut bytes, true)).await.unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
        assert!(error.to_string().contains("two run files are called quick"), "{error}");
    }

    #[tokio::test]
    async fn a_run_file_with_a_mistake_is_a_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.toml");
        std::fs::write(&file, EXAMPLE.replace("rounds = 30", "rounds = 0")).unwrap();
        let mut bytes = Vec::new();
        let error =
            run(opts(Some(file), None, false), &mut Out::new(&mut bytes, false)).await.unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
        assert!(error.to_string().contains("`rounds`"), "{error}");
    }
}
