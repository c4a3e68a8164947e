//! Plays every attack of the table on the whole runtime. See `scripts/attacks.sh`.

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use decentralml_attacks::{
    Cell, Division, Found, Rows, Scale,
    cell::{SHARES, cells, small_cells},
    page::page,
    replay, run,
    table::{self, Results},
};
use decentralml_chain::watch::guarded;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Stack of a thread: the runtime's calls and the graph of a model are walked on it.
const STACK: usize = 16 << 20;
/// The status of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

#[derive(Parser)]
struct Opts {
    /// One small cell of each attack, of the digits.
    #[arg(long)]
    small: bool,
    /// Only these attacks and kinds of hostile seats, with the clean runs.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these partitions.
    #[arg(long, value_delimiter = ',')]
    partition: Vec<String>,
    /// Only these shares of hostile trainers, in percent.
    #[arg(long, value_delimiter = ',')]
    share: Vec<u32>,
    /// Stops after so many minutes.
    #[arg(long)]
    minutes: Option<f64>,
    /// Only says which cells there are, and which have been run.
    #[arg(long)]
    list: bool,
    /// Only plays other rules of verdicts on what has been run.
    #[arg(long)]
    rules: bool,
    /// Forgets what has been run.
    #[arg(long)]
    restart: bool,
    /// What everything that is drawn follows from.
    #[arg(long)]
    seed: Option<u64>,
    /// Cells at a time; by default one for each core.
    #[arg(long)]
    threads: Option<usize>,
    /// The folder with `mnist`; without it, the digits are used.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Where results go.
    #[arg(long, default_value = "out/attacks")]
    out: PathBuf,
}

/// What is to be run, and where it goes.
struct Plan {
    cells: Vec<Cell>,
    scale: Scale,
    rows: Rows,
    out: PathBuf,
}

fn main() -> Result<ExitCode> {
    let opts = Opts::parse();
    let plan = Plan::of(&opts)?;
    let mut results = plan.known(opts.restart)?;
    if opts.list {
        for cell in &plan.cells {
            let done = if results.contains_key(cell) { "done" } else { "" };
            println!("{:<48} {done}", cell.name());
        }
        println!("{}", table::summary(&plan.cells, &results));
        return Ok(ExitCode::SUCCESS);
    }
    if opts.rules {
        print!("{}\n{}", replay::markdown(&results), replay::pay_markdown(&results));
        return Ok(ExitCode::SUCCESS);
    }
    let stop = Arc::new(AtomicBool::new(false));
    stop_on_ctrl_c(stop.clone())?;
    let failed = search(&opts, &plan, &mut results, &stop)?;
    plan.write(&results)?;
    println!("\n{}\n", plan.told());
    print!("{}", table::markdown(&plan.cells, &results));
    println!("\n{}", table::summary(&plan.cells, &results));
    println!("{} and index.html", plan.out.join("attacks.json").display());
    let slashed: Vec<String> = results
        .values()
        .filter(|found| found.counts.honest_slashes > 0)
        .map(|found| found.cell.name())
        .collect();
    if !slashed.is_empty() {
        println!("FAILED: honest participants were slashed in {}", slashed.join(", "));
    }
    if stop.load(Ordering::Relaxed) && opts.minutes.is_none() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(if failed || !slashed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Plan {
    fn of(opts: &Opts) -> Result<Self> {
        let (all, scale) = match opts.small {
            true => (small_cells(), Scale::small()),
            false => (cells(), Scale::whole()),
        };
        let scale = Scale { seed: opts.seed.unwrap_or(scale.seed), ..scale };
        known("--partition", &opts.partition, Division::ALL.map(Division::name).to_vec())?;
        known("--only", &opts.only, all.iter().map(attacks_by).collect())?;
        if let Some(share) = opts.share.iter().find(|share| !SHARES.contains(share)) {
            bail!("--share {share}: choose from {SHARES:?}");
        }
        let is_in = |list: &[String], name: &str| list.is_empty() || list.iter().any(|n| n == name);
        let wanted = |cell: &Cell| {
            let clean = cell.percent == 0;
            is_in(&opts.partition, cell.division.name())
                && (clean || is_in(&opts.only, attacks_by(cell)))
                && (clean || opts.share.is_empty() || opts.share.contains(&cell.percent))
        };
        let cells: Vec<Cell> = all.into_iter().filter(wanted).collect();
        ensure!(!cells.is_empty(), "no cell is left: see --list");
        let (rows, out) = match opts.small {
            true => (Rows::digits(&scale)?, opts.out.join("small")),
            false => (Rows::load(opts.data.as_deref(), &scale)?, opts.out.clone()),
        };
        fs::create_dir_all(out.join("cells"))?;
        Ok(Self { cells, scale, rows, out })
    }

    fn told(&self) -> String {
        self.scale.told(&self.rows.name, self.rows.training.columns())
    }

    fn file(&self, cell: &Cell) -> PathBuf {
        self.out.join("cells").join(cell.file(&self.scale, &self.rows.name))
    }

    /// What has been run before, with the same settings and rows.
    fn known(&self, restart: bool) -> Result<Results> {
        let mut results = Results::new();
        for cell in &self.cells {
            let file = self.file(cell);
            if restart && file.exists() {
                fs::remove_file(&file)?;
            }
            if let Ok(bytes) = fs::read(&file) {
                let found: Found = serde_json::from_slice(&bytes)
                    .with_context(|| format!("{} is no result: remove it", file.display()))?;
                results.insert(*cell, found);
            }
        }
        Ok(results)
    }

    fn write(&self, results: &Results) -> Result<()> {
        let told = self.told();
        let json = table::json(&self.cells, results, &told, &self.scale);
        replace(&self.out.join("attacks.json"), &(serde_json::to_string_pretty(&json)? + "\n"))?;
        replace(&self.out.join("index.html"), &page(&self.cells, results, &told)?)
    }
}

/// By what a cell is chosen.
fn attacks_by(cell: &Cell) -> &'static str {
    match cell.seats {
        decentralml_attacks::Seats::Honest => cell.attack.name(),
        hostile => hostile.name(),
    }
}

fn known(option: &str, names: &[String], mut all: Vec<&'static str>) -> Result<()> {
    all.sort_unstable();
    all.dedup();
    match names.iter().find(|name| !all.contains(&name.as_str())) {
        Some(name) => bail!("{option} {name}: choose from {}", all.join(", ")),
        None => Ok(()),
    }
}

/// Writes a file aside and renames it, so that nobody ever reads half of one.
fn replace(file: &Path, text: &str) -> Result<()> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".tmp");
    fs::write(&aside, text)?;
    fs::rename(&aside, file).with_context(|| format!("{} cannot be written", file.display()))
}

