//! Connections that break and processes that are killed.

use super::{
    Answer, DRAWN, GENESIS, MIB, NOW, Running, Trainer, ask, bytes, client, connect, exchange,
    head, kind, offset, put, sign, trickle,
};
use decentralml_storage::{
    Store,
    car::CarReader,
    host::{Admission, Grant, Host, HostLimits, Refusal, Statement, Target, largest_car},
};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

/// Where the blocks of a CAR end.
fn ends(car: &[u8]) -> Vec<usize> {
    let mut reader = CarReader::new(car).unwrap();
    let sizes: Vec<usize> = reader.by_ref().map(|next| next.unwrap().1.data().len()).collect();
    let frame = |size: usize| match size {
        0..92 => 37,
        92..16348 => 38,
        _ => 39,
    };
    let blocks: usize = sizes.iter().map(|size| size + frame(*size)).sum();
    let mut end = car.len() - blocks;
    sizes
        .iter()
        .map(|size| {
            end += size + frame(*size);
            end
        })
        .collect()
}

#[tokio::test]
async fn a_sender_that_is_cut_off_in_every_block_goes_on_where_it_was() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(4 * MIB + 1000);
    let parcel = trainer.parcel(&data);
    let car = trainer.car(&parcel.cid());
    let target = host.target(&trainer, &parcel);
    let ends = ends(&car);
    assert_eq!((ends.len(), *ends.last().unwrap()), (6, car.len()));
    let mut from = 0;
    for (index, end) in ends.iter().enumerate() {
        // All of this block and some of the next one, and the connection breaks.
        let most = ends.get(index + 1).map_or(car.len() - 1, |next| (end + next) / 2);
        let stop = if index + 1 == ends.len() { car.len() } else { most };
        let headers = format!("Upload-Offset: {from}\r\nContent-Length: {}\r\n", car.len() - from);
        let mut stream = connect(&target).await;
        stream.write_all(head("PUT", &target, &headers).as_bytes()).await.unwrap();
        stream.write_all(&car[from..stop]).await.unwrap();
        if stop == car.len() {
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&answer));
            break;
        }
        stream.shutdown().await.unwrap();
        drop(stream);
        // What was sent before the cut is on its way yet.
        for _ in 0..200 {
            from = offset(&ask(&target).await) as usize;
            if from == *end {
                break;
            }
            // Asking has ended the upload that was still coming in: it goes on from there.
            let answer = put(&target, from as u64, &car[from..*end]).await;
            assert!([202, 409].contains(&answer.status), "{}", answer.text());
        }
        assert_eq!(from, *end, "block {index}");
    }
    assert!(host.holds(&parcel.cid(), &data));
}

/// A way to a host on which every connection breaks after so many bytes; counts what came through.
async fn breaking(to: SocketAddr, after: usize) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let through = Arc::<AtomicU64>::default();
    let count = through.clone();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let count = count.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                let (mut near_reader, mut near_writer) = near.split();
                let (far_reader, mut far_writer) = far.split();
                let up = async {
                    let (mut left, mut buffer) = (after, vec![0; 16 << 10]);
                    while left > 0 {
                        let read = near_reader.read(&mut buffer).await.unwrap_or(0).min(left);
                        if read == 0 || far_writer.write_all(&buffer[..read]).await.is_err() {
                            break;
                        }
                        count.fetch_add(read as u64, Ordering::SeqCst);
                        left -= read;
                    }
                };
                let mut far_reader = far_reader;
                let down = tokio::io::copy(&mut far_reader, &mut near_writer);
                tokio::select! { () = up => {}, _ = down => {} }
            });
        }
    });
    (addr, through)
}

