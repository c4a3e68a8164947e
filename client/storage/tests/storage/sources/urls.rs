//! Lists of sources as they come from the chain.

use crate::support::{
    Daemon, bytes,
    peer::{Manner, Peer, blocks_of},
};
use decentralml_storage::{Error, SourceUrl};

#[tokio::test]
async fn two_spellings_of_a_source_are_one() {
    let data = bytes(1000);
    let (root, blocks) = blocks_of(&data);
    let own = Daemon::start().await;
    let peer = Peer::all(&blocks, Manner::Lacks).await;
    let port = peer.origin.rsplit(':').next().unwrap().to_owned();
    let spellings: Vec<SourceUrl> = [
        peer.origin.clone(),
        format!("{}/", peer.origin),
        format!("{}/ipfs/", peer.origin),
        format!("/ip4/127.0.0.1/tcp/{port}"),
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect();
    let storage = own.client().await.with_sources(&spellings);
    assert!(matches!(storage.fetch(&root, 1000).await, Err(Error::NotFound { .. })));
    assert_eq!(peer.asked(), [root]);
}

#[tokio::test]
async fn a_source_without_the_tls_that_it_promises_is_named() {
    let data = bytes(1000);
    let (root, blocks) = blocks_of(&data);
    let own = Peer::all(&blocks, Manner::Lies).await;
    let plain = Peer::all(&blocks, Manner::Honest).await;
    let url: SourceUrl = plain.origin.replace("http://", "https://").parse().unwrap();
    let storage = own.client().await.with_sources(std::slice::from_ref(&url));
    let error = storage.fetch(&root, 1000).await.unwrap_err().to_string();
    assert!(error.contains(&format!("{url} cannot be reached")), "{error}");
    assert!(plain.asked().is_empty(), "nothing is asked for without TLS");
}

#[tokio::test]
async fn a_long_list_is_cut_and_its_beginning_counts() {
    let data = bytes(1000);
    let (root, blocks) = blocks_of(&data);
    let own = Daemon::start().await;
    let peer = Peer::all(&blocks, Manner::Honest).await;
    let mut urls: Vec<SourceUrl> =
        (0..127).map(|at| format!("{}/nowhere/{at}", peer.origin).parse().unwrap()).collect();
    urls.push(peer.url());
    urls.push(peer.url());
    let storage = own.client().await.with_sources(&urls);
    assert_eq!(storage.fetch(&root, 1000).await.unwrap(), data);
    urls.insert(0, format!("{}/nowhere", peer.origin).parse().unwrap());
    let storage = own.client().await.with_sources(&urls);
    assert!(matches!(storage.fetch(&root, 1000).await, Err(Error::NotFound { .. })));
}
