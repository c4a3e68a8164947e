//! Ten thousand connections, and one client that means it.

use crate::{
    process::{alone, status},
    support::{Daemon, bytes, http},
};
use decentralml_storage::gateway::{Gateway, Limits};
use std::{fs, net::SocketAddr, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

/// Connections that are opened, where the system lets a process have as many.
const CROWD: usize = 10_000;

/// Connections that a store takes at a time, and files that it may have open besides.
const PLACES: usize = 1024;
const BESIDES: usize = 200;

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Open files that a process may have.
fn most_open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap_or(1 << 20)
}

/// Opens connections that come in three kinds: silent ones, those that begin a request, and those that announce a body.
async fn crowd(addr: SocketAddr, count: usize, open: &mut Vec<TcpStream>) {
    for number in 0..count {
        let connect = timeout(Duration::from_secs(60), TcpStream::connect(addr));
        let mut stream = connect.await.expect("it is let in, or waits").unwrap();
        let beginning = match number % 3 {
            0 => "",
            1 => "POST /api/v0/cat?arg=",
            _ => {
                "POST /api/v0/block/put HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=a\r\nContent-Length: 9999\r\n\r\n"
            }
        };
        // It may have been closed already, for the next.
        let _ = stream.write_all(beginning.as_bytes()).await;
        open.push(stream);
    }
}

#[test]
fn ten_thousand_connections_do_not_keep_an_honest_client_out() {
    alone("connections::ten_thousand_connections_do_not_keep_an_honest_client_out", inside());
}

async fn inside() {
    let room = most_open_files().saturating_sub(2 * (PLACES + BESIDES));
    let count = CROWD.min(room);
    if count < CROWD {
        let most = most_open_files();
        eprintln!(
            "SKIPPED: {count} connections in place of {CROWD}: a process may have {most} files open here, and may not raise that"
        );
        // Fewer than there are places for prove nothing.
        if count <= 2 * PLACES {
            return;
        }
    }
    let daemon = Daemon::start().await;
    let data = bytes(3 << 20);
    let cid = daemon.store.add(&data[..], true).unwrap().cid;
    let gateway =
        Gateway::bind(daemon.store.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let show = gateway.addr();
    tokio::spawn(gateway.with_limits(Limits::default()).run(std::future::pending()));

    let (before, memory) = (open_files(), status("VmRSS"));
    let mut open = Vec::new();
    crowd(daemon.addr, count - count / 4, &mut open).await;
    crowd(show, count / 4, &mut open).await;
    let client = daemon.client().await;
    let more = bytes((2 << 20) + 7);
    let added = client.add(more.clone()).await.unwrap();
    assert!(client.fetch(&added.cid, added.size).await.unwrap() == more);
    let answer = http(show, "GET", &format!("/ipfs/{cid}"), "", b"").await;
    assert!(answer.body == data);

    let files = open_files().saturating_sub(before + open.len());
    let (threads, grown) = (status("Threads"), status("VmRSS").saturating_sub(memory) >> 10);
    eprintln!(
        "{} connections: {files} of them open in the store, {threads} threads, {grown} MiB more",
        open.len()
    );
    assert!(files <= 2 * PLACES + BESIDES, "{files} connections open in the store");
    assert!(threads < 100, "{threads} threads");
    assert!(grown < 256, "{grown} MiB more");
}
