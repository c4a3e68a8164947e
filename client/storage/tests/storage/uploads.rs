//! Uploads block by block, that go on where they were ended; requests with a token; connections that are kept.

use crate::support::{
    Daemon, bytes, patient,
    peer::{blocks_of, serve},
    quick,
};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use decentralml_storage::{
    Block, Cid, Codec, Error, Progress, Storage, StoreOptions, StoreToken, parse_cid,
    server::{Access, Token},
    unixfs::canonical_cid,
};
use std::{
    collections::{HashMap, HashSet},
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

const MIB: usize = 1 << 20;

/// A store that takes blocks one by one and counts them; it may stop taking them.
#[derive(Clone, Default)]
struct Taker {
    blocks: Arc<Mutex<HashMap<String, usize>>>,
    put: Arc<Mutex<Vec<String>>>,
    /// Takes no more than so many.
    most: Arc<AtomicUsize>,
    /// Loses a block before the next root is pinned.
    forgets: Arc<AtomicBool>,
}

impl Taker {
    async fn start() -> (Self, Storage) {
        let taker = Self { most: Arc::new(AtomicUsize::new(usize::MAX)), ..Self::default() };
        let answering = taker.clone();
        let (url, _) = serve(move |query, request| {
            let taker = answering.clone();
            async move {
                let command = request.uri().path().trim_start_matches("/api/v0/").to_owned();
                let body = axum::body::to_bytes(request.into_body(), 4 * MIB).await.unwrap();
                taker.answer(&command, &query, &body).await
            }
        })
        .await;
        (taker, Storage::connect_with(&url, quick()).await.unwrap())
    }

    async fn answer(
        &self,
        command: &str,
        query: &HashMap<String, String>,
        body: &[u8],
    ) -> Response {
        let lacks = || {
            let said = r#"{"Message":"block was not found locally (offline): ipld: could not find it","Code":0,"Type":"error"}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, said).into_response()
        };
        match command {
            "block/stat" => match self.blocks.lock().unwrap().get(&query["arg"]) {
                Some(size) => format!(r#"{{"Key":"x","Size":{size}}}"#).into_response(),
                None => lacks(),
            },
            "block/put" => {
                let start = body.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
                let end = body.windows(4).rposition(|window| window == b"\r\n--").unwrap();
                let codec = if query["format"] == "raw" { Codec::Raw } else { Codec::DagPb };
                let block = Block::new(codec, body[start..end].to_vec());
                let key = block.cid().to_string();
                if !self.take(&key, block.data().len()) {
                    return std::future::pending().await;
                }
                format!(r#"{{"Key":"{key}","Size":{}}}"#, block.data().len()).into_response()
            }
            "pin/add" => {
                if self.forgets.swap(false, Ordering::SeqCst) {
                    let some = self.put.lock().unwrap()[3].clone();
                    self.blocks.lock().unwrap().remove(&some);
                    return lacks();
                }
                match self.blocks.lock().unwrap().contains_key(&query["arg"]) {
                    true => format!(r#"{{"Pins":["{}"]}}"#, query["arg"]).into_response(),
                    false => lacks(),
                }
            }
            other => panic!("{other}"),
        }
    }

    fn take(&self, key: &str, size: usize) -> bool {
        let mut put = self.put.lock().unwrap();
        if put.len() >= self.most.load(Ordering::SeqCst) {
            return false;
        }
        put.push(key.to_owned());
        self.blocks.lock().unwrap().insert(key.to_owned(), size);
        true
    }

    /// The blocks that were put since the last call.
    fn put(&self) -> Vec<Cid> {
        let put = std::mem::take(&mut *self.put.lock().unwrap());
        put.iter().map(|key| parse_cid(key).unwrap()).collect()
    }
}

fn file(size: usize) -> (TempDir, PathBuf, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let (path, data) = (folder.path().join("data"), bytes(size));
    fs::write(&path, &data).unwrap();
    (folder, path, data)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_was_ended_sends_only_what_is_missing() {
    let (_folder, path, data) = file(40 * MIB + 10);
    let (root, blocks) = blocks_of(&data);
    let all: HashSet<Cid> = blocks.lock().unwrap().keys().copied().collect();
    let (taker, storage) = Taker::start().await;
    taker.most.store(20, Ordering::SeqCst);
    let error = storage.add_file_resuming(&path, &|_| {}).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { command: "block/put", .. }), "{error}");
    let first: HashSet<Cid> = taker.put().into_iter().collect();
    assert_eq!(first.len(), 20);

    taker.most.store(usize::MAX, Ordering::SeqCst);
    let seen = Mutex::new(Vec::new());
    let told = |at| seen.lock().unwrap().push(at);
    let added = storage.add_file_resuming(&path, &told).await.unwrap();
    assert_eq!((added.cid, added.size), (root, data.len() as u64));
    let second: HashSet<Cid> = taker.put().into_iter().collect();
    assert!(first.is_disjoint(&second), "what was there was sent again");
    assert_eq!(&first | &second, all);
    let total = data.len() as u64;
    assert_eq!(seen.lock().unwrap().last(), Some(&Progress { done: total, total }));

    let again = storage.add_file_resuming(&path, &|_| {}).await.unwrap();
    assert_eq!((again.cid, taker.put()), (root, vec![]), "all of it is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_loses_before_the_root_is_pinned_is_sent_again() {
    let (_folder, path, data) = file(10 * MIB);
    let (taker, storage) = Taker::start().await;
    taker.forgets.store(true, Ordering::SeqCst);
    let added = storage.add_file_resuming(&path, &|_| {}).await.unwrap();
    assert_eq!(added.cid, canonical_cid(&data));
    let put = taker.put();
    assert_eq!(put.len(), 12, "ten leaves and a root, and one of them twice");
    assert_eq!(put[11], put[3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_what_is_sent_in_blocks() {
    let (_folder, path, data) = file(5 * MIB + 3);
    let daemon = Daemon::start().await;
    let storage = daemon.client().await;
    let added = storage.add_file_resuming(&path, &|_| {}).await.unwrap();
    assert!(daemon.store.is_pinned(&added.cid));
    assert_eq!(storage.fetch(&added.cid, data.len() as u64).await.unwrap(), data);

    // Of a file that is there but for one block, the upload brings that block.
    storage.unpin(&added.cid).await.unwrap();
    let second = canonical_cid(&data[MIB..2 * MIB]);
    daemon.store.remove(&[second]).unwrap();
    let again = storage.add_file_resuming(&path, &|_| {}).await.unwrap();
    assert_eq!(again.cid, added.cid);
    assert!(daemon.store.is_pinned(&added.cid) && daemon.store.has(&second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_in_one_stream_tells_how_far_it_is() {
    let (_folder, path, data) = file(3 * MIB);
    let daemon = Daemon::start().await;
    let seen = Mutex::new(Vec::new());
    let told = |at| seen.lock().unwrap().push(at);
    daemon.client().await.add_file_with(&path, &told).await.unwrap();
    let seen = seen.into_inner().unwrap();
    let total = data.len() as u64;
    assert_eq!(seen.last(), Some(&Progress { done: total, total }));
    assert!(seen.iter().rev().skip(1).all(|at| at.done < total), "{seen:?}");
}

const SECRET: &str = "0123456789abcdef-secret";

#[tokio::test]
async fn a_store_that_asks_for_a_token_is_shown_it_in_every_request() {
    let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let access = Access { listen, token: Some(Token::new(SECRET).unwrap()) };
    let folder = TempDir::new().unwrap();
    let daemon = Daemon::start_with(folder, StoreOptions::default(), access).await;
    let connect = async |token: Option<&str>| {
        let token = token.map(|token| StoreToken::new(token).unwrap());
        Storage::connect_as(&daemon.url, token.as_ref(), patient()).await
    };
    for token in [None, Some("0123456789abcdef-public")] {
        let error = connect(token).await.unwrap_err();
        assert!(matches!(error, Error::Api { command: "version", .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("token") && !text.contains("public"), "{text}");
        assert_eq!(text.contains("--store-token-file"), token.is_none(), "{text}");
    }
    let storage = connect(Some(SECRET)).await.unwrap();
    let data = bytes(2 * MIB + 3);
    let cid = storage.add(data.clone()).await.unwrap().cid;
    assert_eq!(storage.fetch(&cid, data.len() as u64).await.unwrap(), data);
    storage.pin_named(&cid, "model").await.unwrap();
    assert_eq!(storage.named_pins().await.unwrap().len(), 1);
    assert!(storage.unpin(&cid).await.unwrap());
    assert_eq!(storage.gc(|_| {}).await.unwrap(), 4);
    assert_eq!(storage.verify(|_| {}).await.unwrap().corrupt, 0);
    assert!(!format!("{storage:?}").contains(SECRET));
}

#[tokio::test]
async fn a_token_is_shown_to_nobody_else() {
    let seen = Arc::new(AtomicBool::new(false));
    let watched = seen.clone();
    let (gateway, _) = serve(move |_, request| {
        if request.headers().contains_key(header::AUTHORIZATION) {
            watched.store(true, Ordering::SeqCst);
        }
        async { StatusCode::NOT_FOUND.into_response() }
    })
    .await;
    let elsewhere = format!("{gateway}/api/v0/version");
    let (sends, _) = serve(move |_, _| {
        let location = [(header::LOCATION, elsewhere.clone())];
        async { (StatusCode::TEMPORARY_REDIRECT, location).into_response() }
    })
    .await;
    let token = StoreToken::new(SECRET).unwrap();
    let storage = Storage::connect_as(&sends, Some(&token), quick()).await.unwrap();
    assert!(storage.pins().await.is_err(), "a store sends nobody elsewhere");
    let storage = storage.with_sources(&[gateway.parse().unwrap()]);
    assert!(storage.fetch(&canonical_cid(b"x"), 10).await.is_err());
    assert!(!seen.load(Ordering::SeqCst));
}

/// A way to a server that counts connections.
async fn counted(to: SocketAddr) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::<AtomicUsize>::default();
    let counting = count.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            counting.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (url, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_come_and_go_over_connections_that_are_kept() {
    let (_folder, path, data) = file(40 * MIB);
    let daemon = Daemon::start().await;
    let (url, connections) = counted(daemon.addr).await;
    let storage = Storage::connect_with(&url, patient()).await.unwrap();
    let cid = storage.add_file_resuming(&path, &|_| {}).await.unwrap().cid;
    assert_eq!(storage.fetch(&cid, data.len() as u64).await.unwrap(), data);
    // A client may make one too many where two tasks look for one at the same moment.
    let connections = connections.load(Ordering::SeqCst);
    assert!(connections < 50, "{connections} connections for more than a hundred requests");
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let endless = || {
        let pieces = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; MIB]));
        axum::body::Body::from_stream(pieces).into_response()
    };
    let (url, _) = serve(move |_, _| async move { endless() }).await;
    let storage = Storage::connect_with(&url, patient()).await.unwrap();
    let error = storage.pins().await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
}
