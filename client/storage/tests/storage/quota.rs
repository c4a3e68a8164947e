//! The limit of a store, and how room is made.

use crate::support::{
    block_file, bytes,
    store::{assert_counted, open, open_with, read},
};
use decentralml_storage::{Block, Codec, Collected, Store, StoreError, StoreOptions};
use std::{fs, sync::Arc};

const MIB: usize = 1 << 20;

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
fn room_is_looked_for_again_only_when_something_has_been_let_go_of_or_added() {
    let (_folder, store) = open_with(Some(1000));
    let add = |fill: u8, pin: bool| store.add(&[fill; 200][..], pin).unwrap().cid;
    let [kept, lost] = [1, 2].map(|fill| add(fill, true));
    add(3, false);
    assert_eq!(store.make_room().unwrap().bytes, 200);
    // A collection would see this.
    fs::remove_file(block_file(store.path(), &lost)).unwrap();
    assert_eq!(store.make_room().unwrap(), Collected::default());
    assert_eq!(store.gc(|_| {}).unwrap().broken, 1);

    add(4, true);
    assert_eq!(store.make_room().unwrap(), Collected { broken: 1, ..Collected::default() });
    assert_eq!(store.make_room().unwrap(), Collected::default());
    store.unpin(&kept).unwrap();
    let reader = store.lease(&kept);
    for _ in 0..2 {
        // What is in use today may be garbage tomorrow.
        assert_eq!(store.make_room().unwrap(), Collected { broken: 1, ..Collected::default() });
    }
    drop(reader);
    assert_eq!(store.make_room().unwrap(), Collected { blocks: 1, bytes: 200, broken: 1 });
    assert_eq!(store.make_room().unwrap(), Collected::default());
}

#[test]
fn after_a_collection_in_vain_there_is_none_until_something_is_unpinned() {
    let (_folder, store) = open_with(Some(1000));
    let add = |fill: u8, pin: bool| store.add(&[fill; 700][..], pin).map(|added| added.cid);
    let kept = add(1, true).unwrap();
    let tries = |wanted: usize| {
        let mut tries = 0;
        let refused = store.with_room(|| {
            tries += 1;
            add(2, true)
        });
        assert!(matches!(refused, Err(StoreError::QuotaExceeded { .. })));
        assert_eq!(tries, wanted);
    };
    tries(2);
    // Nothing was looked for, so nothing is tried again.
    tries(1);
    store.unpin(&kept).unwrap();
    assert!(store.has(&kept));
    store.with_room(|| add(2, true)).unwrap();
    assert!(!store.has(&kept));
}

#[test]
fn what_finds_no_room_is_tried_once_more_after_a_collection_whatever_was_full() {
    let (_folder, store) = open_with(Some(1000));
    let add = |fill: u8, pin: bool| store.add(&[fill; 700][..], pin).map(|added| added.cid);
    let garbage = add(1, false).unwrap();
    let kept = store.with_room(|| add(2, true)).unwrap();
    assert!(store.has(&kept) && !store.has(&garbage));
    let mut tries = 0;
    let refused = store.with_room(|| {
        tries += 1;
        add(3, true)
    });
    assert!(matches!(refused, Err(StoreError::QuotaExceeded { .. })) && store.has(&kept));
    assert_eq!(tries, 2);

    store.unpin(&kept).unwrap();
    // The disk is full until something is removed.
    let write = || match store.has(&kept) {
        true => Err(StoreError::DiskFull("blocks".into())),
        false => Ok(()),
    };
    store.with_room(write).unwrap();
    let mut tries = 0;
    let missing = store.with_room(|| {
        tries += 1;
        store.get(&kept)
    });
    assert!(matches!(missing, Err(StoreError::NotFound(_))), "{missing:?}");
    assert_eq!(tries, 1, "room would not help");
}
