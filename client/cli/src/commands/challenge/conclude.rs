//! `decentralml challenge conclude`.

use super::UpdateArg;
use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;
use decentralml_types::Phase;

/// End a challenge that nobody has answered in time: the bond goes back, and the trainer is accused. By anybody; free.
#[derive(Args, Debug)]
pub struct Opts {
    #[command(flatten)]
    update: UpdateArg,
}

/// Waits until the end is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let UpdateArg { task, round, trainer } = &opts.update;
    let trainer = context.account(trainer)?;
    let chain = context.chain().await?;
    let view = chain.best().await?;
    let challenge = opts.update.challenge(&view, &trainer).await?;
    let lives = view.round(*task, *round).await?.is_some_and(|round| round.phase != Phase::Void);
    if lives && view.number() < challenge.deadline {
        let text = format!("the challenge can be answered until block {}", challenge.deadline);
        return Err(problem(Kind::Refused, text));
    }
    let conclude = call::conclude_challenge(*task, *round, &trainer);
    submit(context, &chain, &conclude, out, |included| {
        match included.find("Disputes", "Opened").and_then(|event| event.fields["case"].as_u64()) {
            Some(case) => format!("{trainer} is accused in case {case}"),
            None => "ended without an accusation".to_owned(),
        }
    })
    .await
}
