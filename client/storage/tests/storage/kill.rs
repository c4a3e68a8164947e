//! `kill -9` at any moment of adding, pinning, unpinning and collecting: no pinned block is lost, no half block is served.

use crate::support::bytes;
use decentralml_storage::{Cid, Store, StoreError};
use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, BufRead, BufReader, Write},
    ops::ControlFlow,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};
use tempfile::TempDir;

const MIB: usize = 1 << 20;
const ROUNDS: u64 = 20;
/// Files that are kept at any time; older ones are unpinned.
const KEPT: usize = 5;

/// One to three chunks. The first is one of four, so that what is added depends on blocks that others leave to the collection.
fn content(number: u64) -> Vec<u8> {
    let mut data = bytes(MIB * (number % 3) as usize + 4000);
    let own = data.len() - 4000;
    data[0] = number as u8 % 4;
    data[own..own + 8].copy_from_slice(&number.to_be_bytes());
    data
}

fn say(line: std::fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

/// The process that the next test kills; on its own it does nothing. It says what it has done after it is done, and what it lets go of before.
#[test]
fn helper_process_that_works_until_it_is_killed() {
    let (Some(folder), Ok(first)) = (env::var_os("STORE_TO_WORK_IN"), env::var("FIRST_FILE"))
    else {
        return;
    };
    let store = Arc::new(Store::open(folder).unwrap());
    let collecting = store.clone();
    thread::spawn(move || {
        loop {
            collecting.gc(|_| {}).unwrap();
            say(format_args!("\ncollected"));
        }
    });
    let mut kept: Vec<(u64, Cid)> = Vec::new();
    for number in first.parse::<u64>().unwrap().. {
        let name = format!("file {number}");
        let cid = store.add_named(&content(number)[..], Some(&name)).unwrap().cid;
        say(format_args!("\npinned {number} {cid}"));
        kept.push((number, cid));
        if kept.len() > KEPT {
            let (number, cid) = kept.remove(0);
            say(format_args!("\nletting go of {number}"));
            store.unpin(&cid).unwrap();
        }
    }
}

/// What a file of the store says, block by block, held against what was added.
fn assert_whole(store: &Arc<Store>, number: u64, cid: &Cid) {
    let pieces: Result<Vec<_>, StoreError> = store.file(cid, 0, None).unwrap().collect();
    assert!(pieces.unwrap().concat() == content(number), "file {number}");
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_is_pinned_and_leaves_no_half_block() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("store");
    // By number, as the helpers have said.
    let mut pinned = BTreeMap::new();
    let (mut collections, mut leftovers) = (0, 0);
    for round in 0..ROUNDS {
        let first = round * 1_000_000;
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::helper_process_that_works_until_it_is_killed", "--nocapture"])
            .env("STORE_TO_WORK_IN", &root)
            .env("FIRST_FILE", first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Any number of files, and then any moment of the next one.
        let mut files = 3 + round % 8;
        let mut note = |line: &str| {
            let mut words = line.split(' ');
            match words.next() {
                Some("pinned") => {
                    let number: u64 = words.next().unwrap().parse().unwrap();
                    // The last line may have been cut off.
                    let cid = words.next().and_then(|cid| cid.parse::<Cid>().ok());
                    pinned.extend(cid.map(|cid| (number, cid)));
                    1
                }
                Some("letting") => {
                    let number: u64 = words.next_back().unwrap().parse().unwrap();
                    pinned.remove(&number);
                    0
                }
                Some("collected") => {
                    collections += 1;
                    0
                }
                _ => 0,
            }
        };
        while files > 0 {
            let line = lines.next().expect("the helper has ended by itself").unwrap();
            files -= note(&line);
        }
        thread::sleep(Duration::from_micros(round * 1777 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            note(&line);
        }
        leftovers += fs::read_dir(root.join("tmp")).unwrap().count();

        let store = Arc::new(Store::open(&root).unwrap());
        assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0, "it is swept");
        let verified = store.verify(|_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!(verified.corrupt, 0, "{:?}", verified.named);
        let names = store.named_pins().unwrap();
        for (number, cid) in &pinned {
            assert_eq!(names.get(cid), Some(&format!("file {number}")), "round {round}");
        }
        // Also those of which nobody was told.
        for (cid, name) in &names {
            let number = name.strip_prefix("file ").unwrap().parse().unwrap();
            assert_whole(&store, number, cid);
        }
        store.gc(|_| {}).unwrap();
        for (number, cid) in &pinned {
            assert_whole(&store, *number, cid);
        }
        // What is kept does not grow from round to round.
        let old: Vec<_> = pinned.keys().copied().take(pinned.len().saturating_sub(KEPT)).collect();
        for number in old {
            store.unpin(&pinned.remove(&number).unwrap()).unwrap();
        }
    }
    assert!(collections > 0, "no collection has ended");
    assert!(leftovers > 0, "no kill fell into an add");
}