/// The first Ctrl-C lets everybody end, the second one does not wait.
fn stop_on_ctrl_c(stop: Arc<AtomicBool>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                eprintln!("attacks: stopping; what has ended is kept");
                stop.store(true, Ordering::Relaxed);
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(INTERRUPTED.into());
            }
        });
    });
    Ok(())
}

/// Runs what has not been run, on all threads; whether something failed.
fn search(opts: &Opts, plan: &Plan, results: &mut Results, stop: &AtomicBool) -> Result<bool> {
    let pending: Vec<Cell> =
        plan.cells.iter().filter(|cell| !results.contains_key(cell)).copied().collect();
    let threads =
        opts.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let threads = threads.clamp(1, pending.len().max(1));
    let deadline = opts.minutes.map(|minutes| Duration::from_secs_f64(minutes.max(0.0) * 60.0));
    let began = Instant::now();
    let stopped = || {
        stop.load(Ordering::Relaxed) || deadline.is_some_and(|deadline| began.elapsed() > deadline)
    };
    println!("{}", plan.told());
    println!("{} cells, {} to run on {threads} threads", plan.cells.len(), pending.len());
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    let mut failed = false;
    thread::scope(|scope| -> Result<()> {
        for _ in 0..threads {
            let send = send.clone();
            // A pool of one thread each: what a cell computes does not depend on how many run beside it.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(STACK).build()?;
            let (pending, next, stopped) = (&pending, &next, &stopped);
            scope.spawn(move || {
                while let Some(cell) = pending.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if stopped() {
                        return;
                    }
                    let found =
                        pool.install(|| guarded(|| run(cell, &plan.scale, &plan.rows, stopped)));
                    if send.send((*cell, found)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut done = 0;
        for (cell, found) in receive {
            match found {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(found))) => {
                    replace(&plan.file(&cell), &serde_json::to_string(&found)?)?;
                    done += 1;
                    let each = began.elapsed().as_secs_f64() / f64::from(done);
                    let left = each * (pending.len() as f64 - f64::from(done)) / 60.0;
                    let (name, seconds) = (cell.name(), found.seconds);
                    println!(
                        "{done} of {}: {name}, accuracy {:.4}, {seconds:.0} s; {left:.0} min left",
                        pending.len(),
                        found.accuracy
                    );
                    results.insert(cell, found);
                }
                Ok(Err(error)) => {
                    failed = true;
                    println!("FAILED: {}: {error:#}", cell.name());
                }
                Err(said) => {
                    failed = true;
                    println!("FAILED: {}: {said}", cell.name());
                }
            }
        }
        Ok(())
    })?;
    Ok(failed)
}
