//! Files and directories as archives, by `get`.

use crate::support::{Daemon, FORM, bytes, form, post, request};
use decentralml_storage::{Block, Codec, unixfs};
use std::{collections::BTreeMap, fs, io::Read};
use tar::{Archive, EntryType};

const MIB: usize = 1 << 20;
const DIRECTORY: &str = "application/x-directory";
const FILE: &str = "application/octet-stream";
const LINK: &str = "application/symlink";

/// What is in an archive, by its path.
fn entries(archive: &[u8]) -> BTreeMap<String, (EntryType, Vec<u8>)> {
    assert_eq!(archive.len() % 512, 0);
    assert!(archive.ends_with(&[0; 1024]), "its end is missing");
    let mut found = BTreeMap::new();
    for entry in Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let kind = entry.header().entry_type();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = match entry.link_name().unwrap() {
            Some(target) => target.to_str().unwrap().as_bytes().to_vec(),
            None => Vec::new(),
        };
        entry.read_to_end(&mut content).unwrap();
        assert!(found.insert(path, (kind, content)).is_none());
    }
    found
}

#[tokio::test]
async fn a_file_is_one_entry_named_as_it_was_asked_for() {
    let daemon = Daemon::start().await;
    for size in [0, 1, 511, 512, 513, MIB + 1, 3 * MIB + 700] {
        let data = bytes(size);
        let cid = daemon.store.add(&data[..], true).unwrap().cid.to_string();
        let answer = post(daemon.addr, &format!("get?arg=/ipfs/{cid}&archive=true")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/x-tar"));
        assert_eq!(answer.header("x-stream-output"), Some("1"));
        let found = entries(&answer.body);
        assert_eq!(found.len(), 1);
        assert!(found[&cid] == (EntryType::Regular, data), "{size} bytes");
    }
}

#[tokio::test]
async fn a_directory_comes_with_all_that_is_in_it() {
    let daemon = Daemon::start().await;
    let (large, long) = (bytes(2 * MIB + 5), format!("d%2Fsub%2F{}", "x".repeat(200)));
    let parts = form(&[
        ("d", DIRECTORY, b""),
        ("d%2Fempty", DIRECTORY, b""),
        ("d%2Flarge", FILE, &large),
        ("d%2Flink", LINK, b"../elsewhere"),
        ("d%2Fsub", DIRECTORY, b""),
        ("d%2Fsub%2F%C3%BC", FILE, b"umlaut"),
        (&long, FILE, b"long"),
    ]);
    let options = "add?cid-version=1&raw-leaves=true&chunker=size-1048576";
    let answer = request(daemon.addr, "POST", options, FORM, &parts).await;
    let last: serde_json::Value =
        serde_json::from_str(answer.text().lines().last().unwrap()).unwrap();
    let root = last["Hash"].as_str().unwrap();

    let found = entries(&post(daemon.addr, &format!("get?arg={root}")).await.body);
    let expected = [
        ("", EntryType::Directory, &b""[..]),
        ("/empty", EntryType::Directory, b""),
        ("/large", EntryType::Regular, &large),
        ("/link", EntryType::Symlink, b"../elsewhere"),
        ("/sub", EntryType::Directory, b""),
        ("/sub/\u{fc}", EntryType::Regular, b"umlaut"),
        (&format!("/sub/{}", "x".repeat(200)), EntryType::Regular, b"long"),
    ];
    assert_eq!(found.len(), expected.len(), "{:?}", found.keys());
    for (path, kind, content) in expected {
        assert!(found[&format!("{root}{path}")] == (kind, content.to_vec()), "{path}");
    }
    let within = post(daemon.addr, &format!("get?arg=/ipfs/{root}/sub/%C3%BC")).await;
    assert_eq!(entries(&within.body)["\u{fc}"].1, b"umlaut");
}

/// A directory of one entry.
fn directory(name: &str, entry: &Block) -> Block {
    directory_of(&[name], entry)
}

/// A directory that has an entry under several names, each shorter than 2^14 bytes.
fn directory_of(names: &[&str], entry: &Block) -> Block {
    let cid = entry.cid();
    let length = |of: usize| [of as u8 | 128, (of >> 7) as u8];
    let mut node = Vec::new();
    for name in names {
        let mut link = vec![0x0a, 36, 1, cid.codec.code() as u8, 0x12, 32];
        link.extend_from_slice(&cid.digest);
        link.push(0x12);
        match name.len() {
            short @ ..128 => link.push(short as u8),
            long => link.extend_from_slice(&length(long)),
        }
        link.extend_from_slice(name.as_bytes());
        link.extend_from_slice(&[0x18, entry.data().len() as u8]);
        node.push(0x12);
        match link.len() {
            short @ ..128 => node.push(short as u8),
            long => node.extend_from_slice(&length(long)),
        }
        node.extend_from_slice(&link);
    }
    node.extend_from_slice(&[0x0a, 2, 8, 1]);
    Block::new(Codec::DagPb, node)
}

#[tokio::test]
async fn what_would_leave_its_directory_or_is_not_there_is_no_whole_archive() {
    let daemon = Daemon::start().await;
    let file = Block::new(Codec::Raw, &b"x"[..]);
    daemon.store.put(&file).unwrap();
    let (longest, longer) = ("n".repeat(255), "n".repeat(256));
    for names in
        [&[".."][..], &["."], &[""], &["../x"], &["/x"], &["a/b"], &[longer.as_str()], &["x", "x"]]
    {
        let root = directory_of(names, &file);
        daemon.store.put(&root).unwrap();
        let answer = post(daemon.addr, &format!("get?arg={}", root.cid())).await;
        assert!(!answer.body.ends_with(&[0; 1024]), "{names:?}");
        assert!(!answer.raw.ends_with(b"0\r\n\r\n"), "{names:?}: it looks whole");
    }
    let root = directory_of(&["x", &longest], &file);
    daemon.store.put(&root).unwrap();
    let whole = post(daemon.addr, &format!("get?arg={}", root.cid())).await;
    assert_eq!(entries(&whole.body).len(), 3);

    // Deeper than any file system takes.
    let mut deep = file.clone();
    for _ in 0..40 {
        deep = directory(&"d".repeat(70), &deep);
        daemon.store.put(&deep).unwrap();
    }
    let whole = post(daemon.addr, &format!("get?arg={}", deep.cid())).await;
    assert_eq!(entries(&whole.body).len(), 41);
    for _ in 0..40 {
        deep = directory(&"d".repeat(70), &deep);
        daemon.store.put(&deep).unwrap();
    }
    let cut = post(daemon.addr, &format!("get?arg={}", deep.cid())).await;
    assert!(!cut.raw.ends_with(b"0\r\n\r\n"));

    let data = bytes(3 * MIB);
    let cid = daemon.store.add(&data[..], true).unwrap().cid;
    fs::remove_file(daemon.block_file(&unixfs::canonical_cid(&data[2 * MIB..]))).unwrap();
    let cut = post(daemon.addr, &format!("get?arg={cid}")).await;
    assert!(!cut.raw.ends_with(b"0\r\n\r\n") && cut.body.len() > MIB);

    let absent = Block::new(Codec::Raw, &b"absent"[..]).cid();
    let missing = post(daemon.addr, &format!("get?arg={absent}")).await;
    assert_eq!((missing.status, missing.json()["Type"].as_str()), (500, Some("error")));
    let packed = post(daemon.addr, &format!("get?arg={}&compress=true", file.cid())).await;
    assert!(packed.text().contains("compress"), "{}", packed.text());
    assert_eq!(post(daemon.addr, "get").await.status, 400);
}
