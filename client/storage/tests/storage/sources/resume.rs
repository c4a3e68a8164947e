//! Fetches into a file that go on where they were ended, whatever lies there.

use super::{
    MIB,
    support::{
        bytes,
        peer::{Blocks, Manner, Peer, blocks_of},
    },
};
use decentralml_storage::{Cid, Error, Storage, unfinished, unixfs::canonical_cid};
use std::{
    collections::HashSet,
    fs::{self, File},
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::sync::mpsc;

const LEAVES: usize = 24;

/// A file, its blocks, and where it is to go.
struct Case {
    data: Vec<u8>,
    root: Cid,
    blocks: Blocks,
    folder: TempDir,
}

impl Case {
    fn new() -> Self {
        let data = bytes(LEAVES * MIB);
        let (root, blocks) = blocks_of(&data);
        Self { data, root, blocks, folder: TempDir::new().unwrap() }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("model")
    }

    fn part(&self) -> PathBuf {
        unfinished(&self.target(), &self.root)
    }

    fn leaves(&self, range: std::ops::Range<usize>) -> HashSet<Cid> {
        self.data[range.start * MIB..range.end * MIB].chunks(MIB).map(canonical_cid).collect()
    }

    async fn fetch(&self, storage: &Storage) -> Result<u64, Error> {
        let limit = self.data.len() as u64;
        storage.fetch_to_file_resuming(&self.root, &self.target(), limit, |_| {}).await
    }

    /// Fetches it from an honest source, and returns the leaves that this was asked for.
    async fn asked_again(&self) -> HashSet<Cid> {
        let peer = Peer::all(&self.blocks, Manner::Honest).await;
        let storage = peer.client().await;
        assert_eq!(self.fetch(&storage).await.unwrap(), self.data.len() as u64);
        assert!(fs::read(self.target()).unwrap() == self.data, "the file has other bytes");
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 1, "something was left");
        let mut asked: HashSet<Cid> = peer.asked().into_iter().collect();
        assert!(asked.remove(&self.root));
        asked
    }
}

/// Begins a fetch from a source that has the first leaves only, and drops it once these are there.
async fn begin(case: &Case, leaves: usize) {
    let has = case.leaves(0..leaves);
    let root = case.root;
    let peer = Peer::start(&case.blocks, move |cid| match *cid == root || has.contains(cid) {
        true => Manner::Honest,
        false => Manner::Mute,
    })
    .await;
    let (send, mut progress) = mpsc::unbounded_channel();
    let (storage, target, limit) = (peer.client().await, case.target(), case.data.len() as u64);
    let fetching = tokio::spawn(async move {
        let told = |at| send.send(at).unwrap_or_default();
        storage.fetch_to_file_resuming(&root, &target, limit, told).await
    });
    while progress.recv().await.unwrap().done < (leaves * MIB) as u64 {}
    fetching.abort();
    assert!(fetching.await.unwrap_err().is_cancelled(), "it was over before");
    assert!(!case.target().exists());
    // What was being written is still on its way, and holds the lock.
    for _ in 0..500 {
        let part = File::open(case.part()).unwrap();
        let is_whole = part.metadata().unwrap().len() == (leaves * MIB) as u64;
        if is_whole && part.try_lock().is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("what came was not written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaves_that_are_there_are_not_asked_for_again() {
    let case = Case::new();
    begin(&case, 16).await;
    assert_eq!(case.asked_again().await, case.leaves(16..LEAVES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_lies_there_is_believed() {
    let case = Case::new();
    begin(&case, 16).await;
    // A leaf with another byte, a leaf of zeros as a power cut leaves it, half a leaf at the end, and too much of everything.
    let mut left = fs::read(case.part()).unwrap();
    left[3 * MIB + 7] ^= 1;
    left[5 * MIB..6 * MIB].fill(0);
    left.truncate(15 * MIB + MIB / 2);
    fs::write(case.part(), &left).unwrap();
    let mut missing = case.leaves(15..LEAVES);
    missing.extend(case.leaves(3..4));
    missing.extend(case.leaves(5..6));
    assert_eq!(case.asked_again().await, missing);

    fs::remove_file(case.target()).unwrap();
    fs::write(case.part(), vec![7; (LEAVES + 3) * MIB]).unwrap();
    assert_eq!(case.asked_again().await, case.leaves(0..LEAVES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_that_fails_leaves_what_it_has_to_the_next_one() {
    let case = Case::new();
    let late = case.leaves(20..LEAVES);
    let peer = Peer::start(&case.blocks, move |cid| match late.contains(cid) {
        true => Manner::Lacks,
        false => Manner::Honest,
    })
    .await;
    let error = case.fetch(&peer.client().await).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(!case.target().exists() && case.part().exists());
    assert_eq!(case.asked_again().await, case.leaves(20..LEAVES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_another_process_fetches_the_same_this_one_begins_anew() {
    let case = Case::new();
    let other = File::create(case.part()).unwrap();
    other.lock().unwrap();
    let peer = Peer::all(&case.blocks, Manner::Honest).await;
    case.fetch(&peer.client().await).await.unwrap();
    assert!(fs::read(case.target()).unwrap() == case.data);
    assert_eq!(other.metadata().unwrap().len(), 0, "it was written to");
    assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_somebody_has_put_there_is_not_followed() {
    let case = Case::new();
    let precious = case.folder.path().join("precious");
    let peer = Peer::all(&case.blocks, Manner::Honest).await;
    let storage = peer.client().await;
    let soft = |from: &Path, to: &Path| std::os::unix::fs::symlink(from, to);
    let hard = |from: &Path, to: &Path| fs::hard_link(from, to);
    for link in [&soft as &dyn Fn(&Path, &Path) -> std::io::Result<()>, &hard] {
        fs::write(&precious, b"precious").unwrap();
        link(&precious, &case.part()).unwrap();
        let error = case.fetch(&storage).await.unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error}");
        assert!(error.to_string().contains("remove it"), "{error}");
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        fs::remove_file(case.part()).unwrap();
    }
}