#[tokio::test]
async fn the_client_goes_on_by_itself_as_long_as_it_gets_further() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(12 * MIB);
    let parcel = trainer.parcel(&data);
    let (addr, through) = breaking(host.addr, 3 * MIB / 2).await;
    let mut target = host.target(&trainer, &parcel);
    target.url = format!("http://{addr}").parse().unwrap();
    let handed = client().hand_to(&parcel, std::slice::from_ref(&target), 1, |_| {}).await;
    assert_eq!(handed.holders.len(), 1, "{handed:?}");
    assert!(host.holds(&parcel.cid(), &data));
    let through = through.load(Ordering::SeqCst);
    assert!(through < 2 * parcel.bytes(), "{through} bytes were sent for {}", parcel.bytes());

    // Where it never gets further, it is given up.
    let other = Trainer::new(DRAWN[1]);
    let mut data = data;
    data.reverse();
    let parcel = other.parcel(&data);
    let (addr, _) = breaking(host.addr, MIB / 2).await;
    let mut target = host.target(&other, &parcel);
    target.url = format!("http://{addr}").parse().unwrap();
    let handed = client().hand_to(&parcel, std::slice::from_ref(&target), 1, |_| {}).await;
    assert_eq!((handed.holders.len(), handed.failed.len()), (0, 1), "{handed:?}");
}

#[tokio::test]
async fn a_newer_request_ends_one_that_only_the_host_believes_in() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(3 * MIB);
    let parcel = trainer.parcel(&data);
    let car = trainer.car(&parcel.cid());
    let target = host.target(&trainer, &parcel);
    // Half of it and then nothing, and no end either.
    let mut mute = connect(&target).await;
    let headers = format!("Content-Length: {}\r\n", car.len());
    mute.write_all(head("PUT", &target, &headers).as_bytes()).await.unwrap();
    mute.write_all(&car[..car.len() / 2]).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    // It waits until nothing has come for some seconds.
    let from = offset(&ask(&target).await);
    let answer = put(&target, from, &car[from as usize..]).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let old = exchange(mute, b"").await;
    assert_eq!((old.status, kind(&old).as_str()), (409, "superseded"));
    assert!(host.holds(&parcel.cid(), &data));
}

/// An upload of which something comes five times a second, a tenth of a megabyte.
async fn slowly(target: &Target, car: &[u8]) -> Answer {
    let headers = format!("Content-Length: {}\r\n", car.len());
    let mut request = head("PUT", target, &headers).into_bytes();
    request.extend_from_slice(car);
    trickle(connect(target).await, &request, MIB / 10, Duration::from_millis(200)).await
}

#[tokio::test]
async fn a_repeated_header_ends_no_upload_that_goes_on() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(3 * MIB);
    let parcel = trainer.parcel(&data);
    let car = trainer.car(&parcel.cid());
    let target = host.target(&trainer, &parcel);
    let repeats = async {
        sleep(Duration::from_millis(500)).await;
        // All at a time, as each waits for its turn.
        tokio::join!(ask(&target), put(&target, 0, &car[..MIB]), put(&target, 0, b""))
    };
    let (honest, _) = tokio::join!(slowly(&target, &car), repeats);
    assert_eq!(honest.status, 201, "{}", honest.text());
    assert!(host.holds(&parcel.cid(), &data));
}

#[tokio::test]
async fn a_statement_that_holds_longer_ends_what_somebody_does_with_an_earlier_one() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(3 * MIB);
    let parcel = trainer.parcel(&data);
    let car = trainer.car(&parcel.cid());
    let seen = host.target(&trainer, &parcel);
    let longer = Statement { expires: NOW + 1, ..seen.authorization.statement.clone() };
    let newer = super::target(&format!("http://{}", host.addr), longer);
    let honest = async {
        sleep(Duration::from_millis(500)).await;
        let from = offset(&ask(&newer).await);
        put(&newer, from, &car[from as usize..]).await
    };
    let (other, honest) = tokio::join!(slowly(&seen, &car), honest);
    assert_eq!(honest.status, 201, "{}", honest.text());
    assert_eq!((other.status, kind(&other).as_str()), (409, "superseded"));
    assert!(host.holds(&parcel.cid(), &data));
}

