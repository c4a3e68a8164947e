//! Which names of blocks a power cut could still take away.
//!
//! A batch renames its files, whose bytes are on the disk by then, and syncs their folders afterwards. In between others see
//! the blocks and may pin what they belong to: a pin must not be on the disk before them.

use super::{Store, error::StoreError, folder::sync_folder};
use std::collections::BTreeSet;

/// For each of the 256 folders how often a file in it got its name, and how many of these names are known to be on the disk.
#[derive(Debug)]
pub(super) struct Names(Vec<Folder>);

#[derive(Clone, Copy, Debug)]
struct Folder {
    named: u64,
    synced: u64,
}

impl Default for Names {
    /// An earlier process may have been killed between the two steps, so that no folder counts as synced.
    fn default() -> Self {
        Self(vec![Folder { named: 1, synced: 0 }; 1 << u8::BITS])
    }
}

impl Names {
    /// A file has got its name. Said under the lock under which it got it.
    pub fn named(&mut self, shard: u8) {
        self.0[usize::from(shard)].named += 1;
    }

    /// What [`Names::synced`] may be told once the folder has been synced; `None` where there is nothing to sync.
    fn unsynced(&self, shard: u8) -> Option<u64> {
        let Folder { named, synced } = self.0[usize::from(shard)];
        (synced < named).then_some(named)
    }

    fn synced(&mut self, shard: u8, named: u64) {
        let folder = &mut self.0[usize::from(shard)];
        folder.synced = folder.synced.max(named);
    }
}

impl Store {
    /// Has every block that can be seen in these folders survive a power cut.
    pub(super) fn sync_shards(&self, shards: &BTreeSet<u8>) -> Result<(), StoreError> {
        for shard in shards {
            let Some(named) = self.shared.lock().names().unsynced(*shard) else { continue };
            sync_folder(&self.shard_path(*shard))?;
            self.shared.lock().names().synced(*shard, named);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn a_folder_is_synced_until_the_next_name_in_it() {
        let mut names = Names::default();
        assert_eq!(names.unsynced(7), Some(1), "of an earlier process nothing is known");
        names.synced(7, 1);
        assert_eq!((names.unsynced(7), names.unsynced(255)), (None, Some(1)));
        names.named(7);
        let before = names.unsynced(7).unwrap_or_default();
        // Comes while the folder is being synced, and may be too late for it.
        names.named(7);
        names.synced(7, before);
        assert_eq!(names.unsynced(7), Some(3));
        names.synced(7, 3);
        names.synced(7, before);
        assert_eq!(names.unsynced(7), None);
    }
}
