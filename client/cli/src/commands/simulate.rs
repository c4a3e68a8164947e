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
    exit::{Kind, problem},
    output::{Out, number_table, pairs},
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_simulator::{EXAMPLE, Report};
use indicatif::DecimalBytes;
use runs::{Plan, Run};
use std::path::{Path, PathBuf};

/// Where runs go if nothing else is asked for.
const FOLDER: &str = "out/simulate";

/// Simulate federated training: virtual clients in one process, with the rules and the codec of the chain.
///
/// The run file says everything; `--example` prints one with all its fields. Equal files give equal models, whatever the number of
/// threads. Run it again to go on after it was interrupted.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
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
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Compare(compare::Opts),
}

/// How runs are done; it changes no number of a model.
#[derive(Args, Clone, Copy, Debug)]
pub struct How {
    /// Clients that train at the same time, each on one thread [default: one per core].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// Start anew: forget checkpoints and finished runs of the folder.
    #[arg(long)]
    restart: bool,
}

/// Does what was asked for.
pub async fn run(opts: Opts, out: &mut Out<'_>) -> Result<()> {
    if let Some(Verb::Compare(opts)) = opts.verb {
        return compare::run(opts, out).await;
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
    let folder = opts.out.unwrap_or_else(|| Path::new(FOLDER).join(plan.name()));
    let groups = match plan.runs.as_slice() {
        [one] => {
            let report = one.run(&folder, opts.how, out).await?;
            return tell(&report, &folder, out);
        }
        _ => plan.run(&folder, opts.how, out).await?,
    };
    compare::tell(&groups, &folder, out)
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

impl Plan {
    /// Does all runs one after the other, each in its folder, and groups them.
    async fn run(&self, folder: &Path, how: How, out: &mut Out<'_>) -> Result<Groups> {
        let mut groups = Groups::new();
        for run in &self.runs {
            let Run { variant, .. } = run;
            let report = run.run(&folder.join(&variant.folder), how, out).await?;
            let name = match variant.label.as_str() {
                "" => self.name().to_owned(),
                label => format!("{} {label}", self.name()),
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
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn opts(file: Option<PathBuf>, out: Option<PathBuf>, example: bool) -> Opts {
        let how = How { threads: 1, restart: false };
        Opts { verb: None, file, example, out, how }
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
