//! What a server reads of a request: targets and ranges of the gateway, uploads of the RPC. Over a real connection, since it is the
//! whole of it that must not fall.

use crate::support::{Daemon, bytes};
use decentralml_storage::{
    StoreOptions,
    gateway::{self, Limits},
    server::{Access, Token},
    unixfs::canonical_cid,
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    panic,
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};
use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

/// Bytes of the file in the gateway: a chunk and a bit.
const SIZE: usize = (1 << 20) + 999;

/// Most bytes of an answer's head, and of an error.
const SHORT: usize = 64 << 10;

/// Name of the threads that serve.
const SERVER: &str = "fuzzed-server";

pub const WORDS: &[&[u8]] = &[
    b"bytes=",
    b"-",
    b",",
    b" ",
    b"0",
    b"%",
    b"%2f",
    b"%00",
    b"/",
    b"..",
    b"?",
    b"&",
    b"format=car",
    b"dag-scope=",
    b"--frame",
    b"--frame--",
    b"\r\n",
    b"\r\n\r\n",
    b"; filename=\"",
    b"\"",
    b"name=\"path\"",
    b"Content-Type: ",
    b"Content-Disposition: ",
    b"application/x-directory",
    b"application/symlink",
    b"%2F",
    b"entity-bytes=",
    b"dups=y",
];

/// Panics on the threads that serve; there a panic costs a connection, and nobody would hear of it.
static PANICS: AtomicU64 = AtomicU64::new(0);

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name() == Some(SERVER) {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            before(info);
        }));
    });
}

fn runtime() -> Runtime {
    count_panics();
    Builder::new_multi_thread().worker_threads(1).thread_name(SERVER).enable_all().build().unwrap()
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A connection that is used again as long as the server keeps it.
struct Client {
    addr: SocketAddr,
    open: Option<BufReader<TcpStream>>,
}

impl Client {
    fn new(addr: SocketAddr) -> Self {
        Self { addr, open: None }
    }

    /// Sends a request; `None` where the server hangs up in the middle of it. On a connection that was used before it may have hung up
    /// already, so that one more is tried.
    fn send(&mut self, request: &[u8]) -> Option<Answer> {
        let panics = PANICS.load(Ordering::SeqCst);
        let fresh = self.open.is_none();
        let answer = self.try_send(request);
        if answer.is_none() {
            self.open = None;
        }
        assert_eq!(PANICS.load(Ordering::SeqCst), panics, "a panic on the server");
        if answer.is_none() && !fresh { self.send(request) } else { answer }
    }

    fn try_send(&mut self, request: &[u8]) -> Option<Answer> {
        let stream = match &mut self.open {
            Some(stream) => stream,
            none => none.insert(BufReader::new(TcpStream::connect(self.addr).unwrap())),
        };
        stream.get_mut().write_all(request).ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let limit = SHORT - head.len();
            assert!(limit > 0, "a head without an end");
            if stream.take(limit as u64).read_until(b'\n', &mut head).ok()? == 0 {
                return None;
            }
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head: head.to_lowercase(), body: Vec::new() };
        if answer.header("transfer-encoding") == Some("chunked") {
            while let length @ 1.. = chunk(stream)? {
                let mut piece = vec![0; length + 2];
                stream.read_exact(&mut piece).ok()?;
                answer.body.extend_from_slice(&piece[..length]);
                assert!(answer.body.len() <= SIZE + SHORT, "an answer without an end");
            }
            stream.read_exact(&mut [0; 2]).ok()?;
        } else {
            let length: usize =
                answer.header("content-length").map_or(0, |text| text.parse().unwrap());
            assert!(length <= SIZE + SHORT, "an answer of {length} bytes");
            answer.body.resize(length, 0);
            stream.read_exact(&mut answer.body).ok()?;
        }
        if answer.header("connection") == Some("close") {
            self.open = None;
        }
        Some(answer)
    }
}

fn chunk(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.take(20).read_line(&mut line).ok()?;
    usize::from_str_radix(line.trim_end(), 16).ok()
}

