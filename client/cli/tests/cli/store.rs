//! The store: what it serves, whom, and until when.

use crate::{decentralml, run, stderr, store};
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

#[test]
fn the_store_serves_stops_when_its_input_closes_and_keeps_its_blocks() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("hello.txt");
    fs::write(&file, "hello\n").unwrap();
    let daemon = || {
        let (child, listening) = store(home.path(), &["--gateway", "127.0.0.1:0"]);
        let url = |which: &str| listening[which].as_str().unwrap().to_owned();
        (child, url("url"), url("gateway"))
    };
    let (mut first, url, gateway) = daemon();
    let added =
        run(decentralml(home.path()).args(["ipfs", "add", "--json", "--store", &url]).arg(&file));
    let added: Value = serde_json::from_slice(&added.stdout).unwrap();
    // What Kubo calls these bytes.
    let cid = added[0]["cid"].as_str().unwrap();
    assert_eq!(cid, "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am");

    let mut reader = TcpStream::connect(gateway.strip_prefix("http://").unwrap()).unwrap();
    let request = format!("GET /ipfs/{cid} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    reader.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nhello\n"), "{answer}");

    let start = Instant::now();
    drop(first.stdin.take());
    assert!(first.wait().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(10));

    let (mut second, url, _) = daemon();
    let bytes = run(decentralml(home.path()).args(["ipfs", "cat", cid, "--store", &url]));
    assert_eq!(bytes.stdout, b"hello\n");
    let small = run(decentralml(home.path()).args([
        "ipfs",
        "cat",
        cid,
        "--max-bytes",
        "3",
        "--store",
        &url,
    ]));
    assert_eq!(small.status.code(), Some(4));
    drop(second.stdin.take());
    assert!(second.wait().unwrap().success());
}

#[test]
fn the_token_of_a_store_comes_from_a_file_or_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let [right, wrong] = ["right", "wrong"].map(|name| home.path().join(name));
    fs::write(&right, "0123456789abcdef-right\n").unwrap();
    fs::write(&wrong, "0123456789abcdef-wrong\n").unwrap();
    let (mut store, listening) = store(home.path(), &["--token-file", right.to_str().unwrap()]);
    let url = listening["url"].as_str().unwrap().to_owned();
    let stat = || {
        let mut command = decentralml(home.path());
        command.args(["ipfs", "stat", "--json", "--store", &url]);
        command
    };
    let refused = run(&mut stat());
    assert_eq!(refused.status.code(), Some(4));
    assert!(stderr(&refused).contains("--store-token-file"), "{}", stderr(&refused));
    assert!(run(stat().arg("--store-token-file").arg(&right)).status.success());
    let by_variable = run(stat().env("DECENTRALML_STORE_TOKEN", "0123456789abcdef-right"));
    assert!(by_variable.status.success());
    // A file that is named comes before the token of the environment.
    let mut both = stat();
    both.env("DECENTRALML_STORE_TOKEN", "0123456789abcdef-wrong");
    assert!(run(both.env("DECENTRALML_STORE_TOKEN_FILE", &right)).status.success());
    let denied = run(stat().arg("--store-token-file").arg(&wrong));
    assert_eq!(denied.status.code(), Some(4));
    assert!(!stderr(&denied).contains("0123456789abcdef"), "{}", stderr(&denied));
    let unreadable = run(stat().arg("--store-token-file").arg(home.path().join("none")));
    assert_eq!(unreadable.status.code(), Some(2));

    drop(store.stdin.take());
    assert!(store.wait().unwrap().success());
}
