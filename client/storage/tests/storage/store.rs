//! The embedded store on its own: durability, healing, one holder, pins.

use crate::support::{block_file, bytes};
use decentralml_storage::{Block, Codec, MAX_BLOCK, Stat, Store, StoreError, unixfs};
use std::{
    fs,
    io::{self, Read},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const MIB: usize = 1 << 20;

fn open() -> (TempDir, Arc<Store>) {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    (folder, store)
}

fn read(
    store: &Arc<Store>,
    cid: &decentralml_storage::Cid,
    offset: u64,
    length: Option<u64>,
) -> Vec<u8> {
    store.file(cid, offset, length).unwrap().map(Result::unwrap).collect::<Vec<_>>().concat()
}

#[test]
fn what_is_added_is_read_back_after_reopening() {
    let (folder, store) = open();
    for size in [0, 1, MIB, 3 * MIB + 5] {
        let data = bytes(size);
        let added = store.add(&data[..], true).unwrap();
        assert_eq!(added.cid, unixfs::canonical_cid(&data));
        assert_eq!(added.size, size as u64);
    }
    let pins = store.pins().unwrap();
    assert_eq!(pins.len(), 4);
    drop(store);
    let store = Arc::new(Store::open(folder.path()).unwrap());
    assert_eq!(store.pins().unwrap(), pins);
    let data = bytes(3 * MIB + 5);
    assert_eq!(read(&store, &unixfs::canonical_cid(&data), 0, None), data);
}

#[test]
fn any_part_of_a_file_can_be_read() {
    let (_folder, store) = open();
    let data = bytes(2 * MIB + 100);
    let cid = store.add(&data[..], false).unwrap().cid;
    let size = data.len();
    for (offset, length) in [
        (0, 10),
        (MIB - 5, 10),
        (MIB, MIB),
        (2 * MIB, 1000),
        (size - 1, 1),
        (size, 5),
        (size + 7, 5),
        (3, 0),
    ] {
        let end = (offset + length).min(size);
        let expected = data.get(offset..end).unwrap_or_default();
        assert_eq!(
            read(&store, &cid, offset as u64, Some(length as u64)),
            expected,
            "{offset}+{length}"
        );
    }
    assert_eq!(read(&store, &cid, MIB as u64 + 1, None), &data[MIB + 1..]);
}

#[test]
fn equal_chunks_are_kept_once() {
    let (_folder, store) = open();
    store.add(io::repeat(0).take(5 * MIB as u64), false).unwrap();
    let stat = store.stat().unwrap();
    assert_eq!(stat.blocks, 2, "one leaf and the root");
    assert!(stat.bytes < MIB as u64 + 1000);
}

#[test]
fn a_corrupt_block_is_never_served_and_adding_it_again_heals_it() {
    let (_folder, store) = open();
    let data = bytes(2 * MIB);
    let cid = store.add(&data[..], true).unwrap().cid;
    let leaf = unixfs::canonical_cid(&data[MIB..]);
    for damage in [&b""[..], &data[..MIB], &vec![1; MAX_BLOCK + 1]] {
        fs::write(block_file(store.path(), &leaf), damage).unwrap();
        assert!(matches!(store.get(&leaf), Err(StoreError::Corrupt { cid, .. }) if cid == leaf));
        let mut pieces = store.file(&cid, 0, None).unwrap();
        assert!(pieces.next().unwrap().is_ok());
        assert!(matches!(pieces.next(), Some(Err(StoreError::Corrupt { .. }))));
        assert!(pieces.next().is_none());
        store.add(&data[..], true).unwrap();
        assert_eq!(read(&store, &cid, 0, None), data);
    }
}

#[test]
fn a_missing_block_is_an_error_that_names_it() {
    let (_folder, store) = open();
    let absent = Block::new(Codec::Raw, &b"absent"[..]).cid();
    assert!(!store.has(&absent));
    let error = store.get(&absent).unwrap_err();
    assert!(error.to_string().contains(&absent.to_string()), "{error}");
}

#[test]
fn blocks_above_the_limit_are_refused() {
    let (_folder, store) = open();
    store.put(&Block::new(Codec::Raw, vec![0; MAX_BLOCK])).unwrap();
    let large = Block::new(Codec::Raw, vec![0; MAX_BLOCK + 1]);
    assert!(
        matches!(store.put(&large), Err(StoreError::BlockTooLarge(size)) if size == MAX_BLOCK + 1)
    );
    assert!(!store.has(&large.cid()));
}

#[test]
fn an_add_that_fails_leaves_nothing_behind() {
    struct Breaks(usize);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 =
                self.0.checked_sub(1).ok_or_else(|| io::Error::other("the cable was pulled"))?;
            buffer.fill(self.0 as u8);
            Ok(buffer.len())
        }
    }
    let (folder, store) = open();
    let error = store.add(Breaks(20), true).unwrap_err();
    assert!(error.to_string().contains("the cable was pulled"), "{error}");
    assert_eq!(store.stat().unwrap(), Stat::default());
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    assert!(store.pins().unwrap().is_empty());
}

