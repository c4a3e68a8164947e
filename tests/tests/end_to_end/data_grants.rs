//! A file that only some may read, from its owner to others.

use anyhow::{Context, Result};
use decentralml_sdk::Signer;
use decentralml_storage::{Cid, Storage, Store as Blocks, gateway::Gateway};
use decentralml_tests::{Store, System, run, wait_until};
use serde_json::{Value, json};
use std::{fs, future::pending, net::SocketAddr, sync::Arc, time::Duration};

const SOON: Duration = Duration::from_secs(90);

const OWNER: &str = "//Owner";
const READER: &str = "//Reader";
const STRANGER: &str = "//Stranger";

fn address(uri: &str) -> Result<String> {
    Ok(Signer::from_uri(uri)?.account().to_string())
}

/// Runs what is to fail; its exit code, and what it says.
fn refused(system: &System, uri: &str, arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let output = system.command(uri)?.args(arguments).output()?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_shared_with_whom_its_owner_grants_it_and_no_longer_once_that_is_revoked()
-> Result<()> {
    let system = System::start().await?;
    system.prepare(&[OWNER, READER, STRANGER], 3).await?;
    let [owner, reader] = [address(OWNER)?, address(READER)?];
    let path = |name: &str| system.folder().join(name).display().to_string();
    let [file, copy] = ["rows.csv", "copy.csv"].map(path);
    // More than one piece, and more than one block of the store.
    let rows: Vec<u8> = (0..400_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&file, &rows)?;

    // Nobody can be granted anything who has no key.
    let (code, said) = refused(&system, OWNER, &["data", "add", &file, "--to", &reader])?;
    assert!(code == Some(6) && said.contains("encryption register"), "{said}");
    let registered = system.json(READER, &["encryption", "register"])?;
    assert_eq!(registered["generation"], 0);
    let (code, said) = refused(&system, READER, &["encryption", "register"])?;
    assert!(code == Some(5) && said.contains("rotate"), "{said}");

    // What an earlier one has stored for nothing, when it was killed before the chain heard of it.
    let junk = path("junk");
    fs::write(&junk, "an envelope that nobody was granted")?;
    let junk = system.json(OWNER, &["ipfs", "add", &junk])?;
    let junk = junk[0]["cid"].as_str().context("a CID")?.to_owned();
    system.json(OWNER, &["ipfs", "pin", &junk, "--name", "data"])?;
    let [a, b, c, d, ..] = system.chain.genesis();
    let lists = format!("state/Owner/data/{owner}-{a:02x}{b:02x}{c:02x}{d:02x}");
    let lists = system.folder().join(lists);
    fs::create_dir_all(&lists)?;
    fs::write(lists.join("00.made"), format!("{junk}\n"))?;

    let added = system.json(OWNER, &["data", "add", &file, "--to", &reader])?;
    let pins = system.json(OWNER, &["ipfs", "pin"])?;
    let pins: Vec<_> = pins.as_array().context("pins")?.iter().map(|pin| &pin["cid"]).collect();
    assert!(pins.len() == 3 && !pins.contains(&&json!(junk)), "{pins:?}");
    let cid = added["cid"].as_str().context("a CID")?;
    assert_eq!((&added["size"], &added["was_registered"]), (&json!(rows.len()), &json!(false)));
    assert_eq!(added["granted"], json!([owner, reader]));
    // The owner's key came with it, and nothing is left beside the state.
    assert_eq!(system.json(OWNER, &["encryption", "show"])?["generation"], 0);
    let stored = fs::read_dir(system.folder().join("state/Owner"))?.count();
    assert_eq!(stored, 0, "an encrypted draft is left");
    // The store has no plain byte.
    let encrypted = path("encrypted");
    system.json(STRANGER, &["ipfs", "cat", cid, "--out", &encrypted])?;
    let encrypted = fs::read(&encrypted)?;
    assert!(!encrypted.windows(64).any(|part| part == &rows[100_000..100_064]));

    // Again: nothing is done twice.
    let again = system.json(OWNER, &["data", "add", &file, "--to", &reader])?;
    assert_eq!((&again["cid"], &again["transaction"]), (&added["cid"], &Value::Null));

    let listed = system.json(OWNER, &["data", "list"])?;
    let [own] = &listed["owned"].as_array().context("a list")?[..] else { panic!("{listed:#}") };
    assert_eq!((&own["cid"], &own["plain_hash"]), (&added["cid"], &added["plain_hash"]));
    assert_eq!((&listed["granted"], &listed["complete"]), (&json!([]), &json!(true)));
    let listed = system.json(READER, &["data", "list"])?;
    assert_eq!((&listed["owned"], &listed["granted"][0]["cid"]), (&json!([]), &added["cid"]));

    let fetched = system.json(READER, &["data", "fetch", cid, "--out", &copy])?;
    assert_eq!((&fetched["bytes"], &fetched["owner"]), (&json!(rows.len()), &json!(owner)));
    assert!(fs::read(&copy)? == rows, "other bytes");
    fs::remove_file(&copy)?;

    // The encrypted bytes are everybody's, their key is not.
    let fetch = ["data", "fetch", cid, "--out", &copy];
    let (code, said) = refused(&system, STRANGER, &fetch)?;
    assert!(code == Some(5) && said.contains("not granted") && said.contains(&owner), "{said}");
    for verb in ["grant", "revoke"] {
        let (code, said) = refused(&system, STRANGER, &["data", verb, cid, &reader])?;
        assert!(code == Some(5) && said.contains("belongs to"), "{said}");
    }

    // What was encrypted to a former key still opens, and what is granted from then on with the new one.
    assert_eq!(system.json(READER, &["encryption", "rotate"])?["generation"], 1);
    system.json(READER, &fetch)?;
    assert!(fs::read(&copy)? == rows, "other bytes");
    fs::remove_file(&copy)?;
    let revoked = system.command(OWNER)?.args(["data", "revoke", cid, &reader]).output()?;
    assert!(revoked.status.success(), "{revoked:?}");
    assert!(String::from_utf8_lossy(&revoked.stdout).contains("the future only"));
    let (code, said) = refused(&system, READER, &fetch)?;
    assert!(code == Some(5) && said.contains("no longer"), "{said}");
    assert!(!fs::exists(&copy)?);
    system.json(OWNER, &["data", "grant", cid, &reader])?;
    system.json(READER, &fetch)?;
    assert!(fs::read(&copy)? == rows, "other bytes");

    // Who takes the key away keeps what was encrypted to it.
    system.json(READER, &["encryption", "remove"])?;
    assert_eq!(system.json(READER, &["encryption", "show"])?["key"], Value::Null);
    system.json(READER, &fetch)?;

    let (code, said) = refused(&system, OWNER, &["data", "retire", cid])?;
    assert!(code == Some(5) && said.contains("--revoke"), "{said}");
    let (code, said) = refused(&system, OWNER, &["data", "revoke", cid, &owner])?;
    assert!(code == Some(5) && said.contains("retire"), "{said}");
    let retired = system.json(OWNER, &["data", "retire", cid, "--revoke"])?;
    assert_eq!(retired["revoked"], json!([reader]));
    // The file and two envelopes; the one of the grant that was revoked has gone before.
    assert_eq!(retired["unpinned"], 3, "{retired:#}");
    assert_eq!(system.json(OWNER, &["ipfs", "pin"])?, json!([]));
    let (code, said) = refused(&system, READER, &fetch)?;
    assert!(code == Some(6) && said.contains("not registered"), "{said}");
    let listed = system.json(OWNER, &["data", "list"])?;
    assert_eq!((&listed["owned"], &listed["granted"]), (&json!([]), &json!([])));
    let held = system.chain.finalized().await?;
    let held = held.balance(&Signer::from_uri(OWNER)?.account()).await?.holds;
    assert!(held.iter().all(|(reason, _)| !reason.starts_with("Data")), "{held:?}");
    system.sum_of_balances().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn granted_content_comes_from_where_its_owner_has_announced_to_be() -> Result<()> {
    let system = System::start().await?;
    system.prepare(&[OWNER, READER], 3).await?;
    let reader = Signer::from_uri(READER)?.account();
    let path = |name: &str| system.folder().join(name).display().to_string();
    let [file, copy] = ["rows.csv", "copy.csv"].map(path);
    let rows: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&file, &rows)?;
    system.json(READER, &["encryption", "register"])?;
    let added = system.json(OWNER, &["data", "add", &file, "--to", &reader.to_string()])?;
    let cid: Cid = added["cid"].as_str().context("a CID")?.parse()?;

    // The reader's store has nothing of it.
    let folder = system.folder().join("elsewhere");
    fs::create_dir(&folder)?;
    let elsewhere = Store::start(&folder)?;
    wait_until("the other store", SOON, async || Ok(Some(Storage::connect(&elsewhere.url).await?)))
        .await?;
    let named = cid.to_string();
    let fetch = ["data", "fetch", &named, "--out", &copy, "--store", &elsewhere.url];
    let (code, said) = refused(&system, READER, &fetch)?;
    assert_eq!(code, Some(4), "{said}");

    let view = system.chain.finalized().await?;
    let grant = view.grant(&cid, &reader).await?.context("a grant")?;
    let blocks = Arc::new(Blocks::open(system.folder().join("gateway"))?);
    let storage = Storage::connect(&system.store.url).await?.with_cache(blocks.clone());
    for cid in [cid, grant.envelope] {
        storage.fetch(&cid, 1 << 30).await?;
        storage.pin(&cid).await?;
    }
    let gateway = Gateway::bind(blocks, "127.0.0.1:0".parse::<SocketAddr>()?).await?;
    let url = gateway.url();
    tokio::spawn(gateway.run(pending()));
    run(system.command(OWNER)?.args(["host", "announce", &url]))?;
    let fetched = system.json(READER, &fetch)?;
    assert_eq!(fetched["bytes"], json!(rows.len()));
    assert!(fs::read(&copy)? == rows, "other bytes");
    Ok(())
}
