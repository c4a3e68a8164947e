//! `decentralml data add`.

use super::{
    PIN,
    draft::{self, Draft, Made},
    envelope, is_refused, let_go,
};
use crate::{
    commands::{
        encryption::{self, Registered, Sent, send},
        hex,
    },
    context::{Context, spinner},
    daemon::unless_stopped,
    exit::{Kind, problem},
    output::{Out, pairs},
    transfer::{self, Bar},
    units::tokens,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Call, Chain, Signer, View, call, encryption::derive};
use decentralml_storage::{Storage, unixfs};
use decentralml_types::{Cid, PublicKey};
use serde::Serialize;
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// Accounts that one transaction grants content to, beside its owner.
const MAX_READERS: usize = 64;

/// Encrypt a file, keep it in the store, and register it on the chain, granted to you and to whom you name.
///
/// PUBLIC for ever, beside who owns it and to whom it is granted: the SHA2-256 of the plain bytes, and their length. Whoever can
/// guess the file can check the guess: do not add what can be guessed, such as a single answer.
///
/// The chain holds a deposit for the content and for each grant. If this was interrupted, run it again: what was encrypted is used
/// again, and sent to the store as far as it lacks it; a file that is registered already is not added twice, only what is missing is
/// granted. What an interrupted one has stored for nothing is let go of by the next one that is carried out.
#[derive(Args, Debug)]
pub struct Opts {
    /// The file.
    file: PathBuf,
    /// To whom else it is granted: addresses, or names of keys, with a registered encryption key each.
    #[arg(long, value_name = "ACCOUNT", num_args = 1..)]
    to: Vec<String>,
}

#[derive(Serialize)]
struct Added {
    cid: Cid,
    file: PathBuf,
    /// SHA2-256 of the plain bytes.
    plain_hash: String,
    /// Length of the plain bytes.
    size: u64,
    /// To whom it was granted now.
    granted: Vec<AccountId>,
    /// Whether it had been registered before.
    was_registered: bool,
    /// None where there was nothing left to do.
    transaction: Option<Sent>,
}

/// Who else is to read, with the key to encrypt to.
type Readers = Vec<(AccountId, PublicKey)>;

/// Waits until all of it is final.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let signer = context.signer()?;
    let left = "run it again to go on, or look at `decentralml data list`";
    unless_stopped(add(opts, context, &signer, out), left).await
}

async fn add(opts: Opts, context: &Context, signer: &Signer, out: &mut Out<'_>) -> Result<()> {
    let plain = open(&opts.file)?;
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    let readers = readers(&opts, context, &view, signer).await?;
    let registered = Registered::read(&view, signer).await?;
    if let Registered::Other(key) = &registered {
        return Err(encryption::other(key));
    }
    let storage = context.storage().await?;

    let working = spinner("encrypting …");
    let folder = draft::folder(&context.settings.state, signer, &chain.genesis());
    let draft = encrypt(plain, &folder, signer).await?;
    draft.made.note_height(view.number())?;
    working.finish_and_clear();
    let sealed = draft.sealed;
    let known = view.contents_of(&signer.account()).await?.rows.into_iter().find(|(_, known)| {
        (known.size, known.plain_hash) == (sealed.plain_bytes, sealed.plain_hash)
    });
    let adding = Adding { context, chain: &chain, storage: &storage, signer, registered };
    let (cid, granted, transaction) = match known {
        Some((cid, _)) => adding.complete(&view, cid, &draft.made, readers, out).await?,
        None => adding.register(&draft, readers, out).await?,
    };
    drop(draft);
    tidy_up(&folder, &chain, &storage, transaction.is_some()).await;
    let added = Added {
        cid,
        file: opts.file,
        plain_hash: hex(&sealed.plain_hash),
        size: sealed.plain_bytes,
        granted,
        was_registered: known.is_some(),
        transaction,
    };
    out.result(&added, |added| people(added, &chain))
}

/// Lets go of what this and earlier processes have stored for nothing. That is not what was asked for: a failure is only logged.
async fn tidy_up(folder: &Path, chain: &Chain, storage: &Storage, is_decided: bool) {
    let settled = async {
        let view = chain.finalized().await?;
        draft::settle(folder, &view, storage, is_decided).await
    };
    match settled.await {
        Ok(0) => {}
        Ok(gone) => tracing::info!(gone, "let go of what was stored for nothing"),
        Err(error) => tracing::warn!(%error, "what was stored for nothing is let go of later"),
    }
}

struct Adding<'a> {
    context: &'a Context,
    chain: &'a Chain,
    storage: &'a Storage,
    signer: &'a Signer,
    registered: Registered,
}

type Outcome = (Cid, Vec<AccountId>, Option<Sent>);

