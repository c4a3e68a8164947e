//! What is uploaded: files, directories, links, and what is wrong with them.

use crate::support::{Answer, Daemon, FORM, bytes, form, post, request, upload};
use decentralml_storage::{MAX_BLOCK, parse_cid, unixfs};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const DIRECTORY: &str = "application/x-directory";
const FILE: &str = "application/octet-stream";
const LINK: &str = "application/symlink";

const ONE: &str = "bafkreidlq2zhh7zu7tqz224aj37vup2xi6w2j2vcf4outqa6klo3pb23jm";
const TWO: &str = "bafkreiguonpdujs6c3xoap2zogfzwxidagoapwfwyupzbwr2mzxoye5lgu";

type Part<'a> = (&'a str, &'a str, &'a [u8]);

async fn add(daemon: &Daemon, query: &str, parts: &[Part<'_>]) -> Answer {
    request(daemon.addr, "POST", &format!("add{query}"), FORM, &form(parts)).await
}

/// The lines of an answer, files and directories as `NAME HASH SIZE`.
fn lines(answer: &Answer) -> Vec<String> {
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        match value["Hash"].as_str() {
            Some(hash) => {
                format!(
                    "{} {hash} {}",
                    value["Name"].as_str().unwrap(),
                    value["Size"].as_str().unwrap()
                )
            }
            None => line.to_owned(),
        }
    };
    answer.text().lines().map(line).collect()
}

/// Whether an answer came to its end, or the connection to its own.
fn is_whole(answer: &Answer) -> bool {
    answer.raw.ends_with(b"\r\n0\r\n\r\n")
}

#[tokio::test]
async fn uploads_are_answered_as_kubo_does() {
    let daemon = Daemon::start().await;
    let json = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap();
    let hello = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

    let answer = upload(daemon.addr, "add?only-hash=true", "name=\"path\"", b"hello world").await;
    assert_eq!(
        json(&answer.body),
        serde_json::json!({ "Name": hello, "Hash": hello, "Size": "11" })
    );
    assert_eq!(daemon.store.stat().unwrap().blocks, 0);

    let part = "name=\"file\"; filename=\"hello.txt\"";
    let answer = upload(daemon.addr, "add?pin=false", part, b"hello world").await;
    assert_eq!(json(&answer.body)["Name"], "hello.txt");
    assert_eq!(daemon.store.stat().unwrap().blocks, 1);
    assert!(daemon.store.pins().unwrap().is_empty());

    for option in [
        "chunker=size-262144",
        "cid-version=0",
        "raw-leaves=false",
        "max-file-links=174",
        "trickle=true",
        "hash=blake3",
    ] {
        let answer = upload(daemon.addr, &format!("add?{option}"), part, b"hello world").await;
        assert_eq!(answer.status, 500);
        assert!(
            json(&answer.body)["Message"].as_str().unwrap().contains("unsupported option"),
            "{option}"
        );
    }
    assert_eq!(post(daemon.addr, "add").await.status, 400);

    let answer =
        upload(daemon.addr, "block/put?cid-codec=raw&pin=true", "name=\"data\"", b"hello world")
            .await;
    assert_eq!(json(&answer.body), serde_json::json!({ "Key": hello, "Size": 11 }));
    assert_eq!(daemon.store.pins().unwrap().len(), 1);
    let answer = post(daemon.addr, &format!("block/stat?arg={hello}")).await;
    assert_eq!(json(&answer.body), serde_json::json!({ "Key": hello, "Size": 11 }));
    for size in [MAX_BLOCK + 1, MAX_BLOCK + (1 << 20)] {
        let answer = upload(daemon.addr, "block/put", "name=\"data\"", &vec![0; size]).await;
        assert_eq!(answer.status, 500);
        assert!(answer.text().contains("at most"), "{}", answer.text());
    }
}

