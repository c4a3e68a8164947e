//! `decentralml encryption remove`.

use super::{Registered, Sent, send};
use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;
use serde::Serialize;

/// Remove the registered encryption key from the chain, and get its deposit back.
///
/// Nobody can then grant this account anything, nor hand it keys of sealed tasks. What was encrypted to it stays readable to it.
#[derive(Args, Debug)]
pub struct Opts {}

#[derive(Serialize)]
struct Done {
    /// Of the key that was removed, where it was derived from the account's own.
    generation: Option<u32>,
    #[serde(flatten)]
    sent: Sent,
}

/// Waits until it is final.
pub async fn run(_: &Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let signer = context.signer()?;
    let chain = context.chain().await?;
    let generation = match Registered::read(&chain.finalized().await?, &signer).await? {
        Registered::Nothing => return Err(problem(Kind::NotFound, "no key is registered")),
        Registered::Own(own) => Some(own.generation()),
        Registered::Other(_) => None,
    };
    let sent = send(&chain, &signer, &call::set_encryption_key(None)).await?;
    let fee = tokens(sent.fee, chain.properties());
    out.result(&Done { generation, sent }, |done| {
        let next = match generation {
            Some(n) => format!(
                "; it was generation {n}: if it leaked, register another one with --generation {}",
                n.saturating_add(1)
            ),
            None => String::new(),
        };
        format!("removed the key (block {}, fee {fee}){next}", done.sent.block)
    })
}
