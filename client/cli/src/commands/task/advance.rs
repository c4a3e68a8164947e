//! `decentralml task advance`.

use super::TaskArg;
use crate::{commands::submit, context::Context, output::Out};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Move a task on where a deadline has passed or scores are to be counted. By anybody; free when it moves something.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    task: TaskArg,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let task = opts.task.task;
    let chain = context.chain().await?;
    submit(context, &chain, &call::advance(task), out, |_| format!("task {task} has moved on"))
        .await
}