/// Clients read an answer once they have sent everything: what the server leaves unread must not cost them the answer.
#[tokio::test]
async fn a_client_that_still_sends_gets_to_read_why_it_is_refused() {
    let daemon = Daemon::start().await;
    let file = vec![7; 16 << 20];
    let refused =
        ["add?cid-version=0", "add?pin=true&pin=false", "nothing", "block/put?mhtype=none"];
    for target in refused {
        let body = form(&[("path", FILE, &file)]);
        let mut socket = TcpStream::connect(daemon.addr).await.unwrap();
        let head = format!(
            "POST /api/v0/{target} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n{FORM}\r\n",
            daemon.addr,
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        // The server has answered long before.
        tokio::time::sleep(Duration::from_millis(50)).await;
        socket.write_all(&body).await.expect(target);
        let mut status = [0; 12];
        socket.read_exact(&mut status).await.expect(target);
        assert!(status.starts_with(b"HTTP/1.1 4") || status.starts_with(b"HTTP/1.1 5"), "{target}");
    }
}

#[tokio::test]
async fn an_option_given_twice_is_no_option() {
    let daemon = Daemon::start().await;
    let answer = upload(daemon.addr, "add?pin=true&pin=false", "name=\"path\"", b"twice").await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.text(),
        "expected key pin to have only a single value, received [true false]\n"
    );
    assert_eq!(daemon.store.stat().unwrap().blocks, 0);
}

#[tokio::test]
async fn directories_have_kubos_cids_and_lines() {
    let daemon = Daemon::start().await;
    let tree: &[Part] = &[
        ("d", DIRECTORY, b""),
        ("d%2Fb", FILE, b"1"),
        ("d%2FB", FILE, b"2"),
        ("d%2Fsub", DIRECTORY, b""),
        ("d%2Fsub%2Fa", FILE, b"a"),
    ];
    let a = "bafkreigks6arfsq3xxfpvqrrwonchxcnu6do76auprhhfomao6c273sixm";
    let top = "bafybeihxntnzg2zuxtlyutjzl4mmksc4hy4pxumsrb7aiq7mhrkor544di";
    let expected = [
        format!("d/b {ONE} 1"),
        format!("d/B {TWO} 1"),
        format!("d/sub/a {a} 1"),
        "d/sub bafybeidxwodi7y3iqsxfwcs66qkqpptzpqd2fu35fj5nacnkuljowobooq 50".to_owned(),
        format!("d {top} 193"),
    ];
    let answer = add(&daemon, "?only-hash=true", tree).await;
    assert_eq!((lines(&answer), is_whole(&answer)), (expected.to_vec(), true));
    assert_eq!(daemon.store.stat().unwrap().blocks, 0);

    let answer = add(&daemon, "?pin-name=a+tree", tree).await;
    assert_eq!(lines(&answer), expected);
    let pins = daemon.store.named_pins().unwrap();
    assert_eq!(pins.into_iter().collect::<Vec<_>>(), [(parse_cid(top).unwrap(), "a tree".into())]);
    assert_eq!(daemon.store.gc(|_| {}).unwrap().blocks, 0, "all of it hangs on one pin");
    assert_eq!(post(daemon.addr, &format!("cat?arg={top}/sub/a")).await.body, b"a");
    let entries = post(daemon.addr, &format!("ls?arg={top}")).await.json();
    assert_eq!(entries["Objects"][0]["Links"].as_array().unwrap().len(), 3);

    let last = [expected[4].clone()];
    let silent = lines(&add(&daemon, "?silent=true&pin=false", tree).await);
    assert_eq!(silent, [&expected[3..4], &last[..]].concat(), "what Kubo does not call a file");
}

#[tokio::test]
async fn a_directory_can_be_put_around_what_comes() {
    let daemon = Daemon::start().await;
    let files: &[Part] = &[("a.txt", FILE, b"1"), ("b.txt", FILE, b"2")];
    let wrapped = "?wrap-with-directory=true&only-hash=true";
    assert_eq!(
        lines(&add(&daemon, wrapped, files).await),
        [
            format!("a.txt {ONE} 1"),
            format!("b.txt {TWO} 1"),
            " bafybeia6v4ufmafr5w2hosrujbajqkrgwde3p4hvz62znaii2lodc3amue 104".into(),
        ]
    );
    assert_eq!(
        lines(&add(&daemon, wrapped, &[("", FILE, b"1")]).await),
        [
            format!("{ONE} {ONE} 1"),
            " bafybeihskg6wgukcxtshl6a734odigxkk3yuduvdclcyit2pwfq3riet3y 108".into(),
        ]
    );
    let mixed: &[Part] = &[("d", DIRECTORY, b""), ("d%2Fb", FILE, b"1"), ("e", DIRECTORY, b"")];
    assert_eq!(
        lines(&add(&daemon, &format!("{wrapped}&progress=true"), mixed).await),
        [
            r#"{"Name":"d/b","Bytes":1}"#.into(),
            format!("d/b {ONE} 1"),
            "d bafybeiccmv2ebuiksy4z56p4ktcoj37byajqcutqb6vpfapn6sxuvc6xga 50".into(),
            "e bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354 4".into(),
            " bafybeidvostbrieuhuwdfhh3ec4yb63mwhesarsgasljx7cja2zltgrejm 148".into(),
        ]
    );
}

