//! `decentralml data fetch`.

use super::{content, envelope};
use crate::{
    commands::{hex, model::check_target},
    context::{Context, spinner},
    daemon::unless_stopped,
    exit::{Kind, problem},
    output::{Out, pairs},
    transfer::{Bar, left_behind, to_file},
    units::Size,
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::{AccountId, Content, Signer};
use decentralml_storage::{
    Storage, parse_cid,
    seal::{self, Expected, OpenError, SecretKey},
};
use decentralml_types::Cid;
use serde::Serialize;
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// Fetch content that was granted to you, decrypted and held against the hash that its owner has registered.
///
/// It comes from the store, the gateways that --source names, and the hosts that its owner has announced. If this was interrupted, run
/// it again: the encrypted bytes that had come lie beside the target as `.CID.part`, and are not fetched twice.
#[derive(Args, Debug)]
pub struct Opts {
    /// Which content.
    #[arg(value_parser = parse_cid)]
    cid: Cid,
    /// Where the plain file goes, which appears when all of it is there; only you may read it.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Plain bytes that are fetched at most.
    #[arg(long, default_value = "16 GiB", value_name = "SIZE")]
    max_bytes: Size,
}

#[derive(Serialize)]
struct Fetched {
    cid: Cid,
    owner: AccountId,
    file: PathBuf,
    bytes: u64,
    /// SHA2-256 of them.
    plain_hash: String,
}

/// The file appears when all of it is there.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    check_target(&opts.out)?;
    let signer = context.signer()?;
    let left = left_behind(&opts.out, &opts.cid);
    unless_stopped(fetch(opts, context, &signer, out), &left).await
}

async fn fetch(opts: Opts, context: &Context, signer: &Signer, out: &mut Out<'_>) -> Result<()> {
    let (cid, account) = (opts.cid, signer.account());
    let chain = context.chain().await?;
    let view = chain.finalized().await?;
    let content = content(&view, &cid).await?;
    let grant = view.grant(&cid, &account).await?.ok_or_else(|| {
        problem(
            Kind::Refused,
            format!(
                "{cid} is not granted to {account}, or no longer: ask its owner, {}, to run `decentralml data grant {cid} \
                 {account}`",
                content.owner
            ),
        )
    })?;
    if content.size > opts.max_bytes.0 {
        return Err(problem(
            Kind::Data,
            format!(
                "{cid} has {} bytes, as its owner says: more than the limit of {}; give a larger --max-bytes",
                content.size, opts.max_bytes.0
            ),
        ));
    }
    let storage = context.storage().await?;
    let storage = context.with_hosts(&storage, &chain, &view, &[content.owner]).await?;
    let key = envelope::open(&storage, signer, &cid, &grant).await?;
    let bar = Bar::new(context, "fetching");
    let bytes = bring(&storage, &cid, &content, key, &opts.out, bar).await?;
    let fetched = Fetched {
        cid,
        owner: content.owner,
        file: opts.out,
        bytes,
        plain_hash: hex(&content.plain_hash),
    };
    out.result(&fetched, |fetched| {
        pairs(&[
            ("CID", fetched.cid.to_string()),
            ("owner", fetched.owner.to_string()),
            ("file", fetched.file.display().to_string()),
            ("bytes", fetched.bytes.to_string()),
        ])
    })
}

/// Fetches the encrypted file beside the plain one that it becomes, and removes it.
async fn bring(
    storage: &Storage,
    cid: &Cid,
    content: &Content,
    key: SecretKey,
    target: &Path,
    bar: Bar,
) -> Result<u64> {
    let beside = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let beside = beside.unwrap_or(Path::new("."));
    // It goes in any case; until the file is whole, what has come lies beside it and stays.
    let path = tempfile::Builder::new().prefix(".data-").tempfile_in(beside)?.into_temp_path();
    let limit = seal::max_sealed_bytes(content.size);
    to_file(storage, cid, &path, limit, &bar).await?;
    drop(bar);

    let encrypted = File::open(&path)?;
    let expected = Expected::at_most(content.size).with_hash(content.plain_hash);
    let target = target.to_owned();
    let working = spinner("decrypting …");
    let opening = tokio::task::spawn_blocking(move || {
        seal::open_to_file(encrypted, &target, &[&key], &expected)
    });
    let opened = opening.await?.map_err(|error| refused(cid, content, &error))?;
    working.finish_and_clear();
    Ok(opened.plain_bytes)
}

/// What is wrong with encrypted bytes, and whom to ask.
fn refused(cid: &Cid, content: &Content, error: &OpenError) -> color_eyre::Report {
    let (kind, why) = match error {
        OpenError::NotForUs => {
            (Kind::Data, "the key that its owner granted is not its key".to_owned())
        }
        OpenError::Read(_) | OpenError::Write(_) => {
            return problem(Kind::Other, error.to_string());
        }
        error => (Kind::Data, error.to_string()),
    };
    let owner = content.owner;
    problem(
        kind,
        format!(
            "{cid} is not what was registered: {why}. Nothing was written; tell its owner, {owner}"
        ),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{commands::data::testing::store, exit::kind};
    use std::fs;

    #[tokio::test]
    async fn only_what_was_registered_becomes_a_file() {
        let (folder, _store, storage) = store().await;
        let plain = b"rows of somebody\n".repeat(20_000);
        let mut sealed = Vec::new();
        let (key, made) = seal::seal_to_one(&plain[..], &mut sealed).unwrap();
        let cid = storage.add(sealed).await.unwrap().cid;
        let content = Content {
            owner: AccountId::from([1; 32]),
            plain_hash: made.plain_hash,
            size: made.plain_bytes,
            grants: 1,
            deposit: 0,
        };
        let target = folder.path().join("plain");
        let copy = || SecretKey::parse(&key.reveal()).unwrap();
        let bytes = bring(&storage, &cid, &content, copy(), &target, Bar::hidden()).await.unwrap();
        assert_eq!((bytes, fs::read(&target).unwrap()), (made.plain_bytes, plain));

        fs::remove_file(&target).unwrap();
        let before = fs::read_dir(folder.path()).unwrap().count();
        let other_hash = Content { plain_hash: [9; 32], ..content };
        let shorter = Content { size: content.size - 1, ..content };
        for (content, key, part) in [
            (other_hash, copy(), "other bytes than the hash"),
            (shorter, copy(), "longer than the limit"),
            (content, SecretKey::generate(), "is not its key"),
        ] {
            let error =
                bring(&storage, &cid, &content, key, &target, Bar::hidden()).await.unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert_eq!(kind(&error), Kind::Data);
            assert!(!target.exists());
        }
        // A size that does not even leave room for the encrypted bytes.
        let tiny = Content { size: 1, ..content };
        let error = bring(&storage, &cid, &tiny, copy(), &target, Bar::hidden()).await.unwrap_err();
        assert!(error.to_string().contains("larger than the limit"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before, "something was left");
    }
}
