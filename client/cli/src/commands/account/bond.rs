//! `decentralml account bond`.

use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, OfKind},
    output::Out,
    units::{Amount, RoleArg, role, tokens},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Put tokens at stake for a role, or more of them. Tasks engage a part of the bond; provable faults cost it.
#[derive(Args, Debug)]
pub struct Opts {
    /// For which role.
    role: RoleArg,
    /// How much: `10 DML`, `250 planck`; a bare number is in whole tokens.
    amount: Amount,
}

/// Waits until the bond is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let token = chain.properties();
    let amount = opts.amount.planck(token).of_kind(Kind::Usage)?;
    submit(context, &chain, &call::bond(opts.role.into(), amount), out, |_| {
        format!("bonded {} as {}", tokens(amount, token), role(opts.role.into()))
    })
    .await
}
