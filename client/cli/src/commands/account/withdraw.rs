//! `decentralml account withdraw`.

use crate::{
    commands::submit,
    context::Context,
    output::Out,
    units::{RoleArg, role},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Take back what was unbonded and is due.
#[derive(Args, Debug)]
pub struct Opts {
    /// Of which role.
    role: RoleArg,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    submit(context, &chain, &call::withdraw(opts.role.into()), out, |_| {
        format!("withdrew what was due as {}", role(opts.role.into()))
    })
    .await
}
