//! A disk that is really full: a small file system of the test's own, where this user may mount one.

#![cfg(target_os = "linux")]

use crate::support::{Daemon, bytes, disk::on_a_disk, post, store::assert_counted, upload};
use decentralml_storage::{
    Block, Cid, Codec, Error, StoreError, unfinished,
    unixfs::{canonical_cid, import},
};
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
};
use tempfile::TempDir;

const MIB: usize = 1 << 20;
/// Bytes of the file system.
const DISK: usize = 24 * MIB;

const PART: &str = "name=\"file\"; filename=\"f\"";

#[test]
fn a_full_disk_is_named_leaves_nothing_behind_and_is_used_again_once_there_is_room() {
    let name = "full_disk::a_full_disk_is_named_leaves_nothing_behind_and_is_used_again_once_there_is_room";
    on_a_disk(name, DISK, async |folder| uploads(&folder).await);
}

#[test]
fn on_a_full_disk_pins_fail_by_name_and_what_is_let_go_of_makes_room() {
    let name = "full_disk::on_a_full_disk_pins_fail_by_name_and_what_is_let_go_of_makes_room";
    on_a_disk(name, DISK, async |folder| pins(&folder).await);
}

#[test]
fn a_fetch_to_a_full_disk_fails_and_goes_on_where_it_was_once_there_is_room() {
    let name =
        "full_disk::a_fetch_to_a_full_disk_fails_and_goes_on_where_it_was_once_there_is_room";
    on_a_disk(name, DISK, async |folder| fetches(&folder).await);
}

