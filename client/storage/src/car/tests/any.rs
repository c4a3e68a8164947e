//! Any DAG, and any bytes.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

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
