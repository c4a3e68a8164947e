//! `decentralml task fund`.

use super::TaskArg;
use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, OfKind},
    output::Out,
    units::{Amount, tokens},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Give a task more money. By anybody; what is not earned goes to the task's sponsor.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    task: TaskArg,
    /// How much: `10 DML`, `250 planck`; a bare number is in whole tokens.
    amount: Amount,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let task = opts.task.task;
    let chain = context.chain().await?;
    let token = chain.properties();
    let amount = opts.amount.planck(token).of_kind(Kind::Usage)?;
    submit(context, &chain, &call::fund(task, amount), out, |_| {
        format!("task {task} has {} more", tokens(amount, token))
    })
    .await
}
