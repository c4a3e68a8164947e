//! What large files take of the memory.

use crate::{
    process::{alone, beside, status},
    support::{Daemon, bytes, patient},
};
use decentralml_storage::{Cid, SourceUrl, Storage, gateway::Gateway};
use std::{
    io::{self, Read},
    net::SocketAddr,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const MIB: usize = 1 << 20;

/// MiB of the file.
const SIZE: usize = 256;

/// KiB of memory at most: of the 64 MB that a store may take 16 are its code, and 8 are left for what else it does.
const MOST: usize = 40_000_000 >> 10;

#[test]
fn a_file_of_any_size_goes_in_and_out_in_the_same_memory() {
    alone("memory::a_file_of_any_size_goes_in_and_out_in_the_same_memory", inside());
}

/// KiB of memory at most of a program that moves files to and from stores: 64 MB.
const MOST_OF_A_CLIENT: usize = 64_000_000 >> 10;

#[test]
fn a_client_fetches_and_sends_a_file_of_any_size_in_the_same_memory() {
    let name = "memory::a_client_fetches_and_sends_a_file_of_any_size_in_the_same_memory";
    let serve = async {
        let daemon = Daemon::start().await;
        let cid = daemon.store.add(Content::default(), true).unwrap().cid;
        let gateway =
            Gateway::bind(daemon.store.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let word = format!("{} {} {cid}", daemon.url, gateway.url());
        tokio::spawn(gateway.run(std::future::pending()));
        (word, daemon)
    };
    beside(name, serve, client);
}

/// The file, of which no two MiB are alike.
#[derive(Default)]
struct Content {
    piece: Vec<u8>,
    /// Of the piece, and how many there were.
    read: usize,
    pieces: usize,
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.piece.len() && self.pieces < SIZE {
            self.piece.resize_with(MIB, || 7);
            self.piece[..8].copy_from_slice(&self.pieces.to_le_bytes());
            (self.read, self.pieces) = (0, self.pieces + 1);
        }
        let length = buffer.len().min(self.piece.len() - self.read);
        buffer[..length].copy_from_slice(&self.piece[self.read..self.read + length]);
        self.read += length;
        Ok(length)
    }
}

async fn client(word: &str) {
    let [url, gateway, cid] = word.split(' ').collect::<Vec<_>>()[..] else { panic!("{word}") };
    let (gateway, cid): (SourceUrl, Cid) = (gateway.parse().unwrap(), cid.parse().unwrap());
    let storage = Storage::connect_with(url, patient()).await.unwrap();
    let folder = TempDir::new().unwrap();
    let (path, size) = (folder.path().join("file"), (SIZE * MIB) as u64);
    assert_eq!(storage.fetch_to_file(&cid, &path, size).await.unwrap(), size);
    let from_store = peak();
    let raced = storage.with_sources(&[gateway]);
    assert_eq!(raced.fetch_to_file_resuming(&cid, &path, size, |_| {}).await.unwrap(), size);
    let fetched = peak();
    assert_eq!(storage.add_file(&path).await.unwrap().cid, cid);
    assert_eq!(storage.add_file_resuming(&path, &|_| {}).await.unwrap().cid, cid);
    eprintln!(
        "{SIZE} MiB fetched from a store in {} MiB of memory, from two sources in {}, sent in {}",
        from_store >> 10,
        fetched >> 10,
        peak() >> 10
    );
    assert!(peak() < MOST_OF_A_CLIENT, "{} KiB, {fetched} of them after the fetches", peak());
}

/// The most memory that this process ever had, in KiB.
fn peak() -> usize {
    status("VmHWM")
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
