//! The routes about the whole store, and who may use them.

use crate::support::{Answer, Daemon, bytes, post, request, upload};
use decentralml_storage::{
    Block, Codec, StoreOptions,
    server::{Access, ServeError, Server, Token},
    unixfs,
};
use serde_json::{Value, json};
use std::{fs, net::SocketAddr};
use tempfile::TempDir;

const MIB: usize = 1 << 20;
const SECRET: &str = "0123456789abcdef";

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn limited(max_bytes: u64) -> Daemon {
    let options = StoreOptions { max_bytes: Some(max_bytes) };
    Daemon::start_with(TempDir::new().unwrap(), options, Access::default()).await
}

#[tokio::test]
async fn pins_are_named_listed_and_found_by_name() {
    let daemon = Daemon::start().await;
    let [one, two] =
        [&b"one"[..], b"two"].map(|data| daemon.store.add(data, true).unwrap().cid.to_string());
    let answer = post(daemon.addr, &format!("pin/add?arg={one}&name=first%20model")).await;
    assert_eq!(answer.json(), json!({ "Pins": [one] }));
    let list = async |query: &str| post(daemon.addr, &format!("pin/ls?{query}")).await.json();
    let named = |name: &str| json!({ "Type": "recursive", "Name": name });
    assert_eq!(list("").await["Keys"][&one], named(""));
    assert_eq!(list("names=true").await["Keys"][&one], named("first model"));
    assert_eq!(list("names=true").await["Keys"][&two], named(""));
    assert_eq!(list("name=model").await, json!({ "Keys": { &one: named("first model") } }));
    assert_eq!(list("name=Model").await, json!({}));
    assert_eq!(
        list("name=model&stream=true").await,
        json!({ "Cid": one, "Name": "first model", "Type": "recursive" })
    );
    let answer = upload(daemon.addr, "add?pin-name=third", "name=\"path\"", b"three").await;
    let three = answer.json()["Hash"].as_str().unwrap().to_owned();
    assert_eq!(list("name=third").await, json!({ "Keys": { three: named("third") } }));
    for refused in ["add?pin-name=x&pin=false", "add?pin-name=x&only-hash=true"] {
        let answer = upload(daemon.addr, refused, "name=\"path\"", b"four").await;
        assert_eq!(answer.json()["Message"], "pin-name option requires pin to be set");
    }
}

