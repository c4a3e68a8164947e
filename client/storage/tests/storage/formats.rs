//! Trees of other makers, and CARs, over the facade.

use crate::support::{Answer, Daemon, bytes, post, request, upload};
use bytes::Bytes;
use decentralml_storage::{
    Block, Codec, WrittenCid,
    car::{CarReader, Scope},
    unixfs,
};
use ipld_dagpb::{PbLink, PbNode};
use serde_json::{Value, json};
use std::fs;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const MIB: usize = 1 << 20;
const CAR: &str = "name=\"file\"; filename=\"some.car\"";

/// What `ipfs add -r` of Kubo 0.42 makes, with CIDs of version 0, of `top/{a.txt,link,sub/in.txt}`.
struct Tree {
    top: WrittenCid,
    sub: WrittenCid,
    file: WrittenCid,
    blocks: Vec<Block>,
}

fn node(message: &[u8], links: &[(&str, WrittenCid, u64)]) -> (WrittenCid, Block) {
    let links = links
        .iter()
        .map(|(name, cid, size)| PbLink {
            cid: cid::Cid::try_from(cid.to_bytes()).unwrap(),
            name: Some((*name).into()),
            size: Some(*size),
        })
        .collect();
    let data = Some(Bytes::copy_from_slice(message));
    let block = Block::new(Codec::DagPb, PbNode { links, data }.into_bytes());
    let old = WrittenCid::parse("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n").unwrap();
    (old.like(block.cid()), block)
}

fn tree() -> Tree {
    let (file, file_block) = node(b"\x08\x02\x12\x06hello\n\x18\x06", &[]);
    let (link, link_block) = node(b"\x08\x04\x12\x05a.txt", &[]);
    let (inner, inner_block) = node(b"\x08\x02\x12\x06inner\n\x18\x06", &[]);
    let (sub, sub_block) = node(&[8, 1], &[("in.txt", inner, 14)]);
    let (top, top_block) =
        node(&[8, 1], &[("a.txt", file, 14), ("link", link, 11), ("sub", sub, 66)]);
    let blocks = vec![top_block, file_block, link_block, sub_block, inner_block];
    Tree { top, sub, file, blocks }
}

