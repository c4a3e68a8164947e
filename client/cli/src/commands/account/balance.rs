//! `decentralml account balance`.

use crate::{
    context::Context,
    output::{Out, pairs},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;

/// Show what an account has: free, and held for bonds and deposits.
#[derive(Args, Debug)]
pub struct Opts {
    /// An address, or the name of a key [default: the key that signs].
    #[arg(value_name = "ACCOUNT")]
    who: Option<String>,
}

/// Reads the finalized state.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let account = context.account_or_own(opts.who.as_deref())?;
    let chain = context.chain().await?;
    let balance = chain.finalized().await?.balance(&account).await?;
    let token = chain.properties();
    out.result(&balance, |balance| {
        pairs(&[
            ("free", tokens(balance.free, token)),
            ("held", tokens(balance.reserved, token)),
            ("total", tokens(balance.free.saturating_add(balance.reserved), token)),
        ])
    })
}
