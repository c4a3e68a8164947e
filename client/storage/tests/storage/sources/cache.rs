//! A store of one's own before the others: what is there is not fetched again.

use super::{
    MIB,
    support::{
        Daemon, block_file, bytes,
        peer::{Blocks, Manner, Peer, blocks_of},
    },
};
use decentralml_storage::{Cid, Error, Storage, Store, StoreOptions, unixfs::canonical_cid};
use std::{
    collections::HashSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// A server that stops answering in the last third of a file, as long as it is told to.
async fn stopping(data: &[u8], blocks: &Blocks) -> (Peer, Arc<AtomicBool>) {
    let stops = Arc::new(AtomicBool::new(true));
    let late: HashSet<Cid> = data.chunks(MIB).skip(16).map(canonical_cid).collect();
    let stopping = stops.clone();
    let manner = move |cid: &Cid| match late.contains(cid) && stopping.load(Ordering::SeqCst) {
        true => Manner::Mute,
        false => Manner::Honest,
    };
    (Peer::start(blocks, manner).await, stops)
}

/// Begins to fetch into a file and drops the fetch after `enough` bytes; returns how many were there.
async fn begin(storage: &Storage, root: Cid, path: &Path, limit: u64, enough: u64) -> u64 {
    let (send, mut progress) = mpsc::unbounded_channel();
    let (storage, path) = (storage.clone(), path.to_owned());
    let fetching = tokio::spawn(async move {
        let told = |progress| send.send(progress).unwrap_or_default();
        storage.fetch_to_file_with(&root, &path, limit, told).await
    });
    let mut done = 0;
    while let Some(progress) = progress.recv().await {
        done = progress.done;
        if done >= enough {
            break;
        }
    }
    fetching.abort();
    assert!(fetching.await.unwrap_err().is_cancelled(), "it was over before");
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_that_was_ended_goes_on_where_it_was() {
    let data = bytes(24 * MIB);
    let (root, blocks) = blocks_of(&data);
    let limit = data.len() as u64;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model");
    for gateway in [false, true] {
        let (peer, stops) = stopping(&data, &blocks).await;
        let (own, nothing) = (peer.client().await, Daemon::start().await);
        let storage = match gateway {
            true => nothing.client().await.with_sources(&[peer.url()]),
            false => own,
        };
        let cache = Arc::new(Store::open(folder.path().join(gateway.to_string())).unwrap());
        let storage = storage.with_cache(cache.clone());
        let done = begin(&storage, root, &path, limit, limit / 2).await;
        assert!(!path.exists());
        stops.store(false, Ordering::SeqCst);

        let before = peer.asked().len();
        assert_eq!(storage.fetch_to_file(&root, &path, limit).await.unwrap(), limit);
        assert_eq!(std::fs::read(&path).unwrap(), data);
        let again: HashSet<_> = peer.asked()[before..].iter().copied().collect();
        let had: HashSet<_> =
            data[..done as usize].chunks(MIB).map(canonical_cid).chain([root]).collect();
        assert!(again.is_disjoint(&had), "what was there was fetched again");

        let before = peer.asked().len();
        assert_eq!(storage.fetch(&root, limit).await.unwrap(), data);
        assert_eq!(peer.asked().len(), before, "all of it is there");
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_store_of_its_own_a_fetch_begins_again_and_is_right() {
    let data = bytes(24 * MIB);
    let (root, blocks) = blocks_of(&data);
    let limit = data.len() as u64;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model");
    let (peer, stops) = stopping(&data, &blocks).await;
    let storage = peer.client().await;
    begin(&storage, root, &path, limit, limit / 2).await;
    assert!(!path.exists());
    stops.store(false, Ordering::SeqCst);
    let before = peer.asked().len();
    storage.fetch_to_file(&root, &path, limit).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), data);
    // A request of the aborted fetch may still arrive here, so the blocks count and not the requests.
    let again: HashSet<_> = peer.asked()[before..].iter().copied().collect();
    assert_eq!(again, blocks.lock().unwrap().keys().copied().collect::<HashSet<_>>());
}

#[tokio::test]
async fn a_corrupt_block_is_fetched_and_healed() {
    let data = bytes(3 * MIB);
    let (root, blocks) = blocks_of(&data);
    let peer = Peer::all(&blocks, Manner::Honest).await;
    let folder = TempDir::new().unwrap();
    let cache = Arc::new(Store::open(folder.path()).unwrap());
    cache.add(&data[..], true).unwrap();
    let second = canonical_cid(&data[MIB..2 * MIB]);
    std::fs::write(block_file(cache.path(), &second), b"rotten").unwrap();
    let storage = peer.client().await.with_cache(cache.clone());
    assert_eq!(storage.fetch(&root, data.len() as u64).await.unwrap(), data);
    assert_eq!(peer.asked(), [second]);
    assert_eq!(cache.get(&second).unwrap().data()[..], data[MIB..2 * MIB]);
}

#[tokio::test]
async fn a_store_without_room_is_cleaned_up_once_and_does_not_stop_a_fetch() {
    let data = bytes(6 * MIB);
    let (root, blocks) = blocks_of(&data);
    let peer = Peer::all(&blocks, Manner::Honest).await;
    let folder = TempDir::new().unwrap();
    let options = StoreOptions { max_bytes: Some(4 * MIB as u64) };
    let cache = Arc::new(Store::open_with(folder.path(), options).unwrap());
    let (pinned, garbage) = (&data[..1000], &data[1..2 * MIB]);
    let pinned = cache.add(pinned, true).unwrap().cid;
    let garbage = cache.add(garbage, false).unwrap().cid;
    let storage = peer.client().await.with_cache(cache.clone());
    assert_eq!(storage.fetch(&root, data.len() as u64).await.unwrap(), data);
    assert!(cache.has(&pinned) && !cache.has(&garbage));
    // What was kept of it was there when room was made, and so it has stayed.
    assert!(cache.has(&root));
    let kept = data.chunks(MIB).filter(|chunk| cache.has(&canonical_cid(chunk))).count();
    assert_eq!(kept, 3);
    let before = peer.asked().len();
    assert_eq!(storage.fetch(&root, data.len() as u64).await.unwrap(), data);
    assert_eq!(peer.asked().len() - before, 3);
}

#[tokio::test]
async fn what_is_added_is_kept_and_pins_hold_in_both() {
    let server = Daemon::start().await;
    let folder = TempDir::new().unwrap();
    let cache = Arc::new(Store::open(folder.path()).unwrap());
    let storage = server.client().await.with_cache(cache.clone());
    let data = bytes(2 * MIB + 10);
    let cid = storage.add(data.clone()).await.unwrap().cid;
    assert!(cache.is_pinned(&cid) && server.store.is_pinned(&cid));
    assert_eq!(cid, canonical_cid(&data));
    assert!(storage.unpin(&cid).await.unwrap());
    assert!(!cache.is_pinned(&cid) && !server.store.is_pinned(&cid));
    storage.pin_named(&cid, "model").await.unwrap();
    let name = |store: &Store| store.pin_name(&cid).unwrap();
    assert_eq!((name(&cache), name(&server.store)), (Some("model".into()), Some("model".into())));
    storage.pin(&cid).await.unwrap();
    assert_eq!((name(&cache), name(&server.store)), (Some("".into()), Some("".into())));

    // What only the server has is pinned there.
    let other = server.store.add(&data[1..], false).unwrap().cid;
    storage.pin(&other).await.unwrap();
    assert!(!cache.is_pinned(&other) && server.store.is_pinned(&other));

    // Nothing stays pinned of what could not be added.
    let folder = server.stop().await;
    let lost = &data[2..];
    assert!(matches!(storage.add(lost.to_vec()).await, Err(Error::Unreachable { .. })));
    assert!(!cache.is_pinned(&canonical_cid(lost)));
    // And what is here needs no server.
    assert_eq!(storage.fetch(&cid, data.len() as u64).await.unwrap(), data);
    drop(folder);
}

#[tokio::test]
async fn a_file_is_added_where_the_own_store_has_no_room_for_it() {
    let server = Daemon::start().await;
    let folder = TempDir::new().unwrap();
    let options = StoreOptions { max_bytes: Some(MIB as u64) };
    let cache = Arc::new(Store::open_with(folder.path(), options).unwrap());
    let storage = server.client().await.with_cache(cache.clone());
    let data = bytes(2 * MIB + 10);
    let path = server.folder.path().join("data");
    std::fs::write(&path, &data).unwrap();
    let cid = storage.add_file(&path).await.unwrap().cid;
    assert_eq!(cid, canonical_cid(&data));
    assert!(server.store.is_pinned(&cid) && !cache.is_pinned(&cid));
    let missing = storage.add_file(&path.with_extension("missing")).await;
    assert!(matches!(missing, Err(Error::File { .. })));
}

#[tokio::test]
async fn what_is_let_go_of_makes_room_for_what_is_added() {
    let server = Daemon::start().await;
    let folder = TempDir::new().unwrap();
    let options = StoreOptions { max_bytes: Some(3 * MIB as u64) };
    let cache = Arc::new(Store::open_with(folder.path(), options).unwrap());
    let storage = server.client().await.with_cache(cache.clone());
    let add = async |fill: u8| storage.add(vec![fill; MIB]).await.unwrap().cid;
    let (one, two, three, four) = (add(1).await, add(2).await, add(3).await, add(4).await);
    assert_eq!(storage.own_pins().await.unwrap(), [one, two, three].into());
    assert!(!cache.has(&four) && server.store.is_pinned(&four));

    assert!(storage.unpin(&one).await.unwrap());
    assert!(storage.unpin_own(&two).await.unwrap());
    assert!(!storage.unpin_own(&two).await.unwrap(), "it is let go of");
    assert_eq!(storage.own_pins().await.unwrap(), [three].into());
    assert_eq!(server.store.pins().unwrap(), [two, three, four].into(), "others may need it");
    let five = add(5).await;
    assert_eq!(storage.own_pins().await.unwrap(), [three, five].into());
    assert!(cache.has(&three) && cache.has(&five) && !cache.has(&one) && !cache.has(&two));

    // What is fetched goes before what was added.
    assert_eq!(storage.fetch(&four, MIB as u64).await.unwrap(), vec![4; MIB]);
    assert!(cache.has(&four) && !cache.is_pinned(&four));
    let six = add(6).await;
    assert!(cache.is_pinned(&six) && !cache.has(&four));
    let without = server.client().await;
    assert!(!without.unpin_own(&six).await.unwrap());
    assert!(without.own_pins().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_pin_that_lost_its_root_does_not_fill_the_own_store_for_ever() {
    let server = Daemon::start().await;
    let folder = TempDir::new().unwrap();
    let options = StoreOptions { max_bytes: Some(3 * MIB as u64) };
    let cache = Arc::new(Store::open_with(folder.path(), options).unwrap());
    let storage = server.client().await.with_cache(cache.clone());
    let data = bytes(2 * MIB);
    let lost = storage.add(data.clone()).await.unwrap().cid;
    std::fs::write(block_file(cache.path(), &lost), b"rotten").unwrap();
    let added = storage.add(vec![1; MIB]).await.unwrap().cid;
    assert_eq!(storage.own_pins().await.unwrap(), [added].into());
    // Its own copy is gone, and the one that others have is as it was.
    assert_eq!(storage.fetch(&lost, data.len() as u64).await.unwrap(), data);
    assert!(server.store.is_pinned(&lost));
}
