//! Measures what calls weigh, and holds committed weights against the benchmarks. See `scripts/weights.sh`.
//!
//! ```text
//!   runtime.wasm, with its benchmarks
//!        │ runtime            count: rows read and written ──┬─► compare ◄── committed ◄── runtime/src/weights/*.rs
//!        └──► measure ──────► time ──────────────────────────┴─► proof, file ────────────► the same files, anew
//! ```
//!
//! Counts are the same on every machine and in every run; times are not, and nothing here compares them.

mod committed;
mod compare;
mod file;
mod measure;
mod proof;
mod runtime;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use compare::Call;
use file::Weight;
use frame_benchmarking::BenchmarkResult;
use frame_support::traits::StorageInfo;
use measure::{Accesses, Effort, Time};
use proof::Proof;
use runtime::{Benchmark, Runtime};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

#[derive(Parser)]
#[command(about = "Measures what calls weigh, and holds committed weights against the benchmarks")]
struct Opts {
    /// The runtime, built with the feature runtime-benchmarks as WebAssembly.
    #[arg(long)]
    runtime: PathBuf,
    /// Where the files of weights are. A pallet is kept when it has one.
    #[arg(long)]
    weights: PathBuf,
    /// Values of a varying size.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(2..))]
    steps: u32,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes the files anew.
    Measure(MeasureOpts),
    /// Counts reads and writes, and the rows' bounds, and compares them with the files.
    Check {
        /// Which to look at; by default all that are kept.
        pallets: Vec<String>,
    },
}

#[derive(Args)]
struct MeasureOpts {
    /// Which to measure; by default all that are kept. What is not kept is printed.
    pallets: Vec<String>,
    /// Runs at each value.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Seconds that each benchmark is repeated for, at least.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// When and where this is, for the files.
    #[arg(long)]
    place: String,
}

/// A runtime with its benchmarks, and where its weights are.
struct Bench {
    runtime: Runtime,
    benchmarks: Vec<Benchmark>,
    rows: Vec<StorageInfo>,
    weights: PathBuf,
    steps: u32,
}

fn main() -> Result<ExitCode> {
    let opts = Opts::parse();
    let runtime = Runtime::open(&opts.runtime)?;
    let (benchmarks, rows) = runtime.benchmarks()?;
    let bench = Bench { runtime, benchmarks, rows, weights: opts.weights, steps: opts.steps };
    match opts.command {
        Command::Measure(opts) => bench.measure(&opts),
        Command::Check { pallets } => bench.check(pallets),
    }
}

impl Bench {
    fn measure(&self, opts: &MeasureOpts) -> Result<ExitCode> {
        let effort = Effort {
            steps: self.steps,
            repeat: opts.repeat,
            at_least: Duration::from_secs(opts.seconds),
        };
        let how = format!("{}, {} steps, {} repeats", opts.place, self.steps, opts.repeat);
        for pallet in self.chosen(opts.pallets.clone())? {
            println!("== {pallet}");
            let weights = self
                .of(&pallet)?
                .into_iter()
                .map(|benchmark| {
                    let weight = self.weigh(benchmark, &effort);
                    weight.with_context(|| format!("{pallet}::{}", benchmark.name))
                })
                .collect::<Result<Vec<_>>>()?;
            let text = file::file(&pallet, &how, &weights)?;
            let path = self.path(&pallet);
            if path.exists() {
                fs::write(&path, text)
                    .with_context(|| format!("{} cannot be written", path.display()))?;
            } else {
                print!("{text}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn weigh(&self, benchmark: &Benchmark, effort: &Effort) -> Result<Weight> {
        let counted = measure::count(&self.runtime, benchmark, effort.steps)?;
        let timed = measure::time(&self.runtime, benchmark, effort)?;
        let weight = Weight {
            benchmark: benchmark.clone(),
            time: Time::taken(&timed)?,
            accesses: Accesses::counted(&counted)?,
            proof: Proof::of(&counted, &self.rows)?,
        };
        println!("{}: {} ns at least", benchmark.name, weight.time.least);
        Ok(weight)
    }

    fn check(&self, pallets: Vec<String>) -> Result<ExitCode> {
        let mut wrong = Vec::new();
        for pallet in self.chosen(pallets)? {
            let path = self.path(&pallet);
            let text = fs::read_to_string(&path).with_context(|| {
                format!("{} cannot be read: no weights are kept", path.display())
            })?;
            let mut committed = committed::calls(&text)
                .with_context(|| format!("{} was changed by hand", path.display()))?;
            let mut counted = BTreeMap::new();
            for benchmark in self.of(&pallet)? {
                let name = &benchmark.name;
                let results = measure::count(&self.runtime, benchmark, self.steps);
                match results.and_then(|results| self.counted(&results)) {
                    Ok(call) => drop(counted.insert(name.clone(), call)),
                    Err(error) => {
                        committed.remove(name);
                        wrong.push(format!("{pallet}::{name}: its benchmark fails: {error:#}"));
                    }
                }
            }
            let differences = compare::differences(&pallet, &committed, &counted);
            println!(
                "{pallet}: {} calls counted, {} differences",
                counted.len(),
                differences.len()
            );
            wrong.extend(differences);
        }
        if wrong.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        for line in &wrong {
            eprintln!("{line}");
        }
        eprintln!(
            "The files of weights are not what the benchmarks count. Please run scripts/weights.sh on a quiet machine, for the pallets \
             named, and commit what it writes."
        );
        Ok(ExitCode::FAILURE)
    }

    fn counted(&self, results: &[BenchmarkResult]) -> Result<Call> {
        let proof = Proof::of(results, &self.rows)?;
        let bounds = proof.comments.iter().filter_map(|comment| proof::bound(comment)).collect();
        Ok(Call { accesses: Accesses::counted(results)?, bounds })
    }

    /// The pallets that are asked for, or all that are kept.
    fn chosen(&self, pallets: Vec<String>) -> Result<Vec<String>> {
        if !pallets.is_empty() {
            return Ok(pallets);
        }
        let folder = &self.weights;
        let unreadable = || format!("{} cannot be read", folder.display());
        let mut kept = Vec::new();
        for entry in fs::read_dir(folder).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            if path.extension().is_some_and(|end| end == "rs") {
                kept.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
            }
        }
        ensure!(!kept.is_empty(), "{} has no weights", folder.display());
        kept.sort();
        Ok(kept)
    }

    fn of(&self, pallet: &str) -> Result<Vec<&Benchmark>> {
        let benchmarks: Vec<_> =
            self.benchmarks.iter().filter(|benchmark| benchmark.pallet == pallet).collect();
        if benchmarks.is_empty() {
            bail!("{pallet} has no benchmarks: is it in runtime/src/benchmarks.rs?");
        }
        Ok(benchmarks)
    }

    fn path(&self, pallet: &str) -> PathBuf {
        Path::new(&self.weights).join(pallet).with_extension("rs")
    }
}
