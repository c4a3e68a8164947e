//! What the client does with a real Kubo.

use crate::{
    CANONICAL, LOOSE, MIB, addr,
    support::{bytes, patient, post, quick, upload},
    url,
};
use decentralml_storage::{Block, Codec, Error, Storage, unixfs};
use std::{
    fs::File,
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::fs::FileExt,
    path::Path,
};
use tokio::task::spawn_blocking;

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
///
/// Blocking, since then the kernel copies from the file to the socket by itself: for a gigabyte it is that or half a minute.
fn hash_by_kubo(path: &Path) -> String {
    let mut file = File::open(path).unwrap();
    let frame = "--frame\r\nContent-Disposition: form-data; name=\"path\"\r\n\r\n";
    let end = "\r\n--frame--\r\n";
    let length = file.metadata().unwrap().len() + (frame.len() + end.len()) as u64;
    let mut stream = TcpStream::connect(addr()).unwrap();
    let head = format!(
        "POST /api/v0/add?{CANONICAL}&only-hash=true HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=frame\r\nContent-Length: {length}\r\n\r\n{frame}",
        addr()
    );
    stream.write_all(head.as_bytes()).unwrap();
    io::copy(&mut file, &mut stream).unwrap();
    stream.write_all(end.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
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
    let word = spawn_blocking(move || hash_by_kubo(&path));
    let copy = folder.path().join("copy");
    let (size, word) = tokio::join!(client.fetch_to_file(&added.cid, &copy, added.size), word);
    assert_eq!(word.unwrap(), added.cid.to_string());
    assert_eq!(size.unwrap(), added.size);
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
    let _others = LOOSE.read().await;
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
