//! What large files take of the memory.

#![cfg(target_os = "linux")]

use crate::support::{Daemon, bytes};
use decentralml_storage::gateway::Gateway;
use std::{env, fs, net::SocketAddr, process::Command};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const MIB: usize = 1 << 20;

/// MiB of the file.
const SIZE: usize = 256;

/// KiB of memory at most: of the 64 MB that a store may take 16 are its code, and 8 are left for what else it does.
const MOST: usize = 40_000_000 >> 10;

const INSIDE: &str = "DECENTRALML_MEMORY";

#[test]
fn a_file_of_any_size_goes_in_and_out_in_the_same_memory() {
    if env::var_os(INSIDE).is_some() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return runtime.unwrap().block_on(inside());
    }
    alone("memory::a_file_of_any_size_goes_in_and_out_in_the_same_memory", INSIDE);
}

/// Runs a test in a process of its own, whose memory is nobody else's; it knows by the variable that it is there.
pub fn alone(test: &str, inside: &str) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(inside, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{text}", String::from_utf8_lossy(&output.stdout));
    eprint!("{text}");
}

/// The most memory that this process ever had, in KiB.
pub fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Sends a request; its body is `before`, the file, of which no two MiB are alike, and `after`.
async fn send(addr: SocketAddr, target: &str, body: Option<(&str, &str)>) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let (method, kind) = match target.starts_with("/api") {
        true => ("POST", "Content-Type: multipart/form-data; boundary=frame\r\n"),
        false => ("GET", ""),
    };
    let length = body.map_or(0, |(before, after)| before.len() + SIZE * MIB + after.len());
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Length: {length}\r\n{kind}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    if let Some((before, after)) = body {
        stream.write_all(before.as_bytes()).await.unwrap();
        let mut piece = bytes(MIB);
        for number in 0..SIZE {
            piece[..8].copy_from_slice(&number.to_le_bytes());
            stream.write_all(&piece).await.unwrap();
        }
        stream.write_all(after.as_bytes()).await.unwrap();
    }
    stream
}

/// The end of an answer, and how long it was.
async fn read(mut stream: TcpStream) -> (usize, String) {
    let (mut buffer, mut length, mut end) = (vec![0; 256 << 10], 0, Vec::new());
    while let read @ 1.. = stream.read(&mut buffer).await.unwrap() {
        length += read;
        // Answers come in as many pieces as they like.
        end.extend_from_slice(&buffer[read.saturating_sub(1000)..read]);
        end.drain(..end.len().saturating_sub(1000));
    }
    (length, String::from_utf8_lossy(&end).into_owned())
}

async fn inside() {
    let daemon = Daemon::start().await;
    let gateway =
        Gateway::bind(daemon.store.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let show = gateway.addr();
    tokio::spawn(gateway.run(std::future::pending()));
    let part =
        "--frame\r\nContent-Disposition: form-data; name=\"data\"; filename=\"data\"\r\n\r\n";
    let (_, end) =
        read(send(daemon.addr, "/api/v0/add", Some((part, "\r\n--frame--\r\n"))).await).await;
    let cid = end.split('"').find(|word| word.starts_with("bafy")).expect(&end).to_owned();
    let added = peak();
    for (addr, target) in [
        (daemon.addr, format!("/api/v0/cat?arg={cid}")),
        (daemon.addr, format!("/api/v0/dag/export?arg={cid}")),
        (show, format!("/ipfs/{cid}")),
        (show, format!("/ipfs/{cid}?format=car")),
    ] {
        let (length, _) = read(send(addr, &target, None).await).await;
        assert!(length > SIZE * MIB, "{target}: {length} bytes");
    }
    eprintln!("{SIZE} MiB added in {} MiB of memory, read in {}", added >> 10, peak() >> 10);
    assert!(peak() < MOST, "{} KiB, {added} of them after it was added", peak());
}
