//! Pins with names, garbage collection beside everything else, the quota, checks of the whole store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_storage::{
    Block, Cid, Codec, Collected, MAX_PIN_NAME, Removal, Store, StoreError, StoreOptions, unixfs,
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use support::{block_file, bytes, node};
use tempfile::TempDir;

const MIB: usize = 1 << 20;

fn open() -> (TempDir, Arc<Store>) {
    open_with(None)
}

fn open_with(max_bytes: Option<u64>) -> (TempDir, Arc<Store>) {
    let folder = TempDir::new().unwrap();
    let store = Store::open_with(folder.path(), StoreOptions { max_bytes }).unwrap();
    (folder, Arc::new(store))
}

fn read(store: &Arc<Store>, cid: &Cid) -> Vec<u8> {
    store.file(cid, 0, None).unwrap().map(Result::unwrap).collect::<Vec<_>>().concat()
}

/// The names of all block files and their bytes together.
fn on_disk(root: &Path) -> (BTreeSet<String>, u64) {
    let (mut names, mut bytes) = (BTreeSet::new(), 0);
    for shard in fs::read_dir(root.join("blocks")).unwrap() {
        for file in fs::read_dir(shard.unwrap().path()).unwrap() {
            let file = file.unwrap();
            names.insert(file.file_name().into_string().unwrap());
            bytes += file.metadata().unwrap().len();
        }
    }
    (names, bytes)
}

fn assert_counted(store: &Store) {
    let (names, bytes) = on_disk(store.path());
    let stat = store.stat().unwrap();
    assert_eq!((stat.blocks, stat.bytes), (names.len() as u64, bytes));
}

#[test]
fn pins_have_names_of_a_bounded_length_and_keep_them() {
    let (folder, store) = open();
    let cid = store.add_named(&b"weights"[..], Some("round 1")).unwrap().cid;
    assert_eq!(store.pin_name(&cid).unwrap().as_deref(), Some("round 1"));
    let longest = "é".repeat(127) + "x";
    assert_eq!(longest.len(), MAX_PIN_NAME);
    store.pin_named(&cid, &longest).unwrap();
    let too_long = "x".repeat(MAX_PIN_NAME + 1);
    for refused in [
        store.pin_named(&cid, &too_long),
        store.add_named(&b"other"[..], Some(&too_long)).map(drop),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.to_string(), "pin name is 256 bytes (max 255 bytes)");
    }
    assert_eq!(store.stat().unwrap().blocks, 1, "nothing was added under a name that is refused");
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.named_pins().unwrap(), BTreeMap::from([(cid, longest)]));
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    store.pin(&cid).unwrap();
    assert_eq!(store.pin_name(&cid).unwrap().as_deref(), Some(""), "as in Kubo, no name is a name");
    store.unpin(&cid).unwrap();
    assert_eq!(store.pin_name(&cid).unwrap(), None);
}

#[test]
fn pins_of_older_stores_and_pins_with_a_rotten_name_are_pins() {
    let (folder, store) = open();
    let cids = [&b"old"[..], b"not text", b"long"].map(|data| store.add(data, false).unwrap().cid);
    for (cid, content) in cids.iter().zip([&b""[..], b"\xff\xfe", &[b'x'; 300]]) {
        fs::write(folder.path().join("pins").join(cid.to_string()), content).unwrap();
    }
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.named_pins().unwrap(), cids.map(|cid| (cid, String::new())).into());
    assert_eq!(store.gc(|_| {}).unwrap(), Collected::default());
}

#[test]
fn a_collection_removes_what_no_pin_reaches_and_nothing_else() {
    let (folder, store) = open();
    let data = bytes(3 * MIB);
    let kept = store.add(&data[..], true).unwrap().cid;
    // Shares two leaves with what is kept.
    let dropped = store.add(&data[..2 * MIB + 1], true).unwrap().cid;
    let loose = Block::new(Codec::Raw, &b"loose"[..]);
    store.put(&loose).unwrap();
    fs::write(folder.path().join("blocks/ab/notes.txt"), "not ours").unwrap();
    store.unpin(&dropped).unwrap();

    let mut removed = BTreeSet::new();
    let collected = store.gc(|cid| removed.extend([cid.digest])).unwrap();
    let last = unixfs::canonical_cid(&data[2 * MIB..2 * MIB + 1]);
    assert_eq!(removed, [dropped, loose.cid(), last].map(|cid| cid.digest).into());
    assert_eq!(collected.blocks, 3);
    assert_eq!(read(&store, &kept), data);
    assert!(!store.has(&loose.cid()));
    fs::remove_file(folder.path().join("blocks/ab/notes.txt")).unwrap();
    assert_counted(&store);
    assert_eq!(store.gc(|_| {}).unwrap(), Collected::default());
}

