//! `decentralml evaluator`.

use crate::{
    commands::{host::HostOpts, trainer::Which, worker_common},
    context::Context,
    daemon::{DaemonOpts, StopRequest},
    output::Out,
    units::{Amount, Size, Weight},
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_types::Role;
use decentralml_worker::{
    Common,
    evaluator::{self, Conduct},
    shutdown,
};

/// Updates that are fetched at the same time, unless told otherwise.
const PARALLEL_FETCHES: usize = 8;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Opts),
}

/// Take part in tasks as an evaluator, until Ctrl-C.
///
/// Enrolls, bonds what tasks ask for, and when drawn onto a committee fetches the updates, measures what each contributes on
/// the task's validation set, recomputes the aggregate, and claims its fees. A stop is clean: what was begun is picked up at
/// the next start.
///
/// With --host-listen it also keeps the updates that trainers hand over, and gives bytes to whoever asks.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    which: Which,
    /// Bonds are made up to this in all [default: 10 tokens].
    #[arg(long, value_name = "AMOUNT")]
    max_bond: Option<Amount>,
    /// Enroll with up to so many times the bond, 2, 4, 8 or 16, in tasks that draw by bond: as likely to be drawn as so many accounts, a
    /// fault costs so many times as much [default: 1].
    #[arg(long, value_name = "N")]
    weight: Option<Weight>,
    /// Size of the store of its own, in the state folder, that keeps what it makes and fetches; 0 for none [default: 1 GiB].
    #[arg(long, value_name = "SIZE")]
    own_store: Option<Size>,
    /// Updates that are fetched at the same time [default: 8].
    #[arg(long, value_name = "N")]
    parallel_fetches: Option<usize>,
    /// Use announced hosts that are in this machine's own network, too; on development chains they always are.
    #[arg(long)]
    allow_private_hosts: bool,
    #[command(flatten)]
    host: HostOpts,
    /// Misbehave in this way; refused where money is real.
    #[arg(long, hide = true, default_value_t = Conduct::Honest)]
    conduct: Conduct,
    #[command(flatten)]
    daemon: DaemonOpts,
}

/// Runs until it is stopped, or its task is over.
pub async fn run(opts: Opts, context: &Context, _: &mut Out<'_>) -> Result<()> {
    let settings = &context.settings.evaluator;
    let max_bond = opts.max_bond.or_else(|| settings.max_bond.clone());
    let parallel_fetches =
        opts.parallel_fetches.or(settings.parallel_fetches).unwrap_or(PARALLEL_FETCHES);
    let stop = StopRequest::listen(opts.daemon)?;
    let own_store = opts.own_store.or(settings.own_store);
    let tasks = opts.which.task.into_iter().collect();
    let host = opts.host.or_settings(&context.settings.host, tasks)?;
    let common = worker_common::prepare(
        context,
        Role::Evaluator,
        opts.which,
        (max_bond, opts.weight.or(settings.weight).unwrap_or_default()),
        own_store,
        opts.allow_private_hosts,
    )
    .await?;
    let common = Common { host, ..common };
    let config = evaluator::Config { common, conduct: opts.conduct, parallel_fetches };
    let (trigger, shutdown) = shutdown::channel();
    worker_common::until_stopped(evaluator::run(config, shutdown), trigger, stop).await
}