/// Lets everyone in.
struct Everyone;

impl Admission for Everyone {
    async fn admit(&self, statement: &Statement, signature: &[u8]) -> Result<Grant, Refusal> {
        assert_eq!((signature, statement.genesis), (&sign(statement)[..], GENESIS));
        assert!(statement.expires >= NOW);
        Ok(Grant { max_bytes: largest_car(512 * MIB as u64), label: "5/6".into() })
    }
}

/// The process that the next test kills; on its own it does nothing.
#[test]
fn helper_process_that_hosts_until_it_is_killed() {
    let (Some(folder), Ok(addr)) = (env::var_os("HOST_FOLDER"), env::var("HOST_ADDRESS")) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Arc::new(Store::open(folder).unwrap());
        let addr = addr.parse().unwrap();
        let host = Host::bind(store, addr, Everyone, HostLimits::default()).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nlistening {}", host.addr()).unwrap();
        out.flush().unwrap();
        drop(out);
        host.run(std::future::pending()).await;
    });
}

pub fn spawn_host(folder: &Path, addr: &str) -> (Child, String) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "host::cuts::helper_process_that_hosts_until_it_is_killed",
            "--nocapture",
        ])
        .env("HOST_FOLDER", folder)
        .env("HOST_ADDRESS", addr)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let addr = loop {
        let line = lines.next().expect("the helper has ended by itself").unwrap();
        if let Some(addr) = line.strip_prefix("listening ") {
            break addr.to_owned();
        }
    };
    (child, addr)
}

#[tokio::test]
async fn a_host_that_is_killed_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("store");
    let (mut child, addr) = spawn_host(&root, "127.0.0.1:0");
    let trainer = Trainer::new(DRAWN[0]);
    let data = bytes(24 * MIB);
    let parcel = trainer.parcel(&data);
    let target = super::target(&format!("http://{addr}"), trainer.statement([9; 32], &parcel));
    let car = trainer.car(&parcel.cid());
    let mut stream = connect(&target).await;
    let headers = format!("Content-Length: {}\r\n", car.len());
    stream.write_all(head("PUT", &target, &headers).as_bytes()).await.unwrap();
    stream.write_all(&car[..13 * MIB]).await.unwrap();
    let blocks = || {
        let shards = fs::read_dir(root.join("blocks")).into_iter().flatten().flatten();
        shards.map(|shard| fs::read_dir(shard.path()).map_or(0, Iterator::count)).sum::<usize>()
    };
    let some = async {
        while blocks() < 5 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), some).await.expect("blocks are written as they come");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(stream);

    let (mut child, addr) = spawn_host(&root, &addr);
    let found = offset(&ask(&target).await);
    assert!(found > 3 * MIB as u64, "{found}");
    // The rest, and no more than that.
    let (way, through) = breaking(addr.parse().unwrap(), usize::MAX).await;
    let mut target = target;
    target.url = format!("http://{way}").parse().unwrap();
    let mut first = None;
    let progress = |now: decentralml_storage::host::Handing| {
        if now.done > 0 {
            first.get_or_insert(now.done);
        }
    };
    let handed = client().hand_to(&parcel, std::slice::from_ref(&target), 1, progress).await;
    assert_eq!(handed.holders.len(), 1, "{handed:?}");
    assert!(first.unwrap() >= found);
    assert!(through.load(Ordering::SeqCst) < parcel.bytes() - found + 10_000);
    child.kill().unwrap();
    child.wait().unwrap();
    let store = Arc::new(Store::open(&root).unwrap());
    assert_eq!(store.pin_name(&parcel.cid()).unwrap().unwrap(), "upload:5/6@AQEBAQEBAQEB");
    let found: Vec<u8> =
        store.file(&parcel.cid(), 0, None).unwrap().flat_map(|piece| piece.unwrap()).collect();
    assert!(found == data);
}