#[test]
fn what_is_missing_or_corrupt_under_a_pin_stops_a_collection_before_it_removes_anything() {
    let (_folder, store) = open();
    let data = bytes(2 * MIB + 1);
    let root = store.add(&data[..], true).unwrap().cid;
    store.put(&Block::new(Codec::Raw, &b"garbage"[..])).unwrap();
    let before = on_disk(store.path());
    for damage in [
        block_file(store.path(), &unixfs::canonical_cid(&data[MIB..2 * MIB])),
        block_file(store.path(), &root),
    ] {
        let whole = fs::read(&damage).unwrap();
        fs::remove_file(&damage).unwrap();
        let error = store.gc(|cid| panic!("{cid} was removed")).unwrap_err();
        assert!(
            matches!(&error, StoreError::BrokenPin { root: pin, .. } if *pin == root),
            "{error}"
        );
        assert!(error.to_string().contains("nothing was removed"), "{error}");
        fs::write(&damage, &whole).unwrap();
    }
    fs::write(block_file(store.path(), &root), b"rot").unwrap();
    let error = store.gc(|cid| panic!("{cid} was removed")).unwrap_err();
    assert!(matches!(error, StoreError::BrokenPin { .. }), "{error}");
    store.add(&data[..], true).unwrap();
    assert_eq!(on_disk(store.path()).0.len(), before.0.len());
    assert_eq!(store.gc(|_| {}).unwrap().blocks, 1);
}

#[test]
fn what_is_being_added_read_or_leased_survives_a_collection() {
    let (_folder, store) = open();
    let data = bytes(3 * MIB);
    let cid = store.add(&data[..], true).unwrap().cid;
    let mut reader = store.file(&cid, 0, None).unwrap();
    let first = reader.next().unwrap().unwrap();
    store.unpin(&cid).unwrap();
    assert_eq!(store.gc(|_| {}).unwrap(), Collected::default(), "it is being read");
    let rest: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!([&first[..], &rest.concat()].concat(), data);
    let lease = store.lease(&cid);
    drop(reader);
    assert_eq!(store.gc(|_| {}).unwrap(), Collected::default(), "it is leased");
    drop(lease);

    let leaf = Block::new(Codec::Raw, data[..MIB].to_vec());
    let mut batch = store.batch();
    batch.put(&leaf).unwrap();
    assert_eq!(store.gc(|_| {}).unwrap().blocks, 3, "all but the leaf, which was there before");
    let hold = batch.commit().unwrap();
    assert_eq!(store.gc(|_| {}).unwrap().blocks, 0);
    assert!(store.has(&leaf.cid()));
    drop(hold);
    assert_eq!(store.gc(|_| {}).unwrap().blocks, 1);
    assert_eq!(on_disk(store.path()), (BTreeSet::new(), 0));
}

#[test]
fn a_reader_that_comes_in_the_middle_of_a_collection_keeps_what_is_left() {
    let (_folder, store) = open();
    let data = bytes(3 * MIB);
    let cid = store.add(&data[..], true).unwrap().cid;
    let mut batch = store.batch();
    for number in 0..300u32 {
        batch.put(&Block::new(Codec::Raw, number.to_be_bytes().to_vec())).unwrap();
    }
    drop(batch.commit().unwrap());
    let mut reader = None;
    let mut removed = 0;
    store
        .gc(|_| {
            removed += 1;
            if removed == 1 {
                // The collection has its list of pins by now.
                reader = Some(store.file(&cid, 0, None).unwrap());
                store.unpin(&cid).unwrap();
            }
        })
        .unwrap();
    assert_eq!(removed, 300);
    let pieces: Vec<_> = reader.unwrap().map(Result::unwrap).collect();
    assert_eq!(pieces.concat(), data);
}

