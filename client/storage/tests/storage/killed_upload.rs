//! `kill -9` in the middle of an upload block by block: the next one sends what is missing.

use crate::support::{Daemon, bytes, patient};
use decentralml_storage::{Storage, unixfs::canonical_cid};
use std::{
    env, fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    time::sleep,
};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 40 * MIB + 10;

/// What the network lets through before the kill.
const FIRST: u64 = 20 * MIB;

/// Blocks that may be on their way at the moment of the kill, and are lost.
const UNDER_WAY: u64 = 9 * MIB;

/// The process that the next test kills; on its own it does nothing.
#[tokio::test]
async fn helper_process_that_uploads_until_it_is_killed() {
    let (Ok(url), Some(file)) = (env::var("STORE_TO_SEND_TO"), env::var_os("FILE_TO_SEND")) else {
        return;
    };
    let storage = Storage::connect_with(&url, patient()).await.unwrap();
    storage.add_file_resuming(&PathBuf::from(file), &|_| {}).await.unwrap();
}

/// A way to a server that lets so many bytes through and then holds everything back.
#[derive(Clone)]
struct Narrow {
    url: String,
    most: Arc<AtomicU64>,
    through: Arc<AtomicU64>,
}

impl Narrow {
    async fn start(to: SocketAddr, most: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let narrow = Self { url, most: Arc::new(most.into()), through: Arc::default() };
        let way = narrow.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(way.clone().pass(near, to));
            }
        });
        narrow
    }

    async fn pass(self, near: TcpStream, to: SocketAddr) {
        let far = TcpStream::connect(to).await.unwrap();
        let ((mut from, mut back), (mut answers, mut far)) = (near.into_split(), far.into_split());
        tokio::spawn(async move { copy(&mut answers, &mut back).await });
        let mut piece = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            while self.through.load(Ordering::SeqCst) >= self.most.load(Ordering::SeqCst) {
                sleep(Duration::from_millis(10)).await;
            }
            self.through.fetch_add(length as u64, Ordering::SeqCst);
            if far.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_was_killed_goes_on_where_it_was() {
    let daemon = Daemon::start().await;
    let folder = TempDir::new().unwrap();
    let (file, data) = (folder.path().join("model"), bytes(SIZE as usize));
    fs::write(&file, &data).unwrap();
    let narrow = Narrow::start(daemon.addr, FIRST).await;
    let upload = || {
        let name = "killed_upload::helper_process_that_uploads_until_it_is_killed";
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", name]).env("STORE_TO_SEND_TO", &narrow.url);
        command.env("FILE_TO_SEND", &file).stdout(Stdio::null());
        command
    };
    let mut killed = upload().spawn().unwrap();
    for _ in 0..6000 {
        if narrow.through.load(Ordering::SeqCst) >= FIRST {
            break;
        }
        assert!(killed.try_wait().unwrap().is_none(), "it ended by itself");
        sleep(Duration::from_millis(10)).await;
    }
    // What has come through is in the store or will never be.
    let there = (FIRST - UNDER_WAY) / MIB;
    for _ in 0..6000 {
        if daemon.store.stat().unwrap().blocks >= there {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(daemon.store.stat().unwrap().blocks >= there);
    let root = canonical_cid(&data);
    assert!(!daemon.store.has(&root) && daemon.store.pins().unwrap().is_empty());

    narrow.through.store(0, Ordering::SeqCst);
    narrow.most.store(u64::MAX, Ordering::SeqCst);
    assert!(upload().status().unwrap().success());
    let sent = narrow.through.load(Ordering::SeqCst);
    assert!(sent <= SIZE - FIRST + UNDER_WAY, "{sent} bytes were sent, of {SIZE}");
    assert!(daemon.store.is_pinned(&root));
    let there = daemon.client().await.fetch(&root, SIZE).await.unwrap();
    assert!(there == data);
}