/// Bytes as a header may have them.
fn header_value(input: &[u8]) -> Vec<u8> {
    let clean = |byte: &u8| if matches!(byte, b'\r' | b'\n' | 0) { b'?' } else { *byte };
    input.iter().take(8 << 10).map(clean).collect()
}

/// A gateway with one file.
pub struct Gateway {
    client: Client,
    content: Vec<u8>,
    cid: String,
    _stop: oneshot::Sender<()>,
    _daemon: Daemon,
    _runtime: Runtime,
}

impl Gateway {
    pub fn start() -> Self {
        let runtime = runtime();
        let daemon = runtime.block_on(Daemon::start());
        let content = bytes(SIZE);
        let cid = daemon.store.add(&content[..], true).unwrap().cid.to_string();
        let bound = gateway::Gateway::bind(daemon.store.clone(), "127.0.0.1:0".parse().unwrap());
        let gateway = runtime.block_on(bound).unwrap().with_limits(Limits::default());
        let client = Client::new(gateway.addr());
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(gateway.run(async move { drop(stopped.await) }));
        Self { client, content, cid, _stop: stop, _daemon: daemon, _runtime: runtime }
    }

    pub fn targets(&self) -> Vec<Vec<u8>> {
        let block = canonical_cid(&self.content[1 << 20..]);
        [
            "CID?format=raw",
            "CID?format=car&dag-scope=block",
            "BLOCK",
            "BLOCK?format=car",
            "BLOCK/?a=%20b+c",
        ]
        .map(|form| {
            form.replace("CID", &self.cid).replace("BLOCK", &block.to_string()).into_bytes()
        })
        .into()
    }

