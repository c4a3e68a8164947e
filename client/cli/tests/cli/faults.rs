//! Commands on a store that is full, corrupt, or goes away.

use crate::{decentralml, run, stderr, store};
use decentralml_storage::unixfs;
use decentralml_types::Cid;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

const MIB: usize = 1 << 20;

/// A store, and where it listens.
struct Running {
    home: TempDir,
    process: Child,
    url: String,
    folder: PathBuf,
    gateway: Option<String>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (process, listening) = store(home.path(), arguments);
        let text = |key: &str| listening[key].as_str().unwrap();
        let (url, folder) = (text("url").to_owned(), text("folder").into());
        let gateway = listening["gateway"].as_str().map(str::to_owned);
        Self { home, process, url, folder, gateway }
    }

    /// `decentralml ipfs` with these words, for this store.
    fn ipfs(&self, words: &[&str]) -> Command {
        let mut command = decentralml(self.home.path());
        command.arg("ipfs").args(words).args(["--store", &self.url]);
        command
    }

    /// Writes a file of so many bytes, of which no two MiB are alike.
    fn file(&self, name: &str, length: usize) -> (PathBuf, Vec<u8>) {
        let path = self.home.path().join(name);
        let mut data: Vec<u8> = (0..length as u32 / 4).flat_map(u32::to_le_bytes).collect();
        data.resize(length, 7);
        fs::write(&path, &data).unwrap();
        (path, data)
    }

    fn add(&self, path: &Path) -> String {
        let added = run(self.ipfs(&["add", "--json"]).arg(path));
        assert!(added.status.success(), "{}", stderr(&added));
        let added: Value = serde_json::from_slice(&added.stdout).unwrap();
        added[0]["cid"].as_str().unwrap().to_owned()
    }

    /// The file in which the store keeps a block.
    fn block(&self, cid: &Cid) -> PathBuf {
        let name: String = cid.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join("blocks").join(&name[..2]).join(name)
    }

    fn stop(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }
}

#[test]
fn what_a_store_may_not_hold_is_refused_with_the_limit_and_what_to_do() {
    let store = Running::start(&["--max-storage", "2 MiB"]);
    let (small, _) = store.file("small", MIB);
    let (large, _) = store.file("large", 3 * MIB);
    let kept = store.add(&small);
    for json in [false, true] {
        let mut command = store.ipfs(&["add"]);
        let refused = run(command.arg(&large).args(json.then_some("--json")));
        let text = stderr(&refused);
        assert_eq!(refused.status.code(), Some(4), "{text}");
        assert!(refused.stdout.is_empty());
        for part in ["the store is full", "of 2097152 bytes", "ipfs gc", "--max-storage"] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
        assert_eq!(json, serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    }
    // What was there is there, alone, and there is room for as much again.
    let pins = run(&mut store.ipfs(&["pin", "--json"]));
    let pins: Value = serde_json::from_slice(&pins.stdout).unwrap();
    assert_eq!((pins.as_array().unwrap().len(), pins[0]["cid"].as_str()), (1, Some(&kept[..])));
    assert!(run(&mut store.ipfs(&["gc"])).status.success());
    let stat = run(&mut store.ipfs(&["stat", "--json"]));
    let stat: Value = serde_json::from_slice(&stat.stdout).unwrap();
    assert_eq!((&stat["bytes"], &stat["limit"]), (&MIB.into(), &(2 * MIB).into()));
    let (other, _) = store.file("other", MIB - 4);
    store.add(&other);
    store.stop();
}

#[test]
fn a_corrupt_block_is_named_and_healed_by_the_next_add() {
    let store = Running::start(&[]);
    let (path, data) = store.file("file", 3 * MIB);
    let cid = store.add(&path);
    let whole = run(&mut store.ipfs(&["verify"]));
    assert!(whole.status.success(), "{}", stderr(&whole));
    assert!(
        String::from_utf8_lossy(&whole.stdout).contains("4 blocks, 0 corrupt; 0 pins not whole")
    );

    let leaf = unixfs::canonical_cid(&data[MIB..2 * MIB]);
    fs::write(store.block(&leaf), b"rot").unwrap();
    let found = run(&mut store.ipfs(&["verify", "--json"]));
    let text = stderr(&found);
    assert_eq!(found.status.code(), Some(4), "{text}");
    let document: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&document["blocks"], &document["corrupt"]), (&4.into(), &1.into()));
    let fault = document["faults"][0].as_str().unwrap();
    assert!(fault.contains(&leaf.to_string()), "{fault}");
    assert!(text.contains("1 corrupt block") && text.contains("add their files again"), "{text}");
    let people = run(&mut store.ipfs(&["verify"]));
    assert_eq!(people.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&people.stdout).contains(&leaf.to_string()));

    // It is served to nobody: what comes before it is printed, and the end is told to be none.
    let cut = run(&mut store.ipfs(&["cat", &cid]));
    let text = stderr(&cut);
    assert_eq!(cut.status.code(), Some(4), "{text}");
    assert!(cut.stdout == data[..MIB], "{} bytes", cut.stdout.len());
    assert!(text.contains("ends after 1048576 of 3145728 bytes"), "{text}");
    assert!(text.contains(&leaf.to_string()), "{text}");

    assert_eq!(store.add(&path), cid);
    assert!(run(&mut store.ipfs(&["verify"])).status.success());
    assert!(run(&mut store.ipfs(&["cat", &cid])).stdout == data);
    store.stop();
}

