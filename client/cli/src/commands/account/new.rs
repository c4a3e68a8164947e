//! `decentralml account new`.

use crate::{
    context::Context,
    exit::{Kind, problem},
    keys,
    output::{Out, pairs},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, keystore};
use serde::Serialize;
use std::{env, fs, path::PathBuf};

/// Make a key and keep it, encrypted, in the keystore.
///
/// Its twelve words are shown once: write them down. The file is what Polkadot-JS exports and imports.
#[derive(Args, Debug)]
pub struct Opts {
    /// What the key is called: the NAME of --account.
    name: String,
    /// Keep an existing key: its phrase or URI is taken from DECENTRALML_SURI, or asked for.
    #[arg(long)]
    import: bool,
}

#[derive(Serialize)]
struct New {
    name: String,
    account: AccountId,
    file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    phrase: Option<String>,
}

/// Writes the key file; it is never overwritten.
pub fn run(opts: &Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let settings = &context.settings;
    let file = keys::path(&settings.keystore, &opts.name)?;
    if file.exists() {
        let message = format!("{} exists already; choose another name", file.display());
        return Err(problem(Kind::Key, message));
    }
    let suri = match (opts.import, env::var(keys::SURI)) {
        (false, _) => None,
        (true, Ok(suri)) => Some(suri),
        (true, Err(_)) => Some(keys::hidden("Phrase or URI: ")?),
    };
    let passphrase = keys::new_passphrase(settings)?;
    fs::create_dir_all(&settings.keystore)?;
    let (account, phrase) = match suri {
        Some(suri) => (keystore::create(&file, &suri, &opts.name, &passphrase)?.account(), None),
        None => {
            let (signer, phrase) = keystore::generate(&file, &opts.name, &passphrase)?;
            (signer.account(), Some(phrase.reveal().to_owned()))
        }
    };
    out.result(&New { name: opts.name.clone(), account, file, phrase }, |new| {
        let mut text = pairs(&[
            ("name", new.name.clone()),
            ("address", new.account.to_string()),
            ("file", new.file.display().to_string()),
        ]);
        if let Some(phrase) = &new.phrase {
            text += &format!(
                "\n\n{phrase}\n\nWrite these words down: with them the account can be restored, and they are not shown again."
            );
        }
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{Flags, Settings};

    #[test]
    fn a_new_key_can_be_listed_and_opened_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("passphrase");
        fs::write(&secret, "correct horse\n").unwrap();
        let flags = Flags {
            config: None,
            keystore: Some(folder.path().join("keys")),
            passphrase_file: Some(secret),
            account: Some("me".to_owned()),
            ..Flags::default()
        };
        let context = Context { settings: Settings::load(flags).unwrap() };
        let opts = Opts { name: "me".to_owned(), import: false };
        let mut bytes = Vec::new();
        run(&opts, &context, &mut Out::new(&mut bytes, true)).unwrap();
        let made: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(made["phrase"].as_str().unwrap().split_whitespace().count(), 12);
        let address = made["account"].as_str().unwrap();
        assert_eq!(context.account("me").unwrap().to_string(), address);
        assert_eq!(context.signer().unwrap().account().to_string(), address);
        let again = run(&opts, &context, &mut Out::new(&mut bytes, true)).unwrap_err();
        assert_eq!(crate::exit::kind(&again), Kind::Key);
    }
}
