//! Fetching from several sources, none of which is trusted: the bytes are right, an honest one wins, and what is said in the end
//! is what happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cache;
mod hostile;
mod peer;
#[path = "../support/mod.rs"]
mod support;
mod urls;

use decentralml_storage::{Block, Cid, unixfs::import};
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

const MIB: usize = 1 << 20;

type Blocks = Arc<Mutex<HashMap<Cid, Block>>>;

fn blocks_of(data: &[u8]) -> (Cid, Blocks) {
    let mut blocks = HashMap::new();
    let imported = import(data, |block| {
        blocks.insert(block.cid(), block);
        Ok::<(), io::Error>(())
    })
    .unwrap();
    (imported.cid, Arc::new(Mutex::new(blocks)))
}