/// Takes all room but for so many bytes.
fn fill(folder: &Path, free: usize) {
    let mut file = File::create(folder.join("filler")).unwrap();
    let error = loop {
        if let Err(error) = file.write_all(&[1; 4096]) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    let size = file.metadata().unwrap().len();
    file.set_len(size - free as u64).unwrap();
}

async fn uploads(folder: &Path) {
    // What is sent there comes from another disk.
    let source = Daemon::start().await;
    let (small, large) = (bytes(MIB), bytes(8 * MIB));
    let root = source.store.add(&large[..], true).unwrap().cid;
    let car = post(source.addr, &format!("dag/export?arg={root}")).await.body;

    let daemon = Daemon::start_in(TempDir::new_in(folder).unwrap()).await;
    let client = daemon.client().await;
    let kept = client.add(small.clone()).await.unwrap().cid;
    let before = daemon.store.stat().unwrap();

    // Nothing fits, and then some of it does.
    for free in [0, 3 * MIB] {
        fill(folder, free);
        let mut said = vec![
            client.add(large.clone()).await.unwrap_err().to_string(),
            upload(
                daemon.addr,
                "add?cid-version=1&raw-leaves=true&chunker=size-1048576",
                PART,
                &large,
            )
            .await
            .text(),
            upload(daemon.addr, "dag/import", PART, &car).await.text(),
        ];
        if free == 0 {
            let block =
                upload(daemon.addr, "block/put?cid-codec=raw", PART, &large[7 * MIB..]).await;
            assert_eq!(block.status, 500, "{}", block.text());
            said.push(block.text());
        }
        for text in said {
            assert!(
                text.contains("the disk is full") && text.contains("free some space"),
                "{text}"
            );
        }
        is_as_before(&daemon, &kept, &small).await;
        // Blocks that were whole may have stayed; nothing keeps them.
        daemon.store.gc(|_| {}).unwrap();
        let after = daemon.store.stat().unwrap();
        assert_eq!((after.blocks, after.bytes), (before.blocks, before.bytes));
    }

    fs::remove_file(folder.join("filler")).unwrap();
    let added = client.add(large.clone()).await.unwrap();
    assert_eq!(added.cid, root);
    assert!(client.fetch(&root, large.len() as u64).await.unwrap() == large);
    let block = Block::new(Codec::Raw, &b"a block"[..]);
    let put = upload(daemon.addr, "block/put?cid-codec=raw", PART, block.data()).await;
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(upload(daemon.addr, "dag/import", PART, &car).await.status, 200);
    assert_counted(&daemon.store);
}

async fn pins(folder: &Path) {
    let daemon = Daemon::start_in(TempDir::new_in(folder).unwrap()).await;
    let client = daemon.client().await;
    let (small, large) = (bytes(MIB), bytes(8 * MIB + 1)[1..].to_vec());
    let kept = client.add(small.clone()).await.unwrap().cid;
    let big = client.add(large.clone()).await.unwrap().cid;
    let loose = daemon.store.add(&b"loose"[..], false).unwrap().cid;
    fill(folder, 0);

    // Its name has to be written somewhere.
    let error = daemon.store.pin_named(&loose, "model").unwrap_err();
    assert!(matches!(error, StoreError::DiskFull(_)), "{error:?}");
    let refused = post(daemon.addr, &format!("pin/add?arg={loose}&name=model")).await;
    assert_eq!(refused.status, 500);
    let text = refused.text();
    assert!(text.contains("the disk is full") && text.contains("free some space"), "{text}");
    let error = client.pin_named(&kept, "renamed").await.unwrap_err();
    assert!(matches!(&error, Error::Api { message, .. } if message.contains("the disk is full")));
    assert!(!daemon.store.is_pinned(&loose));
    assert_eq!(daemon.store.pin_name(&kept).unwrap().as_deref(), Some(""), "as it was");
    assert_eq!(fs::read_dir(daemon.store.path().join("tmp")).unwrap().count(), 0);

    // Nothing has to be written to let go.
    assert!(client.unpin(&big).await.unwrap());
    let collected = daemon.store.gc(|_| {}).unwrap();
    assert_eq!(collected.bytes, bytes_of(&large) + 5, "all of it, and what was loose");
    is_as_before(&daemon, &kept, &small).await;
    assert_eq!(client.add(large.clone()).await.unwrap().cid, big);
    client.pin_named(&kept, "renamed").await.unwrap();
    assert_eq!(daemon.store.pin_name(&kept).unwrap().as_deref(), Some("renamed"));
}

/// Bytes of all blocks of a file.
fn bytes_of(data: &[u8]) -> u64 {
    let mut all = 0;
    import(data, |block| {
        all += block.data().len() as u64;
        Ok::<(), std::io::Error>(())
    })
    .unwrap();
    all
}

async fn fetches(folder: &Path) {
    let source = Daemon::start().await;
    let data = bytes(8 * MIB);
    let root = source.store.add(&data[..], true).unwrap().cid;
    let client = source.client().await;
    let (target, most) = (folder.join("model"), data.len() as u64);
    let part = unfinished(&target, &root);
    let is_full = |error: &Error| {
        matches!(error, Error::File { source, .. } if source.kind() == ErrorKind::StorageFull)
            && error.to_string().contains("model")
    };

    fill(folder, 3 * MIB);
    let error = client.fetch_to_file(&root, &target, most).await.unwrap_err();
    assert!(is_full(&error), "{error}");
    let names = || fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names().eq(["filler"]), "what did not fit is gone: {:?}", names().collect::<Vec<_>>());

    let error = client.fetch_to_file_resuming(&root, &target, most, |_| {}).await.unwrap_err();
    assert!(is_full(&error), "{error}");
    let begun = fs::metadata(&part).unwrap().len();
    assert!((2 << 20..=3 << 20).contains(&begun), "{begun} bytes");
    assert!(!target.exists());
    fs::remove_file(folder.join("filler")).unwrap();
    // What is there is not sent again: not even the store has it.
    let leaf = canonical_cid(&data[..MIB]);
    fs::remove_file(source.block_file(&leaf)).unwrap();
    client.fetch_to_file_resuming(&root, &target, most, |_| {}).await.unwrap();
    assert!(fs::read(&target).unwrap() == data);
    assert!(names().eq(["model"]));

    // An own store that takes no more stops no fetch.
    source.store.add(&data[..], true).unwrap();
    let own = Daemon::start_in(TempDir::new_in(folder).unwrap()).await;
    fill(folder, 2 * MIB);
    let cached = client.with_cache(own.store.clone());
    assert!(cached.fetch(&root, most).await.unwrap() == data);
    assert_counted(&own.store);
    assert_eq!(fs::read_dir(own.store.path().join("tmp")).unwrap().count(), 0);
}

/// What was there is there, whole, and nothing that is half written.
async fn is_as_before(daemon: &Daemon, kept: &Cid, content: &[u8]) {
    assert_eq!(fs::read_dir(daemon.store.path().join("tmp")).unwrap().count(), 0);
    assert_counted(&daemon.store);
    assert!(daemon.store.pins().unwrap().into_iter().eq([*kept]));
    let client = daemon.client().await;
    assert!(client.fetch(kept, content.len() as u64).await.unwrap() == content);
    let verified = post(daemon.addr, "repo/verify").await;
    assert_eq!(verified.status, 200, "{}", verified.text());
    assert!(verified.text().contains("verify complete"), "{}", verified.text());
}
