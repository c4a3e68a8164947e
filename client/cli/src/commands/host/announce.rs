//! `decentralml host announce`.

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::Out,
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_storage::SourceUrl;
use decentralml_worker::hosting;
use serde::Serialize;

/// Announce on the chain where this account offers bytes, for a deposit.
///
/// Up to 4 places; trainers hand updates to the first one that takes them, so that of a host comes first, and everybody may fetch from all
/// of them, gateways too. They replace what was announced before.
#[derive(Args, Debug)]
pub struct Opts {
    /// Where: a URL of HTTP or HTTPS, or a multiaddress.
    #[arg(required = true, value_name = "URL")]
    urls: Vec<SourceUrl>,
}

#[derive(Serialize)]
struct Announced {
    hosts: Vec<String>,
    /// Planck, held until they are withdrawn.
    deposit: u128,
    /// Whether anything had to be changed.
    changed: bool,
}

/// Submits it and waits until it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let chain = context.chain().await?;
    let signer = context.signer()?;
    if !chain.is_development() && signer.is_development() {
        return Err(problem(Kind::Key, "the key is publicly known: development chains only"));
    }
    let deposit = hosting::deposit(&chain.deposits().await?, &opts.urls);
    let changed = hosting::announce(&chain, &signer, &opts.urls).await?;
    let hosts = opts.urls.iter().map(ToString::to_string).collect();
    out.result(&Announced { hosts, deposit, changed }, |announced| {
        let held = tokens(announced.deposit, chain.properties());
        let hosts = announced.hosts.join(", ");
        match announced.changed {
            true => format!("announced {hosts}; {held} are held until they are withdrawn"),
            false => format!("{hosts} was announced before"),
        }
    })
}
