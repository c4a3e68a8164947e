//! Blocks that are lost or rot: what a check finds, and what a collection does about pins that are not whole.

use crate::support::{
    block_file, bytes, node,
    store::{assert_counted, on_disk, open, read},
};
use decentralml_storage::{Block, Cid, Codec, Collected, Store, StoreError, unixfs};
use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    ops::ControlFlow,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

const MIB: usize = 1 << 20;

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
fn a_lost_leaf_is_reported_and_stops_no_collection() {
    let (_folder, store) = open();
    let data = bytes(2 * MIB + 1);
    let root = store.add(&data[..], true).unwrap().cid;
    store.add(&b"whole"[..], true).unwrap();
    store.add(&b"garbage"[..], false).unwrap();
    fs::remove_file(block_file(store.path(), &unixfs::canonical_cid(&data[MIB..2 * MIB]))).unwrap();
    let left = on_disk(store.path()).0.len() - 1;
    assert_eq!(store.gc(|_| {}).unwrap(), Collected { blocks: 1, bytes: 7, broken: 1 });
    assert_eq!(on_disk(store.path()).0.len(), left, "what is left of it stays");
    assert!(store.pin(&root).is_err() && store.is_pinned(&root));
    let mut faults = Vec::new();
    let tell = |pin: &Cid, lost: &[(Cid, StoreError)]| {
        faults.extend(lost.iter().map(|(cid, _)| (*pin, *cid)));
        ControlFlow::Continue(())
    };
    store.check_pins(tell).unwrap();
    assert_eq!(faults, [(root, unixfs::canonical_cid(&data[MIB..2 * MIB]))]);
    store.add(&data[..], true).unwrap();
    assert_eq!(store.gc(|_| {}).unwrap(), Collected::default());
}

#[test]
fn a_lost_node_hides_what_it_keeps_so_that_nothing_is_removed_until_it_is_back_or_unpinned() {
    let (_folder, store) = open();
    let (one, two) = (bytes(2 * MIB + 1), bytes(2 * MIB + 2)[1..].to_vec());
    let [first, second] = [&one, &two].map(|data| store.add(&data[..], true).unwrap().cid);
    let whole = store.add(&b"whole"[..], true).unwrap().cid;
    store.add(&b"garbage"[..], false).unwrap();
    let before = on_disk(store.path());
    fs::remove_file(block_file(store.path(), &first)).unwrap();
    fs::write(block_file(store.path(), &second), b"rot").unwrap();
    let error = store.gc(|cid| panic!("{cid} was removed")).unwrap_err();
    let StoreError::BrokenPin { root, others, .. } = &error else { panic!("{error}") };
    let named: BTreeSet<_> = others.iter().chain([root]).copied().collect();
    assert_eq!(named, [first, second].into(), "all at once");
    let text = error.to_string();
    for words in ["nothing was removed", "unpin it", &first.to_string(), &second.to_string()] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let hidden = unixfs::canonical_cid(&one[..MIB]);
    assert!(store.remove(&[hidden]).is_err(), "it may be pinned or not");

    store.add(&one[..], true).unwrap();
    assert!(matches!(
        store.gc(|cid| panic!("{cid} was removed")),
        Err(StoreError::BrokenPin { root, others, .. }) if root == second && others.is_empty()
    ));
    assert_eq!(on_disk(store.path()).0, before.0);
    store.unpin(&second).unwrap();
    // The garbage, the node that had rotted and its three leaves.
    assert_eq!(store.gc(|_| {}).unwrap().blocks, 5);
    assert_eq!(store.pins().unwrap(), [first, whole].into());
    assert!(store.has(&hidden));
}

#[test]
fn a_lost_node_is_missed_under_every_pin_that_needs_it() {
    let (_folder, store) = open();
    let leaf = |number: u8| Block::new(Codec::Raw, vec![number; 10]);
    let shared = node(&[leaf(0), leaf(1)]);
    let above = [2, 3].map(|number| node(&[leaf(number), shared.clone()]));
    (0..4).map(leaf).chain([shared.clone()]).chain(above.clone()).for_each(|block| {
        store.put(&block).unwrap();
    });
    above.iter().for_each(|root| store.pin(&root.cid()).unwrap());
    fs::remove_file(block_file(store.path(), &shared.cid())).unwrap();
    let error = store.gc(|cid| panic!("{cid} was removed")).unwrap_err();
    assert!(matches!(&error, StoreError::BrokenPin { others, .. } if others.len() == 1), "{error}");
    // Whichever of them comes first in the list, the other one needs what is hidden as well.
    store.unpin(&above[0].cid()).unwrap();
    store.gc(|cid| panic!("{cid} was removed")).unwrap_err();
    store.put(&shared).unwrap();
    assert_eq!(store.gc(|_| {}).unwrap().blocks, 2, "the other root and its own leaf");
}

/// A folder in which nobody can make anything: one without the right to, or, for who has every right, one of the system's.
fn forbidden(parent: &Path) -> PathBuf {
    let folder = parent.join("forbidden");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    match fs::create_dir(folder.join("allowed")) {
        Ok(()) => PathBuf::from("/sys"),
        Err(_) => folder,
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_to_is_refused_in_clear_words() {
    let parent = tempfile::tempdir().unwrap();
    let folder = forbidden(parent.path()).join("store");
    let error = Store::open(&folder).unwrap_err();
    assert!(matches!(&error, StoreError::Denied { path, .. } if *path == folder), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("/store may not be read or written")
            && text.contains("choose another folder"),
        "{text}"
    );
}

/// Every file and folder under `path`.
fn all(path: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        visit(&path);
        if path.is_dir() {
            all(&path, visit);
        }
    }
}

#[test]
fn times_of_files_change_nothing() {
    let (folder, store) = open();
    let data = bytes(2 * MIB + 1);
    let root = store.add(&data[..], true).unwrap().cid;
    let loose = store.add(&b"loose"[..], false).unwrap().cid;
    let far = Duration::from_secs(60 * 60 * 24 * 365 * 40);
    let mut store = Some(store);
    for clock in [SystemTime::now() + far, SystemTime::UNIX_EPOCH, SystemTime::now() - far / 2] {
        let reader = store.as_ref().unwrap().file(&root, 0, None).unwrap();
        all(folder.path(), &mut |path| {
            File::open(path).unwrap().set_modified(clock).unwrap();
        });
        assert_eq!(reader.map(Result::unwrap).collect::<Vec<_>>().concat(), data);
        drop(store.take());
        // What an earlier process has left half written goes, however new it says it is.
        let half = folder.path().join("tmp").join("7");
        fs::write(&half, b"half").unwrap();
        File::open(&half).unwrap().set_modified(clock).unwrap();
        let again = Arc::new(Store::open(folder.path()).unwrap());
        assert!(!half.exists());
        assert_eq!(again.verify(|_, _| ControlFlow::Continue(())).unwrap().corrupt, 0);
        assert_counted(&again);
        assert_eq!(
            again.gc(|_| {}).unwrap().blocks,
            1,
            "what no pin reaches, neither older nor newer"
        );
        assert!(!again.has(&loose));
        again.add(&b"loose"[..], false).unwrap();
        assert_eq!(read(&again, &root), data);
        store = Some(again);
    }
}
