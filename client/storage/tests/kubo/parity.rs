//! Whether the embedded store answers as a real Kubo does.

use crate::{
    CANONICAL, LOOSE, MIB,
    pair::{DATA, Equal, Failed, NAMED, Pair, Shape, UNNAMED, fresh},
    support::post,
};
use decentralml_storage::{Block, Codec, WrittenCid, unixfs};

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn the_embedded_store_takes_uploads_as_kubo_does() {
    let _others = LOOSE.read().await;
    let pair = Pair::start().await;
    let (small, large) = (fresh(100), fresh(2 * MIB + 5));
    let add = format!("add?{CANONICAL}");
    pair.give(&add, NAMED, &small, Equal).await;
    pair.give(&add, UNNAMED, &large, Equal).await;
    pair.give(&add, UNNAMED, b"", Equal).await;
    for name in ["a%20name+of%2Bmore.txt", "/absolute", "", "100%", "%C3%BC"] {
        let part = format!("name=\"file\"; filename=\"{name}\"");
        pair.give(&add, &part, &small, Equal).await;
        pair.give(&format!("{add}&progress=true"), &part, &small, Equal).await;
    }
    for more in [
        "only-hash=true",
        "pin=false",
        "pin=T",
        "pin=False",
        "pin=0",
        "pin",
        "pin=maybe",
        "pin=true&pin=false",
        "progress=true&only-hash=true",
        "quiet=true",
        "quieter=true",
        "silent=true",
        "no-such-option=1&no-such-option=2",
        "pin-name=",
        "pin-name=called",
        "pin-name=called&pin=false",
        "pin-name=called&only-hash=true",
    ] {
        pair.give(&format!("{add}&{more}"), UNNAMED, &small, Equal).await;
    }
    pair.give(&format!("{add}&progress=true"), NAMED, b"", Equal).await;
    for (option, alike) in [
        ("chunker=nonsense", Failed("chunker")),
        ("hash=nonsense", Failed("hash")),
        ("cid-version=7", Failed("")),
        ("cid-version=one", Equal),
        ("cid-version=", Equal),
        ("max-file-links=many", Equal),
        ("raw-leaves=maybe", Equal),
    ] {
        pair.give(&format!("add?{option}"), NAMED, &small, alike).await;
    }

    let directory = [0x0a, 2, 8, 1];
    for (query, data, alike) in [
        ("", &small[..], Equal),
        ("", b"", Equal),
        ("", &large[..2 * MIB], Equal),
        ("", &large[..2 * MIB + 1], Failed("")),
        ("cid-codec=raw", &small, Equal),
        ("format=raw&mhtype=sha2-256&mhlen=32", &small, Equal),
        ("mhlen=-1", &small, Equal),
        ("pin=true", &small, Equal),
        ("pin=maybe", &small, Equal),
        ("cid-codec=dag-pb", &directory, Equal),
        ("format=dag-pb", &directory, Equal),
        ("format=protobuf&cid-codec=raw", &directory, Equal),
        ("format=dag-pb&cid-codec=dag-pb", &directory, Equal),
        ("cid-codec=nonsense", &small, Failed("codec")),
        ("format=nonsense", &small, Failed("codec")),
        ("mhtype=nonsense", &small, Failed("hash")),
        ("mhlen=long", &small, Equal),
    ] {
        pair.give(&format!("block/put?{query}"), DATA, data, alike).await;
    }

    let form = "Content-Type: multipart/form-data; boundary=frame\r\n";
    let part = "--frame\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n";
    let two = format!("{part}one\r\n{part}two\r\n--frame--\r\n");
    let none = "--frame--\r\n";
    for (command, failed) in
        [(add.as_str(), Failed("expected a file argument")), ("block/put", Equal)]
    {
        pair.ask(command, Equal).await;
        pair.send("POST", command, form, two.as_bytes(), Equal).await;
        pair.send("POST", command, form, none.as_bytes(), failed).await;
    }
    pair.finish();
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn the_embedded_store_is_read_as_kubo_is() {
    let _others = LOOSE.read().await;
    let pair = Pair::start().await;
    let (small, large) = (fresh(100), fresh(2 * MIB + 5));
    let (leaf, root) = (unixfs::canonical_cid(&small), unixfs::canonical_cid(&large));
    let absent = Block::new(Codec::Raw, fresh(99)).cid();
    let directory = Block::new(Codec::DagPb, vec![0x0a, 2, 8, 1]);
    pair.give(&format!("add?{CANONICAL}"), UNNAMED, &small, Equal).await;
    pair.give(&format!("add?{CANONICAL}"), UNNAMED, &large, Equal).await;
    pair.give("block/put?cid-codec=dag-pb", DATA, directory.data(), Equal).await;

    for query in [
        format!("arg={leaf}"),
        format!("arg=/ipfs/{leaf}"),
        format!("arg=/ipfs/{leaf}/"),
        format!("arg={}", leaf.to_string().to_uppercase()),
        format!("arg={root}"),
        format!("arg={root}&offset={}&length=20", MIB - 10),
        format!("arg={root}&progress=true"),
        format!("arg={leaf}&length=0"),
        format!("arg={absent}&length=0"),
        format!("arg={leaf}&offset=100"),
        format!("arg={leaf}&offset=9999"),
        format!("arg={leaf}&offset=-1"),
        format!("arg={leaf}&length=-1"),
        format!("arg={leaf}&offset=many"),
        format!("arg={leaf}&offset="),
        format!("arg={leaf}&offset=1&offset=2"),
        format!("arg={leaf}&arg={root}&arg={leaf}"),
        format!("arg={leaf}&arg={root}&offset=90&length=30"),
        format!("arg={leaf}&arg={root}&offset=150&length={}", 2 * MIB),
        format!("arg={leaf}&arg={absent}&length=100"),
        format!("arg={leaf}&arg={absent}&length=101"),
        format!("arg={absent}"),
        String::new(),
    ] {
        pair.ask(&format!("cat?{query}"), Equal).await;
    }
    pair.ask("cat?arg=", Failed("invalid path")).await;
    pair.ask("cat?arg=nonsense", Failed("invalid path \"nonsense\"")).await;
    pair.ask(&format!("cat?arg={leaf}/part"), Failed("")).await;
    pair.ask(&format!("cat?arg={}", directory.cid()), Failed("is a directory")).await;
    for command in ["block/get", "block/stat"] {
        for query in [
            format!("arg={leaf}"),
            format!("arg=/ipfs/{leaf}"),
            format!("arg={root}"),
            format!("arg={root}&arg={absent}"),
            format!("arg={absent}"),
            String::new(),
        ] {
            pair.ask(&format!("{command}?{query}"), Equal).await;
        }
        pair.ask(&format!("{command}?arg=nonsense"), Failed("invalid path \"nonsense\"")).await;
    }
    pair.finish();
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn the_embedded_store_pins_as_kubo_does() {
    let _others = LOOSE.read().await;
    let pair = Pair::start().await;
    let (small, large) = (fresh(100), fresh(2 * MIB + 5));
    let (leaf, root) = (unixfs::canonical_cid(&small), unixfs::canonical_cid(&large));
    let second = unixfs::canonical_cid(&large[MIB..2 * MIB]);
    let absent = Block::new(Codec::Raw, fresh(99)).cid();
    // The same block under a CID of version 0.
    let old =
        WrittenCid::parse("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n").unwrap().like(root);
    pair.give(&format!("add?{CANONICAL}"), UNNAMED, &small, Equal).await;
    pair.give(&format!("add?{CANONICAL}"), UNNAMED, &large, Equal).await;

    for command in [
        format!("pin/ls?arg={root}"),
        format!("pin/ls?arg=/ipfs/{root}"),
        format!("pin/ls?arg={root}&type=recursive"),
        format!("pin/ls?arg={root}&type=indirect"),
        format!("pin/ls?arg={root}&type=direct"),
        format!("pin/ls?arg={root}&arg={leaf}"),
        format!("pin/ls?arg={root}&arg={absent}"),
        format!("pin/ls?arg={root}&stream=true"),
        format!("pin/ls?arg={root}&quiet=true&names=true&name=x"),
        format!("pin/ls?arg={second}"),
        format!("pin/ls?arg={second}&type=indirect"),
        format!("pin/ls?arg={second}&type=recursive"),
        format!("pin/ls?arg={second}&stream=true"),
        format!("pin/ls?arg={absent}"),
        "pin/ls?type=direct".into(),
        "pin/ls?type=direct&stream=true".into(),
        "pin/ls?type=nonsense".into(),
        "pin/ls?type=".into(),
        "pin/ls?name=none%20is%20called%20so".into(),
        format!("pin/ls?name={}", "x".repeat(256)),
        format!("pin/add?arg={leaf}&name={}", "x".repeat(256)),
        format!("pin/add?arg={leaf}&name=a&name=b"),
        format!("pin/add?arg={leaf}&name=the%20{leaf}"),
        format!("pin/ls?arg={leaf}"),
        format!("pin/ls?arg={leaf}&names=true"),
        format!("pin/ls?arg={leaf}&names=maybe"),
        format!("pin/ls?arg={leaf}&name=other"),
        format!("pin/ls?arg={leaf}&names=true&stream=true"),
        format!("pin/ls?arg={second}&names=true"),
        format!("pin/ls?name={leaf}"),
        format!("pin/ls?name={leaf}&type=recursive&stream=true"),
        format!("pin/ls?name={leaf}&type=indirect"),
        format!("pin/add?arg={leaf}&arg={root}&name=both%20{leaf}"),
        format!("pin/ls?name=both%20{leaf}"),
        format!("pin/add?arg={leaf}&name=two%0a{leaf}"),
        format!("pin/ls?arg={leaf}&names=true"),
        format!("pin/add?arg={leaf}&name=%3Ca%20href%3D%22b%26c%22%3E%E2%80%A8"),
        format!("pin/ls?arg={leaf}&names=true"),
        format!("pin/ls?arg={leaf}&names=true&stream=true"),
        format!("pin/add?arg={leaf}"),
        // The name is gone.
        format!("pin/ls?arg={leaf}&names=true"),
        format!("pin/add?arg={root}&arg={leaf}&recursive=true"),
        // All that is pinned is whole.
        "pin/verify".into(),
        "pin/verify?quiet=true".into(),
        "pin/verify?quiet=true&verbose=true".into(),
        format!("pin/add?arg={absent}"),
        format!("pin/add?arg={leaf}&recursive=maybe"),
        "pin/add".into(),
        format!("pin/rm?arg={leaf}&recursive=false"),
        format!("pin/rm?arg={leaf}&recursive=true"),
        format!("pin/ls?arg={leaf}"),
        format!("pin/add?arg={leaf}"),
        format!("pin/rm?arg={leaf}&arg={root}"),
        format!("pin/ls?arg={second}"),
        format!("block/stat?arg={old}"),
        format!("pin/add?arg={old}"),
        format!("pin/ls?arg={old}"),
        format!("pin/rm?arg={old}&recursive=false"),
        format!("pin/rm?arg={old}"),
        format!("pin/ls?arg={old}"),
        "pin/rm".into(),
    ] {
        pair.ask(&command, Equal).await;
    }
    for (command, words) in [
        (format!("pin/rm?arg={leaf}"), "not pinned or pinned indirectly"),
        (format!("pin/rm?arg={leaf}&recursive=false"), "not pinned or pinned indirectly"),
        (format!("pin/rm?arg={second}"), "not pinned or pinned indirectly"),
        (format!("pin/rm?arg={absent}"), "not pinned or pinned indirectly"),
        ("pin/add?arg=nonsense".into(), "invalid path"),
        ("pin/rm?arg=nonsense".into(), "invalid path"),
        ("pin/ls?arg=nonsense".into(), "invalid path"),
    ] {
        pair.ask(&command, Failed(words)).await;
    }
    // What Kubo says on the way depends on when it looks; the last line is the answer.
    let progress = format!("pin/add?arg={leaf}&progress=true");
    let last = async |addr| {
        let answer = post(addr, &progress).await;
        let last = answer.text().lines().last().map(str::to_owned);
        (answer.status, answer.header("x-chunked-output").map(str::to_owned), last)
    };
    assert_eq!(last(pair.kubo).await, last(pair.daemon.addr).await);
    pair.finish();
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn the_embedded_store_removes_and_checks_as_kubo_does() {
    // Kubo has one repository for all tests.
    let _alone = LOOSE.write().await;
    let pair = Pair::start().await;
    post(pair.kubo, "repo/gc").await;
    let (small, large) = (fresh(100), fresh(2 * MIB + 5));
    let (leaf, root) = (unixfs::canonical_cid(&small), unixfs::canonical_cid(&large));
    let second = unixfs::canonical_cid(&large[MIB..2 * MIB]);
    let absent = Block::new(Codec::Raw, fresh(99)).cid();
    let loose = format!("add?{CANONICAL}&pin=false");
    pair.give(&format!("add?{CANONICAL}"), UNNAMED, &large, Equal).await;
    pair.give(&loose, UNNAMED, &small, Equal).await;
    for command in [
        "repo/gc?quiet=maybe",
        "repo/gc?stream-errors=maybe",
        "repo/verify?drop=maybe",
        "block/rm",
        "block/rm?force=maybe",
    ] {
        pair.ask(command, Equal).await;
    }
    pair.ask("block/rm?arg=nonsense", Failed("invalid path \"nonsense\"")).await;
    for query in [
        format!("arg={root}"),
        format!("arg=/ipfs/{root}"),
        format!("arg={second}"),
        format!("arg={second}&quiet=true"),
        format!("arg={absent}"),
        format!("arg={absent}&force=true"),
        format!("arg={absent}&force=true&quiet=true"),
        format!("arg={leaf}&arg={root}"),
        format!("arg={leaf}"),
    ] {
        pair.ask(&format!("block/rm?{query}"), Equal).await;
    }
    for query in ["", "?quiet=true", "?stream-errors=true", "?silent=true"] {
        pair.give(&loose, UNNAMED, &small, Equal).await;
        // Kubo has made a directory around the file, too, of which nobody was told.
        let of_leaf = async |addr| {
            let answer = post(addr, &format!("repo/gc{query}")).await;
            let (text, leaf) = (answer.text(), leaf.to_string());
            let lines = text.lines().filter(|line| line.contains(&leaf)).map(str::to_owned);
            let stream = answer.header("x-chunked-output").map(str::to_owned);
            (answer.status, stream, lines.collect::<Vec<_>>())
        };
        assert_eq!(of_leaf(pair.kubo).await, of_leaf(pair.daemon.addr).await, "{query}");
        pair.ask(&format!("block/stat?arg={leaf}"), Equal).await;
    }
    pair.ask("repo/gc", Equal).await;
    pair.ask(&format!("cat?arg={root}"), Equal).await;

    // Kubo has the blocks of the other tests, too: the first and the last line are alike whatever they are.
    let ends = async |addr| {
        let answer = post(addr, "repo/verify").await;
        let text = answer.text();
        let ends = [text.lines().next(), text.lines().last()].map(|line| line.map(str::to_owned));
        (answer.status, answer.header("x-chunked-output").map(str::to_owned), ends)
    };
    assert_eq!(ends(pair.kubo).await, ends(pair.daemon.addr).await);
    pair.finish();
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn the_embedded_store_speaks_of_itself_and_refuses_as_kubo_does() {
    let pair = Pair::start().await;
    for command in ["version", "id", "repo/stat", "stats/repo", "repo/stat?size-only=true"] {
        pair.ask(command, Shape).await;
    }
    let stat = async |addr| post(addr, "repo/stat?size-only=true").await.json();
    let (kubo, ours) = (stat(pair.kubo).await, stat(pair.daemon.addr).await);
    for left_out in ["NumObjects", "RepoPath", "Version"] {
        assert_eq!(kubo[left_out], ours[left_out], "{left_out}");
    }
    pair.ask("id?arg=nonsense", Failed("")).await;
    pair.ask("no/such/command", Equal).await;
    pair.ask("", Equal).await;
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        pair.send(method, "version", "", b"", Equal).await;
        pair.send(method, "no/such/command", "", b"", Equal).await;
    }
    for header in [
        "Origin: https://example.com",
        "Origin: null",
        "Origin: http://localhost",
        "Origin: http://localhost:3",
        "Origin: http://localhost:PORT.example.com",
        "Referer: https://example.com/page",
        "Referer: http://127.0.0.1:3/page",
        "Origin: http://localhost:PORT\r\nReferer: https://example.com/page",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
        "Origin: http://example.com:PORT",
        "Origin: chrome-extension://abc",
    ] {
        pair.send("POST", "version", &format!("{header}\r\n"), b"", Equal).await;
    }
    for header in [
        "Origin: http://localhost:PORT",
        "Origin: https://127.0.0.1:PORT",
        "Origin: http://[::1]:PORT",
        "Referer: http://127.0.0.1:PORT/page",
        "User-Agent: curl/8.0",
        "User-Agent: Mozilla/5.0 Electron/30.0",
    ] {
        pair.send("POST", "version", &format!("{header}\r\n"), b"", Shape).await;
    }
    pair.finish();
}
