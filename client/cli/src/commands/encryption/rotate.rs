//! `decentralml encryption rotate`.

use super::{GENERATIONS, Registered, other, register};
use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;

/// Register the account's next encryption key in the place of the one that is registered.
///
/// It helps where the secret of the registered key alone was given away or leaked: what is encrypted from then on, that secret does
/// not open. It does not help where the account's own secret leaked, from which all its keys are derived: then use a new account.
/// It takes nothing back: what was encrypted to the former key stays readable with it, to this account as well.
#[derive(Args, Debug)]
pub struct Opts {}

/// Waits until it is final.
pub async fn run(_: &Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let signer = context.signer()?;
    let chain = context.chain().await?;
    let own = match Registered::read(&chain.finalized().await?, &signer).await? {
        Registered::Own(own) => own,
        Registered::Other(key) => return Err(other(&key)),
        Registered::Nothing => {
            return Err(problem(
                Kind::NotFound,
                "no key is registered that could be rotated; `decentralml encryption register` registers one",
            ));
        }
    };
    let next = own.generation() + 1;
    if next >= GENERATIONS {
        return Err(problem(
            Kind::Refused,
            format!("the last of {GENERATIONS} keys is registered: use a new account"),
        ));
    }
    register::set(&chain, &signer, next, out).await?;
    out.line(
        "What was encrypted to former keys stays readable with them. If the account's own secret has leaked, use a new account.",
    )
}
