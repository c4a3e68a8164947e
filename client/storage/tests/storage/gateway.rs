//! The gateway over HTTP, with clients that behave and clients that do not.

mod bad_clients;

use crate::support::{Answer, block_file, bytes, http};
use decentralml_storage::{
    Block, Cid, Codec, Store, WrittenCid,
    car::CarReader,
    gateway::{Gateway, Limits},
    unixfs,
};
use ipld_dagpb::{PbLink, PbNode};
use std::{fs, net::SocketAddr, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle, time::timeout};

const MIB: usize = 1 << 20;

struct Running {
    _folder: TempDir,
    store: Arc<Store>,
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(limits: Limits) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(folder.path().join("store")).unwrap());
        let gateway = Gateway::bind(store.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr = gateway.addr();
        assert_eq!(gateway.url(), format!("http://{addr}"));
        let (stop, stopped) = oneshot::channel::<()>();
        let run = gateway.with_limits(limits).run(async move { drop(stopped.await) });
        Self { _folder: folder, store, addr, stop, task: tokio::spawn(run) }
    }

    async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, "").await
    }

    async fn send(&self, method: &str, target: &str, headers: &str) -> Answer {
        http(self.addr, method, &format!("/ipfs/{target}"), headers, b"").await
    }

    fn add(&self, data: &[u8]) -> Cid {
        self.store.add(data, true).unwrap().cid
    }

    /// A directory with these entries.
    fn directory(&self, entries: &[(&str, Cid)]) -> Cid {
        let links = entries
            .iter()
            .map(|(name, cid)| PbLink {
                cid: cid::Cid::try_from(WrittenCid::from(*cid).to_bytes()).unwrap(),
                name: Some((*name).into()),
                size: Some(1),
            })
            .collect();
        let data = Some(vec![8, 1].into());
        let block = Block::new(Codec::DagPb, PbNode { links, data }.into_bytes());
        self.store.put(&block).unwrap();
        block.cid()
    }
}

fn cids(car: &Answer) -> Vec<Cid> {
    let reader = CarReader::new(&car.body[..]).unwrap();
    reader.map(|next| next.unwrap().1.cid()).collect()
}

#[tokio::test]
async fn files_are_given_whole_and_in_parts() {
    let gateway = Running::start(Limits::default()).await;
    let data = bytes(2 * MIB + 77);
    let cid = gateway.add(&data);
    let target = cid.to_string();
    let whole = gateway.get(&target).await;
    assert_eq!((whole.status, &whole.body), (200, &data));
    for (name, value) in [
        ("content-length", data.len().to_string()),
        ("content-type", "application/octet-stream".into()),
        ("accept-ranges", "bytes".into()),
        ("cache-control", "public, max-age=29030400, immutable".into()),
        ("etag", format!("\"{cid}\"")),
        ("x-content-type-options", "nosniff".into()),
        ("x-ipfs-path", format!("/ipfs/{cid}")),
        ("x-ipfs-roots", cid.to_string()),
        ("access-control-allow-origin", "*".into()),
    ] {
        assert_eq!(whole.header(name), Some(value.as_str()), "{name}");
    }
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        (&format!("bytes={}-{}", MIB - 3, MIB + 3), MIB - 3, MIB + 4),
        ("bytes=2097152-", 2 * MIB, data.len()),
        ("bytes=-10", data.len() - 10, data.len()),
    ] {
        let part = gateway.send("GET", &target, &format!("Range: {range}\r\n")).await;
        assert_eq!((part.status, &part.body[..]), (206, &data[from..to]), "{range}");
        let expected = format!("bytes {from}-{}/{}", to - 1, data.len());
        assert_eq!(part.header("content-range"), Some(expected.as_str()));
        assert_eq!(part.header("content-length"), Some((to - from).to_string().as_str()));
    }
    let outside = gateway.send("GET", &target, "Range: bytes=3000000-\r\n").await;
    assert_eq!(outside.status, 416);
    assert_eq!(outside.header("content-range"), Some(format!("bytes */{}", data.len()).as_str()));

    let head = gateway.send("HEAD", &target, "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), whole.header("content-length"));
    let known = format!("If-None-Match: \"x\", W/\"{cid}\"\r\n");
    let unchanged = gateway.send("GET", &target, &known).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.header("etag"), whole.header("etag"));
    // A part of another version is no use to whoever asks.
    let other = gateway.send("GET", &target, "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n").await;
    assert_eq!((other.status, other.body.len()), (200, data.len()));

    let empty = gateway.add(b"");
    assert_eq!(gateway.get(&empty.to_string()).await.header("content-length"), Some("0"));
}

