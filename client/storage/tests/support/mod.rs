#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[cfg(target_os = "linux")]
pub mod disk;
pub mod peer;
pub mod store;

use decentralml_storage::{
    Block, Cid, Codec, Config, Storage, Store, StoreOptions,
    server::{Access, Server},
};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

/// A running store in a temporary folder.
pub struct Daemon {
    pub folder: TempDir,
    pub store: Arc<Store>,
    pub addr: SocketAddr,
    pub url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Daemon {
    pub async fn start() -> Self {
        Self::start_in(TempDir::new().unwrap()).await
    }

    pub async fn start_in(folder: TempDir) -> Self {
        Self::start_with(folder, StoreOptions::default(), Access::default()).await
    }

    pub async fn start_with(folder: TempDir, options: StoreOptions, access: Access) -> Self {
        let store = Arc::new(Store::open_with(folder.path().join("store"), options).unwrap());
        let server = Server::bind(store.clone(), access).await.unwrap();
        let (addr, url) = (server.addr(), server.url());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            server.run(async move { drop(stopped.await) }).await.unwrap();
        });
        Self { folder, store, addr, url, stop, task }
    }

    pub async fn client(&self) -> Storage {
        Storage::connect_with(&self.url, patient()).await.unwrap()
    }

    /// Stops the server and closes the store; the folder stays.
    pub async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        self.folder
    }

    pub fn block_file(&self, cid: &Cid) -> PathBuf {
        block_file(self.store.path(), cid)
    }
}

pub fn block_file(root: &std::path::Path, cid: &Cid) -> PathBuf {
    let name: String = cid.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    root.join("blocks").join(&name[..2]).join(name)
}

/// Limits for servers that do answer, also on a machine that is busy with other things.
pub fn patient() -> Config {
    Config {
        connect_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(10),
        attempts: 2,
    }
}

/// Short limits, so that a mute server fails a test in seconds.
pub fn quick() -> Config {
    Config { idle_timeout: Duration::from_secs(3), ..patient() }
}

/// Bytes without a pattern that a chunk could repeat.
pub fn bytes(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..size).map(|_| next()).collect()
}

/// A node above blocks of less than 2^14 bytes each, as small as no importer makes it.
pub fn node(leaves: &[Block]) -> Block {
    let varint = |mut value: usize, out: &mut Vec<u8>| {
        while value > 127 {
            out.push(value as u8 | 128);
            value >>= 7;
        }
        out.push(value as u8);
    };
    let (mut node, mut data) = (Vec::new(), vec![8, 2]);
    data.push(0x18);
    varint(leaves.iter().map(|leaf| leaf.data().len()).sum(), &mut data);
    for leaf in leaves {
        let mut link = vec![0x0a, 36, 1, leaf.cid().codec.code() as u8, 0x12, 32];
        link.extend_from_slice(&leaf.cid().digest);
        node.extend_from_slice(&[0x12, link.len() as u8]);
        node.extend_from_slice(&link);
        data.push(0x20);
        varint(leaf.data().len(), &mut data);
    }
    node.push(0x0a);
    varint(data.len(), &mut node);
    node.extend_from_slice(&data);
    Block::new(Codec::DagPb, node)
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// All that came.
    pub raw: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// A header's value, in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// One request over a connection of its own, read to the connection's end.
pub async fn request(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
    http(addr, method, &format!("/api/v0/{path}"), headers, body).await
}

/// [`request`] for any target.
pub async fn http(
    addr: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
    named(addr, &addr.to_string(), method, target, headers, body).await
}

/// [`http`] to a server that is called by this name.
pub async fn named(
    addr: SocketAddr,
    name: &str,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    // A server that refuses may answer before it has read all, and then reset the connection: what it said came first.
    let sent = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await
    };
    let sent = sent.await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: sent {sent:?}, read {read:?}"));
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let head = head.to_lowercase();
    let body = &answer[end + 4..];
    let body = match head.contains("transfer-encoding: chunked") {
        true => chunks(body),
        false => body.to_vec(),
    };
    Answer { status, head, body, raw: answer }
}

/// What chunks hold, up to the last one or to where the connection was cut.
fn chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        rest = &rest[end + 2..];
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        rest = rest.get(size + 2..).unwrap_or_default();
    }
    body
}

pub async fn post(addr: SocketAddr, path: &str) -> Answer {
    request(addr, "POST", path, "", b"").await
}

/// The header of a [`form`].
pub const FORM: &str = "Content-Type: multipart/form-data; boundary=frame\r\n";

/// A form of parts, each with its name, its kind and its content.
pub fn form(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, kind, content) in parts {
        let head = format!(
            "--frame\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frame--\r\n");
    body
}

/// A multipart upload of one part.
pub async fn upload(addr: SocketAddr, path: &str, part: &str, data: &[u8]) -> Answer {
    let mut body =
        format!("--frame\r\nContent-Disposition: form-data; {part}\r\nContent-Type: application/octet-stream\r\n\r\n")
            .into_bytes();
    body.extend_from_slice(data);
    body.extend_from_slice(b"\r\n--frame--\r\n");
    request(addr, "POST", path, FORM, &body).await
}
