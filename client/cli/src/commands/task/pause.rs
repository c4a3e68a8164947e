//! `decentralml task pause`.

use super::TaskArg;
use crate::{commands::submit, context::Context, output::Out};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Start no new round; the current one goes on to its end. By the sponsor.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    task: TaskArg,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let task = opts.task.task;
    let chain = context.chain().await?;
    submit(context, &chain, &call::pause(task), out, |_| {
        format!("task {task} starts no new round; one that is live goes on to its end")
    })
    .await
}