#[tokio::test]
async fn blocks_are_given_as_they_are() {
    let gateway = Running::start(Limits::default()).await;
    let data = bytes(MIB + 5);
    let cid = gateway.add(&data);
    let block = gateway.store.get(&cid).unwrap();
    for (target, accept) in [
        (format!("{cid}?format=raw"), ""),
        (cid.to_string(), "Accept: application/vnd.ipld.raw\r\n"),
    ] {
        let answer = gateway.send("GET", &target, accept).await;
        assert_eq!((answer.status, &answer.body[..]), (200, &block.data()[..]));
        assert_eq!(answer.header("content-type"), Some("application/vnd.ipld.raw"));
        assert_eq!(answer.header("etag"), Some(format!("\"{cid}.raw\"").as_str()));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let part = gateway.send("GET", &format!("{cid}?format=raw"), "Range: bytes=3-6\r\n").await;
    assert_eq!((part.status, &part.body[..]), (206, &block.data()[3..7]));
}

#[tokio::test]
async fn dags_are_given_as_cars_in_three_scopes() {
    let gateway = Running::start(Limits::default()).await;
    let data = bytes(MIB + 5);
    let file = gateway.add(&data);
    let leaves = [&data[..MIB], &data[MIB..]].map(unixfs::canonical_cid);
    let inner = gateway.directory(&[("file", file)]);
    let root = gateway.directory(&[("a b", leaves[1]), ("inner", inner)]);
    let all = gateway.get(&format!("{root}?format=car")).await;
    assert_eq!(cids(&all), [root, leaves[1], inner, file, leaves[0]]);
    assert_eq!(
        all.header("content-type"),
        Some("application/vnd.ipld.car; version=1; order=dfs; dups=n")
    );
    assert_eq!(all.header("x-ipfs-roots"), Some(root.to_string().as_str()));
    assert_eq!(all.header("accept-ranges"), Some("none"));
    assert!(all.header("etag").unwrap().starts_with("w/\""));
    let accept = "Accept: application/vnd.ipld.car; version=1; order=dfs; dups=n\r\n";
    assert_eq!(gateway.send("GET", &root.to_string(), accept).await.body, all.body);
    let twice = gateway.get(&format!("{root}?format=car&car-dups=y")).await;
    assert_eq!(cids(&twice), [root, leaves[1], inner, file, leaves[0], leaves[1]]);
    assert!(twice.header("content-type").unwrap().ends_with("dups=y"));
    assert_ne!(twice.header("etag"), all.header("etag"));

    // The way to what a path names is in it, and the header names what it leads to.
    for (target, expected) in [
        (format!("{root}/inner/file?format=car"), &[root, inner, file, leaves[0], leaves[1]][..]),
        (format!("{root}/inner/file?format=car&dag-scope=block"), &[root, inner, file]),
        (
            format!("{root}/inner/file?format=car&dag-scope=entity"),
            &[root, inner, file, leaves[0], leaves[1]],
        ),
        (format!("{root}/inner/file?format=car&entity-bytes=0:9"), &[root, inner, file, leaves[0]]),
        (
            format!("{root}/inner/file?format=car&entity-bytes=-5:*"),
            &[root, inner, file, leaves[1]],
        ),
        (format!("{root}/inner?format=car&dag-scope=entity"), &[root, inner]),
        (format!("{root}?format=car&dag-scope=entity"), &[root]),
        (format!("{root}/a%20b?format=car"), &[root, leaves[1]]),
    ] {
        let car = gateway.get(&target).await;
        assert_eq!(cids(&car), expected, "{target}");
        let named = CarReader::new(&car.body[..]).unwrap().roots().to_vec();
        assert_eq!(
            car.header("x-ipfs-roots").unwrap().rsplit(',').next(),
            Some(named[0].to_string().as_str())
        );
    }
    let path = gateway.get(&format!("{root}/inner/file")).await;
    assert_eq!(path.body, data);
    assert_eq!(path.header("x-ipfs-roots"), Some(format!("{root},{inner},{file}").as_str()));
    assert_eq!(gateway.get(&format!("{root}/a%20b")).await.body, &data[MIB..]);
    let directory = gateway.get(&root.to_string()).await;
    assert_eq!(directory.status, 406);
    assert!(directory.text().contains("?format=car"), "{}", directory.text());
}

#[tokio::test]
async fn what_is_missing_or_unclear_is_refused_at_once() {
    let gateway = Running::start(Limits::default()).await;
    let absent = Block::new(Codec::Raw, &b"absent"[..]).cid();
    let root = gateway.directory(&[("gone", absent)]);
    for (target, headers, status) in [
        (absent.to_string(), "", 404),
        (format!("{absent}?format=raw"), "", 404),
        (format!("{absent}?format=car"), "", 404),
        (format!("{absent}?format=raw"), "Cache-Control: only-if-cached\r\n", 412),
        (format!("{root}/gone"), "", 404),
        (format!("{root}/nope"), "", 404),
        (format!("{root}/nope?format=car"), "", 404),
        ("nonsense".into(), "", 400),
        (format!("{root}/.."), "", 400),
        (format!("{root}?format=car&dag-scope=most"), "", 400),
        (format!("{root}?format=car&entity-bytes=9:0"), "", 400),
    ] {
        let answer = gateway.send("GET", &target, headers).await;
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), None, "what fails may come right later");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    for target in ["/", "/ipns/x", "/api/v0/version", "/ipfs"] {
        assert_eq!(http(gateway.addr, "GET", target, "", b"").await.status, 404, "{target}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = gateway.send(method, &root.to_string(), "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("get, head, options")));
    }
    let page = "Origin: https://example.com\r\nAccess-Control-Request-Method: GET\r\n";
    let preflight = gateway.send("OPTIONS", &root.to_string(), page).await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("get, head, options"));
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("range"));
}

