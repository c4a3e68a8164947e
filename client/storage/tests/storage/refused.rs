//! What those get who are refused before their request was read, and what they may cost.

use crate::support::{Answer, Daemon, bytes};
use decentralml_storage::{
    StoreOptions,
    server::{Access, Token},
};
use std::{net::SocketAddr, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const SECRET: &str = "0123456789abcdef";
const WRONG: &str = "Authorization: Bearer 0123456789abcdeg\r\n";
/// Connections that one address may have.
const PER_ADDRESS: usize = 256;
/// Less than a refused body is waited for.
const SOON: Duration = Duration::from_secs(3);

async fn guarded() -> Daemon {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let access = Access { listen, token: Some(Token::new(SECRET).unwrap()) };
    Daemon::start_with(TempDir::new().unwrap(), StoreOptions::default(), access).await
}

fn shown() -> String {
    format!("Authorization: Bearer {SECRET}\r\n")
}

fn head(command: &str, headers: &str, length: usize) -> String {
    format!(
        "POST /api/v0/{command} HTTP/1.1\r\nHost: store\r\nContent-Length: {length}\r\n{headers}\r\n"
    )
}

/// All that comes until the server closes the connection.
async fn to_the_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut answer)).await;
    read.expect("the connection is closed").expect("and not reset");
    String::from_utf8(answer).unwrap()
}

/// The next answer on a connection that stays: as long as it says itself.
async fn next(stream: &mut TcpStream) -> Answer {
    let mut raw = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&raw).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                assert_eq!(body.len(), length, "one answer at a time: {text}");
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return Answer { status, head: head.into(), body: body.into(), raw };
            }
        }
        let byte = timeout(SOON, stream.read_u8()).await.expect("an answer comes").unwrap();
        raw.push(byte);
    }
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_is_not_asked_for_a_body_that_is_refused() {
    let daemon = guarded().await;
    let waits = "Expect: 100-continue\r\n";
    let page = format!("{}Origin: https://example.com\r\n{waits}", shown());
    let lost = format!("{}{waits}", shown());
    for (command, headers, status) in [
        ("add", format!("{WRONG}{waits}"), 403),
        ("add", page, 403),
        ("no/such/command", lost, 404),
    ] {
        let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
        let head = head(command, &headers, 1 << 20);
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = to_the_end(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "and no 100: {answer}");
        assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_request_behind_a_refused_one_is_answered_or_is_told_that_the_connection_ends() {
    let daemon = guarded().await;
    let behind = head("version", &shown(), 0);

    // The body was not sent, so nobody knows whether this is it.
    let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
    let refused = head("add", &format!("{WRONG}Expect: 100-continue\r\n"), 1 << 20);
    stream.write_all(format!("{refused}{behind}").as_bytes()).await.unwrap();
    let answer = to_the_end(&mut stream).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");

    // It was sent, and what follows it is the next request.
    let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
    let refused = head("add", WRONG, 40_000);
    stream.write_all(refused.as_bytes()).await.unwrap();
    assert_eq!(next(&mut stream).await.status, 403);
    stream.write_all(&bytes(40_000)).await.unwrap();
    stream.write_all(behind.as_bytes()).await.unwrap();
    let answer = next(&mut stream).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_client_that_waits_is_asked_for_a_body_that_is_taken() {
    let daemon = guarded().await;
    let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
    let form = crate::support::form(&[("a", "application/octet-stream", b"learned")]);
    let headers = format!("{}Expect: 100-continue\r\n{}", shown(), crate::support::FORM);
    stream.write_all(head("block/put", &headers, form.len()).as_bytes()).await.unwrap();
    assert_eq!(next(&mut stream).await.status, 100);
    stream.write_all(&form).await.unwrap();
    let answer = next(&mut stream).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("\"Size\":7"), "{}", answer.text());
}

/// How much of an announced gigabyte a client gets rid of, up to `most`, once it is refused.
async fn taken(daemon: &Daemon, headers: &str, most: usize) -> usize {
    let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
    let head = head("no/such/command", headers, 1 << 30);
    stream.write_all(head.as_bytes()).await.unwrap();
    let refused = next(&mut stream).await.status;
    assert!([403, 404].contains(&refused), "{refused}");
    let piece = bytes(1 << 20);
    let mut sent = 0;
    while sent < most {
        match timeout(SOON, stream.write_all(&piece)).await {
            Ok(Ok(())) => sent += piece.len(),
            _ => break,
        }
    }
    sent
}

#[tokio::test]
async fn little_is_read_of_a_body_from_who_has_not_shown_the_token() {
    let daemon = guarded().await;
    // More than the system keeps for a connection.
    let most = 48 << 20;
    assert_eq!(taken(&daemon, &shown(), most).await, most, "who has it reads its answer");
    let sent = taken(&daemon, WRONG, most).await;
    assert!(sent < most, "{sent} bytes");
}

#[tokio::test]
async fn a_long_head_is_refused_where_there_is_a_token() {
    let daemon = guarded().await;
    let long = format!("X-Long: {}\r\n", "a".repeat(300 << 10));
    let open = Daemon::start().await;
    for (addr, status) in [(daemon.addr, 431), (open.addr, 200)] {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let head = head("version", &format!("{}{long}", shown()), 0);
        // It may be refused before all of it is sent.
        let _ = stream.write_all(head.as_bytes()).await;
        assert_eq!(next(&mut stream).await.status, status);
    }
}

#[tokio::test]
async fn one_address_has_so_many_connections_where_there_is_a_token_and_no_more() {
    let daemon = guarded().await;
    let mut open = Vec::new();
    for _ in 0..PER_ADDRESS {
        open.push(TcpStream::connect(daemon.addr).await.unwrap());
    }
    let mut more = TcpStream::connect(daemon.addr).await.unwrap();
    let answer = to_the_end(&mut more).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    // Those that are in are answered, and one that ends makes room.
    let mut last = open.pop().unwrap();
    last.write_all(head("version", &shown(), 0).as_bytes()).await.unwrap();
    assert_eq!(next(&mut last).await.status, 200);
    drop(last);
    let served = async {
        loop {
            let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
            let _ = stream.write_all(head("version", &shown(), 0).as_bytes()).await;
            if next(&mut stream).await.status == 200 {
                return;
            }
        }
    };
    timeout(Duration::from_secs(10), served).await.expect("the place of one that has ended");
}
