//! Servers that lie, break off or fall silent: the client gives the right error, in bounded time, and no wrong byte.

use crate::support::{
    bytes,
    peer::{Blocks, Manner, Peer, blocks_of, serve},
    quick,
};
use axum::{Router, response::IntoResponse};
use decentralml_storage::{Block, Cid, Codec, Config, Error, Storage, unixfs::canonical_cid};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

const MIB: usize = 1 << 20;

/// A client of a server that gives these blocks, some of them in a manner of its own.
async fn lying(
    blocks: Blocks,
    lie: impl Fn(&Cid) -> Option<Manner> + Clone + Send + Sync + 'static,
) -> Storage {
    lying_to(quick(), blocks, lie).await
}

async fn lying_to(
    config: Config,
    blocks: Blocks,
    lie: impl Fn(&Cid) -> Option<Manner> + Clone + Send + Sync + 'static,
) -> Storage {
    let peer = Peer::start(&blocks, move |cid| lie(cid).unwrap_or(Manner::Honest)).await;
    Storage::connect_with(&peer.origin, config).await.unwrap()
}

/// Fetches a file of three blocks where the server lies about one: the root, or the second leaf.
async fn fetch_with(manner: Manner, about_root: bool) -> Error {
    fetch_within(quick(), manner, about_root).await
}

async fn fetch_within(config: Config, manner: Manner, about_root: bool) -> Error {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let target = if about_root { root } else { canonical_cid(&data[MIB..2 * MIB]) };
    let client =
        lying_to(config, blocks, move |cid| (*cid == target).then(|| manner.clone())).await;
    let started = Instant::now();
    let error = client.fetch(&root, data.len() as u64).await.unwrap_err();
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{error} came after {:?}",
        started.elapsed()
    );
    error
}

#[tokio::test]
async fn an_honest_server_is_believed() {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let client = lying(blocks, |_| None).await;
    assert_eq!(client.fetch(&root, data.len() as u64).await.unwrap(), data);
}

#[tokio::test]
async fn truncated_swapped_and_endless_blocks_are_mismatches() {
    for about_root in [true, false] {
        for manner in [Manner::Truncates, Manner::Lies, Manner::NeverEnds] {
            let error = fetch_with(manner, about_root).await;
            assert!(matches!(error, Error::Mismatch { .. }), "{error}");
        }
    }
}