#[test]
fn a_pin_that_comes_in_the_middle_of_a_collection_is_whole_or_refused() {
    let (_folder, store) = open();
    let mut batch = store.batch();
    let roots: Vec<_> = (0..40u8)
        .map(|number| {
            let leaves = [0, 1, 2].map(|part| Block::new(Codec::Raw, vec![number, part]));
            let root = node(&leaves);
            leaves.iter().chain([&root]).for_each(|block| batch.put(block).unwrap());
            root.cid()
        })
        .collect();
    drop(batch.commit().unwrap());
    let mut removed = 0;
    let mut pinned = Vec::new();
    let mut refused = 0;
    store
        .gc(|_| {
            removed += 1;
            if removed == 60 {
                for root in &roots {
                    match store.pin(root) {
                        Ok(()) => pinned.push(*root),
                        Err(StoreError::NotFound(_)) => refused += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        })
        .unwrap();
    assert!(!pinned.is_empty() && refused > 0, "{} and {refused}", pinned.len());
    assert_eq!(store.pins().unwrap(), pinned.iter().copied().collect());
    pinned.iter().for_each(|root| assert_eq!(read(&store, root).len(), 6));
    // What a refused pin had met is left to the next one.
    store.gc(|_| {}).unwrap();
    assert_eq!(on_disk(store.path()).0.len(), 4 * pinned.len());
    assert_counted(&store);
}

#[test]
fn adding_pinning_unpinning_reading_and_collecting_at_once_lose_nothing() {
    const FILES: usize = 60;
    let (folder, store) = open();
    // Every file shares leaves with others, so that what one thread drops is what another adds.
    let file = |number: usize| {
        let leaf = |part: usize| Block::new(Codec::Raw, vec![(number + part * 7) as u8 % 40; 9000]);
        let own = Block::new(Codec::Raw, format!("file {number}").into_bytes());
        vec![leaf(0), leaf(1), leaf(2), own]
    };
    let content =
        |leaves: &[Block]| leaves.iter().map(|leaf| &leaf.data()[..]).collect::<Vec<_>>().concat();
    let pinned = Mutex::new(BTreeMap::new());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let adders: Vec<_> = (0..3)
            .map(|adder| {
                let (store, pinned) = (&store, &pinned);
                scope.spawn(move || {
                    for number in (adder..FILES * 3).step_by(3).map(|number| number % FILES) {
                        let leaves = file(number);
                        let root = node(&leaves);
                        let mut batch = store.batch();
                        leaves.iter().chain([&root]).for_each(|block| batch.put(block).unwrap());
                        let hold = batch.commit().unwrap();
                        thread::yield_now();
                        {
                            // The list and the pins change together.
                            let mut pinned = pinned.lock().unwrap();
                            store.pin_named(&root.cid(), &number.to_string()).unwrap();
                            pinned.insert(root.cid(), content(&leaves));
                        }
                        drop(hold);
                        // A block that another file has, without a pin.
                        store.put(&file(number + 1)[0]).unwrap();
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.gc(|_| {}).unwrap();
            }
        });
        scope.spawn(|| {
            for turn in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                // Opened while it is pinned, read after it is not.
                let (reader, expected) = {
                    let mut pinned = pinned.lock().unwrap();
                    let Some(cid) = pinned.keys().nth(turn % 11).copied() else { continue };
                    let reader = store.file(&cid, 0, None).unwrap();
                    let expected = pinned[&cid].clone();
                    if turn % 3 == 0 {
                        pinned.remove(&cid);
                        store.unpin(&cid).unwrap();
                    }
                    (reader, expected)
                };
                let pieces: Vec<_> = reader.inspect(|_| thread::yield_now()).collect();
                let read: Vec<_> = pieces.into_iter().map(Result::unwrap).collect();
                assert_eq!(read.concat(), expected);
                if turn % 5 == 0 {
                    // What is pinned or in use it refuses.
                    store.remove(&[file(turn)[1].cid()]).unwrap();
                }
            }
        });
        let ended: Vec<_> = adders.into_iter().map(|adder| adder.join()).collect();
        // Before anything that can fail, or the others would never end.
        done.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|adder| adder.unwrap());
    });

    let pinned = pinned.into_inner().unwrap();
    let pins = store.pins().unwrap();
    assert!(!pins.is_empty());
    assert_eq!(pins, pinned.keys().copied().collect());
    pinned.iter().for_each(|(cid, content)| assert_eq!(read(&store, cid), *content));
    store.gc(|_| {}).unwrap();
    let mut expected = BTreeSet::new();
    for leaves in (0..FILES).map(file) {
        let root = node(&leaves);
        if pins.contains(&root.cid()) {
            let blocks =
                leaves.iter().chain([&root]).map(|block| block_file(Path::new(""), &block.cid()));
            expected
                .extend(blocks.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()));
        }
    }
    assert_eq!(on_disk(store.path()).0, expected, "what is unpinned is gone");
    assert_counted(&store);
    let verified = store.verify(|_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!((verified.blocks, verified.corrupt), (expected.len() as u64, 0));
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.pins().unwrap(), pins);
    assert_counted(&store);
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8),
    Unpin(u8),
    Put(u8),
    Remove(u8),
    Collect,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..6u8;
    prop_oneof![
        3 => number.clone().prop_map(Step::Add),
        2 => number.clone().prop_map(Step::Unpin),
        1 => number.clone().prop_map(Step::Put),
        1 => number.prop_map(Step::Remove),
        1 => Just(Step::Collect),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_the_set_that_its_steps_describe(steps in proptest::collection::vec(step(), 1..20)) {
        let folder = TempDir::new().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        // Files 0 to 5, of two leaves each, the second of which is the first of the next.
        let leaf = |number: u8| Block::new(Codec::Raw, vec![number; usize::from(number) + 1]);
        let blocks = |number: u8| {
            let leaves = [leaf(number), leaf(number + 1)];
            let root = node(&leaves);
            let [one, two] = leaves;
            [one, two, root]
        };
        let (mut present, mut pinned) = (BTreeSet::new(), BTreeSet::new());
        let needed = |pinned: &BTreeSet<u8>| -> BTreeSet<Cid> {
            pinned.iter().flat_map(|number| blocks(*number).map(|block| block.cid())).collect()
        };
        for step in steps {
            match step {
                Step::Add(number) => {
                    let mut batch = store.batch();
                    for block in blocks(number) {
                        batch.put(&block).unwrap();
                        present.insert(block.cid());
                    }
                    let hold = batch.commit().unwrap();
                    store.pin(&blocks(number)[2].cid()).unwrap();
                    drop(hold);
                    pinned.insert(number);
                }
                Step::Unpin(number) => {
                    let removed = store.unpin(&blocks(number)[2].cid());
                    prop_assert_eq!(removed.is_ok(), pinned.remove(&number));
                }
                Step::Put(number) => {
                    store.put(&leaf(number)).unwrap();
                    present.insert(leaf(number).cid());
                }
                Step::Remove(number) => {
                    let cid = leaf(number).cid();
                    let removal = store.remove(&[cid]).unwrap()[0];
                    if needed(&pinned).contains(&cid) {
                        prop_assert!(matches!(removal, Removal::PinnedVia(_)), "{:?}", removal);
                    } else if present.remove(&cid) {
                        prop_assert_eq!(removal, Removal::Removed);
                    } else {
                        prop_assert_eq!(removal, Removal::Missing);
                    }
                }
                Step::Collect => {
                    let removed = store.gc(|_| {}).unwrap().blocks as usize;
                    let before = present.len();
                    present = needed(&pinned);
                    prop_assert_eq!(removed, before - present.len());
                }
                Step::Reopen => {
                    drop(store);
                    store = Store::open(folder.path()).unwrap();
                }
            }
            let names: BTreeSet<_> = present.iter().map(|cid| block_file(folder.path(), cid)).collect();
            let there: BTreeSet<_> = on_disk(folder.path()).0.into_iter()
                .map(|name| folder.path().join("blocks").join(&name[..2]).join(name)).collect();
            prop_assert_eq!(names, there);
            assert_counted(&store);
        }
    }
}