#[tokio::test]
async fn a_corrupt_block_is_never_served() {
    let gateway = Running::start(Limits::default()).await;
    let data = bytes(6 * MIB);
    let cid = gateway.add(&data);
    let bad = unixfs::canonical_cid(&data[4 * MIB..5 * MIB]);
    let path = block_file(gateway.store.path(), &bad);
    let mut rotten = fs::read(&path).unwrap();
    rotten[7] ^= 1;
    fs::write(&path, rotten).unwrap();

    let at_once = gateway.get(&format!("{bad}?format=raw")).await;
    assert_eq!(at_once.status, 500);
    assert!(at_once.text().contains("corrupt"), "{}", at_once.text());
    assert!(!at_once.text().contains(path.to_str().unwrap()), "where it lies is nobody's business");
    let cut = gateway.get(&cid.to_string()).await;
    assert_eq!(cut.header("content-length"), Some(data.len().to_string().as_str()));
    assert_eq!(cut.body, &data[..4 * MIB], "below the length that was promised");
    let cut = gateway.get(&format!("{cid}?format=car")).await;
    assert!(!cut.raw.ends_with(b"0\r\n\r\n"), "without the end of a stream in chunks");
    assert_eq!(CarReader::new(&cut.body[..]).unwrap().filter(Result::is_ok).count(), 5);
    // Around it.
    let part = gateway.send("GET", &cid.to_string(), "Range: bytes=5242880-\r\n").await;
    assert_eq!(part.body, &data[5 * MIB..]);
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let gateway = Running::start(Limits::default()).await;
    let idle = TcpStream::connect(gateway.addr).await.unwrap();
    let cid = gateway.add(b"content");
    assert_eq!(gateway.get(&cid.to_string()).await.status, 200);
    gateway.stop.send(()).unwrap();
    timeout(Duration::from_secs(30), gateway.task).await.expect("it ends").unwrap();
    assert!(TcpStream::connect(gateway.addr).await.is_err());
    drop(idle);
}