#[tokio::test]
async fn an_endless_raw_root_is_cut_and_speaks_against_the_server() {
    let data = bytes(1000);
    let (root, blocks) = blocks_of(&data);
    let client = lying(blocks, |_| Some(Manner::NeverEnds)).await;
    let error = client.fetch(&root, 2000).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

/// A file of two leaves of three bytes each, whose root says that they have these sizes.
fn two_leaves(sizes: [u8; 2]) -> (Cid, Blocks) {
    let leaves = [&b"abc"[..], b"def"].map(|data| Block::new(Codec::Raw, data));
    let mut node = Vec::new();
    for leaf in &leaves {
        node.extend_from_slice(&[0x12, 38, 0x0a, 36, 1, 0x55, 0x12, 32]);
        node.extend_from_slice(&leaf.cid().digest);
    }
    let [one, two] = sizes;
    node.extend_from_slice(&[0x0a, 8, 8, 2, 0x18, one + two, 0x20, one, 0x20, two]);
    let root = Block::new(Codec::DagPb, node);
    let cid = root.cid();
    let blocks = leaves.into_iter().chain([root]).map(|block| (block.cid(), block));
    (cid, Arc::new(Mutex::new(blocks.collect())))
}

#[tokio::test]
async fn a_file_that_lies_about_its_own_size_speaks_against_its_maker_and_not_against_the_server() {
    let (root, blocks) = two_leaves([3, 3]);
    let client = lying(blocks, |_| None).await;
    assert_eq!(client.fetch(&root, 6).await.unwrap(), b"abcdef");
    for sizes in [[3, 2], [2, 3], [1, 1], [3, 4]] {
        let (root, blocks) = two_leaves(sizes);
        let client = lying(blocks, |_| None).await;
        let error = client.fetch(&root, 100).await.unwrap_err();
        assert!(matches!(error, Error::NotAFile { .. }), "{sizes:?}: {error}");
    }
    // No block that others could pass on has so many bytes, and one that is right about its hash is what somebody stored.
    let huge = Block::new(Codec::Raw, bytes(3 * MIB));
    let blocks = Arc::new(Mutex::new(HashMap::from([(huge.cid(), huge.clone())])));
    let client = lying(blocks, |_| None).await;
    let error = client.fetch(&huge.cid(), 4 * MIB as u64).await.unwrap_err();
    assert!(matches!(error, Error::NotAFile { .. }), "{error}");
    let error = client.fetch(&huge.cid(), MIB as u64).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_mute_server_is_left_after_the_idle_timeout() {
    for about_root in [true, false] {
        for manner in [Manner::Mute, Manner::StopsHalfway] {
            let error = fetch_with(manner, about_root).await;
            assert!(matches!(error, Error::Timeout { .. }), "{error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_trickles_is_left_after_ten_idle_timeouts() {
    // A byte every 100 ms: the server is never idle for 300.
    let config = Config { idle_timeout: Duration::from_millis(300), attempts: 1, ..quick() };
    let error = fetch_within(config, Manner::Trickles(Duration::from_millis(100)), false).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_every_time_is_reported_as_such() {
    let error = fetch_with(Manner::Cuts, false).await;
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let error = fetch_with(Manner::IsDown, false).await;
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_once_is_tried_again() {
    let data = bytes(2 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let broken = Arc::new(Mutex::new(false));
    let client = lying(blocks, move |cid| {
        let mut broken = broken.lock().unwrap();
        let first = *cid != root && !std::mem::replace(&mut *broken, true);
        first.then_some(Manner::Cuts)
    })
    .await;
    assert_eq!(client.fetch(&root, data.len() as u64).await.unwrap(), data);
}

#[tokio::test]
async fn connections_that_break_in_every_block_once_cost_no_byte_of_the_file() {
    let data = bytes(20 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let all: Vec<Cid> = blocks.lock().unwrap().keys().copied().collect();
    assert_eq!(all.len(), 22);
    let cut = Arc::new(Mutex::new(HashSet::new()));
    let broken = cut.clone();
    let client =
        lying(blocks, move |cid| broken.lock().unwrap().insert(*cid).then_some(Manner::Cuts)).await;
    assert!(client.fetch(&root, data.len() as u64).await.unwrap() == data);
    assert_eq!(*cut.lock().unwrap(), all.into_iter().collect());
}

#[tokio::test]
async fn a_failed_fetch_to_a_file_leaves_no_file() {
    let data = bytes(2 * MIB);
    let (root, blocks) = blocks_of(&data);
    let last = canonical_cid(&data[MIB..]);
    let client = lying(blocks, move |cid| (*cid == last).then_some(Manner::Lies)).await;
    let folder = tempfile::tempdir().unwrap();
    let error = client
        .fetch_to_file(&root, &folder.path().join("model"), 4 * MIB as u64)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn when_add_gives_another_cid_the_blocks_are_put_and_pinned() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = seen.clone();
    let data = bytes(2 * MIB + 10);
    let root = canonical_cid(&data);
    let (url, _) = serve(move |query, request| {
        let log = log.clone();
        async move {
            let command = request.uri().path().trim_start_matches("/api/v0/").to_owned();
            let body = axum::body::to_bytes(request.into_body(), 4 * MIB).await.unwrap();
            let start = body.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
            match command.as_str() {
                // A server with settings of its own.
                "add" => r#"{"Name":"x","Hash":"QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n","Size":"1"}"#
                    .into_response(),
                "block/put" => {
                    let end = body.len() - body.iter().rev().skip(2).position(|byte| *byte == b'\n').unwrap() - 4;
                    let codec = if query["format"] == "raw" { Codec::Raw } else { Codec::DagPb };
                    let block = Block::new(codec, body.slice(start..end));
                    log.lock().unwrap().push(block.cid().to_string());
                    format!(r#"{{"Key":"{}","Size":{}}}"#, block.cid(), block.data().len()).into_response()
                },
                "pin/add" => {
                    log.lock().unwrap().push(format!("pin {}", query["arg"]));
                    format!(r#"{{"Pins":["{}"]}}"#, query["arg"]).into_response()
                },
                other => panic!("{other}"),
            }
        }
    })
    .await;
    let client = Storage::connect_with(&url, quick()).await.unwrap();
    let added = client.add(data.clone()).await.unwrap();
    assert_eq!(added.cid, root);
    let mut expected: Vec<String> =
        data.chunks(MIB).map(|chunk| canonical_cid(chunk).to_string()).collect();
    expected.push(root.to_string());
    expected.push(format!("pin {root}"));
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn an_add_that_is_never_answered_ends_in_a_timeout() {
    let (url, _) = serve(|_, _| std::future::pending()).await;
    let client = Storage::connect_with(&url, quick()).await.unwrap();
    let started = Instant::now();
    let error = client.add(bytes(1000)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { command: "add", .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(matches!(client.pins().await, Err(Error::Timeout { .. })));
    assert!(matches!(client.has(&canonical_cid(b"x")).await, Err(Error::Timeout { .. })));
}

#[tokio::test]
async fn a_mute_or_foreign_server_is_not_connected_to() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", mute.local_addr().unwrap());
    let limits = Config { connect_timeout: Duration::from_millis(500), ..quick() };
    let error = Storage::connect_with(&url, limits).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let page = Router::new().fallback(async || "<html>");
    tokio::spawn(async move { axum::serve(listener, page).await });
    let error = Storage::connect_with(&url, quick()).await.unwrap_err();
    assert!(error.to_string().contains("check the URL"), "{error}");
}
