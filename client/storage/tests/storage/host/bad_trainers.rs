//! Uploads that are not what they ought to be.

use super::{
    DRAWN, MIB, Running, Trainer, ask, bytes, client, connect, exchange, head, kind, offset, put,
    sign, target,
};
use decentralml_storage::{
    Block, Codec,
    car::CarWriter,
    host::{HostLimits, MAX_UPDATES, Statement, Target},
};
use std::time::Duration;
use tokio::{
    io::AsyncWriteExt,
    time::{sleep, timeout},
};

fn quick() -> HostLimits {
    HostLimits { step_timeout: Duration::from_secs(4), ..HostLimits::default() }
}

#[tokio::test]
async fn only_those_who_are_drawn_hand_over_and_only_to_the_host_that_they_named() {
    let (host, other) = (Running::start().await, Running::start().await);
    let trainer = Trainer::new(DRAWN[0]);
    let stranger = Trainer::new([66; 32]);
    let parcel = trainer.parcel(&bytes(1000));
    let url = format!("http://{}", host.addr);
    let good = host.target(&trainer, &parcel);
    let statement = &good.authorization.statement;
    let mut forged = good.clone();
    forged.authorization.statement.round += 1;
    let signed = |statement: Statement| target(&url, statement);
    let requests: Vec<(Target, u16, &str)> = vec![
        (signed(stranger.statement(host.account, &parcel)), 403, "denied"),
        (signed(trainer.statement(other.account, &parcel)), 403, "denied"),
        (signed(Statement { genesis: [1; 32], ..statement.clone() }), 403, "denied"),
        (signed(Statement { expires: 99, ..statement.clone() }), 403, "expired"),
        (signed(Statement { bytes: 64 * MIB as u64 + 1, ..statement.clone() }), 413, "too-large"),
        (forged, 401, "unauthorized"),
    ];
    let car = trainer.car(&parcel.cid());
    for (request, status, expected) in requests {
        for answer in [ask(&request).await, put(&request, 0, &car).await] {
            assert_eq!((answer.status, kind(&answer).as_str()), (status, expected));
        }
    }
    // A statement about another CID than the path, one that is too long, and none.
    let elsewhere = trainer.parcel(b"elsewhere");
    let path = format!("/uploads/{}", elsewhere.cid());
    let header = format!("Authorization: {}\r\n", good.authorization.header());
    let long = format!("Authorization: DecentralML {}\r\n", "A".repeat(5000));
    for (headers, status, expected) in
        [(&header[..], 400, "bad-request"), (&long, 401, "unauthorized"), ("", 401, "unauthorized")]
    {
        for method in ["GET", "PUT"] {
            let answer = crate::support::http(host.addr, method, &path, headers, b"").await;
            assert_eq!((answer.status, kind(&answer).as_str()), (status, expected), "{method}");
        }
    }
    let nonsense = crate::support::http(host.addr, "GET", "/uploads/nonsense", &header, b"").await;
    assert_eq!(nonsense.status, 400);
    let huge = format!("{header}X: {}\r\n", "A".repeat(100_000));
    assert_ne!(crate::support::http(host.addr, "GET", &path, &huge, b"").await.status, 200);
    assert_eq!(host.store.stat().unwrap().blocks, 0);
    assert!(host.keeper.labels().unwrap().is_empty());
    assert_eq!(put(&good, 0, &car).await.status, 201);
}

#[tokio::test]
async fn more_than_was_stated_is_refused() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let parcel = trainer.parcel(&bytes(3 * MIB));
    let car = trainer.car(&parcel.cid());
    let mut statement = trainer.statement(host.account, &parcel);
    statement.bytes -= 1;
    let smaller = target(&format!("http://{}", host.addr), statement);
    // By its length, and without one by what comes.
    let answer = put(&smaller, 0, &car).await;
    assert_eq!((answer.status, kind(&answer).as_str()), (413, "too-large"));
    assert_eq!(host.store.stat().unwrap().blocks, 0);
    let mut request = head("PUT", &smaller, "Transfer-Encoding: chunked\r\n").into_bytes();
    request.extend_from_slice(format!("{:x}\r\n", car.len()).as_bytes());
    request.extend_from_slice(&car);
    request.extend_from_slice(b"\r\n0\r\n\r\n");
    let answer = exchange(connect(&smaller).await, &request).await;
    assert_eq!((answer.status, kind(&answer).as_str()), (413, "too-large"));
    assert!(!host.store.is_pinned(&parcel.cid()));

    let good = host.target(&trainer, &parcel);
    let from = offset(&ask(&good).await);
    assert!(from > 2 * MIB as u64, "what was right of it is not sent again");
    assert_eq!(put(&good, from, &car[from as usize..]).await.status, 201);
}

