//! `decentralml encryption`: the key that bytes for an account are encrypted to.
//!
//! Its secret is derived from the account's own, so there is no second secret to keep: see `decentralml_sdk::encryption`.

mod register;
mod remove;
mod rotate;
mod show;

use crate::{
    context::{Context, spinner},
    exit::{Kind, problem},
    output::Out,
};
use clap::Subcommand;
use color_eyre::Result;
use decentralml_sdk::{Call, Chain, Signer, Wait};
use decentralml_types::PublicKey;
use serde::Serialize;

pub use decentralml_sdk::encryption::{GENERATIONS, Registered};
pub use decentralml_worker::secrets;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Show(show::Opts),
    Register(register::Opts),
    Rotate(rotate::Opts),
    Remove(remove::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::Show(opts) => show::run(opts, context, out).await,
        Command::Register(opts) => register::run(&opts, context, out).await,
        Command::Rotate(opts) => rotate::run(&opts, context, out).await,
        Command::Remove(opts) => remove::run(&opts, context, out).await,
    }
}

/// A transaction that is final.
#[derive(Serialize)]
pub struct Sent {
    pub block: u32,
    pub extrinsic: String,
    /// Planck.
    pub fee: u128,
}

/// Signs and sends, and waits until the call is final.
pub async fn send(chain: &Chain, signer: &Signer, call: &Call) -> Result<Sent> {
    let waiting = spinner("waiting until it is final …");
    let included = chain.submit(signer, call, Wait::Finalized).await;
    waiting.finish_and_clear();
    let included = included?;
    let extrinsic = super::hex(&included.extrinsic);
    Ok(Sent { block: included.number, extrinsic, fee: included.fee })
}

/// What to do about a key whose secret this program cannot derive.
pub fn other(key: &PublicKey) -> color_eyre::Report {
    problem(
        Kind::Key,
        format!(
            "the account has registered {}, which is not derived from its own key: this program cannot open what is encrypted \
             to it. `decentralml encryption register --replace` registers one that it can; what was encrypted to the other key \
             stays readable with that one's secret only",
            decentralml_storage::seal::public_key_text(key)
        ),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_to_do_about_a_foreign_key_names_it() {
        let bob = Signer::from_uri("//Bob").unwrap();
        let foreign = decentralml_sdk::encryption::derive(&bob, 0).public();
        let text = other(&foreign).to_string();
        assert!(text.contains("age1") && text.contains("--replace"), "{text}");
    }
}