impl Tree {
    async fn daemon(&self) -> Daemon {
        let daemon = Daemon::start().await;
        self.blocks.iter().for_each(|block| daemon.store.put(block).unwrap());
        daemon
    }
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn message(answer: &Answer) -> String {
    assert_eq!(answer.status, 500, "{}", answer.text());
    answer.json()["Message"].as_str().unwrap().to_owned()
}

#[test]
fn the_tree_is_that_of_kubo() {
    let tree = tree();
    assert_eq!(tree.sub.to_string(), "QmdZPbYysDLwkTCdo53HCVw7szMyGRgGUYEJ15fZt8JHY4");
    assert_eq!(tree.file.to_string(), "QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN");
}

#[tokio::test]
async fn a_tree_travels_as_a_car_from_store_to_store() {
    let tree = tree();
    let (from, to) = (tree.daemon().await, Daemon::start().await);
    let car = post(from.addr, &format!("dag/export?arg={}", tree.top)).await;
    assert_eq!(car.status, 200);
    assert_eq!(car.header("content-type"), Some("application/vnd.ipld.car"));
    let reader = CarReader::new(&car.body[..]).unwrap();
    assert_eq!(reader.roots(), [tree.top]);
    let cids: Vec<_> = reader.map(|next| next.unwrap().1).collect();
    assert_eq!(cids, tree.blocks, "depth first, in the order of the links");

    let size: usize = tree.blocks.iter().map(|block| block.data().len()).sum();
    let answer = upload(to.addr, "dag/import?stats=true", CAR, &car.body).await;
    let root = json!({ "Root": { "Cid": { "/": tree.top.to_string() }, "PinErrorMsg": "" } });
    let stats = json!({ "Stats": { "BlockCount": 5, "BlockBytesCount": size } });
    assert_eq!((answer.status, lines(&answer)), (200, vec![root, stats]));
    assert!(to.store.is_pinned(&tree.top.cid()));
    assert_eq!(post(to.addr, &format!("dag/export?arg={}", tree.top)).await.body, car.body);

    let under = post(to.addr, &format!("dag/export?arg={}/sub", tree.top)).await.body;
    assert_eq!(CarReader::new(&under[..]).unwrap().roots(), [tree.sub]);
    assert_eq!(CarReader::new(&under[..]).unwrap().count(), 2);
}

#[tokio::test]
async fn an_import_says_what_became_of_it() {
    let daemon = Daemon::start().await;
    let data = bytes(3 * MIB);
    let source = Daemon::start().await;
    let root = source.store.add(&data[..], true).unwrap().cid;
    let car = post(source.addr, &format!("dag/export?arg={root}")).await.body;
    let import = async |options: &str, car: &[u8]| {
        upload(daemon.addr, &format!("dag/import{options}"), CAR, car).await
    };
    // Cut within the last leaf.
    let error = message(&import("", &car[..car.len() - MIB / 2]).await);
    assert!(error.contains("import failed") && error.contains("unexpected EOF"), "{error}");
    let mut damaged = car.clone();
    damaged[MIB] ^= 1;
    let error = message(&import("", &damaged).await);
    assert!(error.contains("mismatch in content integrity"), "{error}");
    assert_eq!(daemon.store.stat().unwrap().blocks, 0, "all of it or nothing");

    // Cut between two leaves: the blocks are all right, and not all.
    let cut = car.len() - (MIB + 36 + 3);
    let answer = import("", &car[..cut]).await;
    let pin_error = lines(&answer)[0]["Root"]["PinErrorMsg"].as_str().unwrap().to_owned();
    assert!(pin_error.contains("could not find"), "{pin_error}");
    assert!(!daemon.store.is_pinned(&root));

    let answer = import("?pin-roots=false", &car).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert!(!daemon.store.is_pinned(&root));
    assert_eq!(post(daemon.addr, &format!("cat?arg={root}")).await.body, data);

    for (bytes, words) in [
        (&b"\x03abc"[..], "no CAR"),
        (b"\x0a\xa1\x67version\x02", "version 2"),
        (b"", "unexpected EOF"),
    ] {
        let error = message(&import("", bytes).await);
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(post(daemon.addr, "dag/import").await.status, 400);
    assert!(message(&import("?allow-big-block=true", &car).await).contains("allow-big-block"));
}

#[tokio::test]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let source = Daemon::start().await;
    let root = source.store.add(&bytes(3 * MIB)[..], true).unwrap().cid;
    let car = post(source.addr, &format!("dag/export?arg={root}")).await.body;
    let daemon = Daemon::start().await;
    let head = format!(
        "POST /api/v0/dag/import HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary=frame\r\n\r\n\
         --frame\r\nContent-Disposition: form-data; {CAR}\r\n\r\n",
        daemon.addr,
        car.len() + 200
    );
    // After a whole block, and within one.
    for end in [car.len() - (MIB + 36 + 3), 2 * MIB] {
        let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&car[..end]).await.unwrap();
        stream.shutdown().await.unwrap();
        // Until the other side has given it up, with or without an answer.
        let _ = stream.read_to_end(&mut Vec::new()).await;
        let temporary = daemon.store.path().join("tmp");
        while fs::read_dir(&temporary).unwrap().count() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(daemon.store.stat().unwrap().blocks, 0, "{end} bytes");
    }
    assert!(daemon.store.pins().unwrap().is_empty());
}

