//! CIDs and paths.

use decentralml_storage::{
    Block, Codec, WrittenCid, parse_cid,
    unixfs::{DagPath, Entity, Kind},
};
use std::cell::Cell;

use crate::encode::{Link, leaf, node};

const V0: &str = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";
const V1: &str = "bafkreiem4twkqzsq2aj4shbycd4yvoj2cx72vezicletlhi7dijjciqpui";

/// Most names in a path.
const MAX_NAMES: usize = 64;

pub const WORDS: &[&[u8]] = &[
    b"/",
    b"..",
    b".",
    b"/ipfs/",
    b"/ipns/",
    V0.as_bytes(),
    V1.as_bytes(),
    b"\xc3\xbc",
    b"\0",
    b"a",
];

pub fn cids() -> Vec<Vec<u8>> {
    let cid = parse_cid(V1).unwrap();
    let bytes = WrittenCid::from(cid).to_bytes();
    // Base 16 and base 2 are simple enough to be written here.
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let binary: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    [V0.into(), V1.into(), V1.to_uppercase(), format!("f{hex}"), format!("0{binary}")]
        .map(String::into_bytes)
        .into()
}

pub fn binary_cids() -> Vec<Vec<u8>> {
    let written = [V0, V1].map(|text| WrittenCid::parse(text).unwrap().to_bytes());
    let longer = [&written[1][..], b"and a block"].concat();
    [written.into(), vec![longer]].concat()
}

pub fn paths() -> Vec<Vec<u8>> {
    let forms = ["CID", "/ipfs/CID/", "CID/a/b", "/ipfs/CID//a/./b/../c d"];
    let forms = forms.iter().flat_map(|form| [form.replace("CID", V0), form.replace("CID", V1)]);
    forms.chain([format!("{V1}{}", "/a".repeat(MAX_NAMES))]).map(String::into_bytes).collect()
}

pub fn check_cid(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let (written, plain) = (WrittenCid::parse(&text), parse_cid(&text));
    if let Ok(written) = written {
        assert_eq!(plain.unwrap(), written.cid());
        assert_eq!(WrittenCid::parse(&written.to_string()).unwrap(), written);
        assert_eq!(WrittenCid::read(&written.to_bytes()).unwrap().0, written);
    }
    written.is_ok()
}

pub fn check_binary_cid(bytes: &[u8]) -> bool {
    match WrittenCid::read(bytes) {
        Ok((written, length)) => {
            assert_eq!(&bytes[..length], written.to_bytes());
            true
        }
        Err(_) => false,
    }
}

pub fn check_path(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(path) = DagPath::parse(&text) else { return false };
    let written = path.to_string();
    let names = written.split('/').skip(3).count();
    assert!(names <= MAX_NAMES && written.len() <= text.len() + "/ipfs/".len() + V1.len());
    assert_eq!(DagPath::parse(&written).unwrap(), path, "{written}");

    // Wherever it leads, it reads a block for each name and no more.
    let cid = leaf(b"x").cid();
    let directory = node(&[Link { name: "a", cid, size: 1 }], &[8, 1]);
    let directory = Block::new(Codec::DagPb, directory);
    assert_eq!(Entity::decode(&directory).unwrap().kind, Kind::Directory);
    let read = Cell::new(0);
    let trail = path.resolve(|_| {
        read.set(read.get() + 1);
        Ok::<_, String>(directory.clone())
    });
    assert!(read.get() <= names);
    if let Ok(trail) = trail {
        assert_eq!((trail[0], trail.len()), (path.root(), names + 1));
    }
    true
}
