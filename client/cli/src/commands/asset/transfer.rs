//! `decentralml asset transfer`.

use super::asset;
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

/// Send some of a token to another account. Yours keeps the token's minimum.
#[derive(Args, Debug)]
pub struct Opts {
    /// The token's number.
    asset: u32,
    /// An address, or the name of a key.
    to: String,
    /// How much: `10 LAB`; a bare number is in whole tokens.
    amount: Amount,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let to = context.account(&opts.to)?;
    let chain = context.chain().await?;
    let unit = asset(&chain.best().await?, opts.asset).await?.unit(chain.properties());
    let amount = opts.amount.planck(&unit).of_kind(Kind::Usage)?;
    submit(context, &chain, &call::transfer_asset(opts.asset, &to, amount), out, |_| {
        format!("sent {} to {to}", tokens(amount, &unit))
    })
    .await
}
