//! The real client against the real facade over HTTP.

use crate::support::{Answer, Daemon, bytes, named, patient, post, request};
use decentralml_storage::{
    Block, Codec, Error, Storage,
    server::{ServeError, Server, serve},
    unixfs,
};
use std::{fs, net::SocketAddr, time::Instant};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn what_is_added_can_be_fetched_pinned_and_counted() {
    let daemon = Daemon::start().await;
    let client = daemon.client().await;
    for size in [0, 1, MIB - 1, MIB, MIB + 1, 9 * MIB + 17] {
        let data = bytes(size);
        let added = client.add(data.clone()).await.unwrap();
        assert_eq!(added.cid, unixfs::canonical_cid(&data));
        assert_eq!(added.size, size as u64);
        assert!(client.has(&added.cid).await.unwrap());
        assert_eq!(client.fetch(&added.cid, size as u64).await.unwrap(), data);
    }
    let pins = client.pins().await.unwrap();
    assert_eq!(pins.len(), 6);
    assert!(client.unpin(&pins[0]).await.unwrap());
    assert!(!client.unpin(&pins[0]).await.unwrap());
    assert_eq!(client.pins().await.unwrap(), pins[1..]);
    client.pin(&pins[0]).await.unwrap();
    assert_eq!(client.pins().await.unwrap(), pins);
    for pin in &pins {
        assert!(client.unpin(pin).await.unwrap());
    }
    assert_eq!(client.pins().await.unwrap(), []);

    let stat = client.stat().await.unwrap();
    let counted = daemon.store.stat().unwrap();
    assert_eq!((stat.blocks, stat.bytes), (counted.blocks, counted.bytes));
    assert_eq!(client.version().await.unwrap(), env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn files_go_in_and_out_without_passing_through_memory_whole() {
    let daemon = Daemon::start().await;
    let client = daemon.client().await;
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let data = bytes(5 * MIB + 3);
    fs::write(&from, &data).unwrap();
    let added = client.add_file(&from).await.unwrap();
    assert_eq!(added.cid, unixfs::canonical_cid(&data));

    fs::write(&to, "older").unwrap();
    let size = client.fetch_to_file(&added.cid, &to, data.len() as u64).await.unwrap();
    assert_eq!(size, data.len() as u64);
    assert_eq!(fs::read(&to).unwrap(), data);

    let error = client.fetch_to_file(&added.cid, &to, size - 1).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert_eq!(fs::read(&to).unwrap(), data, "a failed fetch leaves the file as it was");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "and nothing beside it");

    let error = client.add_file(&folder.path().join("absent")).await.unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
}

#[tokio::test]
async fn a_missing_block_is_answered_at_once() {
    let daemon = Daemon::start().await;
    let client = daemon.client().await;
    let absent = Block::new(Codec::Raw, &b"absent"[..]).cid();
    let started = Instant::now();
    let error = client.fetch(&absent, 100).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { cid, .. } if cid == absent), "{error}");
    assert!(matches!(client.pin(&absent).await, Err(Error::NotFound { .. })));
    assert!(!client.has(&absent).await.unwrap());
    assert!(started.elapsed() < patient().idle_timeout);

    let data = bytes(3 * MIB);
    let added = client.add(data.clone()).await.unwrap();
    let leaf = unixfs::canonical_cid(&data[MIB..2 * MIB]);
    fs::remove_file(daemon.block_file(&leaf)).unwrap();
    let error = client.fetch(&added.cid, 3 * MIB as u64).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { cid, .. } if cid == leaf), "{error}");
}

#[tokio::test]
async fn a_corrupt_block_reaches_no_client_and_adding_heals_it() {
    let daemon = Daemon::start().await;
    let client = daemon.client().await;
    let data = bytes(2 * MIB);
    let added = client.add(data.clone()).await.unwrap();
    let leaf = unixfs::canonical_cid(&data[..MIB]);
    fs::write(daemon.block_file(&leaf), vec![0; MIB]).unwrap();

    let error = client.fetch(&added.cid, data.len() as u64).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { cid, .. } if cid == leaf), "{error}");
    assert!(error.to_string().contains("add its file again"), "{error}");
    assert!(!client.has(&leaf).await.unwrap());
    let answer = post(daemon.addr, &format!("block/get?arg={leaf}")).await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("corrupt"), "{}", answer.text());

    client.add(data.clone()).await.unwrap();
    assert_eq!(client.fetch(&added.cid, data.len() as u64).await.unwrap(), data);
}

