//! Large updates take no more memory than small ones, on either side.

#![cfg(target_os = "linux")]

use super::{DRAWN, MIB, Trainer, client, cuts::spawn_host, support, target};
use decentralml_storage::{Store, host::Parcel};
use std::{
    env, fs,
    process::{Command, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

/// Bytes of the update; the sides may have less than half of it in memory.
const SIZE: usize = 160 * MIB;
const MOST: u64 = 64 << 10;

/// The most memory that a process has had, in KiB.
fn peak(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The process that the next test starts; on its own it does nothing.
#[test]
fn helper_process_that_hands_over() {
    let (Some(folder), Ok(url)) = (env::var_os("SENDER_FOLDER"), env::var("SENDER_TO")) else {
        return;
    };
    let store = Arc::new(Store::open(folder).unwrap());
    let cid = *store.pins().unwrap().first().unwrap();
    let parcel = Arc::new(Parcel::new(&store, &cid).unwrap());
    let trainer = Trainer::new(DRAWN[0]);
    let statement = trainer.statement([9; 32], &parcel);
    let targets = [target(&url, statement)];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = client();
    let handed = runtime.block_on(client.hand_to(&parcel, &targets, 1, |_| {}));
    assert_eq!(handed.holders.len(), 1, "{handed:?}");
    let peak = peak("self");
    assert!(peak < MOST, "the sender had {peak} KiB in memory");
}

#[test]
fn neither_side_has_much_of_a_large_update_in_memory() {
    let folder = TempDir::new().unwrap();
    let (near, far) = (folder.path().join("near"), folder.path().join("far"));
    let data = support::bytes(SIZE);
    let cid = Store::open(&near).unwrap().add(&data[..], true).unwrap().cid;
    drop(data);
    let (mut host, addr) = spawn_host(&far, "127.0.0.1:0");
    let sender = Command::new(env::current_exe().unwrap())
        .args(["--exact", "host::size::helper_process_that_hands_over", "--nocapture"])
        .env("SENDER_FOLDER", &near)
        .env("SENDER_TO", format!("http://{addr}"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let peak = peak(&host.id().to_string());
    host.kill().unwrap();
    host.wait().unwrap();
    assert!(sender.success());
    assert!(peak < MOST, "the host had {peak} KiB in memory");
    println!("the host had {peak} KiB in memory");
    assert!(Store::open(&far).unwrap().is_pinned(&cid));
}