#[tokio::test]
async fn other_blocks_than_those_of_the_dag_are_refused_where_they_begin() {
    let trainer = Trainer::new(DRAWN[0]);
    let parcel = trainer.parcel(&bytes(2 * MIB));
    let root = trainer.store.get(&parcel.cid()).unwrap();
    let other = Block::new(Codec::Raw, bytes(5000));
    let with = |blocks: &[&Block]| {
        let mut car = CarWriter::new(Vec::new(), &[parcel.cid().into()]).unwrap();
        blocks.iter().for_each(|block| car.write(block).unwrap());
        car.into_inner()
    };
    let honest = trainer.car(&parcel.cid());
    let mut wrong = honest[..MIB * 3 / 2].to_vec();
    let last = wrong.len() - MIB;
    wrong[last] ^= 1;
    let mut padded = with(&[]);
    padded.extend_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x80]);
    let other_root = CarWriter::new(Vec::new(), &[other.cid().into()]).unwrap().into_inner();
    for (car, expected) in [
        (with(&[&other]), "foreign-block"),
        (with(&[&root, &other]), "foreign-block"),
        (with(&[&root, &root]), "foreign-block"),
        (wrong, "mismatch"),
        (other_root, "malformed"),
        (b"GIF89a".to_vec(), "malformed"),
        (padded, "malformed"),
    ] {
        let host = Running::start().await;
        let target = host.target(&trainer, &parcel);
        let answer = put(&target, 0, &car).await;
        assert_eq!((answer.status, kind(&answer).as_str()), (400, expected), "{}", answer.text());
        assert!(!host.store.has(&other.cid()), "nothing foreign is kept");
        // What was right before it stays.
        let from = offset(&ask(&target).await);
        assert_eq!(from > 0, host.store.has(&root.cid()));
        assert_eq!(put(&target, from, &honest[from as usize..]).await.status, 201);
    }
}

#[tokio::test]
async fn a_dag_that_is_no_file_is_refused() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    // A node that is none.
    let block = Block::new(Codec::DagPb, &b"\xff\xff not a node"[..]);
    let mut car = CarWriter::new(Vec::new(), &[block.cid().into()]).unwrap();
    car.write(&block).unwrap();
    let mut statement = trainer.statement(host.account, &trainer.parcel(b"x"));
    (statement.cid, statement.bytes) = (block.cid(), 1000);
    let target = target(&format!("http://{}", host.addr), statement);
    let answer = put(&target, 0, &car.into_inner()).await;
    assert_eq!((answer.status, kind(&answer).as_str()), (400, "malformed"), "{}", answer.text());
    assert_eq!(host.store.stat().unwrap().blocks, 0);
}

#[tokio::test]
async fn a_dag_of_crumbs_is_refused() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let leaves: Vec<_> =
        (0..200_u32).map(|index| Block::new(Codec::Raw, index.to_be_bytes().to_vec())).collect();
    let node = crate::support::node(&leaves);
    let mut car = CarWriter::new(Vec::new(), &[node.cid().into()]).unwrap();
    [&node].into_iter().chain(&leaves).for_each(|block| car.write(block).unwrap());
    let car = car.into_inner();
    let mut statement = trainer.statement(host.account, &trainer.parcel(b"x"));
    (statement.cid, statement.bytes) = (node.cid(), car.len() as u64);
    let target = target(&format!("http://{}", host.addr), statement);
    let answer = put(&target, 0, &car).await;
    assert_eq!((answer.status, kind(&answer).as_str()), (413, "too-many-blocks"));
}

