//! `decentralml host show`.

use crate::{context::Context, output::Out};
use clap::Args;
use color_eyre::Result;
use serde::Serialize;

/// Show where an account offers bytes.
#[derive(Args, Debug)]
pub struct Opts {
    /// An address or the name of a key; the own one if not given.
    #[arg(value_name = "ACCOUNT")]
    who: Option<String>,
}

#[derive(Serialize)]
struct Hosts {
    account: String,
    hosts: Vec<String>,
}

/// Asks the best block.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let account = context.account_or_own(opts.who.as_deref())?;
    let hosts = context.chain().await?.best().await?.hosts(&account).await?;
    out.result(&Hosts { account: account.to_string(), hosts }, |found| {
        match found.hosts.is_empty() {
            true => format!("{} has announced no hosts", found.account),
            false => found.hosts.join("\n"),
        }
    })
}
