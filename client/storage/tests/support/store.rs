//! A store without a server.

use decentralml_storage::{Cid, Store, StoreOptions};
use std::{collections::BTreeSet, fs, path::Path, sync::Arc};
use tempfile::TempDir;

pub fn open() -> (TempDir, Arc<Store>) {
    open_with(None)
}

pub fn open_with(max_bytes: Option<u64>) -> (TempDir, Arc<Store>) {
    let folder = TempDir::new().unwrap();
    let store = Store::open_with(folder.path(), StoreOptions { max_bytes }).unwrap();
    (folder, Arc::new(store))
}

pub fn read(store: &Arc<Store>, cid: &Cid) -> Vec<u8> {
    store.file(cid, 0, None).unwrap().map(Result::unwrap).collect::<Vec<_>>().concat()
}

/// The names of all block files and their bytes together.
pub fn on_disk(root: &Path) -> (BTreeSet<String>, u64) {
    let (mut names, mut bytes) = (BTreeSet::new(), 0);
    for shard in fs::read_dir(root.join("blocks")).unwrap() {
        for file in fs::read_dir(shard.unwrap().path()).unwrap() {
            let file = file.unwrap();
            names.insert(file.file_name().into_string().unwrap());
            bytes += file.metadata().unwrap().len();
        }
    }
    (names, bytes)
}

pub fn assert_counted(store: &Store) {
    let (names, bytes) = on_disk(store.path());
    let stat = store.stat().unwrap();
    assert_eq!((stat.blocks, stat.bytes), (names.len() as u64, bytes));
}
