//! `decentralml validator keys`.

use super::report;
use crate::{
    commands::submit,
    context::Context,
    exit::{Kind, problem},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::call;

/// Have your node make new session keys, and register them for the account that signs. Run it on the node's own machine.
///
/// The secret keys never leave the node. The chain holds a small deposit for the registration. New keys count from the
/// second session's end on; until then a validator's node goes on with the old ones, so leave it running.
#[derive(Args, Debug)]
pub struct Opts {}

/// Waits until the registration is final.
pub async fn run(_: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let signer = context.signer()?;
    let chain = context.chain().await?;
    let node = chain.node_state().await?;
    if !node.validator {
        let message =
            format!("the node at {} only follows: start it with --validator", chain.url());
        return Err(problem(Kind::Usage, message));
    }
    if node.syncing {
        let message = format!(
            "the node at {} is still catching up with the chain: try again when it has",
            chain.url()
        );
        return Err(problem(Kind::Refused, message));
    }
    let account = signer.account();
    let listed = chain.finalized().await?.listed_validators().await?.contains(&account);
    let new = chain.rotate_session_keys(&account).await.map_err(report)?;
    submit(context, &chain, &call::set_session_keys(&new.keys, new.proof), out, |_| {
        if listed {
            format!("{account} has new session keys; they count from the second session's end on")
        } else {
            format!(
                "{account} has session keys; it is not on the list of validators: a member of the council runs \
                 `decentralml council propose add-validator {account}`"
            )
        }
    })
    .await
}
