#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{frame::put_varint, *};
use crate::{Block, Cid, CidError, MAX_BLOCK, Store, StoreError, WrittenCid};
use decentralml_types::Codec;
use ipld_dagpb::{PbLink, PbNode};
use proptest::prelude::*;
use std::{collections::BTreeSet, io::Read, sync::Arc};
use tempfile::TempDir;

fn open() -> (TempDir, Arc<Store>) {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(Store::open(folder.path().join("store")).unwrap());
    (folder, store)
}

fn node(children: &[WrittenCid], salt: u8) -> Block {
    let links = children
        .iter()
        .map(|child| PbLink {
            cid: cid::Cid::try_from(child.to_bytes()).unwrap(),
            name: Some(String::new()),
            size: Some(1),
        })
        .collect();
    let data = Some(vec![8, 1, 0x12, 1, salt].into());
    Block::new(Codec::DagPb, PbNode { links, data }.into_bytes())
}

fn raw(data: &[u8]) -> Block {
    Block::new(Codec::Raw, data.to_vec())
}

/// A CAR of these blocks, the last of which is the root.
fn car(blocks: &[Block]) -> Vec<u8> {
    let root = blocks.last().unwrap().cid().into();
    let mut writer = CarWriter::new(Vec::new(), &[root]).unwrap();
    blocks.iter().for_each(|block| writer.write(block).unwrap());
    writer.into_inner()
}

fn small() -> Vec<Block> {
    let leaves = [raw(b"one"), raw(b"two"), raw(b"")];
    let root = node(&leaves.each_ref().map(|leaf| leaf.cid().into()), 0);
    [&leaves[..], &[root]].concat()
}

fn read(bytes: &[u8]) -> Result<Vec<Block>, CarError> {
    CarReader::new(bytes)?.map(|next| next.map(|(_, block)| block)).collect()
}

fn export(store: &Arc<Store>, root: impl Into<WrittenCid>) -> Result<Vec<u8>, StoreError> {
    let pieces = store.export_car(&[root.into()], Scope::All)?.collect::<Result<Vec<_>, _>>()?;
    Ok(pieces.concat())
}

fn header_of(body: &[u8]) -> Vec<u8> {
    let mut car = Vec::new();
    put_varint(&mut car, body.len() as u64);
    [car, body.to_vec()].concat()
}

fn section(cid: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, (cid.len() + data.len()) as u64);
    [&out[..], cid, data].concat()
}

#[test]
fn the_bytes_are_those_of_kubo() {
    // `ipfs dag export` of a directory with one file, of version 0, by Kubo 0.42.
    let inner = Block::new(Codec::DagPb, b"\x0a\x0c\x08\x02\x12\x06inner\n\x18\x06".to_vec());
    let link = [&[0x12, 32][..], &inner.cid().digest].concat();
    let mut bytes = vec![0x12, 0x2e, 0x0a, 0x22];
    bytes.extend_from_slice(&link);
    bytes.extend_from_slice(b"\x12\x06in.txt\x18\x0e\x0a\x02\x08\x01");
    let directory = Block::new(Codec::DagPb, bytes);
    let (_folder, store) = open();
    store.put(&inner).unwrap();
    store.put(&directory).unwrap();
    let root = WrittenCid::parse("QmdZPbYysDLwkTCdo53HCVw7szMyGRgGUYEJ15fZt8JHY4").unwrap();
    assert_eq!(root.cid(), directory.cid());
    let digest = directory.cid().digest;
    let expected = [
        &b"\x38\xa2\x65roots\x81\xd8\x2a\x58\x23\x00\x12\x20"[..],
        &digest,
        b"\x67version\x01\x56\x12\x20",
        &digest,
        directory.data(),
        b"\x30\x12\x20",
        &inner.cid().digest,
        inner.data(),
    ]
    .concat();
    assert_eq!(export(&store, root).unwrap(), expected);
}

#[test]
fn a_car_is_cut_at_any_byte_and_the_cut_shows_or_the_blocks_are_whole() {
    let blocks = small();
    let whole = car(&blocks);
    let mut boundaries = Vec::new();
    for end in 0..whole.len() {
        match CarReader::new(&whole[..end]) {
            Err(error) => assert!(matches!(error, CarError::CutOff(_)), "{end}: {error}"),
            Ok(reader) => {
                let read: Result<Vec<_>, _> = reader.collect();
                match read {
                    Err(error) => assert!(matches!(error, CarError::CutOff(_)), "{end}: {error}"),
                    Ok(some) => {
                        let some: Vec<_> = some.into_iter().map(|(_, block)| block).collect();
                        assert_eq!(some, blocks[..some.len()]);
                        boundaries.push(end);
                    }
                }
            }
        }
    }
    assert_eq!(
        boundaries.len(),
        blocks.len(),
        "after the header and after each block but the last"
    );

    // Between two blocks the format shows nothing; the pin of the root does, and nothing else is left behind.
    for end in boundaries {
        let (_folder, store) = open();
        let imported = store.import_car(&whole[..end], None).unwrap();
        assert!(store.pin(&imported.roots[0].cid()).is_err(), "{end} bytes");
    }
}

