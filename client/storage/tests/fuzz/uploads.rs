//! What hosts and stores are shown, and what hosts take.

use crate::{
    encode::{file, leaf},
    files::blocks_of,
};
use decentralml_storage::{
    Block, Cid, Codec, SourceUrl,
    car::CarWriter,
    host::{Authorization, Statement, taken},
    parse_cid,
};

/// Most characters of a header, and of a URL on the chain.
const MAX_HEADER: usize = 1024;
const MAX_URL: usize = 128;

/// Most bytes of an upload: no valid one comes near.
const MAX_UPLOAD: u64 = 100_000;

pub const WORDS_OF_HEADERS: &[&[u8]] = &[
    b"DecentralML ",
    b"decentralml ",
    b"Bearer ",
    b"Basic ",
    b".",
    b"=",
    b"-",
    b"_",
    b" ",
    b"AAAA",
];

pub fn headers() -> Vec<Vec<u8>> {
    let cid = parse_cid("bafkreiem4twkqzsq2aj4shbycd4yvoj2cx72vezicletlhi7dijjciqpui").unwrap();
    let statement = |codec, number: u8| Statement {
        genesis: [number; 32],
        task: u32::from(number),
        round: u32::from(number) << 8,
        account: [number ^ 0xff; 32],
        host: [0; 32],
        cid: Cid { codec, ..cid },
        bytes: u64::MAX >> number,
        expires: u32::MAX,
    };
    [(Codec::Raw, 1, 65), (Codec::DagPb, 0, 64), (Codec::DagPb, 63, 0)]
        .map(|(codec, number, length)| {
            let signature = vec![number; length];
            Authorization { statement: statement(codec, number), signature }.header().into_bytes()
        })
        .into()
}

pub fn check_header(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(read) = Authorization::parse(&text) else { return false };
    assert!(text.len() <= MAX_HEADER && read.signature.len() < text.len());
    // There is one way to write it, but for the scheme: nobody has two headers of one statement.
    let (scheme, value) = text.split_once(' ').unwrap();
    assert_eq!(read.header(), format!("DecentralML {value}"));
    assert!(scheme.eq_ignore_ascii_case("decentralml"));
    true
}

pub const WORDS_OF_URLS: &[&[u8]] = &[
    b"http://",
    b"https://",
    b"/ip4/",
    b"/ip6/",
    b"/dns/",
    b"/dns4/",
    b"/tcp/",
    b"/tls/http",
    b"/https",
    b"/ipfs/",
    b"@",
    b":",
    b"[",
    b"]",
    b"::1",
    b"..",
    b"%2f",
    b"\\",
    b"?",
    b"#",
    b"\0",
    b"\xc3\xa4",
];

pub fn urls() -> Vec<Vec<u8>> {
    [
        "http://a",
        "https://host.example:8080/ipfs/",
        "http://host.example/some/path",
        "https://[2001:db8::1]:443",
        "/ip4/203.0.113.7/tcp/8080",
        "/ip6/::1/tcp/8080/http",
        "/dns4/host.example/tcp/443/https",
        "/dns/host.example/tcp/443/tls/http",
    ]
    .map(|url| url.as_bytes().to_vec())
    .into()
}

/// What is taken leads to a machine and a port, by the same words each time, and nothing in it ends a line or a URL early.
pub fn check_url(bytes: &[u8]) -> bool {
    let Ok(url) = SourceUrl::from_bytes(bytes) else { return false };
    assert!(bytes.len() <= MAX_URL && url.as_str().as_bytes() == bytes);
    assert!(bytes.iter().all(u8::is_ascii_graphic));
    assert_eq!(url.to_string().parse::<SourceUrl>().unwrap(), url);
    assert!(url.port() > 0, "{url}");
    let host = url.host();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    assert!(!host.is_empty() && host.bytes().all(plain), "{url} leads to {host:?}");
    assert!(url.as_str().contains(host) || bytes.starts_with(b"/ip"), "{url} leads to {host:?}");
    true
}

/// Files of one block, of a few, and of two levels with a block that comes twice, each from its root on.
fn dags() -> Vec<Vec<Block>> {
    let leaves = [leaf(b"abc"), leaf(b"defg"), leaf(&[7; 300])];
    let size = |block: &Block| block.data().len() as u64;
    let node = |children: &[&Block], sizes: &[u64]| {
        let links: Vec<_> =
            children.iter().zip(sizes).map(|(child, size)| (child.cid(), *size)).collect();
        Block::new(Codec::DagPb, file(b"", &links))
    };
    let inner = node(&[&leaves[0], &leaves[1]], &[3, 4]);
    let sizes = [7, size(&leaves[2]), 3];
    let outer = node(&[&inner, &leaves[2], &leaves[0]], &sizes);
    let [a, b, c] = leaves;
    vec![
        blocks_of(b"a short file"),
        vec![inner.clone(), a.clone(), b.clone()],
        vec![outer, inner, a, b, c],
    ]
}

/// Each as its host would get it.
pub fn cars() -> Vec<Vec<u8>> {
    let car = |blocks: Vec<Block>| {
        let mut writer = CarWriter::new(Vec::new(), &[blocks[0].cid().into()]).unwrap();
        blocks.iter().for_each(|block| writer.write(block).unwrap());
        writer.into_inner()
    };
    dags().into_iter().map(car).collect()
}

/// Whatever comes, a host has a beginning of the DAG that it waits for, and no other block.
pub fn check_upload(bytes: &[u8]) -> bool {
    let mut complete = false;
    for expected in dags() {
        let root = expected[0].cid();
        let (blocks, whole) = taken(root, MAX_UPLOAD, bytes.chunks(11));
        assert!(blocks.len() <= expected.len() && blocks == expected[..blocks.len()]);
        assert_eq!(whole, blocks.len() == expected.len());
        // In pieces of another size it is the same.
        assert_eq!(taken(root, MAX_UPLOAD, [bytes]), (blocks.clone(), whole));
        let length: u64 = blocks.iter().map(|block| block.data().len() as u64).sum();
        assert!(length <= bytes.len() as u64);
        // More than was stated is not taken.
        let (fewer, _) = taken(root, length.saturating_sub(1), bytes.chunks(11));
        assert!(fewer.len() < blocks.len() || blocks.is_empty());
        complete |= whole;
    }
    complete
}
