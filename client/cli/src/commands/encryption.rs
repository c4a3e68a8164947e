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
use decentralml_sdk::{
    Call, Chain, Signer, View, Wait,
    encryption::{self, EncryptionKey},
};
use decentralml_storage::seal::SecretKey;
use decentralml_types::PublicKey;
use serde::Serialize;

/// Keys of one account that are tried, from the first: as often it can be rotated.
pub const GENERATIONS: u32 = 256;

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

/// What an account has registered.
pub enum Registered {
    /// Nothing.
    Nothing,
    /// One of the keys that are derived from its own.
    Own(EncryptionKey),
    /// Another one, of which this program does not know the secret.
    Other(PublicKey),
}

impl Registered {
    /// What the signer has registered.
    pub async fn read(view: &View, signer: &Signer) -> Result<Self> {
        let registered = view.encryption_key(&signer.account()).await?;
        Ok(Self::of(signer, registered))
    }

    fn of(signer: &Signer, registered: Option<PublicKey>) -> Self {
        let Some(key) = registered else { return Self::Nothing };
        match encryption::find(signer, &key, GENERATIONS) {
            Some(own) => Self::Own(own),
            None => Self::Other(key),
        }
    }
}

/// The secrets of an account, of all generations: an envelope does not say for which one it was made.
pub fn secrets(signer: &Signer) -> Vec<SecretKey> {
    let generations = 0..GENERATIONS;
    generations.map(|n| SecretKey::from_bytes(encryption::derive(signer, n).secret())).collect()
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
    fn a_registered_key_is_told_to_be_ours_or_not() {
        let [alice, bob] = ["//Alice", "//Bob"].map(|uri| Signer::from_uri(uri).unwrap());
        let key = |signer, generation| encryption::derive(signer, generation).public();
        assert!(matches!(Registered::of(&alice, None), Registered::Nothing));
        for generation in [0, 1, GENERATIONS - 1] {
            let found = Registered::of(&alice, Some(key(&alice, generation)));
            assert!(matches!(found, Registered::Own(own) if own.generation() == generation));
        }
        for foreign in [key(&bob, 0), key(&alice, GENERATIONS)] {
            let found = Registered::of(&alice, Some(foreign));
            assert!(matches!(found, Registered::Other(key) if key == foreign));
            let text = other(&foreign).to_string();
            assert!(text.contains("age1") && text.contains("--replace"), "{text}");
        }
    }

    #[test]
    fn the_secrets_of_an_account_are_those_of_its_keys() {
        let alice = Signer::from_uri("//Alice").unwrap();
        let secrets = secrets(&alice);
        assert_eq!(secrets.len(), GENERATIONS as usize);
        for generation in [0, 7] {
            let public = encryption::derive(&alice, generation).public();
            assert_eq!(secrets[generation as usize].public(), public);
        }
    }
}
