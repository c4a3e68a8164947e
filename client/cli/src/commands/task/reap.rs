//! `decentralml task reap`.

use super::TaskArg;
use crate::{commands::submit, context::Context, output::Out};
use clap::Args;
use color_eyre::Result;

/// Remove a task that is over and settled; its deposit and what is left go back to the sponsor. By anybody.
///
/// The standings of its trainers are removed first. The fees are yours, whoever gets the deposit. Versions of its model stay,
/// but nothing on chain names their layers and the validation set any more: `task show` gives both CIDs until then.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    task: TaskArg,
    /// Records of rounds that one call removes; a task with more needs the call again.
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let task = opts.task.task;
    let chain = context.chain().await?;
    let calls = chain.finalized().await?.removal(task, opts.limit).await?;
    let Some((reap, forget)) = calls.split_last() else { return Ok(()) };
    for call in forget {
        context.submit(&chain, call).await?;
    }
    submit(context, &chain, reap, out, |included| match included.find("Tasks", "TaskReaped") {
        Some(_) => format!("task {task} is gone"),
        None => format!("task {task}: removed up to {} rounds, call it again", opts.limit),
    })
    .await
}
