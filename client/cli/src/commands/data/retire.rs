//! `decentralml data retire`.

use super::{own_content, tidy};
use crate::{
    commands::encryption::{Sent, send},
    context::Context,
    exit::{Kind, problem},
    output::{Out, count},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, call};
use decentralml_storage::parse_cid;
use decentralml_types::Cid;
use serde::Serialize;

/// Grants that one transaction revokes.
const BATCH: usize = 64;

/// Take content of yours off the chain, get the deposits back, and let go of it in the store.
///
/// Your own grant ends with it, and thereby the key: what others keep of the encrypted bytes you cannot read any more. Those who
/// have read it may have kept it.
#[derive(Args, Debug)]
pub struct Opts {
    /// Which content.
    #[arg(value_parser = parse_cid)]
    cid: Cid,
    /// Revoke the grants of others, too.
    #[arg(long)]
    revoke: bool,
}

#[derive(Serialize)]
struct Retired {
    cid: Cid,
    /// Whose grants were revoked, beside the owner's.
    revoked: Vec<AccountId>,
    /// Pins that the store has let go of.
    unpinned: usize,
    #[serde(flatten)]
    sent: Sent,
}

/// Waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let cid = opts.cid;
    let signer = context.signer()?;
    let owner = signer.account();
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    own_content(&view, &cid, &owner).await?;
    let grants = view.grants_of(&cid).await?.rows;
    let mut others: Vec<AccountId> = grants.iter().map(|(account, _)| *account).collect();
    others.retain(|account| *account != owner);
    if !others.is_empty() && !opts.revoke {
        let what = count(others.len() as u64, "other account");
        return Err(problem(
            Kind::Refused,
            format!("{cid} is granted to {what}: revoke that first, or give --revoke"),
        ));
    }
    // The owner's grant goes last: as long as the content is there, it can be granted again.
    let mut calls: Vec<_> =
        others.iter().map(|account| call::revoke_content(cid, account)).collect();
    if others.len() < grants.len() {
        calls.push(call::revoke_content(cid, &owner));
    }
    calls.push(call::retire_content(cid));
    let last = calls.split_off(calls.len().saturating_sub(BATCH));
    for part in calls.chunks(BATCH) {
        send(&chain, &signer, &call::batch_all(part.to_vec())).await?;
    }
    let sent = send(&chain, &signer, &call::batch_all(last)).await?;
    let kept: Vec<Cid> = grants.iter().map(|(_, grant)| grant.envelope).chain([cid]).collect();
    let unpinned = tidy(context, &kept).await;
    let token = chain.properties();
    out.result(&Retired { cid, revoked: others, unpinned, sent }, |retired| {
        let Sent { block, fee, .. } = retired.sent;
        format!(
            "retired {cid}; the store keeps {} of it less (block {block}, fee {})",
            count(unpinned as u64, "file"),
            tokens(fee, token)
        )
    })
}