    /// What is behind `/ipfs/`. Bytes that would end the target are sent in escapes.
    pub fn check_target(&mut self, input: &[u8]) -> bool {
        let mut target = Vec::new();
        for byte in input.iter().take(8 << 10) {
            match byte {
                0..=b' '
                | 0x7f..
                | b'"'
                | b'#'
                | b'<'
                | b'>'
                | b'\\'
                | b'^'
                | b'`'
                | b'{'
                | b'|'
                | b'}' => {
                    target.extend_from_slice(format!("%{byte:02x}").as_bytes());
                }
                other => target.push(*other),
            }
        }
        let request = [b"GET /ipfs/", &target[..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        let answer = self.client.send(&request).expect("an answer, whatever the target");
        assert!(matches!(answer.status, 200 | 400 | 404 | 414 | 431 | 501), "{}", answer.head);
        answer.status == 200
    }

    /// The value of `Range`. Bytes that would end the header are sent as others. Says whether there are such bytes.
    pub fn check_range(&mut self, input: &[u8]) -> bool {
        let value = header_value(input);
        let head = format!("GET /ipfs/{} HTTP/1.1\r\nHost: a\r\nRange: ", self.cid);
        let request = [head.as_bytes(), &value, b"\r\n\r\n"].concat();
        let answer = self.client.send(&request).expect("an answer, whatever the range");
        match answer.status {
            200 => assert!(answer.body == self.content),
            206 => {
                let range = answer.header("content-range").unwrap();
                let (range, size) = range.strip_prefix("bytes ").unwrap().split_once('/').unwrap();
                let (from, to) = range.split_once('-').unwrap();
                let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                assert_eq!(size.parse(), Ok(SIZE));
                assert!(answer.body == self.content[from..=to]);
            }
            400 | 416 | 431 => assert!(answer.body.len() <= SHORT),
            _ => panic!("{}", answer.head),
        }
        answer.status == 206
    }
}

pub fn ranges() -> Vec<Vec<u8>> {
    let forms =
        ["bytes=0-0", "bytes=1048570-1048580", "bytes=1049000-", "bytes=-7", "bytes=3-9, 20-30"];
    forms.iter().map(|form| form.as_bytes().to_vec()).collect()
}

const TOKEN: &str = "0123456789abcdef-token";

pub fn tokens() -> Vec<Vec<u8>> {
    ["Bearer ", "bearer ", "BEARER "].map(|scheme| [scheme, TOKEN].concat().into_bytes()).into()
}

/// A store's RPC.
pub struct Rpc {
    client: Client,
    _daemon: Daemon,
    _runtime: Runtime,
}

fn part(head: &str, data: &[u8]) -> Vec<u8> {
    [b"--frame\r\nContent-Disposition: form-data; ", head.as_bytes(), b"\r\n\r\n", data, b"\r\n"]
        .concat()
}

pub fn uploads() -> Vec<Vec<u8>> {
    let named = "name=\"file\"; filename=\"a+b%20c.txt\"\r\nContent-Type: application/octet-stream";
    let files = [
        vec![part("name=\"path\"", b"weights")],
        vec![part(named, b""), part("name=\"file\"; filename=\"x\"", b"--frame\r\n in a text")],
        vec![part("name=\"path\"", &[0; 3000]); 3],
        vec![
            part("name=\"file\"; filename=\"d\"\r\nContent-Type: application/x-directory", b""),
            part("name=\"file\"; filename=\"d%2Fsub%2Fa\"\r\nContent-Type: text/plain", b"a"),
            part("name=\"file\"; filename=\"d%2Fl\"\r\nContent-Type: application/symlink", b"sub"),
        ],
    ];
    files.map(|parts| [parts.concat(), b"--frame--\r\n".to_vec()].concat()).into()
}

impl Rpc {
    pub fn start() -> Self {
        let runtime = runtime();
        let daemon = runtime.block_on(Daemon::start());
        Self { client: Client::new(daemon.addr), _daemon: daemon, _runtime: runtime }
    }

    /// One that opens to [`TOKEN`] only.
    pub fn start_with_token() -> Self {
        let runtime = runtime();
        let listen = "127.0.0.1:0".parse().unwrap();
        let access = Access { listen, token: Some(Token::new(TOKEN).unwrap()) };
        let folder = TempDir::new().unwrap();
        let started = Daemon::start_with(folder, StoreOptions::default(), access);
        let daemon = runtime.block_on(started);
        Self { client: Client::new(daemon.addr), _daemon: daemon, _runtime: runtime }
    }

    /// The value of `Authorization`. Bytes that would end the header are sent as others. Says whether it opens the store.
    pub fn check_token(&mut self, input: &[u8]) -> bool {
        let value = header_value(input);
        let head =
            b"POST /api/v0/version HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nAuthorization: ";
        let request = [head, &value[..], b"\r\n\r\n"].concat();
        let answer = self.client.send(&request).expect("an answer, whatever the token");
        // Space around a value is no part of it.
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let start = value.iter().take_while(|byte| is_blank(byte)).count();
        let end =
            value.len() - value[start..].iter().rev().take_while(|byte| is_blank(byte)).count();
        let shown = &value[start..end];
        let scheme = shown.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Bearer "));
        let opens = scheme && &shown[7..] == TOKEN.as_bytes();
        match answer.status {
            200 => assert!(opens, "{}", value.escape_ascii()),
            400 | 403 | 431 => assert!(!opens, "{}", answer.head),
            _ => panic!("{}", answer.head),
        }
        opens
    }

    /// The body of an upload of which only the CIDs are made. Says whether all of it was taken.
    pub fn check_upload(&mut self, body: &[u8]) -> bool {
        let head = format!(
            "POST /api/v0/add?only-hash=true HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=frame\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        // A server that reads no further than to the error may hang up on the rest.
        let Some(answer) = self.client.send(&[head.as_bytes(), body].concat()) else {
            return false;
        };
        match answer.status {
            200 => {
                let text = String::from_utf8(answer.body).unwrap();
                for line in text.lines() {
                    let line: serde_json::Value = serde_json::from_str(line).unwrap();
                    assert!(line["Hash"].as_str().unwrap().starts_with("baf"));
                    let size: usize = line["Size"].as_str().unwrap().parse().unwrap();
                    // A name of one byte and a slash make a directory.
                    assert!(size <= 64 * body.len());
                }
                !text.is_empty()
            }
            400 | 500 => {
                assert!(answer.body.len() <= SHORT);
                false
            }
            _ => panic!("{}", answer.head),
        }
    }
}