#[test]
fn a_write_above_the_quota_is_refused_and_leaves_nothing_behind() {
    let limit = 4 * MIB as u64 + 4096;
    let (folder, store) = open_with(Some(limit));
    let data = bytes(3 * MIB);
    let cid = store.add(&data[..], true).unwrap().cid;
    let before = store.stat().unwrap();
    assert_eq!(before.limit, Some(limit));

    let mut other = data.clone();
    other[0] ^= 1;
    store.add(&other[..], true).unwrap();
    other.rotate_left(1);
    let error = store.add(&other[..], true).unwrap_err();
    assert!(
        matches!(error, StoreError::QuotaExceeded { limit: of, used, .. } if of == limit && used <= limit),
        "{error}"
    );
    for words in ["decentralml ipfs gc", "--max-storage", &limit.to_string()] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_counted(&store);
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    assert_eq!(store.pins().unwrap().len(), 2);

    store.add(&data[..], true).unwrap();
    assert_eq!(read(&store, &cid), data);
    store.pins().unwrap().iter().for_each(|pin| store.unpin(pin).unwrap());
    store.gc(|_| {}).unwrap();
    store.add(&other[..], true).unwrap();
    assert_counted(&store);
}

#[test]
fn two_batches_share_the_quota_and_room_is_given_back() {
    let (_folder, store) = open_with(Some(1000));
    let block = |fill: u8, size: usize| Block::new(Codec::Raw, vec![fill; size]);
    let mut one = store.batch();
    one.put(&block(1, 600)).unwrap();
    let mut two = store.batch();
    two.put(&block(2, 400)).unwrap();
    for batch in [&mut one, &mut two] {
        assert!(matches!(
            batch.put(&block(3, 1)),
            Err(StoreError::QuotaExceeded { used: 1000, limit: 1000, needed: 1 })
        ));
    }
    drop(one);
    two.put(&block(3, 600)).unwrap();
    drop(two.commit().unwrap());
    assert_eq!(store.stat().unwrap().bytes, 1000);
    // What is there costs nothing, and neither does the healing of it.
    fs::write(block_file(store.path(), &block(3, 600).cid()), vec![9; 600]).unwrap();
    store.put(&block(3, 600)).unwrap();
    store.put(&block(2, 400)).unwrap();
    assert_counted(&store);
    assert!(store.put(&block(4, 1)).is_err());
}

