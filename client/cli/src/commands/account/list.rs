//! `decentralml account list`.

use crate::{
    context::Context,
    keys,
    output::{Out, table},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, keystore};
use serde::Serialize;

/// List the keys of the keystore.
#[derive(Args, Debug)]
pub struct Opts {}

#[derive(Serialize)]
struct Key {
    name: String,
    account: Option<AccountId>,
    problem: Option<String>,
}

/// Lists them; a file that is no key is listed with what is wrong.
pub fn run(_: &Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let keystore = &context.settings.keystore;
    let mut keys = Vec::new();
    for name in keys::names(keystore)? {
        let info = keystore::info(&keys::path(keystore, &name)?);
        keys.push(match info {
            Ok(info) => Key { name, account: Some(info.account), problem: None },
            Err(error) => Key { name, account: None, problem: Some(error.to_string()) },
        });
    }
    out.result(&keys, |keys| {
        if keys.is_empty() {
            let folder = keystore.display();
            return format!("no keys in {folder}; `decentralml account new <NAME>` makes one");
        }
        let row = |key: &Key| {
            let account = key.account.as_ref().map(ToString::to_string);
            vec![key.name.clone(), account.or(key.problem.clone()).unwrap_or_default()]
        };
        table(vec!["name".to_owned(), "address".to_owned()], keys.iter().map(row))
    })
}
