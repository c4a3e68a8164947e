//! `decentralml host run`.

use super::{HostOpts, no_address};
use crate::{
    commands::worker_common,
    context::Context,
    daemon::{DaemonOpts, StopRequest},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_types::TaskId;
use decentralml_worker::{
    hosting::{self, HostConfig},
    shutdown,
};
use serde::Serialize;
use tokio::sync::oneshot;

/// Keep updates of tasks for others, until Ctrl-C.
///
/// Takes updates of the tasks that the account sponsors or is an evaluator of, from the trainers that are drawn in their rounds, and
/// gives bytes to everybody. Evaluators need no host of this kind: `decentralml evaluator run` has one built in. Updates go when their
/// round is settled and its claims are over.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    host: HostOpts,
    /// Keep updates of this task, too, whoever it belongs to.
    #[arg(long = "task", value_name = "ID")]
    tasks: Vec<TaskId>,
    #[command(flatten)]
    daemon: DaemonOpts,
}

/// What is printed once it listens.
#[derive(Serialize)]
struct Listening {
    address: String,
    announced: Vec<String>,
}

/// Runs until it is stopped.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let settings = opts.host.or_settings(&context.settings.host, opts.tasks)?;
    let settings = settings.ok_or_else(no_address)?;
    let stop = StopRequest::listen(opts.daemon)?;
    let signer = context.signer()?;
    let state = context.settings.state.join(format!("host-{}", signer.account()));
    let announced = settings.announce.iter().map(ToString::to_string).collect();
    let config = HostConfig { chain: context.settings.chain.clone(), signer, state, settings };
    let (trigger, shutdown) = shutdown::channel();
    let (sender, listens) = oneshot::channel();
    let host = hosting::run(config, shutdown, |address| {
        let _ = sender.send(address);
    });
    let tell = async {
        // A host that does not start says why.
        let Ok(address) = listens.await else { return Ok(()) };
        let listening = Listening { address: address.to_string(), announced };
        out.result(&listening, |listening| match listening.announced.as_slice() {
            [] => format!("listening on {}; nothing new is announced", listening.address),
            urls => format!("listening on {}, announced as {}", listening.address, urls.join(", ")),
        })
    };
    let (ended, told) = tokio::join!(worker_common::until_stopped(host, trigger, stop), tell);
    ended.and(told)
}