#[test]
fn a_store_that_has_more_than_its_limit_opens_and_takes_nothing() {
    let (folder, store) = open();
    let cid = store.add(&bytes(1000)[..], true).unwrap().cid;
    drop(store);
    let options = StoreOptions { max_bytes: Some(10) };
    let store = Arc::new(Store::open_with(folder.path(), options).unwrap());
    assert_eq!(read(&store, &cid).len(), 1000);
    assert!(matches!(
        store.put(&Block::new(Codec::Raw, &b"x"[..])),
        Err(StoreError::QuotaExceeded { used: 1000, limit: 10, needed: 1 })
    ));
    store.unpin(&cid).unwrap();
    store.gc(|_| {}).unwrap();
    store.put(&Block::new(Codec::Raw, &b"x"[..])).unwrap();
}

#[test]
fn verify_names_every_corrupt_block_and_healing_clears_it() {
    let (_folder, store) = open();
    let data = bytes(3 * MIB);
    let root = store.add(&data[..], true).unwrap().cid;
    let leaves = [&data[..MIB], &data[2 * MIB..]].map(unixfs::canonical_cid);
    for (leaf, damage) in leaves.iter().zip([&b""[..], &data[1..MIB]]) {
        fs::write(block_file(store.path(), leaf), damage).unwrap();
    }
    let mut steps = Vec::new();
    let verified = store
        .verify(|blocks, fault| {
            steps.push((blocks, fault.is_some()));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((verified.blocks, verified.corrupt), (4, 2));
    assert_eq!(verified.named.into_iter().collect::<BTreeSet<_>>(), leaves.into());
    assert_eq!(steps.iter().map(|step| step.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(steps.iter().filter(|step| step.1).count(), 2);
    assert_eq!(store.stat().unwrap().corrupt, 2);
    leaves.iter().for_each(|leaf| assert!(!store.has(leaf), "a fetch has to get it again"));
    assert!(matches!(store.pin(&root), Err(StoreError::Corrupt { .. })));
    // They are still what the pin keeps.
    assert_eq!(store.gc(|_| {}).unwrap(), Collected::default());

    store.put(&Block::new(Codec::Raw, data[..MIB].to_vec())).unwrap();
    store.add(&data[..], true).unwrap();
    assert_eq!(store.stat().unwrap().corrupt, 0);
    leaves.iter().for_each(|leaf| assert!(store.has(leaf)));
    let mut asked = 0;
    let verified = store.verify(|_, _| {
        asked += 1;
        ControlFlow::Break(())
    });
    assert_eq!((verified.unwrap().blocks, asked), (1, 1));
    assert_eq!(store.verify(|_, _| ControlFlow::Continue(())).unwrap().corrupt, 0);
}

#[test]
fn single_blocks_are_removed_unless_something_needs_them() {
    let (_folder, store) = open();
    let data = bytes(MIB + 1);
    let root = store.add(&data[..], true).unwrap().cid;
    let leaf = unixfs::canonical_cid(&data[MIB..]);
    let loose = store.add(&b"loose"[..], false).unwrap().cid;
    let read = store.add(&b"being read"[..], false).unwrap().cid;
    let reader = store.file(&read, 0, None).unwrap();
    let absent = Block::new(Codec::Raw, &b"absent"[..]).cid();
    assert_eq!(
        store.remove(&[root, leaf, loose, loose, read, absent]).unwrap(),
        [
            Removal::Pinned,
            Removal::PinnedVia(root),
            Removal::Removed,
            Removal::Missing,
            Removal::InUse,
            Removal::Missing
        ]
    );
    drop(reader);
    assert_eq!(store.remove(&[read]).unwrap(), [Removal::Removed]);
    assert_counted(&store);
}