#[tokio::test]
async fn names_that_lead_into_directories_make_them_and_what_comes_later_is_another_root() {
    let daemon = Daemon::start().await;
    let parts: &[Part] = &[("d%2Fb", FILE, b"1"), ("e", FILE, b"2"), ("d%2Fc", FILE, b"3")];
    let answer = lines(&add(&daemon, "", parts).await);
    assert_eq!(
        answer,
        [
            format!("d/b {ONE} 1"),
            "d bafybeiccmv2ebuiksy4z56p4ktcoj37byajqcutqb6vpfapn6sxuvc6xga 50".into(),
            format!("e {TWO} 1"),
            "d/c bafkreicoa5aikyv63ofwbtqfyhpm7y5nc23semewpxqb6zalpzdstne7zy 1".into(),
            "d bafybeihgjucl2ecsbqyfaivpqrmh4yp5g7f2eg4yrd4dhoj3ajb57scvsm 50".into(),
        ]
    );
    assert_eq!(daemon.store.pins().unwrap().len(), 3);
    let link: &[Part] = &[("d", DIRECTORY, b""), ("d%2Fl", LINK, b"b"), ("l", LINK, b"b")];
    let b = "bafybeih4p6wgtxnujy4wq3wp2hwmnrjkwzj7iit6km7oosroeohywikd2m";
    assert_eq!(
        lines(&add(&daemon, "", link).await),
        [
            format!("d/l {b} 7"),
            "d bafybeid35ydi7z362v6vs5thihclq5xrny6qkrsy5nksvaxmpse5in3th4 56".into(),
            format!("l {b} 7"),
        ]
    );
    assert!(daemon.store.is_pinned(&parse_cid(b).unwrap()));
}

#[tokio::test]
async fn what_cannot_be_a_directory_is_refused_and_nothing_of_it_stays() {
    let daemon = Daemon::start().await;
    let d: Part = ("d", DIRECTORY, b"");
    let twice = add(&daemon, "", &[d, ("d%2Fb", FILE, b"1"), ("d%2Fb", FILE, b"1")]).await;
    // The answer had begun.
    assert_eq!((twice.status, is_whole(&twice)), (200, false));
    let last: Value = serde_json::from_str(&lines(&twice)[1]).unwrap();
    assert_eq!(
        last,
        json!({ "Message": "directory already has entry by that name: \"b\"", "Code": 0, "Type": "error" })
    );
    let names: Vec<String> = (0..6000).map(|number| format!("d%2F{number:06}")).collect();
    let many: Vec<Part> = names.iter().map(|name| (name.as_str(), DIRECTORY, &b""[..])).collect();
    for (parts, words) in [
        (&[d, ("d%2Fb", DIRECTORY, b""), ("d%2Fb", FILE, b"1")][..], "already has entry"),
        (&[("d%2F%ff", FILE, b"1")], "not UTF-8"),
        (&[(&"d%2F".repeat(65), FILE, b"1")], "64 names"),
        (&[(&"x".repeat(256), FILE, b"1")], "255 bytes"),
        (&[("l", LINK, &[b'x'; 5000])], "4096 bytes"),
        (&many, "makes no sharded (HAMT)"),
    ] {
        let answer = add(&daemon, "", parts).await;
        assert_eq!(answer.status, 500, "{words}: {}", answer.text());
        let json = answer.json();
        assert!(json["Message"].as_str().unwrap().contains(words), "{json}");
    }
    assert_eq!(daemon.store.stat().unwrap().blocks, 0);
    assert_eq!(daemon.store.stat().unwrap().pins, 0);
}

