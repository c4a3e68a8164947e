//! `decentralml demo`: everything, on this machine, in a few minutes.
//!
//! ```text
//!  folder      where everything goes, which one demo at a time uses
//!  processes   chain, store, 6 trainers, 3 evaluators: each a process that cannot outlive this one
//!  cast        who takes part, and how each behaves
//!  setup       whose rows are whose, the task
//!  rounds      follows the rounds to the target
//!  secrecy     of a sealed task: nothing in the store is a plain update
//!  baselines   the same model, trained alone and centrally
//!  settle      claims, refund, every account before and after
//!  ledger      what the chain's events tell of the money
//!  release     the council's vote; the model by its CID
//!  report      report.json, and plot: accuracy.svg
//!
//!  rehearsal   the learning alone, for many seeds: neither chain nor processes
//! ```

mod baselines;
mod cast;
mod folder;
mod ledger;
mod plot;
mod processes;
mod rehearsal;
mod release;
mod report;
mod rounds;
mod secrecy;
mod settle;
mod setup;

use crate::{
    config::TokenVariable,
    context::Context,
    daemon::{DaemonOpts, StopRequest},
    exit::{self, Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::{Report, Result};
use decentralml_storage::StoreToken;
use processes::Processes;
use report::{Outcome, Seconds};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Longest time that the demo may take before something must be wrong.
const LIMIT: Duration = Duration::from_secs(600);

/// Run everything on this machine: a chain, a store, 6 trainers, 3 evaluators, a task, the council's vote.
///
/// One trainer is hostile and one is a free-rider; the committee is to find out. Leaves a report, the released model, a
/// picture and the logs in the folder --out, and no process.
#[derive(Args, Debug)]
// `scripts/demo.sh` gives some flags, and passes on those of whoever calls it: the last one counts.
#[command(args_override_self = true)]
pub struct Opts {
    /// The program `decentralml-node` [default: beside this program].
    #[arg(long, value_name = "FILE")]
    node: Option<PathBuf>,
    /// Where report, model, picture and logs go: a new folder, an empty one, or that of an earlier demo, whose files are replaced.
    #[arg(long, default_value = "out/demo", value_name = "FOLDER")]
    out: PathBuf,
    /// Use this IPFS store, a Kubo for example, in place of one of our own; with the token of --store-token-file or
    /// DECENTRALML_STORE_TOKEN, where there is one.
    #[arg(long, value_name = "URL")]
    ipfs: Option<String>,
    /// Whose rows are whose, and the first weights, follow from this number.
    #[arg(long, default_value_t = 14, value_name = "NUMBER")]
    seed: u64,
    /// Seal the updates: only the drawn evaluators can read them.
    #[arg(long)]
    sealed: bool,
    /// Settle at most this many rounds: for a quick look. Of the model's accuracy nothing is promised then.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=15))]
    rounds: Option<u32>,
    /// Only learn, in this process, without a chain and once for each of these seeds, and say what each demo would show.
    ///
    /// Division, local training, scores, verdicts and aggregation are those of the demo; only the order in which trainers
    /// visit their rows is another, as it follows from the chain's first block.
    #[arg(long, value_name = "FIRST-LAST", conflicts_with_all = ["seed", "ipfs", "sealed", "rounds"])]
    rehearse: Option<rehearsal::Seeds>,
    /// How long the build took, for the report.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    build_seconds: f64,
}

/// Runs the demo; whatever happens, nothing is left running.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    if let Some(seeds) = opts.rehearse {
        return rehearsal::run(seeds, out).await;
    }
    let node = node(opts.node.as_deref())?;
    let store = opts.ipfs.as_deref().map(|url| OwnStore::of(url, context)).transpose()?;
    // Held until everything has ended.
    let _lock = folder::lock(&opts.out)?;
    let folder = folder::clean(&opts.out)?;
    let mut stop = StopRequest::listen(DaemonOpts::default())?;
    let processes = Processes::new(folder.join("logs"))?;
    let ended = tokio::select! {
        ended = tokio::time::timeout(LIMIT, play(&opts, &node, store.as_ref(), &folder, &processes, out)) => {
            ended.unwrap_or_else(|_| {
                let message = format!("the demo did not end within {} seconds", LIMIT.as_secs());
                Err(problem(Kind::Other, message))
            })
        }
        report = processes.failure() => Err(report),
        () = stop.wait() => Err(problem(Kind::Interrupted, "interrupted")),
    };
    let interrupted = |report: &Report| exit::kind(report) == Kind::Interrupted;
    let ended = match ended {
        Err(report) if !interrupted(&report) => Err(processes.cause(report).await),
        other => other,
    };
    processes.stop().await;
    match ended {
        Err(report) if !interrupted(&report) => {
            let logs = folder.join("logs");
            Err(report.wrap_err(format!("the demo failed; its logs are in {}", logs.display())))
        }
        other => other,
    }
}

