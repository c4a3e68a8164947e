//! `decentralml data grant`.

use super::{envelope, is_refused, let_go, own_content};
use crate::{
    commands::encryption::{Sent, send},
    context::Context,
    exit::{Kind, problem},
    output::Out,
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Signer, View, call};
use decentralml_storage::{Storage, parse_cid, seal::SecretKey};
use decentralml_types::Cid;
use serde::Serialize;

/// Let an account read content of yours: its key is encrypted to the account's. The chain holds a deposit until you revoke it.
#[derive(Args, Debug)]
pub struct Opts {
    /// Which content.
    #[arg(value_parser = parse_cid)]
    cid: Cid,
    /// An address, or the name of a key; with a registered encryption key.
    #[arg(value_name = "ACCOUNT")]
    who: String,
}

#[derive(Serialize)]
struct Granted {
    cid: Cid,
    account: AccountId,
    envelope: Cid,
    #[serde(flatten)]
    sent: Sent,
}

/// Waits until the grant is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let (cid, account) = (opts.cid, context.account(&opts.who)?);
    let signer = context.signer()?;
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    own_content(&view, &cid, &signer.account()).await?;
    if view.grant(&cid, &account).await?.is_some() {
        return Err(problem(
            Kind::Refused,
            format!(
                "{cid} is granted to {account} already; if its envelope does not open with the account's keys, revoke the grant \
                 and grant it again"
            ),
        ));
    }
    let reader = envelope::key_of(&view, &account).await?;
    let storage = context.storage().await?;
    let key = own_key(&view, &storage, &signer, &cid).await?;
    let envelope = envelope::store(&storage, &key, &reader, |_| Ok(())).await?;
    let sent = send(&chain, &signer, &call::grant_content(cid, &account, envelope)).await;
    if sent.as_ref().is_err_and(is_refused)
        && let Err(error) = let_go(&storage, &[envelope]).await
    {
        tracing::warn!(%error, "the store keeps an envelope that nobody needs");
    }
    let granted = Granted { cid, account, envelope, sent: sent? };
    let token = chain.properties();
    out.result(&granted, |granted| {
        let Sent { block, fee, .. } = granted.sent;
        format!("granted {cid} to {account} (block {block}, fee {})", tokens(fee, token))
    })
}

/// The key of content of the signer's own, out of its own envelope.
pub(super) async fn own_key(
    view: &View,
    storage: &Storage,
    signer: &Signer,
    cid: &Cid,
) -> Result<SecretKey> {
    let own = view.grant(cid, &signer.account()).await?.ok_or_else(|| {
        problem(
            Kind::NotFound,
            format!(
                "your own grant of {cid} was revoked, and with it went the key that could be passed on: nobody can be granted it \
                 any more. Retire it, and add the file again"
            ),
        )
    })?;
    envelope::open(storage, signer, cid, &own).await
}
