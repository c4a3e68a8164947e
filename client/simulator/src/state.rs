//! What clients keep from round to round, where the algorithm needs it: on disk, a file per client and
//! round in which it took part.
//!
//! A checkpoint after round `r` stands for the newest file of each client up to `r`. Newer files are
//! removed when a run goes on from it; older ones once a later checkpoint stands. So a client's state
//! and the model always belong to the same round.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use decentralml_files::sync_folder;

use crate::{SimulateError, folder::read_at_most};

/// The states of all clients that have one.
#[derive(Debug)]
pub(crate) struct States {
    folder: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The round of the newest file of each client, from 1.
    newest: BTreeMap<u32, u32>,
    /// Files that have been followed by newer ones.
    old: Vec<Old>,
    /// Files that are not synced yet.
    written: Vec<PathBuf>,
    /// The round of the last checkpoint.
    checkpoint: u32,
}

/// A client's file that is not its newest.
#[derive(Clone, Copy, Debug)]
struct Old {
    client: u32,
    round: u32,
    /// The round of the next newer one.
    next: u32,
}

impl States {
    /// Opens the folder after a checkpoint of `round`, 0 where a run starts.
    pub(crate) fn open(folder: &Path, round: u32) -> Result<Self, SimulateError> {
        let failed = |error| SimulateError::file(folder, error);
        let mut inner = Inner { checkpoint: round, ..Inner::default() };
        if folder.is_dir() {
            for entry in fs::read_dir(folder).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                let Some((client, made)) = place(&path) else { continue };
                if made > round {
                    fs::remove_file(&path).map_err(failed)?;
                    continue;
                }
                let newest = inner.newest.entry(client).or_insert(made);
                let older = made.min(*newest);
                *newest = made.max(*newest);
                if older < *newest {
                    // Another may lie between them: at the latest, this checkpoint has the newest.
                    inner.old.push(Old { client, round: older, next: round });
                }
            }
        }
        Ok(Self { folder: folder.to_owned(), inner: Mutex::new(inner) })
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Nothing panics while it is held; what is there is whole either way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a client has kept; at most `most` bytes.
    pub(crate) fn load(&self, client: u32, most: u64) -> Result<Option<Vec<u8>>, SimulateError> {
        let newest = self.inner().newest.get(&client).copied();
        match newest {
            Some(round) => read_at_most(&self.folder.join(name(client, round)), most).map(Some),
            None => Ok(None),
        }
    }

    /// What a client keeps after a round, counted from 1.
    pub(crate) fn save(&self, client: u32, round: u32, bytes: &[u8]) -> Result<(), SimulateError> {
        fs::create_dir_all(&self.folder)
            .map_err(|error| SimulateError::file(&self.folder, error))?;
        let path = self.folder.join(name(client, round));
        fs::write(&path, bytes).map_err(|error| SimulateError::file(&path, error))?;
        let mut inner = self.inner();
        inner.written.push(path);
        if let Some(before) = inner.newest.insert(client, round).filter(|&before| before != round) {
            inner.old.push(Old { client, round: before, next: round });
        }
        Ok(())
    }

    /// A round is over: what neither it nor the last checkpoint needs is removed.
    pub(crate) fn completed(&self, round: u32) -> Result<(), SimulateError> {
        let checkpoint = self.inner().checkpoint;
        self.remove(|old| old.next <= round && old.round > checkpoint)
    }

    /// Makes sure that all files survive what comes; a checkpoint that names this round may be written
    /// then.
    pub(crate) fn sync(&self) -> Result<(), SimulateError> {
        let written = std::mem::take(&mut self.inner().written);
        for path in &written {
            File::open(path)
                .and_then(|file| file.sync_all())
                .map_err(|error| SimulateError::file(path, error))?;
        }
        match written.is_empty() {
            true => Ok(()),
            false => {
                sync_folder(&self.folder).map_err(|error| SimulateError::file(&self.folder, error))
            }
        }
    }

    /// A checkpoint of this round stands: what only an earlier one needed is removed.
    pub(crate) fn stands(&self, round: u32) -> Result<(), SimulateError> {
        self.inner().checkpoint = round;
        self.remove(|old| old.next <= round)
    }

    fn remove(&self, useless: impl Fn(&Old) -> bool) -> Result<(), SimulateError> {
        let path = |old: &Old| self.folder.join(name(old.client, old.round));
        let mut inner = self.inner();
        let (gone, kept): (Vec<Old>, Vec<Old>) = inner.old.drain(..).partition(|old| useless(old));
        inner.old = kept;
        let gone: BTreeSet<PathBuf> = gone.iter().map(path).collect();
        inner.written.retain(|path| !gone.contains(path));
        drop(inner);
        gone.iter().try_for_each(|path| crate::folder::remove(path))
    }
}

/// Removes the states of all clients.
pub(crate) fn clear_states(path: &Path) -> Result<(), SimulateError> {
    crate::folder::clear(path, |path| place(path).is_some())
}

fn name(client: u32, round: u32) -> String {
    format!("{client}.{round}")
}

fn place(path: &Path) -> Option<(u32, u32)> {
    let (client, round) = path.file_name()?.to_str()?.split_once('.')?;
    Some((client.parse().ok()?, round.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_run_that_goes_on_finds_the_states_of_its_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let states = States::open(&path, 0).unwrap();
        assert_eq!(states.load(7, 10).unwrap(), None);
        states.save(7, 1, b"one").unwrap();
        states.completed(1).unwrap();
        states.save(7, 2, b"two").unwrap();
        states.save(8, 2, b"other").unwrap();
        states.completed(2).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 2);
        states.sync().unwrap();
        states.stands(2).unwrap();
        states.save(7, 3, b"three").unwrap();
        states.completed(3).unwrap();
        // A round that is not over when the run stops: the checkpoint before it still stands.
        states.save(7, 4, b"four").unwrap();
        states.stands(3).unwrap();
        assert_eq!(fs::read(path.join("7.3")).unwrap(), b"three");
        states.inner().checkpoint = 2;
        fs::write(path.join("7.2"), b"two").unwrap();
        assert_eq!(states.load(7, 10).unwrap().unwrap(), b"four");
        drop(states);

        let states = States::open(&path, 2).unwrap();
        assert_eq!(states.load(7, 10).unwrap().unwrap(), b"two");
        assert_eq!(states.load(8, 10).unwrap().unwrap(), b"other");
        states.save(7, 3, b"again").unwrap();
        states.sync().unwrap();
        states.stands(3).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 2);
        drop(states);
        let states = States::open(&path, 3).unwrap();
        assert_eq!(states.load(7, 10).unwrap().unwrap(), b"again");
        assert!(states.load(7, 4).is_err());
    }

    #[test]
    fn a_kill_between_checkpoint_and_removal_leaves_no_doubt() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("1.2", "old"), ("1.5", "new"), ("1.9", "lost"), ("x", "odd")] {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let states = States::open(folder.path(), 5).unwrap();
        assert_eq!(states.load(1, 10).unwrap().unwrap(), b"new");
        states.stands(6).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["1.5", "x"]);
    }
}
