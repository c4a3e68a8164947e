//! Blocks that are read, and hashed, on another core before they are needed.

use super::{Store, StoreError};
use crate::Block;
use decentralml_types::Cid;
use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// Blocks that are read in a row before a thread is worth its start.
const FEW: u32 = 3;

/// Threads of all readers. Those that come later read alone, until there is a thread for them.
static THREADS: Places = Places::new(16);

/// Reads blocks that follow one another, two at a time.
#[derive(Debug)]
pub(super) struct Ahead {
    /// Blocks that were read here, and followed by another, since a thread was last wanted.
    read: u32,
    helper: Option<Helper>,
    places: &'static Places,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { read: 0, helper: None, places: &THREADS }
    }
}

/// A thread, and the block that it was asked for.
#[derive(Debug)]
struct Helper {
    asked: Option<Cid>,
    cids: SyncSender<Cid>,
    blocks: Receiver<Result<Block, StoreError>>,
}

impl Ahead {
    /// [`Store::get`] of a block, and of the `next` one at the same time.
    pub fn get(
        &mut self,
        store: &Arc<Store>,
        cid: &Cid,
        next: Option<Cid>,
    ) -> Result<Block, StoreError> {
        // Once more where the thread failed: it may have been for want of memory.
        if let Some(Ok(block)) = self.helper.as_mut().and_then(|helper| helper.take(cid)) {
            return Ok(block);
        }
        if let Some(next) = next {
            self.read = self.read.saturating_add(1);
            // Again and again: a thread that was not to be had, or has failed, may be there the next time.
            if self.helper.is_none() && self.read >= FEW {
                self.read = 0;
                self.helper = Helper::start(store, self.places);
            }
            if !self.helper.as_mut().is_none_or(|helper| helper.ask(next)) {
                self.helper = None;
            }
        }
        store.get(cid)
    }
}

impl Helper {
    fn start(store: &Arc<Store>, places: &'static Places) -> Option<Self> {
        let place = places.take()?;
        // One at a time is asked for.
        let (cids, asked) = sync_channel::<Cid>(1);
        let (read, blocks) = sync_channel(1);
        let store = Arc::downgrade(store);
        let work = move || {
            let _place = place;
            while let Ok(cid) = asked.recv() {
                // The store is closed when its last user says so, which is not this thread.
                let block = store_get(&store, &cid);
                if block.is_none_or(|block| read.send(block).is_err()) {
                    return;
                }
            }
        };
        thread::Builder::new().spawn(work).ok()?;
        Some(Self { asked: None, cids, blocks })
    }

    /// Has a block read; false where the thread has ended.
    fn ask(&mut self, cid: Cid) -> bool {
        let asks = self.asked.is_some() || self.cids.send(cid).is_ok();
        if asks {
            self.asked.get_or_insert(cid);
        }
        asks
    }

    /// The block that was asked for, if it is this one.
    fn take(&mut self, cid: &Cid) -> Option<Result<Block, StoreError>> {
        let asked = self.asked.take()?;
        let block = self.blocks.recv().ok()?;
        (asked == *cid).then_some(block)
    }
}

impl Drop for Helper {
    /// Waits for a block that is being read: until then the store is in use.
    fn drop(&mut self) {
        if self.asked.take().is_some() {
            let _ = self.blocks.recv();
        }
    }
}

fn store_get(store: &Weak<Store>, cid: &Cid) -> Option<Result<Block, StoreError>> {
    Some(store.upgrade()?.get(cid))
}

/// How many threads there may be.
#[derive(Debug)]
struct Places {
    taken: AtomicUsize,
    most: usize,
}

/// One of them.
#[derive(Debug)]
struct Place(&'static Places);

impl Places {
    const fn new(most: usize) -> Self {
        Self { taken: AtomicUsize::new(0), most }
    }

    fn take(&'static self) -> Option<Place> {
        let more = |taken| (taken < self.most).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()
            .map(|_| Place(self))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Codec;

    fn blocks(store: &Store, count: u8) -> Vec<Block> {
        let block = |number: u8| Block::new(Codec::Raw, vec![number; 1000]);
        let blocks: Vec<_> = (0..count).map(block).collect();
        blocks.iter().for_each(|block| store.put(block).unwrap());
        blocks
    }

    #[test]
    fn blocks_come_in_their_order_also_where_some_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let blocks = blocks(&store, 40);
        for stride in [1, 2, 7] {
            let mut ahead = Ahead::default();
            for (number, block) in blocks.iter().enumerate().step_by(stride) {
                let next = blocks.get(number + 1).map(Block::cid);
                assert_eq!(ahead.get(&store, &block.cid(), next).unwrap(), *block);
            }
        }
    }

    #[test]
    fn a_block_that_is_not_there_is_an_error_of_its_own_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let blocks = blocks(&store, 10);
        let missing = Block::new(Codec::Raw, &b"missing"[..]).cid();
        let mut ahead = Ahead::default();
        for block in &blocks {
            assert_eq!(ahead.get(&store, &block.cid(), Some(missing)).unwrap(), *block);
            let failed = ahead.get(&store, &missing, Some(block.cid()));
            assert!(matches!(failed, Err(StoreError::NotFound(cid)) if cid == missing));
        }
    }

    #[test]
    fn a_reader_for_which_there_was_no_thread_gets_one_later() {
        static ONE: Places = Places::new(1);
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let blocks = blocks(&store, 40);
        let mut ahead = Ahead { places: &ONE, ..Ahead::default() };
        let read = |ahead: &mut Ahead, pairs: usize| {
            for pair in blocks.windows(2).take(pairs) {
                let read = ahead.get(&store, &pair[0].cid(), Some(pair[1].cid())).unwrap();
                assert_eq!(read, pair[0]);
            }
        };
        let taken = ONE.take().unwrap();
        read(&mut ahead, 20);
        assert!(ahead.helper.is_none());
        drop(taken);
        read(&mut ahead, 20);
        assert!(ahead.helper.is_some());

        // Its thread ends: nobody asks it any more.
        if let Some(helper) = &mut ahead.helper {
            helper.cids = sync_channel(1).0;
            helper.blocks = sync_channel(1).1;
            helper.asked = None;
        }
        read(&mut ahead, 1);
        assert!(ahead.helper.is_none());
        while ONE.taken.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        read(&mut ahead, 20);
        assert!(ahead.helper.is_some());
    }

    #[test]
    fn a_store_is_closed_with_its_last_reader() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..50 {
            let store = Arc::new(Store::open(folder.path()).unwrap());
            let blocks = blocks(&store, 10);
            let mut ahead = Ahead::default();
            for pair in blocks.windows(2).take(7) {
                ahead.get(&store, &pair[0].cid(), Some(pair[1].cid())).unwrap();
            }
            drop(ahead);
            drop(store);
        }
    }
}
