//! Sources that lie, stall, cut or flood.

use super::{
    MIB,
    support::{
        Daemon, bytes, patient,
        peer::{Blocks, Manner, Peer, blocks_of, dead},
        quick,
    },
};
use decentralml_storage::{
    Config, Error, Progress, Storage, gateway::Gateway, unixfs::canonical_cid,
};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn what_the_store_lacks_comes_from_a_gateway() {
    let (here, there) = (Daemon::start().await, Daemon::start().await);
    let data = bytes(5 * MIB + 10);
    let cid = there.store.add(&data[..], true).unwrap().cid;
    let gateway = Gateway::bind(there.store.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (url, addr) = (gateway.url().parse().unwrap(), gateway.addr());
    tokio::spawn(gateway.run(std::future::pending()));

    let alone = here.client().await;
    let limit = data.len() as u64;
    assert!(matches!(alone.fetch(&cid, limit).await, Err(Error::NotFound { .. })));
    let storage = alone.with_sources(&[url]);
    assert_eq!(storage.fetch(&cid, limit).await.unwrap(), data);
    let multiaddress = format!("/ip4/127.0.0.1/tcp/{}/http", addr.port()).parse().unwrap();
    let storage = alone.with_sources(&[multiaddress]);
    assert_eq!(storage.fetch(&cid, limit).await.unwrap(), data);
    assert!(matches!(storage.fetch(&cid, limit - 1).await, Err(Error::TooLarge { .. })));
    let absent = canonical_cid(b"nobody has it");
    assert!(matches!(storage.fetch(&absent, limit).await, Err(Error::NotFound { .. })));
    assert!(matches!(alone.fetch(&cid, limit).await, Err(Error::NotFound { .. })), "it was kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_source_wins_among_hostile_ones() {
    let data = bytes(6 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let own = Daemon::start().await;
    let liar = Peer::all(&blocks, Manner::Lies).await;
    let flood = Peer::all(&blocks, Manner::NeverEnds).await;
    let mut urls = vec![liar.url(), flood.url(), dead().await];
    let mut others = Vec::new();
    for manner in [
        Manner::Trickles(Duration::from_secs(1)),
        Manner::Cuts,
        Manner::StopsHalfway,
        Manner::Mute,
        Manner::IsDown,
        Manner::Lacks,
    ] {
        let peer = Peer::all(&blocks, manner).await;
        urls.push(peer.url());
        others.push(peer);
    }
    let honest = Peer::all(&blocks, Manner::Honest).await;
    urls.push(honest.url());

    let storage = own.client().await.with_sources(&urls);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let mut seen: Vec<Progress> = Vec::new();
    let limit = data.len() as u64;
    let size =
        storage.fetch_to_file_with(&root, &path, limit, |progress| seen.push(progress)).await;
    assert_eq!(size.unwrap(), limit);
    assert_eq!(std::fs::read(&path).unwrap(), data);
    assert_eq!(seen.first(), Some(&Progress { done: 0, total: limit }));
    assert_eq!(seen.last(), Some(&Progress { done: limit, total: limit }));
    assert!(seen.windows(2).all(|pair| pair[0].done < pair[1].done));

    // Also under other lists, one that lied is not asked again.
    urls.reverse();
    let again = storage.with_sources(&urls);
    assert_eq!(again.fetch(&root, limit).await.unwrap(), data);
    assert_eq!((liar.asked().len(), flood.asked().len()), (1, 1));
    assert!(others.iter().all(|peer| !peer.asked().is_empty()));
}

#[tokio::test]
async fn a_store_that_lies_is_believed_as_little_as_others() {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let own = Peer::all(&blocks, Manner::Lies).await;
    let honest = Peer::all(&blocks, Manner::Honest).await;
    let storage = own.client().await.with_sources(&[honest.url()]);
    let limit = data.len() as u64;
    assert_eq!(storage.fetch(&root, limit).await.unwrap(), data);
    assert_eq!(own.asked().len(), 1, "once in a walk");
    assert_eq!(storage.fetch(&root, limit).await.unwrap(), data);
}

#[tokio::test]
async fn when_all_lie_the_error_names_the_store_and_what_the_others_did() {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let own = Peer::all(&blocks, Manner::Lies).await;
    let liars =
        [Peer::all(&blocks, Manner::Lies).await, Peer::all(&blocks, Manner::NeverEnds).await];
    let urls = [liars[0].url(), liars[1].url(), dead().await];
    let storage = own.client().await.with_sources(&urls);
    let error = storage.fetch(&root, data.len() as u64).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    let text = error.to_string();
    for url in [&own.origin, urls[0].as_str(), urls[1].as_str(), urls[2].as_str()] {
        assert!(text.contains(url), "{url}: {text}");
    }
    assert!(text.contains("gave wrong bytes") && text.contains("cannot be reached"), "{text}");
}

#[tokio::test]
async fn the_word_of_the_own_store_decides_what_an_error_means() {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let limit = data.len() as u64;
    let lacks = Peer::all(&blocks, Manner::Lacks).await;
    let liar = Peer::all(&blocks, Manner::Lies).await;
    let strangers = [lacks.url(), liar.url(), dead().await];

    // That strangers are down or lie is no reason to think better of a missing file.
    let own = Daemon::start().await;
    let storage = own.client().await.with_sources(&strangers);
    let error = storage.fetch(&root, limit).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");

    // And that they do not have it is no reason to blame its maker while the own store is down.
    let own = Peer::all(&blocks, Manner::Honest).await;
    let config = Config { attempts: 1, ..patient() };
    let storage = Storage::connect_with(&own.origin, config).await.unwrap();
    own.stop();
    let storage = storage.with_sources(&strangers[..1]);
    let error = wait_until_unreachable(&storage, &root, limit).await;
    assert!(error.to_string().contains(strangers[0].as_str()), "{error}");

    // Nor does it need the own store.
    let honest = Peer::all(&blocks, Manner::Honest).await;
    let storage = storage.with_sources(&[honest.url()]);
    assert_eq!(storage.fetch(&root, limit).await.unwrap(), data);
}

/// A server that is told to stop takes a moment for it.
async fn wait_until_unreachable(
    storage: &Storage,
    root: &decentralml_storage::Cid,
    limit: u64,
) -> Error {
    for _ in 0..500 {
        match storage.fetch(root, limit).await {
            Err(error @ Error::Unreachable { .. }) => return error,
            Err(error) => panic!("{error}"),
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("the server still answers")
}

#[tokio::test]
async fn sources_that_have_a_part_each_are_enough() {
    let data = bytes(8 * MIB);
    let (root, blocks) = blocks_of(&data);
    let own = Daemon::start().await;
    let half = |odd: bool| {
        let cids: Vec<_> = data.chunks(MIB).map(canonical_cid).collect();
        move |cid: &decentralml_storage::Cid| match cids.iter().position(|known| known == cid) {
            Some(at) if (at % 2 == 1) != odd => Manner::Lacks,
            _ => Manner::Honest,
        }
    };
    let even = Peer::start(&blocks, half(false)).await;
    let odd = Peer::start(&blocks, half(true)).await;
    let storage = own.client().await.with_sources(&[even.url(), odd.url()]);
    assert_eq!(storage.fetch(&root, data.len() as u64).await.unwrap(), data);
}

#[tokio::test]
async fn a_gateway_looks_elsewhere_only_when_nobody_has_the_file() {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let limit = data.len() as u64;
    let own = Daemon::start().await;
    let searching = Peer::all(&blocks, Manner::Searches).await;
    let honest = Peer::all(&blocks, Manner::Honest).await;
    // Without haste, so that a machine that is busy asks nobody else for a block that is late.
    let config = Config { idle_timeout: Duration::from_secs(120), ..patient() };
    let both = Storage::connect_with(&own.url, config).await.unwrap();
    let both = both.with_sources(&[searching.url(), honest.url()]);
    assert_eq!(both.fetch(&root, limit).await.unwrap(), data);
    assert_eq!(searching.asked(), [root], "it is not needed after its first word");
    let alone = own.client().await.with_sources(&[searching.url()]);
    assert_eq!(alone.fetch(&root, limit).await.unwrap(), data);
}

#[tokio::test]
async fn redirects_are_followed_and_not_into_other_hosts() {
    let data = bytes(1000);
    let (root, blocks) = blocks_of(&data);
    let own = Daemon::start().await;
    let secret = Peer::all(&blocks, Manner::Honest).await;
    let elsewhere = format!("{}/ipfs/{root}?format=raw", secret.origin);
    let sends = Peer::all(&blocks, Manner::SendsTo(elsewhere)).await;
    let storage = own.client().await.with_sources(&[sends.url()]);
    assert!(matches!(storage.fetch(&root, 1000).await, Err(Error::NotFound { .. })));
    assert!(secret.asked().is_empty() && !sends.asked().is_empty());

    let round = Peer::all(&blocks, Manner::SendsTo(format!("/ipfs/{root}?format=raw"))).await;
    let storage = own.client().await.with_sources(&[round.url()]);
    assert!(matches!(storage.fetch(&root, 1000).await, Err(Error::NotFound { .. })));
    assert_eq!(round.asked().len(), 4, "three redirects");
}

#[tokio::test]
async fn a_block_that_no_block_may_be_is_its_makers_fault_from_any_source() {
    let huge = decentralml_storage::Block::new(decentralml_storage::Codec::Raw, bytes(3 * MIB));
    let blocks: Blocks = Arc::default();
    blocks.lock().unwrap().insert(huge.cid(), huge.clone());
    let own = Daemon::start().await;
    let source = Peer::all(&blocks, Manner::Honest).await;
    let storage = own.client().await.with_sources(&[source.url()]);
    let error = storage.fetch(&huge.cid(), 4 * MIB as u64).await.unwrap_err();
    assert!(matches!(error, Error::NotAFile { .. }), "{error}");
    let error = storage.fetch(&huge.cid(), MIB as u64).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_dropped_fetch_ends_its_requests() {
    let data = bytes(4 * MIB);
    let (root, blocks) = blocks_of(&data);
    let own = Daemon::start().await;
    let stuck = Peer::start(&blocks, move |cid| match *cid == root {
        true => Manner::Honest,
        false => Manner::StopsHalfway,
    })
    .await;
    let storage = own.client().await.with_sources(&[stuck.url()]);
    let fetching = tokio::spawn(async move { storage.fetch(&root, 4 * MIB as u64).await });
    until("requests are under way", || stuck.open() > 1).await;
    fetching.abort();
    until("no request is left", || stuck.open() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_requests_are_under_way_however_large_the_file() {
    let data = bytes(64 * MIB);
    let (root, blocks) = blocks_of(&data);
    let own = Daemon::start().await;
    let peers = [Peer::all(&blocks, Manner::Late).await, Peer::all(&blocks, Manner::Late).await];
    let storage = own.client().await.with_sources(&[peers[0].url(), peers[1].url()]);
    assert_eq!(storage.fetch(&root, data.len() as u64).await.unwrap(), data);
    for peer in &peers {
        assert!((2..=8).contains(&peer.most()), "{} at a time", peer.most());
        assert!(peer.asked().len() > 8, "both have their part");
    }
}

#[tokio::test]
async fn a_lone_slow_source_fails_by_name_and_leaves_no_file() {
    let data = bytes(2 * MIB);
    let (root, blocks) = blocks_of(&data);
    let own = Peer::all(&blocks, Manner::Mute).await;
    let slow = Peer::all(&blocks, Manner::StopsHalfway).await;
    let config = Config { attempts: 1, ..quick() };
    let storage = Storage::connect_with(&own.origin, config).await.unwrap();
    let storage = storage.with_sources(&[slow.url()]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let error = storage.fetch_to_file(&root, &path, 4 * MIB as u64).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Waits for something that takes a moment.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}")
}
