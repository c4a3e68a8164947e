//! Garbage collection beside everything else.

use crate::support::{
    block_file, bytes, node,
    store::{assert_counted, on_disk, open, read},
};
use decentralml_storage::{Block, Cid, Codec, Collected, Removal, Store, StoreError, unixfs};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tempfile::TempDir;

const MIB: usize = 1 << 20;

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

/// A block whose file a collection comes to among the first, or among the last.
fn block_at(first: bool, salt: u32) -> Block {
    let blocks = (0..).map(|number: u32| {
        Block::new(Codec::Raw, [salt.to_be_bytes(), number.to_be_bytes()].concat())
    });
    let mut blocks =
        blocks.filter(|block| block.cid().digest[0] == if first { 0 } else { u8::MAX });
    blocks.next().unwrap()
}

#[test]
fn a_node_that_comes_in_the_middle_of_a_collection_keeps_what_is_under_it_for_those_who_lease_it() {
    let (_folder, store) = open();
    let leaves = [block_at(false, 1), block_at(false, 2)];
    let inner = node(&leaves);
    let top = node(std::slice::from_ref(&inner));
    let garbage = [block_at(true, 3), block_at(false, 4)];
    leaves.iter().chain([&top]).chain(&garbage).for_each(|block| store.put(block).unwrap());
    // A fetch that was ended had not come to the inner node.
    let lease = store.lease(&top.cid());
    let mut reader = None;
    let mut removed = Vec::new();
    store
        .gc(|cid| {
            removed.push(cid.digest);
            if removed.len() == 1 {
                // What is leased has been followed by now, as far as it was there.
                store.put(&inner).unwrap();
                reader = Some(store.lease(&top.cid()));
            }
        })
        .unwrap();
    assert_eq!(removed, garbage.map(|block| block.cid().digest));
    leaves.iter().for_each(|leaf| assert!(store.has(&leaf.cid())));
    drop((lease, reader));
    assert_eq!(store.gc(|_| {}).unwrap().blocks, 4);
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
