//! Handing updates to hosts: it ends well with hosts that work, goes on after every cut, and no participant or host that misbehaves
//! keeps an honest one from it.

mod bad_hosts;
mod bad_trainers;
mod crowds;
mod cuts;
mod hand;
mod impostors;
mod room;
mod size;

use crate::support::{self, Answer, bytes};
use decentralml_storage::{
    Cid, Store, StoreOptions,
    car::Scope,
    host::{
        Admission, Authorization, Grant, HandSettings, Host, HostClient, HostLimits, Keeper,
        Parcel, Refusal, Statement, Target,
    },
};
use sha2::{Digest, Sha256};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

const MIB: usize = 1 << 20;
const GENESIS: [u8; 32] = [7; 32];
/// The block that the chain is at.
const NOW: u32 = 100;

/// Stands for the chain: who is drawn, and who has signed.
struct Chain {
    host: [u8; 32],
    drawn: Vec<[u8; 32]>,
    max_bytes: u64,
    asked: Arc<AtomicUsize>,
}

/// Stands for a signature, which here anyone could make.
fn sign(statement: &Statement) -> Vec<u8> {
    Sha256::new()
        .chain_update(statement.account)
        .chain_update(statement.payload())
        .finalize()
        .to_vec()
}

impl Admission for Chain {
    async fn admit(&self, statement: &Statement, signature: &[u8]) -> Result<Grant, Refusal> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if signature != sign(statement) {
            return Err(Refusal::Signature);
        }
        if statement.genesis != GENESIS || statement.host != self.host {
            return Err(Refusal::Denied("another chain or host".into()));
        }
        if statement.expires < NOW {
            return Err(Refusal::Expired);
        }
        if !self.drawn.contains(&statement.account) {
            return Err(Refusal::Denied("not drawn in this round".into()));
        }
        let label = format!("{}/{}", statement.task, statement.round);
        Ok(Grant { max_bytes: self.max_bytes, label })
    }
}

/// A host that runs.
struct Running {
    folder: TempDir,
    store: Arc<Store>,
    addr: SocketAddr,
    account: [u8; 32],
    keeper: Keeper,
    asked: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

const DRAWN: [[u8; 32]; 3] = [[1; 32], [2; 32], [3; 32]];

impl Running {
    async fn start() -> Self {
        Self::start_with(HostLimits::default(), None).await
    }

    async fn start_with(limits: HostLimits, max_bytes: Option<u64>) -> Self {
        Self::start_in(TempDir::new().unwrap(), limits, max_bytes).await
    }

    async fn start_in(folder: TempDir, limits: HostLimits, max_bytes: Option<u64>) -> Self {
        let options = StoreOptions { max_bytes };
        let store = Arc::new(Store::open_with(folder.path().join("store"), options).unwrap());
        // Each host has an account of its own.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let mut account = [0xaa; 32];
        account[0] = COUNT.fetch_add(1, Ordering::SeqCst) as u8;
        let asked = Arc::<AtomicUsize>::default();
        let chain = Chain {
            host: account,
            drawn: DRAWN.to_vec(),
            max_bytes: 64 * MIB as u64,
            asked: asked.clone(),
        };
        let local = "127.0.0.1:0".parse().unwrap();
        let host = Host::bind(store.clone(), local, chain, limits).await.unwrap();
        let (addr, keeper) = (host.addr(), host.keeper());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(host.run(async move { drop(stopped.await) }));
        Self { folder, store, addr, account, keeper, asked, stop, task }
    }

    /// Stops the host; the folder stays.
    async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        self.folder
    }

    fn target(&self, trainer: &Trainer, parcel: &Parcel) -> Target {
        target(&format!("http://{}", self.addr), trainer.statement(self.account, parcel))
    }

    fn holds(&self, cid: &Cid, data: &[u8]) -> bool {
        let pieces = self.store.file(cid, 0, None).unwrap();
        let found: Vec<u8> = pieces.flat_map(|piece| piece.unwrap()).collect();
        found == data && self.keeper.kept().unwrap()[cid].contains("5/6")
    }
}

/// Somebody with an update.
struct Trainer {
    account: [u8; 32],
    _folder: TempDir,
    store: Arc<Store>,
}

impl Trainer {
    fn new(account: [u8; 32]) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(folder.path().join("store")).unwrap());
        Self { account, _folder: folder, store }
    }

    fn parcel(&self, data: &[u8]) -> Arc<Parcel> {
        let cid = self.store.add(data, true).unwrap().cid;
        Arc::new(Parcel::new(&self.store, &cid).unwrap())
    }

    fn statement(&self, host: [u8; 32], parcel: &Parcel) -> Statement {
        Statement {
            genesis: GENESIS,
            task: 5,
            round: 6,
            account: self.account,
            host,
            cid: parcel.cid(),
            bytes: parcel.bytes(),
            expires: NOW,
        }
    }

    fn car(&self, cid: &Cid) -> Vec<u8> {
        let car = self.store.export_car(&[(*cid).into()], Scope::All).unwrap();
        car.flat_map(|piece| piece.unwrap()).collect()
    }
}

fn target(url: &str, statement: Statement) -> Target {
    let signature = sign(&statement);
    let authorization = Authorization { statement, signature };
    Target { url: url.parse().unwrap(), authorization }
}

/// Short pauses and time-outs.
fn client() -> HostClient {
    HostClient::new(HandSettings {
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(400),
        step_timeout: Duration::from_secs(2),
        answer_timeout: Duration::from_secs(20),
        ..HandSettings::default()
    })
}

/// The head of a request, with what authorizes it.
fn head(method: &str, target: &Target, headers: &str) -> String {
    let Target { url, authorization } = target;
    let addr = url.as_str().strip_prefix("http://").unwrap();
    format!(
        "{method} /uploads/{} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nAuthorization: {}\r\n{headers}\r\n",
        authorization.statement.cid,
        authorization.header()
    )
}

/// Sends as much as is taken, and reads an answer to its end.
async fn exchange(stream: TcpStream, request: &[u8]) -> Answer {
    trickle(stream, request, request.len().max(1), Duration::ZERO).await
}

/// [`exchange`], so many bytes at a time, with a pause after each.
async fn trickle(mut stream: TcpStream, request: &[u8], bytes: usize, pause: Duration) -> Answer {
    let (mut from, mut to) = stream.split();
    let mut raw = Vec::new();
    // Who refuses does not read on.
    let sending = async {
        for piece in request.chunks(bytes) {
            let _ = to.write_all(piece).await;
            tokio::time::sleep(pause).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = from.read_to_end(&mut raw) => {}
        () = sending => {}
    }
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer");
    let head = String::from_utf8(raw[..end].to_vec()).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: raw[end + 4..].to_vec(), raw }
}

async fn ask(target: &Target) -> Answer {
    exchange(connect(target).await, head("GET", target, "").as_bytes()).await
}

async fn put(target: &Target, offset: u64, body: &[u8]) -> Answer {
    let headers = format!("Upload-Offset: {offset}\r\nContent-Length: {}\r\n", body.len());
    let mut request = head("PUT", target, &headers).into_bytes();
    request.extend_from_slice(body);
    exchange(connect(target).await, &request).await
}

async fn connect(target: &Target) -> TcpStream {
    TcpStream::connect(target.url.as_str().strip_prefix("http://").unwrap()).await.unwrap()
}

fn kind(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

fn offset(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("upload-offset").unwrap().parse().unwrap()
}
