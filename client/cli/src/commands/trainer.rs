//! `decentralml trainer`.

use crate::{
    commands::{data::DataOpts, worker_common},
    context::Context,
    daemon::{DaemonOpts, StopRequest},
    exit::{Kind, problem},
    output::Out,
    units::{Amount, Size},
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_learning::device::{self, Choice};
use decentralml_types::{Role, TaskId};
use decentralml_worker::{
    shutdown,
    trainer::{self, Conduct},
};
use std::sync::Arc;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Opts),
}

/// Take part in tasks as a trainer, until Ctrl-C.
///
/// Enrolls in tasks that fit the rows, bonds what they ask for, trains when drawn, and claims what it has earned. The rows
/// never leave this process. A stop is clean: what was begun is picked up at the next start.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    which: Which,
    /// Bonds are made up to this in all [default: 10 tokens].
    #[arg(long, value_name = "AMOUNT")]
    max_bond: Option<Amount>,
    /// Size of the store of its own, in the state folder, that keeps what it makes and fetches; 0 for none [default: 1 GiB].
    #[arg(long, value_name = "SIZE")]
    own_store: Option<Size>,
    /// Use announced hosts that are in this machine's own network, too; on development chains they always are.
    #[arg(long)]
    allow_private_hosts: bool,
    /// Train on this device: cpu, cuda, wgpu, or a card by its number as in cuda:1; on the processor where that cannot be used
    /// [default: cpu].
    #[arg(long, value_name = "DEVICE")]
    device: Option<Choice>,
    /// Misbehave in this way; refused where money is real.
    #[arg(long, hide = true, default_value_t = Conduct::Honest)]
    conduct: Conduct,
    #[command(flatten)]
    daemon: DaemonOpts,
    // The last: what comes after it would stand under its heading in the help.
    #[command(flatten)]
    data: DataOpts,
}

/// Which tasks a worker takes part in.
#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// This task only; ends when it is over and everything is claimed.
    #[arg(long, value_name = "ID")]
    pub task: Option<TaskId>,
    /// Every task that fits, until it is stopped.
    #[arg(long)]
    pub any: bool,
}

/// Runs until it is stopped, or its task is over.
pub async fn run(opts: Opts, context: &Context, _: &mut Out<'_>) -> Result<()> {
    let settings = &context.settings.trainer;
    let data = opts.data.or_settings(settings);
    if data.data.is_none() {
        return Err(problem(
            Kind::Usage,
            "no data are named: give --data <FILE>, or `data` in the table [trainer] of the configuration file",
        ));
    }
    let data = data.read()?;
    let choice = opts.device.or(settings.device).unwrap_or_default();
    if let Err(why) = device::select(choice) {
        tracing::warn!("trains on the processor, not on {choice}: {why}");
    }
    let max_bond = opts.max_bond.or_else(|| settings.max_bond.clone());
    let stop = StopRequest::listen(opts.daemon)?;
    let own_store = opts.own_store.or(settings.own_store);
    let common = worker_common::prepare(
        context,
        Role::Trainer,
        opts.which,
        max_bond,
        own_store,
        opts.allow_private_hosts,
    )
    .await?;
    let config = trainer::Config { common, data: Arc::new(data), conduct: opts.conduct };
    let (trigger, shutdown) = shutdown::channel();
    worker_common::until_stopped(trainer::run(config, shutdown), trigger, stop).await
}
