//! `decentralml challenge answer`.

use super::{UpdateArg, path};
use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Show the block that a challenge demands, from the store and from hosts. By anybody; free. Trainers' workers do so for themselves.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    update: UpdateArg,
}

/// Waits until the answer is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let UpdateArg { task, round, trainer } = &opts.update;
    let trainer = context.account(trainer)?;
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let challenge = opts.update.challenge(&view, &trainer).await?;
    if view.number() >= challenge.deadline {
        let text = format!("the time to answer was over at block {}", challenge.deadline);
        return Err(problem(Kind::Refused, text));
    }
    let committed = view.commitment(*task, *round, &trainer).await?;
    let revealed = committed.and_then(|row| row.revealed).ok_or_else(|| {
        problem(Kind::NotFound, format!("{trainer} has no update in round {round} of task {task}"))
    })?;
    let row = view.task(*task).await?;
    let storage = context.storage_for_task(&chain, &view, row.as_ref()).await?;
    let storage = context.with_hosts(&storage, &chain, &view, &[trainer]).await?;
    let blocks = storage.along(&revealed.cid, &challenge.path).await?;
    submit(context, &chain, &call::answer(*task, *round, &trainer, blocks), out, |_| {
        format!("showed block {} of the update of {trainer}", path(&challenge.path))
    })
    .await
}