#[tokio::test]
async fn an_error_in_the_middle_of_an_export_cuts_the_connection() {
    let daemon = Daemon::start().await;
    let data = bytes(6 * MIB);
    let root = daemon.store.add(&data[..], true).unwrap().cid;
    let whole = post(daemon.addr, &format!("dag/export?arg={root}")).await;
    assert!(whole.raw.ends_with(b"0\r\n\r\n"), "the end of a stream in chunks");
    fs::remove_file(daemon.block_file(&unixfs::canonical_cid(&data[4 * MIB..5 * MIB]))).unwrap();
    let cut = post(daemon.addr, &format!("dag/export?arg={root}")).await;
    assert_eq!(cut.status, 200);
    assert!(!cut.raw.ends_with(b"0\r\n\r\n"));
    assert_eq!(CarReader::new(&cut.body[..]).unwrap().filter(Result::is_ok).count(), 5);

    let absent = Block::new(Codec::Raw, &b"absent"[..]).cid();
    let error = message(&post(daemon.addr, &format!("dag/export?arg={absent}")).await);
    assert!(error.contains("could not find"), "{error}");
    for (query, status) in [("", 400), ("?arg=nonsense", 500)] {
        assert_eq!(post(daemon.addr, &format!("dag/export{query}")).await.status, status);
    }
}