#[test]
fn a_pinned_block_that_is_gone_is_told_by_verify_and_gc_and_comes_back_with_pin_from_a_source() {
    let source = Running::start(&["--gateway", "127.0.0.1:0"]);
    let gateway = source.gateway.clone().unwrap();
    let store = Running::start(&[]);
    let (path, data) = store.file("file", 3 * MIB);
    let cid = store.add(&path);
    assert_eq!(source.add(&path), cid);
    let leaf = unixfs::canonical_cid(&data[MIB..2 * MIB]);
    fs::remove_file(store.block(&leaf)).unwrap();

    let found = run(&mut store.ipfs(&["verify", "--json"]));
    let text = stderr(&found);
    assert_eq!(found.status.code(), Some(4), "{text}");
    assert!(text.contains("1 pin not whole") && text.contains("--source"), "{text}");
    let document: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&document["corrupt"], &document["broken"][0]["cid"]), (&0.into(), &cid[..].into()));
    let fault = document["broken"][0]["faults"][0].as_str().unwrap();
    assert!(fault.contains(&leaf.to_string()), "{fault}");
    let people = run(&mut store.ipfs(&["verify"]));
    assert!(String::from_utf8_lossy(&people.stdout).contains(&leaf.to_string()));

    let collected = run(&mut store.ipfs(&["gc", "--json"]));
    assert!(collected.status.success(), "{}", stderr(&collected));
    assert!(stderr(&collected).contains(&cid), "no warning: {}", stderr(&collected));
    let document: Value = serde_json::from_slice(&collected.stdout).unwrap();
    assert_eq!((&document["blocks"], &document["broken"][0]["cid"]), (&0.into(), &cid[..].into()));

    let alone = run(&mut store.ipfs(&["pin", &cid]));
    let text = stderr(&alone);
    assert!(alone.status.code() == Some(4) && text.contains("--source"), "{text}");
    // What is printed is right, and nothing of it is kept.
    assert!(run(&mut store.ipfs(&["cat", &cid, "--source", &gateway])).stdout == data);
    assert!(!store.block(&leaf).exists());
    let pinned = run(&mut store.ipfs(&["pin", &cid, "--source", &gateway]));
    assert!(pinned.status.success(), "{}", stderr(&pinned));
    let whole = run(&mut store.ipfs(&["verify"]));
    assert!(whole.status.success(), "{}", stderr(&whole));
    store.stop();
    source.stop();
}

#[test]
fn a_corrupt_block_is_healed_by_the_next_fetch_from_elsewhere() {
    let source = Running::start(&["--gateway", "127.0.0.1:0"]);
    let gateway = source.gateway.clone().unwrap();
    let store = Running::start(&[]);
    let (path, data) = store.file("file", 3 * MIB);
    let cid = store.add(&path);
    assert_eq!(source.add(&path), cid);
    let leaf = unixfs::canonical_cid(&data[MIB..2 * MIB]);
    fs::write(store.block(&leaf), b"rot").unwrap();
    assert!(run(&mut store.ipfs(&["cat", &cid, "--source", &gateway])).stdout == data);
    assert!(fs::read(store.block(&leaf)).unwrap() == data[MIB..2 * MIB]);
    let whole = run(&mut store.ipfs(&["verify"]));
    assert!(whole.status.success(), "{}", stderr(&whole));
    store.stop();
    source.stop();
}