impl Adding<'_> {
    /// Stores and registers new content. The owner is granted it in the same transaction: its key is not kept anywhere else.
    async fn register(self, draft: &Draft, readers: Readers, out: &mut Out<'_>) -> Result<Outcome> {
        let (own, is_new) = match &self.registered {
            Registered::Own(own) => (own.public(), false),
            _ => (derive(self.signer, 0).public(), true),
        };
        let all: Readers = [(self.signer.account(), own)].into_iter().chain(readers).collect();
        out.line(&self.price(all.len(), is_new).await?)?;

        let Draft { path, key, sealed, made: list } = draft;
        list.note(&cid_of(path).await?)?;
        let bar = Bar::new(self.context, "storing");
        let cid = transfer::add(self.storage, path, false, &bar).await?.cid;
        drop(bar);
        let working = spinner("storing …");
        self.storage.pin_named(&cid, PIN).await?;
        let mut made = vec![cid];
        let mut calls = Vec::new();
        if is_new {
            calls.push(call::set_encryption_key(Some(own)));
        }
        calls.push(call::register_content(cid, sealed.plain_hash, sealed.plain_bytes));
        for (account, public) in &all {
            let note = |cid: &Cid| list.note(cid);
            let envelope = envelope::store(self.storage, key, public, note).await?;
            made.push(envelope);
            calls.push(call::grant_content(cid, account, envelope));
        }
        working.finish_and_clear();
        let sent = self.submit(calls, &made, list).await?;
        Ok((cid, all.into_iter().map(|(account, _)| account).collect(), Some(sent)))
    }

    /// Grants content that is registered already to those who lack a grant.
    async fn complete(
        self,
        view: &View,
        cid: Cid,
        list: &Made,
        readers: Readers,
        out: &mut Out<'_>,
    ) -> Result<Outcome> {
        let mut missing = Vec::new();
        for (account, public) in readers {
            if view.grant(&cid, &account).await?.is_none() {
                missing.push((account, public));
            }
        }
        if missing.is_empty() {
            return Ok((cid, Vec::new(), None));
        }
        out.line(&format!("The file is registered already, as {cid}."))?;
        if !self.storage.has(&cid).await? {
            return Err(problem(
                Kind::NoStore,
                format!(
                    "the file is registered as {cid}, which the store does not have: name the store that has it, or retire it and \
                     add the file again"
                ),
            ));
        }
        let key = super::grant::own_key(view, self.storage, self.signer, &cid).await?;
        // Envelopes of this very content: it is named with them.
        list.note(&cid)?;
        let (mut made, mut calls) = (Vec::new(), Vec::new());
        for (account, public) in &missing {
            let note = |cid: &Cid| list.note(cid);
            let envelope = envelope::store(self.storage, &key, public, note).await?;
            made.push(envelope);
            calls.push(call::grant_content(cid, account, envelope));
        }
        let sent = self.submit(calls, &made, list).await?;
        Ok((cid, missing.into_iter().map(|(account, _)| account).collect(), Some(sent)))
    }

    /// Sends all or nothing. What was stored for calls that the chain has certainly not carried out is let go of.
    async fn submit(&self, calls: Vec<Call>, made: &[Cid], list: &Made) -> Result<Sent> {
        list.note_height(self.chain.finalized().await?.number())?;
        let sent = send(self.chain, self.signer, &call::batch_all(calls)).await;
        if sent.as_ref().is_err_and(is_refused)
            && let Err(error) = let_go(self.storage, made).await
        {
            tracing::warn!(%error, "the store keeps what was stored for nothing, pinned as {PIN}");
        }
        sent
    }

    async fn price(&self, grants: usize, with_key: bool) -> Result<String> {
        let deposits = self.chain.deposits().await?;
        let token = self.chain.properties();
        let all = deposits.content.saturating_add(deposits.grant.saturating_mul(grants as u128));
        let content = tokens(all, token);
        Ok(match with_key {
            false => format!("The chain holds {content} for the content and {grants} grants."),
            true => format!(
                "The chain holds {content} for the content and {grants} grants, and {} for your encryption key, which is \
                 registered with it.",
                tokens(deposits.key, token)
            ),
        })
    }
}

/// The file, if it is one.
fn open(path: &Path) -> Result<File> {
    let wrong = |why: String| problem(Kind::Data, format!("{}: {why}", path.display()));
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    match file.metadata() {
        Ok(found) if found.is_file() => Ok(file),
        Ok(_) => Err(wrong("not a file".to_owned())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Those who were named, each once and without the owner, who is granted it in any case.
async fn readers(opts: &Opts, context: &Context, view: &View, signer: &Signer) -> Result<Readers> {
    let mut accounts = Vec::new();
    for text in &opts.to {
        let account = context.account(text)?;
        if account != signer.account() && !accounts.contains(&account) {
            accounts.push(account);
        }
    }
    if accounts.len() > MAX_READERS {
        return Err(problem(
            Kind::Usage,
            format!(
                "{} accounts: name at most {MAX_READERS} at a time, and run it again for the others",
                accounts.len()
            ),
        ));
    }
    let mut readers = Vec::new();
    for account in accounts {
        readers.push((account, envelope::key_of(view, &account).await?));
    }
    Ok(readers)
}

async fn encrypt(plain: File, folder: &Path, signer: &Signer) -> Result<Draft> {
    let (folder, signer) = (folder.to_owned(), signer.clone());
    tokio::task::spawn_blocking(move || draft::prepare(plain, &folder, &signer)).await?
}

/// The CID that a file has.
async fn cid_of(path: &Path) -> Result<Cid> {
    let file = File::open(path)?;
    let importing = move || unixfs::import(file, |_| Ok::<(), std::io::Error>(()));
    Ok(tokio::task::spawn_blocking(importing).await??.cid)
}

fn people(added: &Added, chain: &Chain) -> String {
    let mut rows = vec![
        ("CID", added.cid.to_string()),
        ("hash", format!("{} of the plain bytes, public", added.plain_hash)),
        ("size", format!("{} bytes, public", added.size)),
    ];
    match &added.transaction {
        Some(sent) => {
            rows.extend(added.granted.iter().map(|account| ("granted to", account.to_string())));
            let fee = tokens(sent.fee, chain.properties());
            rows.push(("block", format!("{}, fee {fee}", sent.block)));
        }
        None => rows.push(("", "registered and granted already: nothing was done".to_owned())),
    }
    pairs(&rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none")] {
            let error = open(&path).unwrap_err();
            assert_eq!(crate::exit::kind(&error), Kind::Data);
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }
}
