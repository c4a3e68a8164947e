//! What a daemon remembers: small JSON files that are there whole or not at all.
//!
//! ```text
//!  <folder>/identity.json                     whose records these are
//!  <folder>/lock                              held while a daemon runs
//!  <folder>/store/                            what it made and fetched, if it has a store of its own
//!  <folder>/pins.json                         what it has pinned
//!  <folder>/task-7/update-3.json              a trainer's commitment in round 3
//!  <folder>/task-7/gold-3.json                what a trainer's sponsor knows of that update
//!  <folder>/task-7/scores-3-0.json            a seat's commitment, committee 0
//!  <folder>/task-7/next-3-0.json              the next model it computed
//!  <folder>/task-7/residual-3-….safetensors   what a trainer's update in round 3 left out
//!  <folder>/task-7/variate-3-….safetensors    a trainer's control variate after round 3
//!  <folder>/task-7/sent-3-….json              that update may be on chain, where it leaves one of those two
//!  <folder>/task-7/verdict-3.json             what became of it
//!  <folder>/task-7/again.json                 which of a trainer's updates may be sent again after a void round
//!  <folder>/task-7/again.update               its plain bytes
//!  <folder>/task-7/updates/                   the updates that a seat works on; removed after each round
//!  <folder>/outgoing-7/                       the update on its way to hosts, where there is no store
//! ```
//!
//! Once a task is over, with nothing of the account in it, all that is named after it goes.

pub(crate) mod hex32;
mod ledger;
mod sealed;

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use decentralml_files::{Readers, replace};
use decentralml_sdk::AccountId;
use decentralml_types::{Hash, Role, RoundNumber, TaskId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use ledger::{Kept, Needed, Place, What, surplus};
pub(crate) use sealed::Sealed;

/// Bytes that no record is longer than.
const MAX_RECORD: u64 = 1 << 20;
/// Where in a task's folder those updates are that a seat works on.
const SCRATCH: &str = "updates";
/// What the names of stores for updates on their way begin with.
const OUTGOING: &str = "outgoing-";

/// Why records cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder or a file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// What.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// Another daemon works in the folder.
    #[error("{0} is in use by another daemon: give each account and role a folder of its own")]
    InUse(String),
    /// The folder belongs to something else.
    #[error(
        "{path} holds the records of {found}, not of {expected}: give each account, role and chain a folder of its own"
    )]
    OtherIdentity {
        /// The folder.
        path: String,
        /// Whose records are there.
        found: String,
        /// Whose were expected.
        expected: String,
    },
    /// A record that this program did not write so.
    #[error(
        "{path} is damaged ({problem}): the commitment it belongs to cannot be opened without it"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
}

/// Whose records a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    account: AccountId,
    role: Role,
    #[serde(with = "hex32")]
    genesis: Hash,
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, ..] = self.genesis;
        write!(f, "{:?} {} on chain {a:02x}{b:02x}{c:02x}{d:02x}…", self.role, self.account)
    }
}

/// A folder of records, locked as long as this value lives.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    _lock: File,
}

