#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod any;
mod hostile;

use super::{frame::put_varint, *};
use crate::{Block, Cid, MAX_BLOCK, Store, StoreError, WrittenCid};
use decentralml_types::Codec;
use ipld_dagpb::{PbLink, PbNode};
use std::sync::Arc;
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

#[test]
fn of_a_part_of_a_file_come_the_blocks_above_its_bytes_and_no_others() {
    let (_folder, store) = open();
    // Three levels: nodes of three leaves of ten bytes.
    let mut importer = crate::unixfs::Importer::with_layout(10, 3).unwrap();
    let data: Vec<u8> = (0..200).collect();
    let mut sink = |block: Block| store.put(&block);
    importer.push(&data, &mut sink).unwrap();
    let root = importer.finish(&mut sink).unwrap().cid;
    for (text, leaves) in [
        ("0:*", 0..20),
        ("0:0", 0..1),
        ("9:10", 0..2),
        ("30:59", 3..6),
        ("-1:*", 19..20),
        ("85:-101", 8..10),
        ("200:*", 0..0),
    ] {
        let bytes = EntityBytes::parse(text);
        let selection = Selection { bytes, ..Scope::Entity.into() };
        let export = store.export_car(&[root.into()], selection).unwrap();
        let car = export.map(Result::unwrap).collect::<Vec<_>>().concat();
        let blocks: Vec<Block> =
            CarReader::new(&car[..]).unwrap().map(|next| next.unwrap().1).collect();
        let raw = blocks.iter().filter(|block| block.cid().codec == Codec::Raw);
        let read: Vec<u8> = raw.flat_map(|block| block.data().to_vec()).collect();
        assert_eq!(read, data[leaves.start * 10..leaves.end * 10], "{text}");
        assert_eq!(blocks[0].cid(), root);
        // Of the nodes only those on the way: with one leaf as many as there are levels.
        let nodes = blocks.len() - leaves.len();
        assert!(nodes <= 1 + leaves.len() * 3, "{text}: {nodes}");
    }
}

#[test]
fn blocks_that_are_linked_twice_come_once_or_twice() {
    let (_folder, store) = open();
    let root = store.add(&vec![7u8; 3 * crate::unixfs::CHUNK_SIZE][..], true).unwrap().cid;
    for (duplicates, blocks) in [(false, 2), (true, 4)] {
        let selection = Selection { duplicates, ..Scope::All.into() };
        let export = store.export_car(&[root.into()], selection).unwrap();
        let car = export.map(Result::unwrap).collect::<Vec<_>>().concat();
        assert_eq!(CarReader::new(&car[..]).unwrap().count(), blocks);
    }
}