#[test]
fn rot_that_nobody_has_seen_is_found_by_pin_and_healed_by_a_resumed_add() {
    let store = Running::start(&[]);
    let (path, data) = store.file("file", 3 * MIB);
    let cid = store.add(&path);
    let leaf = unixfs::canonical_cid(&data[MIB..2 * MIB]);
    fs::write(store.block(&leaf), b"rot").unwrap();
    let pinned = run(&mut store.ipfs(&["pin", &cid]));
    let text = stderr(&pinned);
    assert_eq!(pinned.status.code(), Some(4), "{text}");
    assert!(text.contains(&leaf.to_string()), "{text}");
    // Nobody has seen this one.
    let other = unixfs::canonical_cid(&data[2 * MIB..]);
    fs::write(store.block(&other), b"rot").unwrap();
    let added = run(store.ipfs(&["add", "--resume"]).arg(&path));
    assert!(added.status.success(), "{}", stderr(&added));
    let whole = run(&mut store.ipfs(&["verify"]));
    assert!(whole.status.success(), "{}", stderr(&whole));
    store.stop();
}

#[test]
fn a_file_above_the_limit_is_refused_with_the_option_that_allows_it() {
    let store = Running::start(&[]);
    let (path, data) = store.file("file", MIB + 1);
    let cid = store.add(&path);
    let target = store.home.path().join("copy");
    let to_file = ["--out", target.to_str().unwrap()];
    for more in [&[][..], &to_file] {
        let small = run(store.ipfs(&["cat", &cid, "--max-bytes", "1 MiB"]).args(more));
        let text = stderr(&small);
        assert_eq!(small.status.code(), Some(4), "{text}");
        assert!(text.contains("--max-bytes") && text.contains("1048576 bytes"), "{text}");
        assert!(small.stdout.is_empty() && !target.exists());
    }
    assert!(run(&mut store.ipfs(&["cat", &cid, "--max-bytes", "2 MiB"])).stdout == data);
    store.stop();
}

#[test]
fn what_is_not_pinned_cannot_be_let_go_of() {
    let store = Running::start(&[]);
    let (path, data) = store.file("file", 2 * MIB);
    let cid = store.add(&path);
    let unknown = unixfs::canonical_cid(b"never added").to_string();
    // One below what is pinned is not let go of by itself either.
    let leaf = unixfs::canonical_cid(&data[..MIB]).to_string();
    for other in [&unknown, &leaf] {
        let refused = run(&mut store.ipfs(&["pin", "--remove", other]));
        let text = stderr(&refused);
        assert_eq!(refused.status.code(), Some(6), "{text}");
        assert!(text.contains(other) && text.contains("not pinned"), "{text}");
    }
    assert!(run(&mut store.ipfs(&["pin", "--remove", &cid])).status.success());
    assert_eq!(run(&mut store.ipfs(&["pin", "--remove", &cid])).status.code(), Some(6));
    store.stop();
}

#[test]
fn a_file_of_a_store_that_goes_away_is_not_taken_for_whole() {
    const SIZE: usize = 64 * MIB;
    let mut store = Running::start(&[]);
    let (path, data) = store.file("file", SIZE);
    let cid = store.add(&path);
    let mut cat =
        store.ipfs(&["cat", &cid]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Nobody reads on, so that it waits with the rest.
    let mut printed = vec![0; MIB];
    let mut output = cat.stdout.take().unwrap();
    output.read_exact(&mut printed).unwrap();
    store.process.kill().unwrap();
    store.process.wait().unwrap();
    output.read_to_end(&mut printed).unwrap();
    let mut said = String::new();
    BufReader::new(cat.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(cat.wait().unwrap().code(), Some(4), "{said}");
    assert!(printed.len() < SIZE && data.starts_with(&printed), "{} bytes", printed.len());
    let cut = format!("the output ends after {} of {SIZE} bytes", printed.len());
    assert!(said.contains(&cut), "{said}");
}