impl State {
    /// Opens or creates the folder, and makes sure that it belongs to this account, role and chain.
    pub(crate) fn open(
        folder: &Path,
        account: AccountId,
        role: Role,
        genesis: Hash,
    ) -> Result<Self, StateError> {
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|source| failed(&path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::InUse(folder.display().to_string()));
            }
            Err(TryLockError::Error(source)) => return Err(failed(&path, source)),
        }
        let state = Self { folder: folder.to_owned(), _lock: lock };
        state.discard_scratch();
        let expected = Identity { account, role, genesis };
        match state.read::<Identity>("identity")? {
            None => state.write("identity", &expected)?,
            Some(found) if found == expected => {}
            Some(found) => {
                return Err(StateError::OtherIdentity {
                    path: folder.display().to_string(),
                    found: found.to_string(),
                    expected: expected.to_string(),
                });
            }
        }
        Ok(state)
    }

    /// A record of a task; `None` where there is none.
    pub(crate) fn load<R: DeserializeOwned>(
        &self,
        task: TaskId,
        name: &str,
    ) -> Result<Option<R>, StateError> {
        self.read(&format!("task-{task}/{name}"))
    }

    /// Keeps a record of a task. Once it returns, the record survives a crash.
    pub(crate) fn save<R: Serialize>(
        &self,
        task: TaskId,
        name: &str,
        record: &R,
    ) -> Result<(), StateError> {
        let folder = self.folder.join(format!("task-{task}"));
        fs::create_dir_all(&folder).map_err(|source| failed(&folder, source))?;
        self.write(&format!("task-{task}/{name}"), record)
    }

    /// Removes a record of a task that nothing needs any more.
    pub(crate) fn remove(&self, task: TaskId, name: &str) -> Result<(), StateError> {
        let path = self.path(&format!("task-{task}/{name}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&path, error)),
            _ => Ok(()),
        }
    }

    /// The rounds of a task of which there is a record.
    pub(crate) fn rounds(&self, task: TaskId) -> BTreeSet<RoundNumber> {
        let folder = self.folder.join(format!("task-{task}"));
        // Where it cannot be read, the records cannot be removed either.
        let Ok(records) = fs::read_dir(folder) else { return BTreeSet::new() };
        let round = |record: fs::DirEntry| {
            let name = record.file_name();
            let (_, rest) = name.to_str()?.strip_suffix(".json")?.split_once('-')?;
            rest.split('-').next()?.parse().ok()
        };
        records.flatten().filter_map(round).collect()
    }

    /// Where a file of a task is, or would be.
    pub(crate) fn file(&self, task: TaskId, name: &str) -> PathBuf {
        self.folder.join(format!("task-{task}")).join(name)
    }

    /// Keeps a [`file`](Self::file) of a task that is no record, whole or not at all. Once it returns, it survives a crash.
    pub(crate) fn keep_file(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        replace(path, Readers::Owner, &[bytes]).map_err(|source| failed(path, source))
    }

    /// Where the store is that a task's updates leave from, if the account has none.
    pub(crate) fn outgoing(&self, task: TaskId) -> PathBuf {
        self.folder.join(format!("{OUTGOING}{task}"))
    }

    /// The tasks that have a folder.
    pub(crate) fn tasks(&self) -> BTreeSet<TaskId> {
        // Where it cannot be read, nothing can be removed either.
        let Ok(folders) = fs::read_dir(&self.folder) else { return BTreeSet::new() };
        let task = |folder: fs::DirEntry| {
            let name = folder.file_name();
            let mut prefixes = ["task-", OUTGOING].into_iter();
            prefixes.find_map(|prefix| name.to_str()?.strip_prefix(prefix))?.parse().ok()
        };
        folders.flatten().filter_map(task).collect()
    }

    /// Removes the folders of a task that is over. What cannot be removed is only in the way of disk space.
    pub(crate) fn forget(&self, task: TaskId) {
        for folder in [self.file(task, ""), self.outgoing(task)] {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(task, %error, "{} is in the way", folder.display());
                }
                _ => {}
            }
        }
    }

    /// What is in a task's folder, with the names.
    pub(crate) fn files(&self, task: TaskId) -> Vec<(String, PathBuf)> {
        // Where it cannot be read, nothing can be removed either.
        let Ok(files) = fs::read_dir(self.file(task, "")) else { return Vec::new() };
        let named = |file: fs::DirEntry| Some((file.file_name().into_string().ok()?, file.path()));
        files.flatten().filter_map(named).collect()
    }

    /// A task's folder for what need not survive a restart, empty.
    pub(crate) fn scratch(&self, task: TaskId) -> Result<PathBuf, StateError> {
        let folder = self.folder.join(format!("task-{task}")).join(SCRATCH);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&folder, error)),
            _ => fs::create_dir_all(&folder).map_err(|source| failed(&folder, source)),
        }?;
        Ok(folder)
    }

    /// Removes those files of such a folder whose names begin so.
    pub(crate) fn clear_scratch(&self, task: TaskId, prefix: &str) -> Result<(), StateError> {
        let folder = self.folder.join(format!("task-{task}")).join(SCRATCH);
        let Ok(files) = fs::read_dir(&folder) else { return Ok(()) };
        for file in files.flatten() {
            let ours = file.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
            match ours.then(|| fs::remove_file(file.path())) {
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(&file.path(), error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes what a process that was killed has left in such folders. What cannot be removed is only in the way of disk space.
    fn discard_scratch(&self) {
        let Ok(tasks) = fs::read_dir(&self.folder) else { return };
        for task in tasks.flatten() {
            let _ = fs::remove_dir_all(task.path().join(SCRATCH));
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn read<R: DeserializeOwned>(&self, name: &str) -> Result<Option<R>, StateError> {
        let path = self.path(name);
        let damaged = |problem| StateError::Damaged { path: path.display().to_string(), problem };
        match fs::metadata(&path) {
            Ok(found) if found.len() > MAX_RECORD => {
                return Err(damaged(format!("{} bytes", found.len())));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(&path, source)),
        }
        let bytes = fs::read(&path).map_err(|source| failed(&path, source))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| damaged(error.to_string()))
    }

    fn write<R: Serialize>(&self, name: &str, record: &R) -> Result<(), StateError> {
        let path = self.path(name);
        let bytes = serde_json::to_vec_pretty(record).map_err(|error| StateError::Damaged {
            path: path.display().to_string(),
            problem: error.to_string(),
        })?;
        replace(&path, Readers::Owner, &[&bytes]).map_err(|source| failed(&path, source))
    }
}

fn failed(path: &Path, source: io::Error) -> StateError {
    StateError::Io { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
