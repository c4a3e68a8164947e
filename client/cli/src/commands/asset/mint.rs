//! `decentralml asset mint`.

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

/// Make more of a token. By its issuer.
#[derive(Args, Debug)]
pub struct Opts {
    /// The token's number.
    asset: u32,
    /// How much: `10 LAB`; a bare number is in whole tokens.
    amount: Amount,
    /// For whom, an address or the name of a key [default: the key that signs].
    #[arg(long, value_name = "ACCOUNT")]
    to: Option<String>,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let to = context.account_or_own(opts.to.as_deref())?;
    let chain = context.chain().await?;
    let unit = asset(&chain.best().await?, opts.asset).await?.unit(chain.properties());
    let amount = opts.amount.planck(&unit).of_kind(Kind::Usage)?;
    submit(context, &chain, &call::mint_asset(opts.asset, &to, amount), out, |_| {
        format!("{to} has {} more", tokens(amount, &unit))
    })
    .await
}