#[test]
fn an_import_is_all_or_nothing() {
    let blocks = small();
    let mut damaged = car(&blocks);
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let (_folder, store) = open();
    let error = store.import_car(&damaged[..], None).unwrap_err();
    assert!(matches!(error, ImportError::Car(CarError::Mismatch(_))), "{error}");
    assert_eq!(store.stat().unwrap().blocks, 0);
    let imported = store.import_car(&car(&blocks)[..], None).unwrap();
    assert_eq!(
        (imported.blocks, imported.bytes),
        (4, blocks.iter().map(|b| b.data().len() as u64).sum())
    );
    store.pin(&imported.roots[0].cid()).unwrap();
}

#[test]
fn header_bombs_are_refused_before_they_are_read() {
    // Lengths of which not a byte follows: were there room made for them first, the test would end here.
    for length in [MAX_HEADER + 1, 1 << 40, (1 << 63) - 1] {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, length);
        let endless = bytes.chain(std::io::repeat(0));
        let error = CarReader::new(endless).unwrap_err();
        assert!(matches!(error, CarError::HeaderSize(found) if found == length), "{error}");
    }
    let roots: &[u8] = b"\xa2\x65roots";
    let many = |count: &[u8]| header_of(&[roots, count, b"\x67version\x01"].concat());
    for bomb in [
        &many(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff")[..],
        &many(b"\x9a\xff\xff\xff\xff"),
        &many(b"\x9f"),
        &many(&[0x81; 60_000]),
        &many(b"\x81\xd8\x2a\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
        &many(b"\x81\xd8\x2a\x58\xff"),
        &header_of(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x67version\x01"),
        &header_of(&[0xa1; 1000]),
        &header_of(b"\xa2\x7b\xff\xff\xff\xff\xff\xff\xff\xff"),
        &[0][..],
    ] {
        assert!(CarReader::new(bomb).is_err(), "{:?}", &bomb[..bomb.len().min(30)]);
    }
}

#[test]
fn headers_that_say_nothing_of_use_are_refused_by_name() {
    let error = |body: &[u8]| CarReader::new(&header_of(body)[..]).unwrap_err();
    let version_2 = error(b"\xa1\x67version\x02");
    assert!(matches!(version_2, CarError::Version(2)), "{version_2}");
    assert!(version_2.to_string().contains("version 2"), "{version_2}");
    for body in [
        &b"\xa0"[..],
        b"\xa1\x67version\x01",
        b"\xa1\x65roots\x80",
        b"\xa3\x65roots\x80\x67version\x01\x61a\x01",
        b"\xa2\x65roots\x80\x65roots\x80",
        b"\xa2\x65roots\x80\x67version\x61\x31",
        b"\xa2\x65roots\x80\x67version\x01\x00",
        b"\xa2\x65roots\x81\x01\x67version\x01",
        b"\x82\x01\x02",
    ] {
        assert!(matches!(error(body), CarError::Header(_)), "{body:?}");
    }
    // No roots, and the fields in the other order.
    let none = header_of(b"\xa2\x67version\x01\x65roots\x80");
    assert!(CarReader::new(&none[..]).unwrap().roots().is_empty());
}

#[test]
fn endless_and_padded_lengths_are_refused() {
    let start = car(&[raw(b"a")]);
    for length in [
        &[0xff; 20][..],
        &[0x80; 9],
        &[0x81, 0x00],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ] {
        let bytes = [&start[..], length, &[0; 100]].concat();
        assert!(
            matches!(read(&bytes), Err(CarError::Varint(at)) if at == start.len() as u64),
            "{length:?}"
        );
        assert!(matches!(
            CarReader::new(length.chain(std::io::repeat(0xff))),
            Err(CarError::Varint(0))
        ));
    }
    let empty = [&start[..], &[0]].concat();
    assert!(matches!(read(&empty), Err(CarError::EmptySection(_))));
}

#[test]
fn a_block_over_the_limit_is_refused_before_it_is_read() {
    let largest = raw(&vec![7; MAX_BLOCK]);
    assert_eq!(read(&car(std::slice::from_ref(&largest))).unwrap(), [largest]);
    let large = raw(&vec![7; MAX_BLOCK + 1]);
    assert!(matches!(read(&car(&[large])), Err(CarError::SectionSize(_))));
    for length in [MAX_BLOCK as u64 + 200, 1 << 50] {
        let mut bytes = car(&[raw(b"a")]);
        put_varint(&mut bytes, length);
        let mut reader = CarReader::new(bytes.chain(std::io::repeat(1))).unwrap();
        assert!(reader.next().unwrap().is_ok());
        let error = reader.next().unwrap().unwrap_err();
        assert!(matches!(error, CarError::SectionSize(found) if found == length), "{error}");
        assert!(reader.next().is_none(), "after an error it ends");
    }
}

#[test]
fn more_than_was_agreed_on_is_not_taken() {
    let blocks = [raw(&[1; 1000]), raw(&[2; 1000]), raw(&[3; 1000])];
    let bytes = car(&blocks);
    let take = |limit| {
        let reader = CarReader::new(&bytes[..]).unwrap().with_limit(limit);
        reader.collect::<Result<Vec<_>, _>>().map(|blocks| blocks.len())
    };
    assert_eq!(take(3000).unwrap(), 3);
    assert!(matches!(take(2999), Err(CarError::TooLarge(2999))));
    let (_folder, store) = open();
    let error = store.import_car(&bytes[..], Some(2000)).unwrap_err();
    assert!(error.to_string().contains("2000 bytes"), "{error}");
    assert_eq!(store.stat().unwrap().blocks, 0);
}

fn is_unsupported(error: &CarError) -> bool {
    matches!(error, CarError::Cid(CidError::Unsupported(_)))
}

#[test]
fn wrong_bytes_and_foreign_cids_are_refused_by_name() {
    let start = car(&[raw(b"a")]);
    let after = |section: Vec<u8>| read(&[start.clone(), section].concat()).unwrap_err();
    let cid = WrittenCid::from(raw(b"right").cid());
    let wrong = after(section(&cid.to_bytes(), b"wrong"));
    assert!(matches!(wrong, CarError::Mismatch(found) if found == cid), "{wrong}");

    let digest = raw(b"right").cid().digest;
    let with = |prefix: &[u8]| after(section(&[prefix, &digest].concat(), b"right"));
    for (cid, words) in
        [(&[1, 0x71, 0x12, 32][..], "codec 0x71"), (&[1, 0x55, 0x1e, 32], "hash 0x1e")]
    {
        let error = with(cid);
        assert!(is_unsupported(&error) && error.to_string().contains(words), "{error}");
    }
    let identity = after(section(b"\x01\x55\x00\x05right", b"right"));
    assert!(is_unsupported(&identity) && identity.to_string().contains("identity"), "{identity}");
    // An identity CID that bloats: what it claims is not there, or is not looked at.
    for length in [&[0xff, 0xff, 0x7f][..], &[100]] {
        let bloated = after(section(&[&[1, 0x55, 0][..], length, &[b'a'; 5000]].concat(), b""));
        assert!(matches!(bloated, CarError::Cid(_)), "{bloated}");
    }
    assert!(matches!(after(section(&[9; 40], b"")), CarError::Cid(CidError::Syntax(_))));
}

#[test]
fn a_missing_or_corrupt_block_ends_an_export_and_is_not_in_it() {
    let (_folder, store) = open();
    let blocks = small();
    blocks.iter().for_each(|block| store.put(block).unwrap());
    let root = blocks[3].cid();
    assert_eq!(read(&export(&store, root).unwrap()).unwrap().len(), 4);
    let name: String = blocks[1].cid().digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let file = store.path().join("blocks").join(&name[..2]).join(name);
    std::fs::write(&file, b"rot").unwrap();
    assert!(
        matches!(export(&store, root), Err(StoreError::Corrupt { cid, .. }) if cid == blocks[1].cid())
    );
    std::fs::remove_file(file).unwrap();
    let mut pieces = store.export_car(&[root.into()], Scope::All).unwrap();
    let sent: usize = pieces.by_ref().map_while(Result::ok).map(|piece| piece.len()).sum();
    assert!(sent > 0);
    assert!(pieces.next().is_none(), "after an error it ends");
    let absent = raw(b"absent").cid();
    assert!(matches!(export(&store, absent), Err(StoreError::NotFound(cid)) if cid == absent));
}

#[test]
fn a_dag_of_enormous_depth_is_exported_and_imported() {
    let (_folder, store) = open();
    let mut batch = store.batch();
    let mut top = node(&[], 0);
    batch.put(&top).unwrap();
    for level in 0..400u32 {
        top = node(&[top.cid().into()], level as u8);
        batch.put(&top).unwrap();
    }
    batch.commit().map(drop).unwrap();
    let bytes = export(&store, top.cid()).unwrap();
    let (_other, copy) = open();
    let imported = copy.import_car(&bytes[..], None).unwrap();
    assert_eq!(imported.blocks, 401);
    copy.pin(&top.cid()).unwrap();
}

#[test]
fn a_dag_of_enormous_width_at_every_level_is_refused_by_name() {
    let (_folder, store) = open();
    let leaf = raw(b"x");
    store.put(&leaf).unwrap();
    let mut top: WrittenCid = leaf.cid().into();
    for level in 1..=7u8 {
        // The first link leads on; the others wait until the walk comes back, and are missing.
        let absent = (1..40_000u32).map(|number| {
            let mut digest = [level; 32];
            digest[..4].copy_from_slice(&number.to_be_bytes());
            WrittenCid::from(Cid { codec: Codec::Raw, digest })
        });
        let block = node(&std::iter::once(top).chain(absent).collect::<Vec<_>>(), level);
        assert!(block.data().len() <= MAX_BLOCK);
        store.put(&block).unwrap();
        top = block.cid().into();
        let error = export(&store, top).unwrap_err();
        match level {
            7 => assert!(error.to_string().contains("links above a block"), "{error}"),
            _ => assert!(matches!(error, StoreError::NotFound(_)), "{error}"),
        }
    }
}

/// Trees of up to 12 blocks: each node links to some of the blocks before it.
fn any_dag() -> impl Strategy<Value = Vec<Block>> {
    let leaf = prop::collection::vec(any::<u8>(), 0..50).prop_map(|data| (data, Vec::new()));
    let inner = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..5)
        .prop_map(|links| (Vec::new(), links));
    prop::collection::vec(prop_oneof![leaf, inner], 1..12).prop_map(|plan| {
        let mut blocks: Vec<Block> = Vec::new();
        for (salt, (data, links)) in plan.into_iter().enumerate() {
            blocks.push(match (links.is_empty(), blocks.is_empty()) {
                (false, false) => {
                    let links: Vec<WrittenCid> = links
                        .iter()
                        .map(|(index, v0)| {
                            let cid = index.get(&blocks).cid();
                            let old =
                                WrittenCid::parse("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n");
                            if *v0 { old.unwrap().like(cid) } else { cid.into() }
                        })
                        .collect();
                    node(&links, salt as u8)
                }
                _ => raw(&data),
            });
        }
        blocks
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_is_exported_is_imported_and_exported_again_alike(blocks in any_dag()) {
        let (_folder, store) = open();
        let mut batch = store.batch();
        blocks.iter().for_each(|block| batch.put(block).unwrap());
        batch.commit().map(drop).unwrap();
        let root = blocks.last().unwrap().cid();
        let bytes = export(&store, root).unwrap();
        let (_other, copy) = open();
        let imported = copy.import_car(&bytes[..], None).unwrap();
        prop_assert_eq!(&imported.roots, &[WrittenCid::from(root)]);
        copy.pin(&root).unwrap();
        prop_assert_eq!(export(&copy, root).unwrap(), bytes.clone());
        // Each block once.
        let cids: Vec<Cid> = read(&bytes).unwrap().iter().map(Block::cid).collect();
        prop_assert_eq!(cids.iter().collect::<BTreeSet<_>>().len(), cids.len());
        prop_assert_eq!(imported.blocks, cids.len() as u64);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_car_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = read(&header_of(&bytes));
    }

    #[test]
    fn a_damaged_car_gives_its_own_blocks_only(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let blocks = small();
        let mut bytes = car(&blocks);
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let Ok(reader) = CarReader::new(&bytes[..]) else { return Ok(()) };
        for next in reader {
            // Whatever is handed out has the hash of its CID.
            let Ok((cid, block)) = next else { break };
            prop_assert_eq!(Block::verified(cid.cid(), block.data().clone()), Some(block));
        }
    }

    #[test]
    fn a_header_is_read_as_it_was_written(digests in prop::collection::vec(any::<[u8; 32]>(), 0..300)) {
        let roots: Vec<WrittenCid> =
            digests.into_iter().map(|digest| Cid { codec: Codec::DagPb, digest }.into()).collect();
        let bytes = CarWriter::new(Vec::new(), &roots).unwrap().into_inner();
        let reader = CarReader::new(&bytes[..]).unwrap();
        prop_assert_eq!(reader.roots(), &roots);
    }
}
