//! `decentralml task cancel`.

use super::TaskArg;
use crate::{commands::submit, context::Context, output::Out};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// End a task for good, in whatever phase it is; what is not earned goes back to the sponsor. By the sponsor.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    task: TaskArg,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let task = opts.task.task;
    let chain = context.chain().await?;
    submit(context, &chain, &call::cancel(task), out, |_| format!("task {task} is cancelled")).await
}
