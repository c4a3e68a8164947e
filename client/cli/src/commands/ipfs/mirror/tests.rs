#![allow(clippy::unwrap_used)]
use super::*;
use crate::commands::data::testing::store;
use decentralml_sdk::ModelVersion;
use decentralml_storage::{SourceUrl, Store, gateway::Gateway, unixfs::canonical_cid};
use plan::tests::{model, recalled, released};
use std::{fs, future::pending, net::SocketAddr, ops::ControlFlow, path::PathBuf, sync::Arc};

const MIB: usize = 1 << 20;

/// Three leaves and a root.
fn weights() -> Vec<u8> {
    (0..700_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// A gateway to a store.
async fn gateway(store: Arc<Store>) -> SourceUrl {
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let gateway = Gateway::bind(store, address).await.unwrap();
    let url = gateway.url();
    tokio::spawn(gateway.run(pending()));
    url.parse().unwrap()
}

fn block_file(store: &Store, cid: &Cid) -> PathBuf {
    let name: String = cid.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    store.path().join("blocks").join(&name[..2]).join(name)
}

fn corrupt(store: &Store) -> u64 {
    store.verify(|_, _| ControlFlow::Continue(())).unwrap().corrupt
}

fn mirror(storage: &Storage) -> Mirror {
    Mirror {
        names: Names::new(&[0xab; 32]),
        storage: storage.clone(),
        max_bytes: 1 << 30,
        health: Health::default(),
        layers: BTreeMap::new(),
        later: BTreeMap::new(),
        standing: Standing::default(),
    }
}

async fn follow(mirror: &mut Mirror, models: &[ModelVersion]) -> String {
    let storage = mirror.storage.clone();
    follow_from(mirror, models, &storage).await
}

async fn follow_from(mirror: &mut Mirror, models: &[ModelVersion], sources: &Storage) -> String {
    mirror.health.look(&mirror.storage).await.unwrap();
    let pins = mirror.storage.named_pins().await.unwrap();
    let plan = Plan::new(&mirror.names, models, &mirror.layers, &pins);
    let mut said = Vec::new();
    let out = &mut Out::new(&mut said, false);
    mirror.carry_out(plan, sources, |_| Bar::hidden(), out).await.unwrap();
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_released_model_is_kept_until_it_is_recalled() {
    let (_folder, own, storage) = store().await;
    let [weights, layers] = [b"weights".to_vec(), b"layers".to_vec()];
    let [cid, layers_cid] = [canonical_cid(&weights), canonical_cid(&layers)];
    let mut mirror = mirror(&storage);
    mirror.layers.insert(7, Some(layers_cid));
    for bytes in [weights, layers] {
        let added = storage.add(bytes).await.unwrap();
        storage.unpin(&added.cid).await.unwrap();
    }

    let said = follow(&mut mirror, &[model(7, 1, cid, released())]).await;
    assert!(said.contains("released model 7/1") && said.contains("layers of task 7"), "{said}");
    assert_eq!((mirror.standing.pinned, mirror.standing.kept.len()), (2, 2));
    own.gc(|_| {}).unwrap();
    assert_eq!(storage.fetch(&cid, 100).await.unwrap(), b"weights");
    assert_eq!(follow(&mut mirror, &[model(7, 1, cid, released())]).await, "", "no news");

    let said = follow(&mut mirror, &[model(7, 1, cid, recalled())]).await;
    assert!(said.contains("recalled"), "{said}");
    assert_eq!((mirror.standing.unpinned, mirror.standing.kept.len()), (2, 0));
    assert!(storage.pins().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_had_is_told_once_and_tried_again_later() {
    let (_folder, _own, storage) = store().await;
    let cid = canonical_cid(b"somewhere else");
    let mut mirror = mirror(&storage);
    let models = [model(7, 1, cid, released())];
    follow(&mut mirror, &models).await;
    assert_eq!((mirror.standing.failed.len(), mirror.standing.pinned), (1, 0));
    let when = *mirror.later.get(&cid).unwrap();
    storage.add(b"somewhere else".to_vec()).await.unwrap();
    storage.unpin(&cid).await.unwrap();
    follow(&mut mirror, &models).await;
    assert_eq!(mirror.standing.failed.len(), 1, "too early");
    assert_eq!(*mirror.later.get(&cid).unwrap(), when);
    mirror.later.clear();
    follow(&mut mirror, &models).await;
    assert_eq!((mirror.standing.failed.len(), mirror.standing.pinned), (0, 1));
}

#[tokio::test]
async fn what_the_store_lacks_comes_from_a_gateway_within_the_limit() {
    let (_elsewhere, theirs, their_storage) = store().await;
    let bytes = weights();
    let cid = their_storage.add(bytes.clone()).await.unwrap().cid;
    let url = gateway(theirs).await;
    let (_folder, _own, storage) = store().await;
    let sources = storage.with_sources(&[url]);
    let models = [model(7, 1, cid, released())];
    let mut mirror = mirror(&storage);
    mirror.max_bytes = 1000;
    follow_from(&mut mirror, &models, &sources).await;
    let why = &mirror.standing.failed[0].why;
    assert!(why.contains("limit"), "{why}");
    assert!(storage.pins().await.unwrap().is_empty());

    mirror.later.clear();
    mirror.max_bytes = bytes.len() as u64;
    follow_from(&mut mirror, &models, &sources).await;
    assert_eq!((mirror.standing.failed.len(), mirror.standing.pinned), (0, 1));
    assert_eq!(mirror.standing.mended, 0, "it was not there before");
    assert_eq!(storage.named_pins().await.unwrap()[&cid], "released model 7/1, chain 0xabababab");
    assert_eq!(storage.fetch(&cid, 1 << 30).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_pinned_model_that_rots_or_loses_blocks_is_fetched_again_and_its_pin_keeps_its_name() {
    let (_elsewhere, theirs, their_storage) = store().await;
    let bytes = weights();
    let cid = their_storage.add(bytes.clone()).await.unwrap().cid;
    let sources = gateway(theirs).await;
    let (_folder, own, storage) = store().await;
    storage.add(bytes.clone()).await.unwrap();
    storage.pin_named(&cid, "mine").await.unwrap();
    let sources = storage.with_sources(&[sources]);
    let models = [model(7, 1, cid, released())];
    let mut mirror = mirror(&storage);
    follow_from(&mut mirror, &models, &sources).await;
    assert_eq!((mirror.standing.kept.len(), mirror.standing.mended), (1, 0));

    let leaves = [&bytes[..MIB], &bytes[MIB..2 * MIB]].map(canonical_cid);
    // One that the store knows to be corrupt, one that nobody has seen, and a node and a leaf that are gone.
    let damages: [(&dyn Fn(), u64); 4] = [
        (
            &|| {
                fs::write(block_file(&own, &leaves[0]), b"rot").unwrap();
                assert_eq!(corrupt(&own), 1);
            },
            1,
        ),
        (&|| fs::write(block_file(&own, &leaves[1]), b"rot").unwrap(), 1),
        (&|| fs::remove_file(block_file(&own, &cid)).unwrap(), 1),
        (&|| leaves.iter().for_each(|leaf| fs::remove_file(block_file(&own, leaf)).unwrap()), 2),
    ];
    let mut expected = 0;
    for (damage, blocks) in damages {
        damage();
        mirror.health.forget();
        // Without a source it is told that it is not whole.
        follow(&mut mirror, &models).await;
        assert_eq!((mirror.standing.failed.len(), mirror.standing.kept.len()), (1, 0));
        mirror.later.clear();
        let said = follow_from(&mut mirror, &models, &sources).await;
        assert!(said.contains("mended"), "{said}");
        expected += blocks;
        assert_eq!((mirror.standing.failed.len(), mirror.standing.mended), (0, expected));
        assert_eq!(corrupt(&own), 0);
        assert_eq!(storage.fetch(&cid, 1 << 30).await.unwrap(), bytes);
    }
    assert_eq!(storage.named_pins().await.unwrap()[&cid], "mine");
    assert_eq!(mirror.standing.pinned, 0);
}
