//! `decentralml trainer`.

use crate::{
    commands::{data::DataOpts, worker_common},
    context::Context,
    daemon::{DaemonOpts, StopRequest},
    exit::{Kind, problem},
    output::Out,
    units::{Amount, Size, Weight},
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_learning::{
    Precision,
    device::{self, Choice},
};
use decentralml_types::{Role, TaskId};
use decentralml_worker::{
    shutdown,
    trainer::{self, Conduct, Gold, GoldKind},
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
    /// Enroll with up to so many times the bond, 2, 4, 8 or 16, in tasks that draw by bond: as likely to be drawn as so many accounts, a
    /// fault costs so many times as much [default: 1].
    #[arg(long, value_name = "N")]
    weight: Option<Weight>,
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
    /// Compute products in floats of 32 bits (single), or in 16 bits where the card is faster in them (mixed) [default: single].
    #[arg(long, value_name = "PRECISION")]
    precision: Option<Precision>,
    /// Make gold results for the task's sponsor, whose key `--gold-sponsor` names: updates that are good, bad or mixed, which measure the
    /// committees of a task whose terms allow for them. Each is announced with a deposit, and shown once its round is over. Every
    /// second update is an ordinary one.
    #[arg(long, value_name = "KIND")]
    gold: Option<GoldKind>,
    /// The sponsor's key in the keystore; its passphrase is read as that of `--account`. Without it, DECENTRALML_GOLD_SURI is its URI.
    #[arg(long, value_name = "NAME", requires = "gold")]
    gold_sponsor: Option<String>,
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
    let precision = opts.precision.or(settings.precision).unwrap_or_default();
    let (precision, missed) = place(opts.device.or(settings.device).unwrap_or_default(), precision);
    missed.iter().for_each(|missed| tracing::warn!("{missed}"));
    let max_bond = opts.max_bond.or_else(|| settings.max_bond.clone());
    let gold = match opts.gold {
        Some(kind) => {
            let sponsor = context.gold_sponsor(opts.gold_sponsor.as_deref())?;
            Some(Gold { sponsor, kind })
        }
        None => None,
    };
    let stop = StopRequest::listen(opts.daemon)?;
    let own_store = opts.own_store.or(settings.own_store);
    let common = worker_common::prepare(
        context,
        Role::Trainer,
        opts.which,
        (max_bond, opts.weight.or(settings.weight).unwrap_or_default()),
        own_store,
        opts.allow_private_hosts,
    )
    .await?;
    let config =
        trainer::Config { common, data: Arc::new(data), precision, gold, conduct: opts.conduct };
    let (trigger, shutdown) = shutdown::channel();
    worker_common::until_stopped(trainer::run(config, shutdown), trigger, stop).await
}

/// Lets training run on `device`, and gives the precision that is of use there and what cannot be had.
fn place(device: Choice, precision: Precision) -> (Precision, Vec<String>) {
    let mut missed = Vec::new();
    if let Err(why) = device::select(device) {
        missed.push(format!("trains on the processor, not on {device}: {why}"));
    }
    if precision == Precision::Mixed
        && let Err(why) = device::mixes()
    {
        missed.push(format!("trains in single precision, not in mixed: {why}"));
        return (Precision::Single, missed);
    }
    (precision, missed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_card_that_is_not_there_means_the_processor_in_single_precision_and_a_message() {
        for name in ["cuda:999", "wgpu:999"] {
            let (precision, missed) = place(name.parse().unwrap(), Precision::Mixed);
            assert_eq!(precision, Precision::Single);
            let start = format!("trains on the processor, not on {name}: ");
            assert!(missed[0].len() > start.len() && missed[0].starts_with(&start), "{missed:?}");
            assert!(missed[1].starts_with("trains in single precision"), "{missed:?}");
            assert_eq!(missed.len(), 2);
        }
        let (_, missed) = place("cuda:999".parse().unwrap(), Precision::Single);
        assert_eq!(missed.len(), 1);
    }
}
