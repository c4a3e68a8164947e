//! `decentralml encryption show`.

use super::Registered;
use crate::{
    context::Context,
    output::{Out, or_dash, pairs},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::AccountId;
use decentralml_storage::seal::public_key_text;
use serde::Serialize;

/// Show the encryption key that an account has registered, in the form of the `age` tools.
#[derive(Args, Debug)]
pub struct Opts {
    /// An address, or the name of a key [default: the key that signs, with the generation of its registered key].
    #[arg(value_name = "ACCOUNT")]
    who: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    account: AccountId,
    key: Option<String>,
    /// How many keys of the account came before it, where it is derived from the signing key.
    generation: Option<u32>,
}

/// Reads the finalized state.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let signer = opts.who.is_none().then(|| context.signer()).transpose()?;
    let account = match (&signer, &opts.who) {
        (Some(signer), _) => signer.account(),
        (None, who) => context.account_or_own(who.as_deref())?,
    };
    let view = context.chain().await?.finalized().await?;
    let key = view.encryption_key(&account).await?;
    let found = signer.as_ref().map(|signer| Registered::of(signer, key));
    let generation = match &found {
        Some(Registered::Own(own)) => Some(own.generation()),
        _ => None,
    };
    let is_own = signer.is_some();
    let shown = Shown { account, key: key.as_ref().map(public_key_text), generation };
    out.result(&shown, |shown| {
        let mut rows =
            vec![("account", shown.account.to_string()), ("key", or_dash(shown.key.as_ref()))];
        match (&shown.key, shown.generation) {
            (None, _) if is_own => {
                let how = "none is registered; `decentralml encryption register` does it";
                rows.push(("", how.to_owned()));
            }
            (Some(_), Some(generation)) => rows.push(("generation", generation.to_string())),
            (Some(_), None) if is_own => {
                rows.push(("", "not derived from the account's own key".to_owned()));
            }
            _ => {}
        }
        pairs(&rows)
    })
}