#[test]
fn a_second_opening_is_refused_and_names_the_holder() {
    let (folder, store) = open();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Locked { pid, .. } if *pid == std::process::id().to_string())
    );
    assert!(error.to_string().contains("stop that process"), "{error}");
    drop(store);
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_foreign_folder_and_another_layout_are_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("thesis.tex"), "x").unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::NotAStore(_))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let (folder, store) = open();
    drop(store);
    fs::write(folder.path().join("version"), "decentralml-store 9\n").unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Layout { .. })));
}

#[test]
fn pins_need_every_block_and_can_be_removed_once() {
    let (_folder, store) = open();
    let data = bytes(MIB + 1);
    let cid = store.add(&data[..], false).unwrap().cid;
    assert!(!store.is_pinned(&cid));
    store.pin(&cid).unwrap();
    store.pin(&cid).unwrap();
    assert_eq!(store.pins().unwrap().into_iter().collect::<Vec<_>>(), [cid]);
    store.unpin(&cid).unwrap();
    assert!(matches!(store.unpin(&cid), Err(StoreError::NotPinned(_))));

    fs::remove_file(block_file(store.path(), &unixfs::canonical_cid(&data[MIB..]))).unwrap();
    assert!(matches!(store.pin(&cid), Err(StoreError::NotFound(_))));
    assert!(!store.is_pinned(&cid));
}

/// The process that the next test kills; on its own it does nothing.
#[test]
fn helper_process_that_adds_until_it_is_killed() {
    let Some(folder) = std::env::var_os("STORE_TO_FILL") else { return };
    let store = Store::open(folder).unwrap();
    for round in 0u64.. {
        let data: Vec<u8> = bytes(8 * MIB).iter().map(|byte| byte ^ round as u8).collect();
        store.add(&data[..], true).unwrap();
        fs::write(store.path().join("tmp/progress"), round.to_string()).unwrap();
    }
}

#[test]
fn a_kill_in_the_middle_of_adding_leaves_whole_blocks_only_and_its_leftovers_are_swept() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("store");
    let mut interrupted = 0;
    for _ in 0..10 {
        if interrupted == 3 {
            break;
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::helper_process_that_adds_until_it_is_killed"])
            .env("STORE_TO_FILL", &root)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let temporary = root.join("tmp");
        // Until a file has been added and the next one is half written.
        let busy = || {
            temporary.join("progress").exists()
                && fs::read_dir(&temporary).is_ok_and(|files| files.count() > 3)
        };
        while !busy() {
            assert!(started.elapsed() < Duration::from_secs(60), "the helper does not write");
            std::thread::sleep(Duration::from_millis(2));
        }
        let error = Store::open(&root).unwrap_err();
        assert!(
            matches!(&error, StoreError::Locked { pid, .. } if *pid == child.id().to_string()),
            "{error}"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        // Beside the helper's own note; none where the kill fell between two files.
        interrupted += u32::from(fs::read_dir(&temporary).unwrap().count() > 1);

        let store = Arc::new(Store::open(&root).unwrap());
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
        let pins = store.pins().unwrap();
        assert!(!pins.is_empty());
        for cid in pins {
            assert_eq!(read(&store, &cid, 0, None).len(), 8 * MIB);
        }
        drop(store);
        for shard in fs::read_dir(root.join("blocks")).unwrap() {
            for file in fs::read_dir(shard.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let block = Block::new(Codec::Raw, fs::read(&path).unwrap());
                assert_eq!(block_file(&root, &block.cid()), path);
            }
        }
        fs::remove_dir_all(&root).unwrap();
    }
    assert_eq!(interrupted, 3, "no kill fell into an add");
}
