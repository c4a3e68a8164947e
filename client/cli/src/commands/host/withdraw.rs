//! `decentralml host withdraw`.

use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;
use decentralml_types::Urls;

/// Announce no host any more; the deposit is free again.
///
/// Nobody hands updates over or fetches any from then on who did not know the host before. What it keeps stays there.
#[derive(Args, Debug)]
pub struct Opts {}

/// Submits it and waits until it is final.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let account = context.account_or_own(None)?;
    if chain.best().await?.hosts(&account).await?.is_empty() {
        let message = format!("{account} has announced no hosts");
        return Err(problem(Kind::NotFound, message));
    }
    let call = call::set_hosts(Urls::default());
    submit(context, &chain, &call, out, |_| format!("{account} announces no hosts any more")).await
}
