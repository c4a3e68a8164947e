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
    /// How much for rounds, in what the task pays in: `10 DML`, `10 LAB`, `250 planck`; a bare number is in whole tokens.
    #[arg(required_unless_present = "charges")]
    amount: Option<Amount>,
    /// How much for the calls that are free for those who take part, in the chain's own token.
    #[arg(long, value_name = "AMOUNT")]
    charges: Option<Amount>,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let task = opts.task.task;
    let chain = context.chain().await?;
    let token = chain.properties();
    let view = chain.best().await?;
    let asset = crate::context::task(&view, task).await?.spec.terms.asset;
    let unit = view.unit(asset, token).await?;
    let smallest = |amount: Option<Amount>, unit| {
        amount.map_or(Ok(0), |amount| amount.planck(unit)).of_kind(Kind::Usage)
    };
    let (pay, charges) = (smallest(opts.amount, &unit)?, smallest(opts.charges, token)?);
    let call = call::fund(task, pay, charges, asset.is_native());
    submit(context, &chain, &call, out, |_| {
        let parts = [(pay, &unit, "for rounds"), (charges, token, "for free calls")];
        let given = parts.into_iter().filter(|(amount, ..)| *amount > 0);
        let given: Vec<String> = given
            .map(|(amount, unit, what)| format!("{} more {what}", tokens(amount, unit)))
            .collect();
        format!("task {task} has {}", given.join(" and "))
    })
    .await
}