/// A store that is not the demo's.
struct OwnStore {
    url: String,
    token: Option<StoreToken>,
    /// What gives its token to the workers.
    variable: Option<TokenVariable>,
}

impl OwnStore {
    fn of(url: &str, context: &Context) -> Result<Self> {
        let (token, variable) = context.settings.store_token_for(url)?.unzip();
        Ok(Self { url: url.to_owned(), token, variable })
    }
}

async fn play(
    opts: &Opts,
    node: &Path,
    store: Option<&OwnStore>,
    folder: &Path,
    processes: &Processes,
    out: &mut Out<'_>,
) -> Result<()> {
    let start = Instant::now();
    let (chain, storage) = setup::start(node, store, folder, processes, out).await?;
    let chain_seconds = start.elapsed().as_secs_f64();

    let cast = cast::Cast::new()?;
    setup::fund(&chain, &cast).await?;
    let parts = setup::parts(opts.seed)?;
    setup::write(&parts, &folder.join("data"))?;
    let before = settle::Snapshot::take(&chain).await?;
    let mut file = setup::task_file(opts.seed)?;
    file.custody.sealed = opts.sealed;
    file.rounds = opts.rounds.unwrap_or(file.rounds);
    let order = setup::order(file, opts.seed, &chain, folder, &parts).await?;
    let baselines = baselines::begin(&order, &parts);
    let token = store.and_then(|store| store.variable.as_ref());
    setup::start_workers(&chain, &storage, token, &cast, folder, processes, out)?;
    let spec = order.spec.clone();
    let task = setup::create(order, &chain, &storage, &cast, out).await?;

    let rounds_start = Instant::now();
    let (rounds, updates) = rounds::follow(task.id, &chain, &cast, out).await?;
    let rounds_seconds = rounds_start.elapsed().as_secs_f64();
    if opts.sealed {
        secrecy::check(&updates, &spec, &task.model, &storage, out).await?;
    }

    let settlement = settle::settle(&task, &chain, &cast, before, out).await?;
    let released = release::release(task.id, &chain, &cast, out).await?;
    let federated = release::evaluate(task.id, &chain, &storage, &task.model, &parts.test).await?;
    let model = release::fetch(&released, &storage, &task.model, &parts.test, folder, out).await?;
    let baselines = baselines.finish(federated.len()).await?;
    plot::draw(&federated, &baselines, &folder.join("accuracy.svg"))?;

    let seconds = Seconds {
        build: opts.build_seconds,
        chain: chain_seconds,
        rounds: rounds_seconds,
        total: start.elapsed().as_secs_f64(),
    };
    let sealed = opts.sealed;
    let outcome =
        Outcome { sealed, federated, baselines, rounds, settlement, released, model, seconds };
    report::write(&outcome, &cast, folder, out)?;
    report::judge(&outcome, &cast, opts.rounds.is_none())
}

/// The node's program: the one that was named, or the one beside this program.
fn node(named: Option<&Path>) -> Result<PathBuf> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name("decentralml-node"),
    };
    if path.is_file() {
        return Ok(std::path::absolute(path)?);
    }
    Err(problem(
        Kind::Usage,
        format!(
            "{} is not there; `scripts/demo.sh` builds it, or name it with --node",
            path.display()
        ),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        opts: Opts,
    }

    /// The words that `scripts/demo.sh` puts before those of whoever calls it.
    fn opts(words: &[&str]) -> Opts {
        let script = include_str!("../../../../scripts/demo.sh");
        let line = script.lines().find(|line| line.starts_with("exec ")).unwrap();
        let (_, given) = line.split_once(" demo ").unwrap();
        let given =
            given.strip_suffix(" \"$@\"").unwrap().replace("$SECONDS", "7").replace('"', "");
        let words = ["demo"].into_iter().chain(given.split(' ')).chain(words.iter().copied());
        <Line as clap::Parser>::try_parse_from(words).unwrap().opts
    }

    #[test]
    fn what_is_passed_to_the_script_comes_before_what_it_gives_itself() {
        let given = opts(&[]);
        assert!(given.out.ends_with("out/demo") && given.node.is_some());
        assert_eq!(given.build_seconds, 7.0);
        let own = opts(&["--out", "X", "--node", "N", "--build-seconds", "1"]);
        assert_eq!((own.out, own.node), (PathBuf::from("X"), Some(PathBuf::from("N"))));
        assert_eq!(own.build_seconds, 1.0);
        assert!(opts(&["--rehearse", "1-3"]).rehearse.is_some());
        assert!(opts(&["--sealed"]).sealed && !given.sealed);
        assert_eq!((opts(&["--rounds", "2"]).rounds, given.rounds), (Some(2), None));
    }

    #[test]
    fn a_missing_node_says_how_to_get_one() {
        let error = node(Some(Path::new("/nowhere/decentralml-node"))).unwrap_err();
        assert!(error.to_string().contains("scripts/demo.sh"));
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
    }
}
