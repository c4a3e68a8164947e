//! The same against a real Kubo: what the client does with it, and whether the embedded store answers as it does.
//!
//! `scripts/kubo.sh` starts one and runs these tests; by hand:
//! `DECENTRALML_KUBO=http://127.0.0.1:5001 cargo test --release -p decentralml-storage --test kubo -- --ignored`.
//! They leave pinned files in that Kubo.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use decentralml_storage::{Block, Codec, Error, Storage, unixfs};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    fs::File,
    net::{SocketAddr, ToSocketAddrs},
    os::unix::fs::FileExt,
    path::Path,
};
use support::{Answer, Daemon, bytes, patient, post, quick, upload};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const MIB: usize = 1 << 20;

/// Kubo's options for the canonical form.
const CANONICAL: &str = "cid-version=1&raw-leaves=true&chunker=size-1048576&max-file-links=1024";

fn url() -> String {
    std::env::var("DECENTRALML_KUBO").expect("DECENTRALML_KUBO is the URL of a Kubo's RPC")
}

fn addr() -> SocketAddr {
    let url = url();
    let host = url.strip_prefix("http://").expect("http://host:port").trim_end_matches('/');
    host.to_socket_addrs().unwrap().next().unwrap()
}

async fn client() -> Storage {
    Storage::connect_with(&url(), patient()).await.unwrap()
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn kubo_gives_the_cids_that_we_compute() {
    let client = client().await;
    for size in [0, 1, 1000, MIB - 1, MIB, MIB + 1, 2 * MIB, 20 * MIB + 17] {
        let data = bytes(size);
        let cid = unixfs::canonical_cid(&data);
        // Kubo's own word for it, before the client has a chance to put blocks one by one.
        let hash = format!("add?{CANONICAL}&only-hash=true");
        let answer = upload(addr(), &hash, "name=\"path\"", &data).await;
        assert_eq!(answer.json()["Hash"], cid.to_string(), "{size} bytes");

        let added = client.add(data.clone()).await.unwrap();
        assert_eq!((added.cid, added.size), (cid, size as u64));
        assert!(client.has(&cid).await.unwrap());
        assert_eq!(client.fetch(&cid, size as u64).await.unwrap(), data);
        assert_eq!(post(addr(), &format!("cat?arg={cid}")).await.body, data);
    }
}

/// What Kubo calls a file in the canonical form; the file is streamed and not stored.
async fn hash_by_kubo(path: &Path, size: u64) -> String {
    let frame = "--frame\r\nContent-Disposition: form-data; name=\"path\"\r\n\r\n";
    let (end, length) = ("\r\n--frame--\r\n", size + frame.len() as u64 + 15);
    let mut stream = TcpStream::connect(addr()).await.unwrap();
    let head = format!(
        "POST /api/v0/add?{CANONICAL}&only-hash=true HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=frame\r\nContent-Length: {length}\r\n\r\n{frame}",
        addr()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut file = tokio::fs::File::open(path).await.unwrap();
    tokio::io::copy(&mut file, &mut stream).await.unwrap();
    stream.write_all(end.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, rest) = answer.split_once("\"Hash\":\"").unwrap_or_else(|| panic!("{answer}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn a_file_of_two_levels_has_kubos_cid() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    // Holes take no room, neither here nor there, where the leaf of zeros is one block.
    let file = File::create(&path).unwrap();
    file.set_len((1025 * MIB) as u64 + 5).unwrap();
    for at in (0..1025).step_by(64) {
        file.write_all_at(&bytes(at + 1), (at * MIB) as u64).unwrap();
    }
    let client = client().await;
    let added = client.add_file(&path).await.unwrap();
    let root = post(addr(), &format!("block/get?arg={}", added.cid)).await.body;
    let links = unixfs::links(&Block::verified(added.cid, root).unwrap()).unwrap();
    assert_eq!(links.len(), 2, "1,026 chunks are one full node and a second one");
    assert!(links.iter().all(|link| link.codec == Codec::DagPb));

    // Kubo's own word for it: the client would have put blocks one by one where the forms differ.
    assert_eq!(hash_by_kubo(&path, added.size).await, added.cid.to_string());
    let copy = folder.path().join("copy");
    let size = client.fetch_to_file(&added.cid, &copy, added.size).await.unwrap();
    assert_eq!(size, added.size);
    let cid_of = |path| unixfs::import(File::open(path).unwrap(), |_| Ok::<_, std::io::Error>(()));
    assert_eq!(cid_of(&copy).unwrap().cid, added.cid);
    assert!(client.unpin(&added.cid).await.unwrap());
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn kubo_makes_two_levels_itself_when_it_is_told_the_fan_out() {
    let data = bytes(175 * MIB + 1);
    let cid = unixfs::canonical_cid(&data);
    let options = "cid-version=1&raw-leaves=true&chunker=size-1048576&only-hash=true";
    let add = async |more: &str| {
        let path = format!("add?{options}{more}");
        upload(addr(), &path, "name=\"path\"", &data).await.json()["Hash"].clone()
    };
    assert_eq!(add("&max-file-links=1024").await, cid.to_string());
    assert_ne!(add("&max-file-links=174").await, cid.to_string(), "the default of older settings");
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn what_kubo_lacks_is_missing_or_late_but_never_there() {
    let absent = Block::new(Codec::Raw, bytes(77)).cid();
    let client = Storage::connect_with(&url(), quick()).await.unwrap();
    assert!(!client.has(&absent).await.unwrap());
    // A Kubo that is online asks its peers until it is told to stop.
    for error in
        [client.fetch(&absent, 100).await.unwrap_err(), client.pin(&absent).await.unwrap_err()]
    {
        assert!(matches!(error, Error::NotFound { .. } | Error::Timeout { .. }), "{error}");
    }
    let error = client.fetch(&client.add(bytes(100)).await.unwrap().cid, 99).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 99, .. }), "{error}");
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn pins_come_and_go() {
    let client = client().await;
    let cid = client.add(b"pinned by a test".to_vec()).await.unwrap().cid;
    assert!(client.pins().await.unwrap().contains(&cid));
    assert!(client.unpin(&cid).await.unwrap());
    assert!(!client.unpin(&cid).await.unwrap(), "there was no pin any more");
    assert!(!client.pins().await.unwrap().contains(&cid));
    client.pin(&cid).await.unwrap();
    assert!(client.pins().await.unwrap().contains(&cid));
    let stat = client.stat().await.unwrap();
    assert!(stat.blocks > 0 && stat.bytes > 0 && !stat.path.is_empty());
    assert!(client.version().await.unwrap().starts_with("0."));
}

/// How alike two answers have to be. Status, kind of content and stream are the same in any case.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Alike {
    /// Byte for byte.
    Equal,
    /// The same names, and values of the same types: versions, sizes, words of errors.
    Shape,
    /// An error of a command: the words are our own.
    Failed,
}
use Alike::{Equal, Failed, Shape};

/// The types of a JSON value.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, v)| (name.clone(), shape(v))).collect(),
        // An empty list and a full one are of the same type.
        Value::Array(_) => json!("list"),
        Value::String(_) => json!("string"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("bool"),
        Value::Null => Value::Null,
    }
}

/// The values of an answer of one JSON document a line; whatever else it is, as it is.
fn content(answer: &Answer) -> Value {
    let text = answer.text();
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    match lines {
        Ok(values) if answer.header("content-type") == Some("application/json") => json!(values),
        _ => json!(answer.body),
    }
}

/// In what two answers differ, if they do.
fn difference(alike: Alike, kubo: &Answer, ours: &Answer) -> Option<String> {
    if kubo.status != ours.status {
        return Some(format!("status {} and {}", kubo.status, ours.status));
    }
    for header in ["content-type", "x-stream-output", "x-chunked-output", "x-content-length"] {
        let (kubo, ours) = (kubo.header(header), ours.header(header));
        if kubo != ours {
            return Some(format!("{header}: {kubo:?} and {ours:?}"));
        }
    }
    let (kubo_content, our_content) = (content(kubo), content(ours));
    let same = match alike {
        Equal => kubo_content == our_content,
        Shape => shape(&kubo.json()) == shape(&ours.json()),
        Failed => {
            let essence = |value: &Value| {
                (shape(&value[0]), value[0]["Code"].clone(), value[0]["Type"].clone())
            };
            kubo.status == 500 && essence(&kubo_content) == essence(&our_content)
        }
    };
    (!same).then(|| format!("{} and {}", kubo.text(), ours.text()))
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn the_embedded_store_answers_as_kubo_does() {
    let daemon = Daemon::start().await;
    let differences = RefCell::new(Vec::new());
    let compare = |command: &str, alike, kubo: Answer, ours: Answer| {
        let difference = difference(alike, &kubo, &ours);
        differences.borrow_mut().extend(difference.map(|found| format!("{command}: {found}")));
    };
    let both = async |command: &str, alike: Alike| {
        // Kubo looks no further than its own repository, as the embedded store does.
        let offline =
            format!("{command}{}offline=true", if command.contains('?') { '&' } else { '?' });
        let kubo = post(addr(), &offline).await;
        compare(command, alike, kubo, post(daemon.addr, &offline).await);
    };
    let both_take = async |command: &str, part: &str, data: &[u8], alike: Alike| {
        let (kubo, ours) = (
            upload(addr(), command, part, data).await,
            upload(daemon.addr, command, part, data).await,
        );
        compare(command, alike, kubo, ours);
    };
    let (small, large) = (b"what a real Kubo says", bytes(2 * MIB + 5));
    let (leaf, root) = (unixfs::canonical_cid(small), unixfs::canonical_cid(&large));
    let absent = Block::new(Codec::Raw, bytes(99)).cid();

    let named = "name=\"file\"; filename=\"words.txt\"";
    both_take(&format!("add?{CANONICAL}"), named, small, Equal).await;
    both_take(&format!("add?{CANONICAL}"), "name=\"path\"", &large, Equal).await;
    both_take(&format!("add?{CANONICAL}&only-hash=true"), named, b"elsewhere", Equal).await;
    both_take("add?chunker=nonsense", named, small, Failed).await;
    both_take("add?hash=nonsense", named, small, Failed).await;
    both_take("add?pin=maybe", named, small, Equal).await;
    both_take("block/put?cid-codec=raw", "name=\"data\"", small, Equal).await;
    both_take("block/put?format=raw&mhtype=sha2-256&mhlen=32", "name=\"data\"", small, Equal).await;
    both_take("block/put?cid-codec=dag-pb", "name=\"data\"", &[0x0a, 2, 8, 1], Equal).await;
    both_take("block/put?cid-codec=nonsense", "name=\"data\"", small, Failed).await;
    both_take("block/put?mhtype=nonsense", "name=\"data\"", small, Failed).await;
    both_take("block/put", "name=\"data\"", &bytes(2 * MIB + 1), Failed).await;
    both("add", Equal).await;
    both("block/put", Equal).await;

    both(&format!("cat?arg={leaf}"), Equal).await;
    both(&format!("cat?arg=/ipfs/{leaf}"), Equal).await;
    both(&format!("cat?arg={root}"), Equal).await;
    both(&format!("cat?arg={root}&offset={}&length=20", MIB - 10), Equal).await;
    both(&format!("cat?arg={leaf}&length=0"), Equal).await;
    both(&format!("cat?arg={leaf}&offset=9999"), Equal).await;
    both(&format!("cat?arg={leaf}&offset=-1"), Equal).await;
    both(&format!("cat?arg={leaf}&length=-1"), Equal).await;
    both(&format!("cat?arg={leaf}&offset=many"), Equal).await;
    both("cat?arg=nonsense", Failed).await;
    both(&format!("cat?arg={absent}"), Failed).await;
    both("cat", Equal).await;
    for command in ["block/get", "block/stat"] {
        both(&format!("{command}?arg={leaf}"), Equal).await;
        both(&format!("{command}?arg={root}"), Equal).await;
        both(&format!("{command}?arg={absent}"), Failed).await;
        both(&format!("{command}?arg=nonsense"), Failed).await;
        both(command, Equal).await;
    }

    let second = unixfs::canonical_cid(&large[MIB..2 * MIB]);
    for command in [
        &format!("pin/ls?arg={root}"),
        &format!("pin/ls?arg={root}&type=recursive"),
        "pin/ls?type=direct",
        "pin/ls?type=nonsense",
        &format!("pin/ls?arg={absent}"),
        &format!("pin/add?arg={leaf}"),
        &format!("pin/add?arg={root}&recursive=true"),
        &format!("pin/rm?arg={leaf}"),
        "pin/add",
        "pin/rm",
    ] {
        both(command, Equal).await;
    }
    for command in [
        &format!("pin/add?arg={absent}"),
        &format!("pin/rm?arg={leaf}"),
        &format!("pin/rm?arg={second}"),
        "pin/add?arg=nonsense",
        "pin/rm?arg=nonsense",
        "pin/ls?arg=nonsense",
    ] {
        both(command, Failed).await;
    }
    let indirect = format!("pin/ls?arg={second}");
    let kind = async |addr| post(addr, &indirect).await.json()["Keys"][second.to_string()].clone();
    // Kubo names the root as well.
    assert_eq!(kind(addr()).await["Type"], format!("indirect through {root}"));
    assert_eq!(kind(daemon.addr).await["Type"], "indirect");

    for command in ["version", "id", "repo/stat", "stats/repo"] {
        both(command, Shape).await;
    }
    let status = async |addr| post(addr, "no/such/command").await.status;
    assert_eq!(status(addr()).await, status(daemon.addr).await);
    let differences = differences.into_inner();
    assert!(differences.is_empty(), "Kubo's answers and ours:\n{}", differences.join("\n"));
}
