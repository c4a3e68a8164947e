//! The tests. None knows which store it is for.

use crate::{
    Backend,
    support::{FORM, bytes, form, post, request, upload},
};
use decentralml_storage::{Block, Cid, Codec, Error, unixfs};
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

const MIB: usize = 1 << 20;

/// Options for the canonical form.
const CANONICAL: &str = "cid-version=1&raw-leaves=true&chunker=size-1048576&max-file-links=1024";

const BLOCK: &str = "name=\"data\"";
const CAR: &str = "name=\"file\"; filename=\"some.car\"";

/// Bytes that no store has seen, be it in an earlier run.
fn fresh(size: usize) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().to_le_bytes();
    bytes(size).iter().zip(now.iter().cycle()).map(|(byte, salt)| byte ^ salt).collect()
}

/// A command that is carried out without asking peers.
async fn ask(store: &Backend, command: &str) -> (u16, Vec<u8>) {
    let and = if command.contains('?') { '&' } else { '?' };
    let answer = post(store.addr, &format!("{command}{and}offline=true")).await;
    (answer.status, answer.body)
}

async fn json(store: &Backend, command: &str) -> Value {
    let (status, body) = ask(store, command).await;
    assert_eq!(status, 200, "{command}: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

/// The message of an error.
async fn refusal(store: &Backend, command: &str) -> String {
    let (status, body) = ask(store, command).await;
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    assert_eq!((status, &error["Type"]), (500, &"error".into()), "{command}: {error}");
    error["Message"].as_str().unwrap().to_owned()
}

async fn has(store: &Backend, cid: &Cid) -> bool {
    ask(store, &format!("block/stat?arg={cid}")).await.0 == 200
}

pub async fn files_of_every_size_come_back_as_they_were(store: Backend) {
    for size in [0, 1, 1000, MIB - 1, MIB, MIB + 1, 5 * MIB + 17] {
        let data = fresh(size);
        let added = store.client.add(data.clone()).await.unwrap();
        assert_eq!((added.cid, added.size), (unixfs::canonical_cid(&data), size as u64));
        assert!(store.client.has(&added.cid).await.unwrap());
        assert!(store.client.fetch(&added.cid, size as u64).await.unwrap() == data);
        assert!(ask(&store, &format!("cat?arg={}", added.cid)).await.1 == data);
    }
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
    let data = fresh(3 * MIB + 5);
    std::fs::write(&from, &data).unwrap();
    let added = store.client.add_file(&from).await.unwrap();
    assert_eq!(added.cid, unixfs::canonical_cid(&data));
    store.client.fetch_to_file(&added.cid, &to, added.size).await.unwrap();
    assert!(std::fs::read(&to).unwrap() == data);
}

pub async fn parts_of_files_are_read(store: Backend) {
    let data = fresh(2 * MIB + 9);
    let cid = store.client.add(data.clone()).await.unwrap().cid;
    for (offset, length) in [(0, 0), (0, 1), (MIB - 1, 2), (MIB, MIB), (5, 2 * MIB), (2 * MIB, 99)]
    {
        let part = ask(&store, &format!("cat?arg={cid}&offset={offset}&length={length}")).await.1;
        assert!(part == data[offset..(offset + length).min(data.len())], "{offset}, {length}");
    }
    assert!(ask(&store, &format!("cat?arg={cid}&offset={}", 2 * MIB)).await.1 == data[2 * MIB..]);
    assert_eq!(ask(&store, &format!("cat?arg={cid}&offset={}", 3 * MIB)).await.1, b"");
}

pub async fn directories_are_added_listed_and_read(store: Backend) {
    let large = fresh(MIB + 1);
    let form = form(&[
        ("d", "application/x-directory", b""),
        ("d%2Flarge", "application/octet-stream", &large),
        ("d%2Fsub%2F%C3%BC", "application/octet-stream", b"deep"),
        ("d%2Fempty", "application/x-directory", b""),
    ]);
    let answer = request(store.addr, "POST", &format!("add?{CANONICAL}"), FORM, &form).await;
    let lines: Vec<Value> =
        answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line["Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["d/large", "d/sub/ü", "d/empty", "d/sub", "d"]);
    assert_eq!(lines[0]["Hash"], unixfs::canonical_cid(&large).to_string());
    let root = lines[4]["Hash"].as_str().unwrap();
    let listed = json(&store, &format!("ls?arg={root}")).await;
    let entries: Vec<_> = listed["Objects"][0]["Links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["Name"].as_str().unwrap(), link["Type"].as_u64().unwrap()))
        .collect();
    assert_eq!(entries, [("empty", 1), ("large", 2), ("sub", 1)]);
    assert!(ask(&store, &format!("cat?arg={root}/large")).await.1 == large);
    assert_eq!(ask(&store, &format!("cat?arg={root}/sub/%C3%BC")).await.1, b"deep");
    let stat = json(&store, &format!("files/stat?arg=/ipfs/{root}")).await;
    assert_eq!((stat["Type"].as_str(), stat["Size"].as_u64()), (Some("directory"), Some(0)));
    assert_eq!(stat["CumulativeSize"].to_string(), lines[4]["Size"].as_str().unwrap());
    assert!(json(&store, "pin/ls?type=recursive").await["Keys"][root].is_object());
    assert!(refusal(&store, &format!("cat?arg={root}/sub")).await.contains("directory"));
    assert!(refusal(&store, &format!("cat?arg={root}/absent")).await.contains("no link named"));
}

pub async fn blocks_are_put_read_described_and_removed(store: Backend) {
    let _others = store.loose.read().await;
    for size in [100, 2 * MIB] {
        let data = fresh(size);
        let cid = Block::new(Codec::Raw, data.clone()).cid();
        let put = upload(store.addr, "block/put?cid-codec=raw", BLOCK, &data).await.json();
        assert_eq!(
            (put["Key"].as_str(), put["Size"].as_u64()),
            (Some(&*cid.to_string()), Some(size as u64))
        );
        assert!(ask(&store, &format!("block/get?arg={cid}")).await.1 == data);
        assert_eq!(json(&store, &format!("block/stat?arg={cid}")).await, put);
        let removed = json(&store, &format!("block/rm?arg={cid}")).await;
        assert_eq!(
            (removed["Hash"].as_str(), removed["Error"].as_str().unwrap_or("")),
            (Some(&*cid.to_string()), "")
        );
        assert!(!has(&store, &cid).await, "{size} bytes");
    }
    let pinned = store.client.add(fresh(10)).await.unwrap().cid;
    let kept = json(&store, &format!("block/rm?arg={pinned}")).await;
    assert!(kept["Error"].as_str().unwrap().contains("pinned"), "{kept}");
    assert!(has(&store, &pinned).await);
}

pub async fn pins_have_names_and_come_and_go(store: Backend) {
    let _others = store.loose.read().await;
    let client = &store.client;
    let cid = client.add(fresh(MIB + 3)).await.unwrap().cid;
    assert_eq!(client.named_pins().await.unwrap()[&cid], "");
    client.pin_named(&cid, "first model").await.unwrap();
    assert_eq!(client.named_pins().await.unwrap()[&cid], "first model");
    let by_name = json(&store, "pin/ls?names=true&name=first%20model").await;
    assert_eq!(by_name["Keys"][cid.to_string()]["Name"], "first model");
    assert!(client.unpin(&cid).await.unwrap());
    assert!(!client.unpin(&cid).await.unwrap(), "there was no pin any more");
    assert!(!client.pins().await.unwrap().contains(&cid));
    client.pin(&cid).await.unwrap();
    assert!(client.pins().await.unwrap().contains(&cid));
    let leaf = unixfs::canonical_cid(&fresh(66));
    assert!(refusal(&store, &format!("pin/rm?arg={leaf}")).await.contains("not pinned"));
    let long = "n".repeat(256);
    assert!(refusal(&store, &format!("pin/add?arg={cid}&name={long}")).await.contains("255"));
}

pub async fn dags_leave_and_enter_as_cars(store: Backend) {
    let _others = store.loose.read().await;
    let data = fresh(2 * MIB + 1);
    let cid = store.client.add(data.clone()).await.unwrap().cid;
    let car = ask(&store, &format!("dag/export?arg={cid}&progress=false")).await.1;
    assert!(car.len() > data.len());
    store.client.unpin(&cid).await.unwrap();
    for leaf in data.chunks(MIB).map(unixfs::canonical_cid).chain([cid]) {
        json(&store, &format!("block/rm?arg={leaf}")).await;
    }
    assert!(!has(&store, &cid).await);
    let imported = upload(store.addr, "dag/import", CAR, &car).await.json();
    assert_eq!(imported["Root"]["Cid"]["/"], cid.to_string());
    assert_eq!(imported["Root"]["PinErrorMsg"], "");
    assert!(store.client.fetch(&cid, data.len() as u64).await.unwrap() == data);
    assert!(store.client.pins().await.unwrap().contains(&cid));
    let stat = json(&store, &format!("dag/stat?arg={cid}&progress=false")).await;
    assert_eq!(stat["UniqueBlocks"], 4);

    let mut damaged = car.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for (car, words) in [(&damaged[..], "mismatch"), (&car[..car.len() - 1], "unexpected EOF")] {
        let answer = upload(store.addr, "dag/import", CAR, car).await;
        assert_eq!(answer.status, 500);
        assert!(answer.text().contains(words), "{}", answer.text());
    }
}

pub async fn what_is_missing_is_said_to_be_missing(store: Backend) {
    let absent = Block::new(Codec::Raw, fresh(77)).cid();
    for command in ["cat", "block/get", "block/stat", "pin/add", "dag/stat", "ls"] {
        let message = refusal(&store, &format!("{command}?arg={absent}")).await;
        assert!(
            message.contains("not found") || message.contains("could not find"),
            "{command}: {message}"
        );
    }
    assert!(!store.client.has(&absent).await.unwrap());
    let removed = json(&store, &format!("block/rm?arg={absent}")).await;
    assert!(removed["Error"].as_str().unwrap().contains("could not find"), "{removed}");
}

pub async fn what_is_wrong_is_refused(store: Backend) {
    for command in ["cat", "block/get", "block/stat", "pin/add", "ls"] {
        let message = refusal(&store, &format!("{command}?arg=nonsense")).await;
        assert!(message.contains("invalid path"), "{command}: {message}");
        assert_eq!(ask(&store, command).await.0, 400, "{command} about nothing");
    }
    // A Kubo keeps it for all that, until it collects.
    let refused = upload(store.addr, "block/put", BLOCK, &fresh(2 * MIB + 1)).await;
    assert_eq!(refused.status, 500, "{}", refused.text());
    let data = fresh(100);
    let cid = store.client.add(data.clone()).await.unwrap().cid;
    let error = store.client.fetch(&cid, 99).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 99, .. }), "{error}");
    assert_eq!(post(store.addr, "no-such-command").await.status, 404);
    assert_eq!(request(store.addr, "GET", "version", "", b"").await.status, 405);
}

pub async fn a_collection_takes_what_no_pin_reaches_and_nothing_else(store: Backend) {
    let _alone = store.loose.write().await;
    let kept = fresh(2 * MIB + 1);
    let pinned = store.client.add(kept.clone()).await.unwrap().cid;
    let loose = fresh(MIB + 2);
    let answer =
        upload(store.addr, &format!("add?{CANONICAL}&pin=false"), "name=\"path\"", &loose).await;
    let unpinned = unixfs::canonical_cid(&loose);
    assert_eq!(answer.json()["Hash"], unpinned.to_string());
    let mut removed = Vec::new();
    let blocks = store.client.gc(|cid| removed.push(cid.to_owned())).await.unwrap();
    assert_eq!(blocks, removed.len() as u64);
    assert!(blocks >= 3, "two leaves and their root, and what others have left");
    for leaf in loose.chunks(MIB).map(unixfs::canonical_cid).chain([unpinned]) {
        assert!(!has(&store, &leaf).await);
    }
    assert!(store.client.fetch(&pinned, kept.len() as u64).await.unwrap() == kept);
}

pub async fn what_is_there_is_counted(store: Backend) {
    let _others = store.loose.read().await;
    store.client.add(fresh(MIB)).await.unwrap();
    let stat = store.client.stat().await.unwrap();
    assert!(stat.blocks >= 1 && stat.bytes >= MIB as u64 && !stat.path.is_empty(), "{stat:?}");
    assert!(!store.client.version().await.unwrap().is_empty());
    let checked = store.client.verify(|_| {}).await.unwrap();
    assert!(checked.blocks >= 1, "{checked:?}");
    assert!(json(&store, "id").await["ID"].is_string());
}
