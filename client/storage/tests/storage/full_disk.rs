//! A disk that is really full: a small file system of the test's own, where this user may mount one.

#![cfg(target_os = "linux")]

use crate::support::{Daemon, bytes, post, store::assert_counted, upload};
use decentralml_storage::{Block, Cid, Codec};
use std::{
    env,
    fs::{self, File},
    io::{ErrorKind, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    process::Command,
};
use tempfile::TempDir;

const MIB: usize = 1 << 20;
/// Bytes of the file system.
const DISK: usize = 24 * MIB;

/// Where the file system is, in the process that has it.
const INSIDE: &str = "DECENTRALML_FULL_DISK";

const PART: &str = "name=\"file\"; filename=\"f\"";

/// A program that runs another one with mounts of its own.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    // Root needs no namespace of users to mount something.
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--"]);
    command
}

#[test]
fn a_full_disk_is_named_leaves_nothing_behind_and_is_used_again_once_there_is_room() {
    if let Some(folder) = env::var_os(INSIDE) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(inside(Path::new(&folder)));
    }
    let folder = TempDir::new().unwrap();
    let options = format!("size={DISK}");
    let mount = ["mount", "-t", "tmpfs", "-o", &options, "disk"];
    let tried = unshare().args(mount).arg(folder.path()).output();
    if !tried.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: this user may mount nothing here: {tried:?}");
        return;
    }
    // This test alone, in a process that has the file system.
    let name = "full_disk::a_full_disk_is_named_leaves_nothing_behind_and_is_used_again_once_there_is_room";
    let output = unshare()
        .args([
            "sh",
            "-c",
            "\"$1\" \"$2\" \"$3\" \"$4\" \"$5\" \"$6\" \"$7\" && shift 7 && exec \"$@\"",
            "sh",
        ])
        .args(mount)
        .arg(folder.path())
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{errors}");
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

async fn inside(folder: &Path) {
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
