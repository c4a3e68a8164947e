//! Updates that were fetched and found good, in files of this process.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use decentralml_learning::UpdateFile;
use decentralml_sdk::Reveal;
use decentralml_types::{Cid, Hash, RoundNumber, TaskId};

use crate::{state::StateError, work::Work};

/// What the names of the files of a round's updates begin with.
pub(in crate::evaluator) fn prefix(round: RoundNumber) -> String {
    format!("{round}-")
}

/// What is wanted, and what it was read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub(super) cid: Cid,
    /// Of a sealed update: the hash of the plain one, and the file with its key, if it was handed over.
    pub(super) sealed: Option<(Hash, Option<Cid>)>,
}

impl From<&Reveal> for Wanted {
    fn from(reveal: &Reveal) -> Self {
        let keys = reveal.handover.map(|handover| handover.keys);
        Self { cid: reveal.cid, sealed: reveal.plain_hash.map(|hash| (hash, keys)) }
    }
}

/// A round's updates as they were fetched and found good, in a folder that goes with this value: a round may have far more of
/// them than fit into memory. A process that starts again fetches them again.
#[derive(Debug)]
pub(in crate::evaluator) struct Fetched {
    round: RoundNumber,
    folder: PathBuf,
    files: BTreeMap<Wanted, UpdateFile>,
    /// Files that were named; no name is used twice, since a fetch that was given up may still be writing.
    named: u32,
}

impl Fetched {
    pub(super) fn new(work: &Work, task: TaskId, round: RoundNumber) -> Result<Self, StateError> {
        Self::open(work.state.scratch(task)?, round)
    }

    /// In a folder that is its own.
    pub(super) fn open(folder: PathBuf, round: RoundNumber) -> Result<Self, StateError> {
        make_private(&folder)
            .map_err(|source| StateError::Io { path: folder.display().to_string(), source })?;
        Ok(Self { round, folder, files: BTreeMap::new(), named: 0 })
    }

    pub(in crate::evaluator) fn is_of(&self, round: RoundNumber) -> bool {
        self.round == round
    }

    pub(super) fn get(&self, reveal: &Reveal) -> Option<UpdateFile> {
        self.files.get(&reveal.into()).cloned()
    }

    pub(super) fn insert(&mut self, reveal: &Reveal, update: UpdateFile) {
        self.files.insert(reveal.into(), update);
    }

    pub(super) fn new_path(&mut self) -> PathBuf {
        self.named = self.named.saturating_add(1);
        self.folder.join(format!("{}{}.safetensors", prefix(self.round), self.named))
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        // What cannot be removed now is removed before the folder is used again.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Lets nobody but its owner into a folder: what was sealed lies there in plain.
fn make_private(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
