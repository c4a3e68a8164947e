//! `decentralml data revoke`.

use super::{own_content, tidy};
use crate::{
    commands::encryption::{Sent, send},
    context::Context,
    exit::{Kind, problem},
    output::Out,
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, call};
use decentralml_storage::parse_cid;
use decentralml_types::Cid;
use serde::Serialize;

/// End a grant, and get its deposit back. It covers the future only: what the account could read until now it may have kept.
#[derive(Args, Debug)]
pub struct Opts {
    /// Which content.
    #[arg(value_parser = parse_cid)]
    cid: Cid,
    /// An address, or the name of a key.
    #[arg(value_name = "ACCOUNT")]
    who: String,
}

#[derive(Serialize)]
struct Revoked {
    cid: Cid,
    account: AccountId,
    #[serde(flatten)]
    sent: Sent,
}

/// Waits until the end of the grant is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let (cid, account) = (opts.cid, context.account(&opts.who)?);
    let signer = context.signer()?;
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    own_content(&view, &cid, &signer.account()).await?;
    if account == signer.account() {
        return Err(problem(
            Kind::Refused,
            format!(
                "your own grant holds the key of {cid}: without it nobody could be granted it any more. `decentralml data retire` \
                 ends all of it"
            ),
        ));
    }
    let grant = view.grant(&cid, &account).await?.ok_or_else(|| {
        problem(Kind::NotFound, format!("{cid} is not granted to {account}, or no longer"))
    })?;
    let sent = send(&chain, &signer, &call::revoke_content(cid, &account)).await?;
    tidy(context, &[grant.envelope]).await;
    let token = chain.properties();
    out.result(&Revoked { cid, account, sent }, |revoked| {
        let Sent { block, fee, .. } = revoked.sent;
        format!(
            "revoked the grant of {cid} to {account} (block {block}, fee {})\n\
             This covers the future only: the account may have kept the content, or the key that opens it wherever the encrypted \
             bytes lie.",
            tokens(fee, token)
        )
    })
}
