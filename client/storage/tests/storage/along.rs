//! Blocks along paths, as the chain asks for them: from the server, and from a store of one's own before it.

use crate::support::{Daemon, bytes};
use decentralml_protocol::dag::{Shown, verify};
use decentralml_storage::{Block, Cid, Codec, Error, Storage, Store};
use std::sync::Arc;
use tempfile::tempdir;

const MIB: usize = 1 << 20;

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Block::new(Codec::Raw, bytes.to_vec()).cid().digest
}

async fn shown(storage: &Storage, root: &Cid, path: &[u16]) -> Shown {
    let blocks = storage.along(root, path).await.unwrap();
    let blocks: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
    verify(sha256, root, path, &blocks).unwrap()
}

#[tokio::test]
async fn what_is_stored_answers_for_each_of_its_blocks_and_for_those_that_are_none() {
    let daemon = Daemon::start().await;
    let folder = tempdir().unwrap();
    let cache = Arc::new(Store::open(folder.path()).unwrap());
    let client = daemon.client().await;
    for storage in [client.clone(), client.with_cache(cache)] {
        let leaf = storage.add(bytes(9)).await.unwrap().cid;
        assert_eq!(shown(&storage, &leaf, &[]).await, Shown::Block);
        let root = storage.add(bytes(2 * MIB + 1)).await.unwrap().cid;
        assert_eq!(root.codec, Codec::DagPb);
        for path in [&[][..], &[0], &[1], &[2]] {
            assert_eq!(shown(&storage, &root, path).await, Shown::Block, "{path:?}");
        }
        for path in [&[3][..], &[0, 0], &[9, 1]] {
            assert_eq!(shown(&storage, &root, path).await, Shown::NoSuchBlock, "{path:?}");
        }
    }
}

#[tokio::test]
async fn a_block_that_nobody_has_is_missing_and_the_rest_still_answers() {
    let daemon = Daemon::start().await;
    let root = daemon.store.add(&bytes(2 * MIB)[..], true).unwrap().cid;
    let client = daemon.client().await;
    let leaf = client.along(&root, &[1]).await.unwrap().pop().unwrap();
    let leaf = Block::new(Codec::Raw, leaf).cid();
    std::fs::remove_file(daemon.block_file(&leaf)).unwrap();
    let error = client.along(&root, &[1]).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert_eq!(shown(&client, &root, &[0]).await, Shown::Block);
}