#[tokio::test]
async fn a_file_above_the_limit_is_refused_before_it_is_read() {
    let daemon = Daemon::start().await;
    let client = daemon.client().await;
    for size in [100, 2 * MIB] {
        let data = bytes(size);
        let added = client.add(data.clone()).await.unwrap();
        // Without its leaves, a file that were read at all would be missing.
        if size > MIB {
            fs::remove_file(daemon.block_file(&unixfs::canonical_cid(&data[..MIB]))).unwrap();
        }
        let error = client.fetch(&added.cid, size as u64 - 1).await.unwrap_err();
        assert!(
            matches!(error, Error::TooLarge { limit, .. } if limit == size as u64 - 1),
            "{error}"
        );
    }
}

#[tokio::test]
async fn dags_of_another_form_are_fetched_too() {
    let daemon = Daemon::start().await;
    let client = daemon.client().await;
    // Two leaves of 3 bytes: nobody's chunk size.
    let leaves = [&b"abc"[..], b"def"].map(|data| Block::new(Codec::Raw, data));
    let mut node = Vec::new();
    for leaf in &leaves {
        let mut link = vec![0x0a, 36, 1, 0x55, 0x12, 32];
        link.extend_from_slice(&leaf.cid().digest);
        node.extend_from_slice(&[0x12, link.len() as u8]);
        node.extend_from_slice(&link);
    }
    node.extend_from_slice(&[0x0a, 8, 8, 2, 0x18, 6, 0x20, 3, 0x20, 3]);
    let root = Block::new(Codec::DagPb, node);
    for block in leaves.iter().chain([&root]) {
        daemon.store.put(block).unwrap();
    }
    assert_eq!(client.fetch(&root.cid(), 6).await.unwrap(), b"abcdef");

    let directory = Block::new(Codec::DagPb, vec![0x0a, 2, 8, 1]);
    daemon.store.put(&directory).unwrap();
    let error = client.fetch(&directory.cid(), 100).await.unwrap_err();
    assert!(error.to_string().contains("a directory, not a file"), "{error}");
}

