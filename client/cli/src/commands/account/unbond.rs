//! `decentralml account unbond`.

use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, OfKind},
    output::{Out, count},
    units::{Amount, RoleArg, role, tokens},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Start to take a bond back. What tasks have engaged stays; the rest can be withdrawn after the unbonding period and can
/// be slashed until then.
#[derive(Args, Debug)]
pub struct Opts {
    /// Of which role.
    role: RoleArg,
    /// How much: `10 DML`, `250 planck`; a bare number is in whole tokens.
    amount: Amount,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let token = chain.properties();
    let amount = opts.amount.planck(token).of_kind(Kind::Usage)?;
    let period = chain.constants().await?.unbonding_period;
    submit(context, &chain, &call::unbond(opts.role.into(), amount), out, |_| {
        format!(
            "unbonding {} as {}: `decentralml account withdraw` gives it back after {}",
            tokens(amount, token),
            role(opts.role.into()),
            count(period, "block"),
        )
    })
    .await
}