#[tokio::test]
async fn directories_are_listed_as_by_kubo() {
    let tree = tree();
    let daemon = tree.daemon().await;
    let ls = async |query: &str| post(daemon.addr, &format!("ls?{query}")).await;
    let entry = |name: &str, block: &Block, size: u64, kind: u8, target: &str| {
        json!({
            "Name": name, "Hash": tree.top.like(block.cid()).to_string(), "Size": size, "Type": kind,
            "Target": target, "Mode": 0, "ModTime": "0001-01-01T00:00:00Z",
        })
    };
    let entries = [
        entry("a.txt", &tree.blocks[1], 6, 2, ""),
        entry("link", &tree.blocks[2], 5, 4, "a.txt"),
        entry("sub", &tree.blocks[3], 0, 1, ""),
    ];
    let object = |hash: &str, links: &[Value]| json!({ "Hash": hash, "Links": links });
    let path = format!("/ipfs/{}/", tree.top);
    assert_eq!(
        ls(&format!("arg={path}")).await.json()["Objects"],
        json!([object(&path, &entries)])
    );
    let streamed = lines(&ls(&format!("arg={path}&stream=true")).await);
    let expected: Vec<_> = entries
        .iter()
        .map(|e| json!({ "Objects": [object(&path, std::slice::from_ref(e))] }))
        .collect();
    assert_eq!(streamed, expected);
    let sub = format!("{}/sub", tree.top);
    let two = ls(&format!("arg={sub}&arg={sub}/in.txt")).await.json();
    assert_eq!(two["Objects"][0]["Links"][0]["Name"], "in.txt");
    assert_eq!(two["Objects"][1]["Links"], json!([]));

    let blind = ls(&format!("arg={}&size=false&resolve-type=false", tree.top)).await.json();
    assert_eq!(blind["Objects"][0]["Links"][0]["Type"], 0);
    let missing = ls(&format!("arg={}/nope", tree.top)).await;
    assert_eq!(message(&missing), format!("no link named \"nope\" under {}", tree.top));
    assert_eq!(ls("").await.status, 400);

    // A file is listed by its parts.
    let root = daemon.store.add(&bytes(MIB + 1)[..], true).unwrap().cid;
    let parts = ls(&format!("arg={root}")).await.json();
    let sizes: Vec<_> = parts["Objects"][0]["Links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["Size"].clone())
        .collect();
    assert_eq!(sizes, [json!(MIB), json!(1)]);
    let (_, shard) = node(&[8, 5, 0x28, 0x22, 0x30, 0x80, 2], &[]);
    daemon.store.put(&shard).unwrap();
    let error = message(&ls(&format!("arg={}", shard.cid())).await);
    assert!(error.contains("HAMT-sharded"), "{error}");
}

#[tokio::test]
async fn files_in_directories_are_read_and_described() {
    let tree = tree();
    let daemon = tree.daemon().await;
    let cat = async |query: &str| post(daemon.addr, &format!("cat?arg={}{query}", tree.top)).await;
    assert_eq!(cat("/a.txt").await.body, b"hello\n");
    assert_eq!(cat("/sub/in.txt&offset=2&length=3").await.body, b"ner");
    assert!(message(&cat("/sub").await).contains("directory"));
    assert!(message(&cat("/sub/nope").await).contains("no link named"));
    assert_eq!(post(daemon.addr, &format!("cat?arg=/ipfs/{}", tree.file)).await.body, b"hello\n");

    let stat = async |query: &str| post(daemon.addr, &format!("files/stat?arg={query}")).await;
    let sizes: usize = tree.blocks.iter().map(|block| block.data().len()).sum();
    assert_eq!(
        stat(&format!("/ipfs/{}", tree.top)).await.json(),
        json!({ "Hash": tree.top.to_string(), "Size": 0, "CumulativeSize": sizes, "Blocks": 3, "Type": "directory" })
    );
    assert_eq!(
        stat(&format!("/ipfs/{}/a.txt", tree.top)).await.json(),
        json!({ "Hash": tree.file.to_string(), "Size": 6, "CumulativeSize": 14, "Blocks": 0, "Type": "file" })
    );
    assert!(message(&stat(&tree.top.to_string()).await).contains("leading slash"));
    assert!(message(&stat("/elsewhere").await).contains("does not exist"));

    let stat = async |query: &str| post(daemon.addr, &format!("dag/stat?{query}")).await;
    let top = json!({ "Cid": tree.top.to_string(), "Size": sizes, "NumBlocks": 5 });
    let expected =
        json!({ "UniqueBlocks": 5, "TotalSize": sizes, "Ratio": 1, "DagStats": [top.clone()] });
    assert_eq!(stat(&format!("arg={}&progress=false", tree.top)).await.json(), expected);
    assert_eq!(stat(&format!("arg={}", tree.top)).await.json(), expected);
    let twice = stat(&format!("arg={0}&arg={0}", tree.top)).await.json();
    assert_eq!(
        twice,
        json!({ "UniqueBlocks": 5, "TotalSize": sizes, "SharedSize": sizes, "Ratio": 2, "DagStats": [top.clone(), top] })
    );
    let absent = Block::new(Codec::Raw, &b"absent"[..]).cid();
    assert!(message(&stat(&format!("arg={absent}")).await).contains("could not find"));
}

#[tokio::test]
async fn the_client_fetches_by_what_a_version_0_cid_stands_for() {
    let tree = tree();
    let daemon = tree.daemon().await;
    let cid = decentralml_storage::parse_cid(&tree.file.to_string()).unwrap();
    assert_eq!(daemon.client().await.fetch(&cid, 6).await.unwrap(), b"hello\n");
}

#[tokio::test]
async fn what_is_exported_stays_until_it_is_out() {
    let daemon = Daemon::start().await;
    let data = bytes(3 * MIB);
    let root = daemon.store.add(&data[..], false).unwrap().cid;
    let store = daemon.store.clone();
    let mut car = store.export_car(&[root.into()], Scope::All).unwrap();
    let first = car.next().unwrap().unwrap();
    // Nothing is pinned.
    store.gc(|_| {}).unwrap();
    let rest = car.collect::<Result<Vec<_>, _>>().unwrap().concat();
    let whole = [&first[..], &rest].concat();
    assert_eq!(CarReader::new(&whole[..]).unwrap().filter(Result::is_ok).count(), 4);
    store.gc(|_| {}).unwrap();
    assert_eq!(store.stat().unwrap().blocks, 0);
}

#[tokio::test]
async fn the_new_commands_are_behind_the_gate_too() {
    let daemon = Daemon::start().await;
    for command in ["dag/export", "dag/import", "dag/stat", "ls", "files/stat"] {
        let page = "Origin: https://example.com\r\n";
        assert_eq!(request(daemon.addr, "POST", command, page, b"").await.status, 403, "{command}");
        assert_eq!(request(daemon.addr, "GET", command, "", b"").await.status, 405, "{command}");
    }
}
