//! Pins and their names.

use crate::support::{
    bytes,
    store::{assert_counted, open},
};
use decentralml_storage::{Block, Codec, Collected, MAX_PIN_NAME, Removal, Store, unixfs};
use std::{collections::BTreeMap, fs};

const MIB: usize = 1 << 20;

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
