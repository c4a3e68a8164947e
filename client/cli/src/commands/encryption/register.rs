//! `decentralml encryption register`.

use super::{GENERATIONS, Registered, Sent, other, send};
use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Chain, Signer, call, encryption};
use decentralml_storage::seal::public_key_text;
use serde::Serialize;

/// Register the key that others encrypt to for this account. Its secret is derived from the account's own: there is nothing else to
/// keep, and whoever gets the account's secret can read all that was ever encrypted to it.
#[derive(Args, Debug)]
pub struct Opts {
    /// Which of the account's keys; `encryption rotate` takes the one after that which is registered.
    #[arg(long, default_value_t = 0, value_name = "N",
        value_parser = clap::value_parser!(u32).range(..i64::from(GENERATIONS)))]
    generation: u32,
    /// Also where a key is registered that is not derived from the account's own.
    #[arg(long)]
    replace: bool,
}

#[derive(Serialize)]
struct Done {
    account: AccountId,
    key: String,
    generation: u32,
    #[serde(flatten)]
    sent: Sent,
}

/// Waits until it is final.
pub async fn run(opts: &Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let signer = context.signer()?;
    let chain = context.chain().await?;
    match Registered::read(&chain.finalized().await?, &signer).await? {
        Registered::Nothing => {
            let deposit = tokens(chain.deposits().await?.key, chain.properties());
            out.line(&format!("The chain holds {deposit} until the key is removed."))?;
        }
        Registered::Own(own) => {
            return Err(problem(
                Kind::Refused,
                format!(
                    "generation {} is registered already; `decentralml encryption rotate` takes the next one",
                    own.generation()
                ),
            ));
        }
        Registered::Other(_) if opts.replace => {}
        Registered::Other(key) => return Err(other(&key)),
    }
    set(&chain, &signer, opts.generation, out).await
}

/// Registers a generation, and tells so.
pub(super) async fn set(
    chain: &Chain,
    signer: &Signer,
    generation: u32,
    out: &mut Out<'_>,
) -> Result<()> {
    let key = encryption::derive(signer, generation).public();
    let sent = send(chain, signer, &call::set_encryption_key(Some(key))).await?;
    let done = Done { account: signer.account(), key: public_key_text(&key), generation, sent };
    let token = chain.properties();
    out.result(&done, |done| {
        format!(
            "registered {}, generation {generation} (block {}, fee {})",
            done.key,
            done.sent.block,
            tokens(done.sent.fee, token)
        )
    })
}