#[tokio::test]
async fn an_upload_of_more_parts_than_are_remembered_is_refused() {
    let daemon = Daemon::start().await;
    let part = "--frame\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n";
    let body = part.repeat((1 << 16) + 1) + "--frame--\r\n";
    let answer =
        request(daemon.addr, "POST", "add?only-hash=true&silent=true", FORM, body.as_bytes()).await;
    assert_eq!(answer.status, 500);
    let json = answer.json();
    let message = json["Message"].as_str().unwrap();
    assert!(message.contains("more than 65536 files and directories in one upload"), "{message}");
}

/// An upload that is on its way: the head and the beginning of a form, of which more is announced.
async fn begin(daemon: &Daemon, query: &str, beginning: &[u8], length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
    let head = format!(
        "POST /api/v0/add{query} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n{FORM}\r\n",
        daemon.addr
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(beginning).await.unwrap();
    stream
}

/// Reads until some text has come.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        let mut buffer = [0; 4096];
        let count =
            timeout(Duration::from_secs(60), stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "it ends after {read}");
        read += std::str::from_utf8(&buffer[..count]).unwrap();
    }
    read
}

#[tokio::test]
async fn lines_come_while_the_rest_is_on_its_way_and_a_collection_takes_nothing_of_it() {
    let daemon = Daemon::start().await;
    let large = bytes(3 << 20);
    let body = form(&[("d", DIRECTORY, b""), ("d%2Fb", FILE, b"1"), ("d%2Fc", FILE, &large)]);
    let cut = body.len() - (1 << 20);
    let mut stream = begin(&daemon, "?progress=true", &body[..cut], body.len()).await;
    let early = read_until(&mut stream, r#"{"Name":"d/c","Bytes":1"#).await;
    assert!(early.contains(ONE), "{early}");
    assert_eq!(daemon.store.gc(|_| {}).unwrap().blocks, 0);
    stream.write_all(&body[cut..]).await.unwrap();
    let rest = read_until(&mut stream, r#""Name":"d","#).await;
    let (_, hash) = rest.rsplit_once(r#""Hash":""#).unwrap();
    let root = hash.split('"').next().unwrap();
    assert_eq!(daemon.store.gc(|_| {}).unwrap().blocks, 0);
    assert!(post(daemon.addr, &format!("cat?arg={root}/c")).await.body == large);
}

#[tokio::test]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let daemon = Daemon::start().await;
    let large = bytes(3 << 20);
    let body = form(&[("d", DIRECTORY, b""), ("d%2Fb", FILE, b"1"), ("d%2Fc", FILE, &large)]);
    let mut stream = begin(&daemon, "?progress=true", &body[..2 << 20], body.len()).await;
    read_until(&mut stream, r#"{"Name":"d/c","Bytes":1"#).await;
    drop(stream);
    let temporary = daemon.store.path().join("tmp");
    let left = || std::fs::read_dir(&temporary).unwrap().count();
    let swept = async {
        while left() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), swept).await.expect("the batch is given up");
    let stat = daemon.store.stat().unwrap();
    assert_eq!((stat.blocks, stat.pins), (0, 0));
}

#[tokio::test]
async fn an_upload_beyond_the_quota_says_so_in_the_last_line() {
    let options = decentralml_storage::StoreOptions { max_bytes: Some(1 << 20) };
    let folder = tempfile::TempDir::new().unwrap();
    let daemon = Daemon::start_with(folder, options, Default::default()).await;
    let large = bytes(2 << 20);
    let parts: &[Part] = &[("d", DIRECTORY, b""), ("d%2Fb", FILE, b"1"), ("d%2Fc", FILE, &large)];
    let answer = add(&daemon, "", parts).await;
    assert_eq!((answer.status, is_whole(&answer)), (200, false));
    assert!(lines(&answer)[1].contains(r#""Type":"error""#), "{}", answer.text());
    let single = upload(daemon.addr, "add", "name=\"path\"", &large).await;
    assert_eq!(single.status, 500, "{}", single.text());
    assert_eq!(daemon.store.stat().unwrap().blocks, 0);
    let fits = add(&daemon, "", &parts[..2]).await;
    assert!(is_whole(&fits) && fits.status == 200);
    assert_eq!(daemon.store.stat().unwrap().blocks, 2);
    assert_eq!(unixfs::canonical_cid(b"1"), parse_cid(ONE).unwrap());
}