#[tokio::test]
async fn a_dag_of_enormous_width_or_depth_is_refused_where_it_is_too_much() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let leaf = Block::new(Codec::Raw, &b"leaf"[..]);
    let wide = crate::support::node(&vec![leaf.clone(); 20_000]);
    let mut chain = vec![leaf.clone()];
    while chain.len() < 5000 {
        chain.push(crate::support::node(&chain[chain.len() - 1..]));
    }
    chain.reverse();
    for (blocks, most, status, expected) in
        [(&[wide, leaf][..], 0, 400, "malformed"), (&chain[..], 100, 413, "too-many-blocks")]
    {
        let mut car = CarWriter::new(Vec::new(), &[blocks[0].cid().into()]).unwrap();
        blocks.iter().for_each(|block| car.write(block).unwrap());
        let car = car.into_inner();
        let mut statement = trainer.statement(host.account, &trainer.parcel(b"x"));
        (statement.cid, statement.bytes) = (blocks[0].cid(), car.len() as u64);
        let target = target(&format!("http://{}", host.addr), statement);
        let answer = put(&target, 0, &car).await;
        assert_eq!((answer.status, kind(&answer).as_str()), (status, expected));
        let kept = host.store.stat().unwrap().blocks;
        assert!(kept <= most, "{kept} blocks of it are kept");
    }
    let parcel = trainer.parcel(&bytes(MIB));
    let honest = client().hand_to(&parcel, &[host.target(&trainer, &parcel)], 1, |_| {}).await;
    assert_eq!(honest.holders.len(), 1, "{honest:?}");
}

#[tokio::test]
async fn a_stream_without_an_end_is_ended() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let parcel = trainer.parcel(&bytes(2 * MIB));
    let target = host.target(&trainer, &parcel);
    let car = trainer.car(&parcel.cid());
    let filler = vec![0xa5; 64 << 10];
    // From nearly the first byte on, and after some that are right.
    for right in [1, MIB / 2] {
        let from = offset(&ask(&target).await) as usize;
        let mut stream = connect(&target).await;
        let headers = format!("Upload-Offset: {from}\r\nTransfer-Encoding: chunked\r\n");
        stream.write_all(head("PUT", &target, &headers).as_bytes()).await.unwrap();
        stream.write_all(format!("{right:x}\r\n").as_bytes()).await.unwrap();
        stream.write_all(&car[from..from + right]).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
        let chunk = format!("{:x}\r\n", filler.len());
        let mut sent = 0;
        let endless = async {
            while stream.write_all(chunk.as_bytes()).await.is_ok()
                && stream.write_all(&filler).await.is_ok()
                && stream.write_all(b"\r\n").await.is_ok()
            {
                sent += filler.len();
            }
        };
        timeout(Duration::from_secs(60), endless).await.expect("the host ends it");
        assert!(sent < 64 * MIB, "{sent}");
    }
    let honest = client().hand_to(&parcel, &[target], 1, |_| {}).await;
    assert_eq!(honest.holders.len(), 1, "{honest:?}");
}

