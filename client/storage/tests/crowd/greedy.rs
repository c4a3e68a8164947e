//! Requests that ask for more than a store may spend on one of them.

use crate::{
    process::status,
    support::{Daemon, bytes},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, sink},
    net::TcpStream,
};

const MIB: u64 = 1 << 20;
const FILES: u64 = 200;

/// Resident memory of this process, which the store is a part of, in bytes.
fn resident() -> u64 {
    (status("VmRSS") as u64) << 10
}

#[tokio::test]
async fn hundreds_of_files_in_one_cat_are_never_in_memory_together() {
    let daemon = Daemon::start().await;
    let data = bytes(MIB as usize);
    let cid = daemon.store.add(&data[..], false).unwrap().cid;
    let query = vec![format!("arg={cid}"); FILES as usize].join("&");
    let before = resident();
    let mut stream = TcpStream::connect(daemon.addr).await.unwrap();
    let head = format!(
        "POST /api/v0/cat?{query} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        daemon.addr
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = vec![0; 64];
    stream.read_exact(&mut start).await.unwrap();
    assert!(start.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&start));
    // All have been looked at by now, as their sizes are in the head.
    let held = resident().saturating_sub(before);
    assert!(held < FILES / 4 * MIB, "{} MiB for {FILES} MiB", held / MIB);
    let rest = copy(&mut stream, &mut sink()).await.unwrap();
    assert!(rest >= FILES * MIB, "{rest} bytes");
}
