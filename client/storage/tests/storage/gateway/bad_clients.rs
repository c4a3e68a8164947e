//! Clients that take nothing, too little or too long, and those that go away.

use super::{MIB, Running};
use decentralml_storage::{Cid, gateway::Limits};
use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// A file that fits into no buffer on the way, and takes no room on the disk.
fn endless(gateway: &Running) -> Cid {
    gateway.store.add(io::repeat(0).take(128 * MIB as u64), true).unwrap().cid
}

async fn ask(gateway: &Running, cid: Cid) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
    let head = format!("GET /ipfs/{cid} HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.addr);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_client_that_takes_nothing_loses_its_turn() {
    let limits = Limits { requests: 1, stall_timeout: Duration::from_secs(5), ..Limits::default() };
    let gateway = Running::start(limits).await;
    let (large, small) = (endless(&gateway), gateway.add(b"small"));
    let mut mute = ask(&gateway, large).await;
    // Its answer has begun.
    mute.readable().await.unwrap();
    let refused = gateway.get(&small.to_string()).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    let mut answer = refused;
    for _ in 0..300 {
        if answer.status != 503 {
            break;
        }
        sleep(Duration::from_millis(100)).await;
        answer = gateway.get(&small.to_string()).await;
    }
    assert_eq!((answer.status, &answer.body[..]), (200, &b"small"[..]));
    // What had been sent can still be read, and then it is cut.
    let mut rest = Vec::new();
    let _ = mute.read_to_end(&mut rest).await;
    assert!(rest.len() < 128 * MIB, "{} bytes", rest.len());
}

/// Reads little by little, until it is to take all that is left; returns how much it got.
async fn sip(mut stream: TcpStream, hurry: Arc<AtomicBool>) -> usize {
    let (mut buffer, mut bytes) = (vec![0; MIB], 0);
    loop {
        let most = if hurry.load(Ordering::Relaxed) { MIB } else { 4096 };
        match stream.read(&mut buffer[..most]).await {
            Ok(read @ 1..) => bytes += read,
            _ => return bytes,
        }
        if most < MIB {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn readers_that_take_just_enough_do_not_keep_others_out() {
    let limits = Limits { requests: 3, turn: Duration::ZERO, ..Limits::default() };
    let gateway = Running::start(limits).await;
    let (large, small) = (endless(&gateway), gateway.add(b"small"));
    let hurry = Arc::<AtomicBool>::default();
    let mut slow = Vec::new();
    for _ in 0..3 {
        let stream = ask(&gateway, large).await;
        stream.readable().await.unwrap();
        slow.push(tokio::spawn(sip(stream, hurry.clone())));
    }
    // What lies in buffers counts as taken, for some seconds.
    let let_in = async {
        while gateway.get(&small.to_string()).await.status == 503 {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(300), let_in).await.expect("somebody has to go");
    hurry.store(true, Ordering::Relaxed);
    let mut whole = 0;
    for reader in slow {
        whole += usize::from(reader.await.unwrap() > 128 * MIB);
    }
    assert_eq!(whole, 2, "one has to go, and no more than one");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_turn_behind() {
    let gateway = Running::start(Limits { requests: 1, ..Limits::default() }).await;
    let large = endless(&gateway);
    for _ in 0..3 {
        let mut stream = ask(&gateway, large).await;
        let mut beginning = [0; 100];
        stream.read_exact(&mut beginning).await.unwrap();
        assert!(beginning.starts_with(b"HTTP/1.1 200 OK"));
        drop(stream);
        let free = async {
            while gateway.send("HEAD", &large.to_string(), "").await.status == 503 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), free).await.expect("the turn comes back");
    }
}

#[tokio::test]
async fn a_request_that_comes_one_byte_at_a_time_is_cut_and_others_get_its_place() {
    let limits =
        Limits { connections: 2, header_timeout: Duration::from_millis(700), ..Limits::default() };
    let gateway = Running::start(limits).await;
    let cid = gateway.add(b"content");
    let mute = TcpStream::connect(gateway.addr).await.unwrap();
    let slow = tokio::spawn({
        let addr = gateway.addr;
        async move {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            let mut sent = 0;
            while sent < 10_000 && stream.write_all(b"G").await.is_ok() {
                sent += 1;
                sleep(Duration::from_millis(20)).await;
            }
            sent
        }
    });
    // Both places are taken, and nobody who holds one ever asks for anything.
    let answer = timeout(Duration::from_secs(60), gateway.get(&cid.to_string())).await.unwrap();
    assert_eq!(answer.body, b"content");
    assert!(slow.await.unwrap() < 10_000);
    drop(mute);
}

#[tokio::test]
async fn a_head_that_has_no_end_is_refused() {
    let gateway = Running::start(Limits::default()).await;
    let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
    let _ = stream.write_all(b"GET / HTTP/1.1\r\n").await;
    let line = format!("X-Filler: {}\r\n", "x".repeat(4000));
    let mut sent = 0;
    while sent < 1000 && stream.write_all(line.as_bytes()).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 1000, "it was cut long before");
    let cid = gateway.add(b"content");
    let large = format!("{cid}?{}", "x".repeat(100_000));
    assert_ne!(gateway.get(&large).await.status, 200);
}