#[tokio::test]
async fn a_byte_now_and_then_is_no_upload_and_its_place_goes_to_others() {
    let host = Running::start_with(HostLimits { uploads: 1, ..quick() }, None).await;
    let (slow, trainer) = (Trainer::new(DRAWN[0]), Trainer::new(DRAWN[1]));
    let parcel = slow.parcel(&bytes(2 * MIB));
    let car = slow.car(&parcel.cid());
    let target = host.target(&slow, &parcel);
    let mut stream = connect(&target).await;
    let headers = format!("Content-Length: {}\r\n", car.len());
    stream.write_all(head("PUT", &target, &headers).as_bytes()).await.unwrap();
    stream.write_all(&car[..10]).await.unwrap();
    let (reader, mut writer) = stream.into_split();
    let dripping = tokio::spawn(async move {
        for byte in &car[10..] {
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    sleep(Duration::from_millis(200)).await;
    let other = trainer.parcel(b"an honest update");
    let refused = put(&host.target(&trainer, &other), 0, &trainer.car(&other.cid())).await;
    assert_eq!((refused.status, kind(&refused).as_str()), (503, "busy"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    // The client gives up a host that stays busy; the place is free once the other has had its time.
    let targets = [host.target(&trainer, &other)];
    let mut tries = 0;
    while client().hand_to(&other, &targets, 1, |_| {}).await.holders.is_empty() {
        tries += 1;
        assert!(tries < 50, "the place stays taken");
    }
    let mut answer = Vec::new();
    let mut reader = reader;
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("stalled"), "{answer}");
    dripping.await.unwrap();
}

#[tokio::test]
async fn an_account_hands_over_a_few_files_in_a_round_and_no_more() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    for (index, data) in [b"one", b"two", b"six", b"ten", b"red"].into_iter().enumerate() {
        let parcel = trainer.parcel(data);
        let target = host.target(&trainer, &parcel);
        let answer = put(&target, 0, &trainer.car(&parcel.cid())).await;
        match index {
            MAX_UPDATES => {
                assert_eq!((answer.status, kind(&answer).as_str()), (403, "another-update"))
            }
            _ => assert_eq!(answer.status, 201, "{}", answer.text()),
        }
    }
    let next = Trainer::new(DRAWN[1]);
    let parcel = next.parcel(b"red");
    let target = host.target(&next, &parcel);
    assert_eq!(put(&target, 0, &next.car(&parcel.cid())).await.status, 201);
    host.keeper.release("5/6").unwrap();
    assert!(host.keeper.labels().unwrap().is_empty());
}

#[tokio::test]
async fn a_restart_of_the_host_gives_an_account_no_more_files() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let parcels = [b"one", b"two", b"six", b"ten", b"red"].map(|data| trainer.parcel(data));
    let mut host = host;
    for parcel in &parcels[..MAX_UPDATES] {
        let answer = put(&host.target(&trainer, parcel), 0, &trainer.car(&parcel.cid())).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        host = Running::start_in(host.stop().await, HostLimits::default(), None).await;
    }
    let [first, .., fifth] = &parcels;
    let answer = put(&host.target(&trainer, fifth), 0, &trainer.car(&fifth.cid())).await;
    assert_eq!((answer.status, kind(&answer).as_str()), (403, "another-update"));
    let answer = put(&host.target(&trainer, first), 0, &[]).await;
    assert_eq!(answer.status, 200, "what it has it still has: {}", answer.text());
    let other = Trainer::new(DRAWN[1]);
    let parcel = other.parcel(b"blue");
    let answer = put(&host.target(&other, &parcel), 0, &other.car(&parcel.cid())).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[tokio::test]
async fn a_replay_of_what_is_there_is_answered_without_reading_it() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let parcel = trainer.parcel(&bytes(MIB + 5));
    let target = host.target(&trainer, &parcel);
    assert_eq!(put(&target, 0, &trainer.car(&parcel.cid())).await.status, 201);
    let before = host.store.stat().unwrap();
    // A body that is announced and never comes.
    let headers = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", 1_u64 << 40);
    let answer = exchange(connect(&target).await, head("PUT", &target, &headers).as_bytes()).await;
    assert_eq!(answer.status, 200, "and no 100: {}", answer.head);
    assert_eq!(answer.json()["complete"], true);
    assert_eq!(answer.header("upload-complete"), Some("?1"));
    assert_eq!(host.store.stat().unwrap(), before);
    assert!(host.asked.load(std::sync::atomic::Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn a_round_that_is_released_takes_nothing_more_of_what_was_on_its_way() {
    let host = Running::start().await;
    let trainer = Trainer::new(DRAWN[0]);
    let parcel = trainer.parcel(&bytes(2 * MIB));
    let car = trainer.car(&parcel.cid());
    let target = host.target(&trainer, &parcel);
    let mut stream = connect(&target).await;
    let headers = format!("Content-Length: {}\r\n", car.len());
    stream.write_all(head("PUT", &target, &headers).as_bytes()).await.unwrap();
    stream.write_all(&car[..MIB]).await.unwrap();
    while host.keeper.labels().unwrap().is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    host.keeper.release("5/6").unwrap();
    let answer = exchange(stream, &car[MIB..]).await;
    assert_eq!((answer.status, kind(&answer).as_str()), (403, "released"));
    assert!(!host.store.is_pinned(&parcel.cid()));
    assert_eq!(sign(&target.authorization.statement), target.authorization.signature);
}
