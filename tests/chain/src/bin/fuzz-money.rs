//! Looks for calls that lose, make or strand money. See `scripts/fuzz-money.sh`.

use anyhow::{Context, Result};
use clap::Parser;
use decentralml_chain::fuzz::{Case, Coverage, Violation, run, shrink::shrink};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

/// How long a failure is made simpler.
const SHRINKING: Duration = Duration::from_secs(120);

/// With fewer operations not everything need have happened.
const ENOUGH: u64 = 20_000;

/// How often as many are added where something is missing.
const TRIES: u32 = 5;

#[derive(Parser)]
struct Opts {
    /// Operations, at least: transactions and blocks.
    #[arg(default_value_t = 20_000)]
    operations: u64,
    /// What everything follows from; by default from the clock.
    #[arg(long)]
    seed: Option<u64>,
    /// Does again what such a file says, and nothing else.
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Steps on each chain.
    #[arg(long, default_value_t = 120)]
    steps: usize,
    /// Threads; by default one for each core.
    #[arg(long)]
    threads: Option<usize>,
    /// Where results go.
    #[arg(long, default_value = "out")]
    out: PathBuf,
}

fn main() -> Result<ExitCode> {
    let opts = Opts::parse();
    match &opts.replay {
        Some(file) => replay(file),
        None => fuzz(&opts),
    }
}

fn replay(file: &Path) -> Result<ExitCode> {
    let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let case: Case = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no sequence of steps", file.display()))?;
    let report = run(&case, true);
    for line in &report.log {
        println!("{line}");
    }
    match report.violation {
        Some(Violation { step, what }) => {
            println!("VIOLATION in step {step}: {what}");
            Ok(ExitCode::FAILURE)
        }
        None => {
            println!("no violation");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn fuzz(opts: &Opts) -> Result<ExitCode> {
    let seed = match opts.seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_micros() as u64,
    };
    println!("fuzz-money: {} operations with --seed {seed}", opts.operations);
    let began = Instant::now();
    let (mut coverage, mut found) = search(opts, opts.operations, seed);
    // What happens seldom is missing now and then in a short run, which then goes on.
    for _ in 0..TRIES {
        let missing = coverage.missing();
        if found.is_some() || coverage.operations < ENOUGH || missing.is_empty() {
            break;
        }
        println!("goes on, as this was not reached: {}", missing.join("; "));
        let next = seed.wrapping_add(coverage.chains);
        let (more, violation) = search(opts, ENOUGH, next);
        coverage.add(more);
        found = violation;
    }
    let seconds = began.elapsed().as_secs_f64();
    print!("{}", coverage.table());
    let missing = coverage.missing();
    let per_second = coverage.operations as f64 / seconds;
    fs::create_dir_all(&opts.out)?;
    let results = json!({
        "seed": seed,
        "operations": coverage.operations,
        "blocks": coverage.blocks,
        "chains": coverage.chains,
        "seconds": (seconds * 10.0).round() / 10.0,
        "operations_per_second": per_second.round(),
        "threads": threads(opts),
        "violations": u32::from(found.is_some()),
        "missing": missing,
        "calls": coverage.calls,
        "events": coverage.events,
    });
    let file = opts.out.join("fuzz-money.json");
    fs::write(&file, serde_json::to_string_pretty(&results)? + "\n")?;
    println!(
        "{} operations on {} chains in {seconds:.1} s ({per_second:.0} a second)",
        coverage.operations, coverage.chains
    );
    if let Some((case, violation)) = found {
        explain(opts, &case, &violation)?;
        return Ok(ExitCode::FAILURE);
    }
    if !missing.is_empty() && coverage.operations >= ENOUGH {
        println!("FAILED: what should have been reached was not: {}", missing.join("; "));
        return Ok(ExitCode::FAILURE);
    }
    println!("0 violations");
    Ok(ExitCode::SUCCESS)
}

fn threads(opts: &Opts) -> usize {
    opts.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Chain after chain, on all threads, until enough is done or something is found.
fn search(opts: &Opts, operations: u64, seed: u64) -> (Coverage, Option<(Case, Violation)>) {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let found = Mutex::new(None);
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads(opts) {
            let send = send.clone();
            let (next, done, found) = (&next, &done, &found);
            scope.spawn(move || {
                while done.load(Ordering::Relaxed) < operations {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let case = Case::new(seed.wrapping_add(number), opts.steps);
                    let report = run(&case, false);
                    done.fetch_add(report.coverage.operations, Ordering::Relaxed);
                    if let Some(violation) = report.violation {
                        if let Ok(mut found) = found.lock() {
                            found.get_or_insert((case, violation));
                        }
                        done.store(u64::MAX / 2, Ordering::Relaxed);
                    }
                    if send.send(report.coverage).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut coverage = Coverage::default();
        let mut shown = Instant::now();
        for one in receive {
            coverage.add(one);
            if shown.elapsed() > Duration::from_secs(10) {
                shown = Instant::now();
                println!("… {} of {operations}", coverage.operations);
            }
        }
        let found = found.lock().ok().and_then(|mut found| found.take());
        (coverage, found)
    })
}

fn explain(opts: &Opts, case: &Case, violation: &Violation) -> Result<()> {
    println!("VIOLATION on chain {}, step {}: {}", case.chain, violation.step, violation.what);
    println!("leaving out steps, for up to {} s …", SHRINKING.as_secs());
    let (least, still) = shrink(case, violation, SHRINKING);
    let file = opts.out.join(format!("fuzz-money-{}.json", case.chain));
    fs::write(&file, serde_json::to_string_pretty(&least)? + "\n")?;
    println!("{} steps of {} are enough: {}", least.steps.len(), case.steps.len(), still.what);
    for (index, step) in least.steps.iter().enumerate() {
        println!("{index}: {step:?}");
    }
    println!("again: scripts/fuzz-money.sh --replay {}", file.display());
    Ok(())
}
