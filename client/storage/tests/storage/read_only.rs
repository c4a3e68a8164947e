//! A disk that becomes read-only while a store is in use, as systems make one whose errors they have seen.

#![cfg(target_os = "linux")]

use crate::support::{
    Daemon, bytes,
    disk::{make_read_only, make_writable, on_a_disk},
    post,
    store::assert_counted,
    upload,
};
use decentralml_storage::{Block, Codec, Error, Store, StoreError};
use std::{fs, io::ErrorKind, path::Path};
use tempfile::TempDir;

const MIB: usize = 1 << 20;

const PART: &str = "name=\"file\"; filename=\"f\"";

#[test]
fn a_store_whose_disk_becomes_read_only_gives_what_it_has_and_says_why_it_takes_nothing() {
    let name = "read_only::a_store_whose_disk_becomes_read_only_gives_what_it_has_and_says_why_it_takes_nothing";
    on_a_disk(name, 32 * MIB, async |folder| inside(&folder).await);
}

/// What an error says of such a disk, and what to do about it.
fn assert_said(text: &str) {
    assert!(text.contains("its file system is read-only"), "{text}");
    assert!(text.contains("choose another folder"), "{text}");
}

async fn inside(folder: &Path) {
    let daemon = Daemon::start_in(TempDir::new_in(folder).unwrap()).await;
    let (store, client) = (&daemon.store, daemon.client().await);
    let data = bytes(3 * MIB + 5);
    let kept = client.add(data.clone()).await.unwrap().cid;
    let loose = store.add(&b"loose"[..], false).unwrap().cid;
    let other = Daemon::start().await;
    let fresh = other.store.add(&bytes(MIB + 9)[..], true).unwrap().cid;
    let car = post(other.addr, &format!("dag/export?arg={fresh}")).await.body;
    let known = post(daemon.addr, &format!("dag/export?arg={kept}")).await.body;
    let before = store.stat().unwrap();
    // A transfer that is under way.
    let reader = store.file(&kept, 0, None).unwrap();
    make_read_only(store.path());

    for (what, error) in [
        ("add", store.add(&b"more"[..], true).unwrap_err()),
        ("put", store.put(&Block::new(Codec::Raw, &b"more"[..])).unwrap_err()),
        ("pin", store.pin(&loose).unwrap_err()),
        ("unpin", store.unpin(&kept).unwrap_err()),
        ("gc", store.gc(|cid| panic!("{cid} is said to be removed")).map(drop).unwrap_err()),
        ("remove", store.remove(&[loose]).map(drop).unwrap_err()),
        ("open", Store::open(store.path()).map(drop).unwrap_err()),
    ] {
        let StoreError::Denied { source, .. } = &error else { panic!("{what}: {error:?}") };
        assert_eq!(source.kind(), ErrorKind::ReadOnlyFilesystem, "{what}");
        assert_said(&error.to_string());
    }
    let error = client.add(bytes(100)).await.unwrap_err();
    assert!(matches!(error, Error::Api { .. }), "{error:?}");
    assert_said(&error.to_string());
    for refused in [
        upload(daemon.addr, "block/put", PART, b"more").await,
        upload(daemon.addr, "dag/import", PART, &car).await,
        post(daemon.addr, &format!("pin/add?arg={loose}")).await,
        post(daemon.addr, &format!("pin/rm?arg={kept}")).await,
        post(daemon.addr, "repo/gc").await,
    ] {
        assert_eq!(refused.status, 500, "{}", refused.text());
        assert_said(&refused.text());
    }

    // All of its blocks are here; only the pin would be written.
    let imported = upload(daemon.addr, "dag/import", PART, &known).await.json();
    assert_said(imported["Root"]["PinErrorMsg"].as_str().unwrap());

    assert!(reader.flat_map(Result::unwrap).collect::<Vec<u8>>() == data);
    assert!(client.fetch(&kept, data.len() as u64).await.unwrap() == data);
    assert_eq!(client.pins().await.unwrap(), [kept]);
    let verified = post(daemon.addr, "repo/verify").await;
    assert!(verified.text().contains("verify complete"), "{}", verified.text());
    assert_eq!(store.stat().unwrap(), before);
    assert_counted(store);
    assert_eq!(fs::read_dir(store.path().join("tmp")).unwrap().count(), 0);
    // A client whose own store it is goes on without it.
    let cached = other.client().await.with_cache(daemon.store.clone());
    assert!(cached.fetch(&fresh, 2 << 20).await.unwrap() == bytes(MIB + 9));

    make_writable(store.path());
    let more = bytes(MIB + 1);
    let added = client.add(more.clone()).await.unwrap();
    assert!(client.fetch(&added.cid, added.size).await.unwrap() == more);
    store.pin(&loose).unwrap();
    assert!(client.unpin(&kept).await.unwrap());
    // Its leaves and their node; the one that both files begin with stays.
    assert_eq!(store.gc(|_| {}).unwrap().blocks, 4);
    assert_counted(store);
}