#[tokio::test]
async fn a_collection_says_what_it_removes() {
    let daemon = Daemon::start().await;
    let kept = daemon.store.add(&bytes(MIB + 1)[..], true).unwrap().cid;
    let loose = daemon.store.add(&b"loose"[..], false).unwrap().cid.to_string();
    let answer = post(daemon.addr, "repo/gc").await;
    assert_eq!((answer.status, answer.header("x-chunked-output")), (200, Some("1")));
    assert_eq!(lines(&answer), [json!({ "Key": { "/": loose } })]);
    assert!(post(daemon.addr, "repo/gc").await.body.is_empty());
    assert_eq!(post(daemon.addr, &format!("cat?arg={kept}")).await.body.len(), MIB + 1);
    daemon.store.add(&b"loose"[..], false).unwrap();
    assert!(post(daemon.addr, "repo/gc?silent=true").await.body.is_empty());
    assert_eq!(daemon.store.stat().unwrap().blocks, 3);

    let leaf = unixfs::canonical_cid(&bytes(MIB + 1)[MIB..]);
    fs::remove_file(daemon.block_file(&leaf)).unwrap();
    let answer = post(daemon.addr, "repo/gc").await;
    assert_eq!(answer.status, 200, "what hides nothing is in the way of nothing");
    let errors = async || {
        let answer = post(daemon.addr, "repo/gc?stream-errors=true").await;
        let error = |line: Value| (line["Key"].is_null(), line["Error"].as_str().unwrap().into());
        lines(&answer).into_iter().map(error).collect::<Vec<(bool, String)>>()
    };
    let told = errors().await;
    assert!(matches!(&told[..], [(true, error)] if error.contains(&leaf.to_string())), "{told:?}");
    fs::remove_file(daemon.block_file(&kept)).unwrap();
    let answer = post(daemon.addr, "repo/gc").await;
    assert_eq!(answer.status, 500);
    assert!(answer.json()["Message"].as_str().unwrap().contains(&kept.to_string()));
    let told = errors().await;
    assert!(
        matches!(&told[..], [(true, _), (true, end)] if end.contains("nothing was removed")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_check_counts_blocks_and_fails_where_one_is_corrupt() {
    let daemon = Daemon::start().await;
    let data = bytes(MIB + 1);
    daemon.store.add(&data[..], true).unwrap();
    let progress = |count: u64| json!({ "Msg": "", "Progress": count });
    let end = |text: &str| json!({ "Msg": text, "Progress": 0 });
    let answer = post(daemon.addr, "repo/verify").await;
    let whole = end("verify complete, all blocks validated.");
    assert_eq!(lines(&answer), [progress(1), progress(2), progress(3), whole]);

    let leaf = unixfs::canonical_cid(&data[MIB..]);
    fs::write(daemon.block_file(&leaf), b"rot").unwrap();
    let answer = post(daemon.addr, "repo/verify").await;
    let lines = lines(&answer);
    let fault = end(&format!(
        "block {leaf} was corrupt (block in storage has different hash than requested)"
    ));
    assert!(lines.contains(&fault), "{lines:?}");
    assert_eq!(lines.last(), Some(&end("verify complete, 1 blocks corrupt")));
    assert!(
        !answer.raw.ends_with(b"0\r\n\r\n"),
        "the stream is cut, so that nobody takes it for a success"
    );
    for option in ["drop", "heal"] {
        assert_eq!(post(daemon.addr, &format!("repo/verify?{option}=true")).await.status, 500);
    }
}

#[tokio::test]
async fn pins_under_which_something_is_missing_are_told_in_the_form_of_kubo() {
    let daemon = Daemon::start().await;
    let data = bytes(MIB + 1);
    let root = daemon.store.add(&data[..], true).unwrap().cid;
    let other = daemon.store.add(&b"whole"[..], true).unwrap().cid;
    assert!(lines(&post(daemon.addr, "pin/verify").await).is_empty());
    let leaf = unixfs::canonical_cid(&data[MIB..]);
    fs::remove_file(daemon.block_file(&leaf)).unwrap();
    let missing = format!("block was not found locally (offline): ipld: could not find {leaf}");
    let bad = json!({ "Cid": leaf.to_string(), "Err": missing });
    let broken = json!({ "Cid": root.to_string(), "BadNodes": [bad] });
    assert_eq!(lines(&post(daemon.addr, "pin/verify").await), std::slice::from_ref(&broken));
    let quiet = post(daemon.addr, "pin/verify?quiet=true").await;
    assert_eq!(lines(&quiet), [json!({ "Cid": root.to_string() })]);
    let all = lines(&post(daemon.addr, "pin/verify?verbose=true").await);
    let whole = json!({ "Cid": other.to_string(), "Ok": true });
    assert!(all.len() == 2 && all.contains(&whole) && all.contains(&broken), "{all:?}");
    assert_eq!(post(daemon.addr, "pin/verify?verbose=true&quiet=true").await.status, 500);
    let told = daemon.client().await.check_pins().await.unwrap();
    assert_eq!((told.len(), &told[0].cid), (1, &root.to_string()));
    assert_eq!(told[0].faults, [missing]);
}

#[tokio::test]
async fn blocks_are_removed_one_by_one_unless_they_are_pinned() {
    let daemon = Daemon::start().await;
    let data = bytes(MIB + 1);
    let root = daemon.store.add(&data[..], true).unwrap().cid;
    let leaf = unixfs::canonical_cid(&data[MIB..]);
    let loose = daemon.store.add(&b"loose"[..], false).unwrap().cid;
    let answer =
        post(daemon.addr, &format!("block/rm?arg={root}&arg={leaf}&arg={loose}&arg={loose}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        lines(&answer),
        [
            json!({ "Hash": root.to_string(), "Error": "pinned: recursive" }),
            json!({ "Hash": leaf.to_string(), "Error": format!("pinned via {root}") }),
            json!({ "Hash": loose.to_string() }),
            json!({ "Hash": loose.to_string(), "Error": format!("ipld: could not find {loose}") }),
        ]
    );
    let answer = post(daemon.addr, &format!("block/rm?arg={loose}&force=true&quiet=true")).await;
    assert!(answer.status == 200 && answer.body.is_empty());
    assert_eq!(daemon.store.stat().unwrap().blocks, 3);
}

#[tokio::test]
async fn cids_are_answered_as_they_were_written() {
    const EMPTY_FOLDER: &str = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn";
    let daemon = Daemon::start().await;
    let folder = Block::new(Codec::DagPb, vec![0x0a, 2, 8, 1]);
    daemon.store.put(&folder).unwrap();
    let new = folder.cid().to_string();
    let ask = async |command: &str| post(daemon.addr, command).await.json();
    for cid in [EMPTY_FOLDER, &new] {
        assert_eq!(ask(&format!("block/stat?arg={cid}")).await, json!({ "Key": cid, "Size": 4 }));
        assert_eq!(ask(&format!("pin/add?arg={cid}")).await, json!({ "Pins": [cid] }));
        let key = json!({ "Type": "recursive", "Name": "" });
        assert_eq!(ask(&format!("pin/ls?arg={cid}")).await, json!({ "Keys": { cid: key } }));
        assert_eq!(ask("pin/ls").await, json!({ "Keys": { &new: key } }), "it is the same pin");
        let refused = ask(&format!("pin/rm?arg={cid}&recursive=false")).await;
        assert_eq!(refused["Message"], format!("{cid} is pinned recursively"));
        let refused = ask(&format!("block/rm?arg={cid}")).await;
        assert_eq!(refused, json!({ "Hash": cid, "Error": "pinned: recursive" }));
        assert_eq!(ask(&format!("pin/rm?arg=/ipfs/{cid}")).await, json!({ "Pins": [cid] }));
    }
    assert_eq!(ask(&format!("block/rm?arg={EMPTY_FOLDER}")).await, json!({ "Hash": EMPTY_FOLDER }));
}

#[tokio::test]
async fn the_limit_is_shown_and_an_upload_above_it_is_refused_in_clear_words() {
    let daemon = limited(MIB as u64).await;
    let stat = post(daemon.addr, "repo/stat").await.json();
    assert_eq!(stat["StorageMax"], MIB);
    for command in ["add", "block/put"] {
        let answer = upload(daemon.addr, command, "name=\"data\"", &bytes(MIB + 1)).await;
        assert_eq!(answer.status, 500);
        let answer = answer.json();
        let message = answer["Message"].as_str().unwrap();
        assert!(message.contains("--max-storage") && message.contains("ipfs gc"), "{message}");
    }
    assert_eq!(daemon.store.stat().unwrap().blocks, 0);
    let client = daemon.client().await;
    let error = client.add(bytes(MIB + 1)).await.unwrap_err();
    assert!(error.to_string().contains("--max-storage"), "{error}");
    assert_eq!(client.add(bytes(MIB)).await.unwrap().size, MIB as u64);
}

#[tokio::test]
async fn a_block_under_a_reader_of_the_facade_is_not_collected() {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };
    let daemon = Daemon::start().await;
    let data = bytes(24 * MIB);
    let cid = daemon.store.add(&data[..], true).unwrap().cid;
    let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
    let head = format!(
        "POST /api/v0/cat?arg={cid} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        daemon.addr
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    daemon.store.unpin(&cid).unwrap();
    assert!(post(daemon.addr, "repo/gc").await.body.is_empty());
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(&data));
    // The server lets go of it a moment later than the client has its last byte.
    while daemon.store.stat().unwrap().blocks > 0 {
        post(daemon.addr, "repo/gc").await;
    }
}

#[tokio::test]
async fn other_machines_need_a_token_and_every_request_has_to_show_it() {
    let anywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let folder = TempDir::new().unwrap();
    let token = Token::new(SECRET).unwrap();
    let access = Access { listen: anywhere, token: Some(token) };
    let daemon = Daemon::start_with(folder, StoreOptions::default(), access).await;
    let error = Server::bind(daemon.store.clone(), anywhere).await.unwrap_err();
    assert!(matches!(error, ServeError::NotLoopback(_)), "{error}");
    assert!(error.to_string().contains("without a token"), "{error}");

    let addr = SocketAddr::from(([127, 0, 0, 1], daemon.addr.port()));
    for (method, command) in [
        ("POST", "version"),
        ("POST", "no/such/command"),
        ("GET", "version"),
        ("OPTIONS", "version"),
    ] {
        for header in
            ["", "Authorization: Bearer 0123456789abcdeg\r\n", "Authorization: Basic x\r\n"]
        {
            let answer = request(addr, method, command, header, b"").await;
            assert_eq!(answer.status, 403, "{method} {command} {header}");
            assert!(answer.text().contains("Authorization: Bearer TOKEN"), "{}", answer.text());
        }
    }
    let shown = format!("Authorization: Bearer {SECRET}\r\n");
    assert_eq!(request(addr, "POST", "version", &shown, b"").await.status, 200);
    let page = format!("{shown}Origin: https://example.com\r\n");
    assert_eq!(request(addr, "POST", "version", &page, b"").await.status, 403);
}

#[tokio::test]
async fn a_page_whose_name_was_made_to_point_here_is_refused() {
    let daemon = Daemon::start().await;
    let port = daemon.addr.port();
    for header in [
        format!("Origin: http://example.com:{port}"),
        format!("Referer: http://example.com:{port}/"),
    ] {
        let headers = format!("{header}\r\n");
        assert_eq!(request(daemon.addr, "POST", "repo/gc", &headers, b"").await.status, 403);
    }
}

#[tokio::test]
async fn a_block_put_on_its_own_is_pinned_before_a_collection_can_come() {
    let daemon = Daemon::start().await;
    let block = Block::new(Codec::Raw, &b"kept"[..]);
    upload(daemon.addr, "block/put?pin=true", "name=\"data\"", block.data()).await;
    assert!(post(daemon.addr, "repo/gc").await.body.is_empty());
    assert!(daemon.store.has(&block.cid()));
}

#[tokio::test]
async fn the_client_names_pins_collects_and_checks() {
    let daemon = limited(8 * MIB as u64).await;
    let client = daemon.client().await;
    let data = bytes(MIB + 1);
    let kept = client.add(data.clone()).await.unwrap().cid;
    client.pin_named(&kept, "model of round 3").await.unwrap();
    assert_eq!(client.named_pins().await.unwrap(), [(kept, "model of round 3".to_owned())].into());
    let error = client.pin_named(&kept, &"x".repeat(256)).await.unwrap_err();
    assert!(error.to_string().contains("max 255 bytes"), "{error}");
    assert_eq!(client.stat().await.unwrap().limit, Some(8 * MIB as u64));

    let loose: Vec<_> = (0..200u8)
        .map(|fill| daemon.store.add(&[fill, 1][..], false).unwrap().cid.to_string())
        .collect();
    let mut removed = Vec::new();
    assert_eq!(client.gc(|cid| removed.push(cid.to_owned())).await.unwrap(), 200);
    removed.sort();
    let mut expected = loose;
    expected.sort();
    assert_eq!(removed, expected);

    let mut last = 0;
    let checked = client.verify(|blocks| last = blocks).await.unwrap();
    assert_eq!((checked.blocks, checked.corrupt, last), (3, 0, 3));
    let leaf = unixfs::canonical_cid(&data[MIB..]);
    fs::write(daemon.block_file(&leaf), b"rot").unwrap();
    let checked = client.verify(|_| {}).await.unwrap();
    assert_eq!((checked.blocks, checked.corrupt), (3, 1));
    assert!(checked.described[0].contains(&leaf.to_string()), "{checked:?}");
    fs::remove_file(daemon.block_file(&kept)).unwrap();
    let error = client.gc(|cid| panic!("{cid} was removed")).await.unwrap_err();
    assert!(error.to_string().contains("nothing was removed"), "{error}");
}