#[tokio::test]
async fn many_clients_at_once_get_their_own_bytes() {
    let daemon = Daemon::start().await;
    let client = daemon.client().await;
    let shared = bytes(MIB + 9);
    let tasks: Vec<_> = (0..12u8)
        .map(|number| {
            let (client, shared) = (client.clone(), shared.clone());
            tokio::spawn(async move {
                let own = vec![number; 1000 + number as usize];
                let added = client.add(own.clone()).await.unwrap();
                assert_eq!(client.fetch(&added.cid, 2000).await.unwrap(), own);
                let added = client.add(shared.clone()).await.unwrap();
                assert_eq!(client.fetch(&added.cid, 2 * MIB as u64).await.unwrap(), shared);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn the_store_survives_a_restart_and_is_closed_by_a_shutdown() {
    let daemon = Daemon::start().await;
    let data = bytes(2 * MIB);
    let added = daemon.client().await.add(data.clone()).await.unwrap();
    let daemon = Daemon::start_in(daemon.stop().await).await;
    let client = daemon.client().await;
    assert_eq!(client.fetch(&added.cid, 2 * MIB as u64).await.unwrap(), data);
    assert_eq!(client.pins().await.unwrap(), [added.cid]);
}

#[tokio::test]
async fn cat_answers_as_kubo_does() {
    let daemon = Daemon::start().await;
    let data = bytes(2 * MIB + 5);
    let cid = daemon.store.add(&data[..], true).unwrap().cid;
    let answer =
        post(daemon.addr, &format!("cat?arg=/ipfs/{cid}&offset={}&length=20", MIB - 10)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("x-stream-output: 1"), "{}", answer.head);
    assert_eq!(answer.body, &data[MIB - 10..MIB + 10]);
    assert_eq!(post(daemon.addr, &format!("cat?arg={cid}")).await.body, data);
    assert_eq!(post(daemon.addr, &format!("cat?arg={cid}&offset=9999999")).await.body, b"");

    for query in ["".to_owned(), format!("?arg={cid}&offset=many")] {
        let answer = post(daemon.addr, &format!("cat{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.head.contains("text/plain") && !answer.body.is_empty(), "{query}");
    }
    for query in [
        "?arg=nonsense".to_owned(),
        format!("?arg={cid}&offset=-1"),
        format!("?arg={}", Block::new(Codec::Raw, &b"absent"[..]).cid()),
    ] {
        let answer = post(daemon.addr, &format!("cat{query}")).await;
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.status, &json["Code"], &json["Type"]),
            (500, &0.into(), &"error".into()),
            "{json}"
        );
        assert!(json["Message"].as_str().is_some_and(|message| !message.is_empty()));
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_cat_cuts_the_connection() {
    let daemon = Daemon::start().await;
    let data = bytes(6 * MIB);
    let cid = daemon.store.add(&data[..], true).unwrap().cid;
    fs::remove_file(daemon.block_file(&unixfs::canonical_cid(&data[5 * MIB..]))).unwrap();
    let answer = post(daemon.addr, &format!("cat?arg={cid}")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains(&format!("content-length: {}", data.len())), "{}", answer.head);
    assert_eq!(answer.body.len(), 5 * MIB);
}

#[tokio::test]
async fn pins_are_listed_by_kind() {
    let daemon = Daemon::start().await;
    let data = bytes(MIB + 1);
    let root = daemon.store.add(&data[..], true).unwrap().cid;
    let leaf = unixfs::canonical_cid(&data[MIB..]);
    let list = async |query: &str| {
        let answer = post(daemon.addr, &format!("pin/ls{query}")).await;
        serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap()
    };
    assert_eq!(list("").await["Keys"].as_object().unwrap().len(), 3);
    assert_eq!(list("?type=recursive").await["Keys"][root.to_string()]["Type"], "recursive");
    assert_eq!(list("").await["Keys"][leaf.to_string()]["Type"], "indirect");
    assert_eq!(
        list(&format!("?arg={leaf}")).await["Keys"][leaf.to_string()]["Type"],
        format!("indirect through {root}")
    );
    assert_eq!(
        list(&format!("?arg={root}&stream=true")).await,
        serde_json::json!({ "Cid": root.to_string(), "Type": "recursive" })
    );
    assert_eq!(list("?type=direct").await, serde_json::json!({}));
    let absent = Block::new(Codec::Raw, &b"absent"[..]).cid();
    assert_eq!(
        list(&format!("?arg={absent}")).await["Message"],
        format!("path '{absent}' is not pinned")
    );
}

#[tokio::test]
async fn a_pin_is_not_removed_by_a_request_about_another_kind() {
    let daemon = Daemon::start().await;
    let cid = daemon.store.add(&b"kept"[..], true).unwrap().cid;
    let answer = post(daemon.addr, &format!("pin/rm?arg={cid}&recursive=false")).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["Message"], format!("{cid} is pinned recursively"));
    assert!(daemon.store.is_pinned(&cid));
    let answer = post(daemon.addr, &format!("pin/add?arg={cid}&recursive=false")).await;
    assert_eq!(answer.status, 500, "direct pins are not known here");
}

#[tokio::test]
async fn several_files_are_read_as_one_and_an_error_between_them_cuts_the_connection() {
    let daemon = Daemon::start().await;
    let (one, two) = (bytes(MIB + 1).split_off(1), bytes(2 * MIB));
    let cids = [&one, &two].map(|data| daemon.store.add(&data[..], true).unwrap().cid);
    let cat = async |query: &str| {
        post(daemon.addr, &format!("cat?arg={}&arg={}{query}", cids[0], cids[1])).await
    };
    assert_eq!(cat("").await.body, [&one[..], &two].concat());
    let across = cat(&format!("&offset={}&length=30", MIB - 10)).await.body;
    assert_eq!(across, [&one[MIB - 10..], &two[..20]].concat());
    let later = cat(&format!("&offset={}&length=30", MIB + 50)).await.body;
    assert_eq!(later, &two[50..80]);

    fs::remove_file(daemon.block_file(&unixfs::canonical_cid(&two[MIB..]))).unwrap();
    let answer = cat(&format!("&arg={}", cids[0])).await;
    assert!(answer.head.contains(&format!("content-length: {}", 4 * MIB)), "{}", answer.head);
    let there = [&one[..], &two[..MIB]].concat();
    assert_eq!(answer.body, there, "nothing comes after what is missing");
}

#[tokio::test]
async fn a_web_page_from_elsewhere_is_refused() {
    let daemon = Daemon::start().await;
    for header in [
        "Origin: https://example.com",
        "Origin: null",
        "Origin: http://localhost:3000",
        "Referer: https://example.com/page",
        "User-Agent: Mozilla/5.0",
    ] {
        let answer = request(daemon.addr, "POST", "version", &format!("{header}\r\n"), b"").await;
        assert_eq!(answer.status, 403, "{header}");
    }
    // As a page says it whose name is made to lead to this machine: a browser takes it for a page of the store.
    for page in ["evil.example".to_owned(), format!("evil.example:{}", daemon.addr.port())] {
        for header in [format!("Origin: http://{page}"), format!("Referer: http://{page}/x")] {
            let headers = format!("{header}\r\n");
            let answer = rebound(daemon.addr, &page, &headers).await;
            assert_eq!(answer.status, 403, "{headers}");
        }
        let hidden = "User-Agent: Mozilla/5.0\r\n";
        assert_eq!(rebound(daemon.addr, &page, hidden).await.status, 403);
        // No page, and the store's name may be anything, as for Kubo.
        assert_eq!(rebound(daemon.addr, &page, "").await.status, 200);
    }
    let own = format!("Origin: http://localhost:{}\r\n", daemon.addr.port());
    let answer = request(daemon.addr, "POST", "version", &own, b"").await;
    assert_eq!(answer.status, 200);
}

/// A request to a server that is called by another name.
async fn rebound(addr: SocketAddr, name: &str, headers: &str) -> Answer {
    named(addr, name, "POST", "/api/v0/version", headers, b"").await
}

#[tokio::test]
async fn only_post_is_taken() {
    let daemon = Daemon::start().await;
    assert_eq!(request(daemon.addr, "GET", "version", "", b"").await.status, 405);
    assert_eq!(post(daemon.addr, "shutdown").await.status, 404);
}

#[tokio::test]
async fn addresses_that_cannot_be_served_are_explained() {
    let daemon = Daemon::start().await;
    let error =
        Server::bind(daemon.store.clone(), "0.0.0.0:0".parse::<std::net::SocketAddr>().unwrap())
            .await
            .unwrap_err();
    assert!(matches!(error, ServeError::NotLoopback(_)), "{error}");
    let error = serve(daemon.store.clone(), daemon.addr, std::future::pending()).await.unwrap_err();
    assert!(matches!(error, ServeError::PortInUse(_)), "{error}");
    assert!(error.to_string().contains("choose another port"), "{error}");
}

#[tokio::test]
async fn without_a_store_the_client_says_how_to_start_one() {
    let daemon = Daemon::start().await;
    let url = daemon.url.clone();
    daemon.stop().await;
    let error = Storage::connect_with(&url, patient()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("decentralml ipfs daemon"), "{error}");
}

#[tokio::test]
async fn a_store_that_comes_back_between_two_attempts_is_reached() {
    let daemon = Daemon::start().await;
    let data = bytes(1000);
    let mut config = patient();
    config.attempts = 8;
    let client = Storage::connect_with(&daemon.url, config).await.unwrap();
    let added = client.add(data.clone()).await.unwrap();
    let addr = daemon.addr;
    let folder = daemon.stop().await;
    let waiting = tokio::spawn(async move { client.fetch(&added.cid, 1000).await });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let store =
        std::sync::Arc::new(decentralml_storage::Store::open(folder.path().join("store")).unwrap());
    let server = Server::bind(store, addr).await.unwrap();
    let running = tokio::spawn(server.run(std::future::pending()));
    assert_eq!(waiting.await.unwrap().unwrap(), data);
    running.abort();
}
