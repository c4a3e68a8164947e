//! `decentralml account transfer`.

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

/// Send tokens to another account. Your own account stays alive: it keeps the existential deposit.
#[derive(Args, Debug)]
pub struct Opts {
    /// An address, or the name of a key.
    to: String,
    /// How much: `10 DML`, `250 planck`; a bare number is in whole tokens.
    amount: Amount,
}

/// Waits until the transfer is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let to = context.account(&opts.to)?;
    let chain = context.chain().await?;
    let token = chain.properties();
    let amount = opts.amount.planck(token).of_kind(Kind::Usage)?;
    submit(context, &chain, &call::transfer(&to, amount), out, |_| {
        format!("sent {} to {to}", tokens(amount, token))
    })
    .await
}
