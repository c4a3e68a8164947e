//! Revealed updates from the store, and what is wrong with those that cannot be had or read.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use decentralml_learning::{Encoding, Malformed, ModelSpec, Update, UpdateFile};
use decentralml_sdk::Reveal;
use decentralml_storage::{self as storage, Storage};
use decentralml_types::{Cid, Opinion, RoundNumber, TaskId};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::{Evaluator, Memory};
use crate::{
    convert,
    error::WorkerError,
    state::StateError,
    work::{Moment, Work},
};

/// An update, or what is wrong with it.
pub(super) type Found = Result<UpdateFile, Opinion>;

/// How long updates may be waited for: a part of what is left of the phase, as scoring takes time too.
const SHARE_OF_PHASE: u32 = 2;

/// A round's updates as they were fetched and found good, in a folder that goes with this value: a round may have far more of
/// them than fit into memory. A process that starts again fetches them again.
#[derive(Debug)]
pub(super) struct Fetched {
    round: RoundNumber,
    folder: PathBuf,
    files: BTreeMap<Cid, UpdateFile>,
    /// Files that were named; no name is used twice, since a fetch that was given up may still be writing.
    named: u32,
}

impl Fetched {
    fn new(work: &Work, task: TaskId, round: RoundNumber) -> Result<Self, StateError> {
        let folder = work.state.scratch(task)?;
        Ok(Self { round, folder, files: BTreeMap::new(), named: 0 })
    }

    fn new_path(&mut self) -> PathBuf {
        self.named = self.named.saturating_add(1);
        self.folder.join(format!("{}-{}.safetensors", self.round, self.named))
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        // What cannot be removed now is removed before the folder is used again.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Fetches the updates of these reveals, in their order. Those that the store does not have, or not in time, are `Unavailable`;
/// those that are no updates of this task are `Malformed`. An error says that the store itself failed: nobody else is to
/// blame. The next block tries again, and a seat whose store does not recover within the phase commits to nothing.
///
/// No more updates than are fetched at the same time are in memory.
pub(super) async fn fetch(
    evaluator: &Evaluator,
    work: &Work,
    memory: &mut Memory,
    moment: &Moment,
    spec: &Arc<ModelSpec>,
    reveals: &[Reveal],
) -> Result<Vec<Found>, WorkerError> {
    let encoding = convert::encoding(&moment.task.spec)?;
    let limit = moment.task.spec.max_update_bytes;
    let deadline = Instant::now() + patience(moment.time_left().await?);
    let (task, round) = (moment.task.id, moment.round.number);
    if memory.fetched.as_ref().is_some_and(|fetched| fetched.round != round) {
        // The folder of the earlier round goes before the next one takes its place.
        memory.fetched = None;
    }
    let fetched = match &mut memory.fetched {
        Some(fetched) => fetched,
        none => none.insert(Fetched::new(work, task, round)?),
    };
    let mut fetches = Vec::with_capacity(reveals.len());
    for reveal in reveals {
        let cid = reveal.cid;
        let known = fetched.files.get(&cid).cloned();
        let path = fetched.new_path();
        fetches.push(async move {
            match known {
                Some(update) => Ok(Ok(update)),
                None => fetch_one(&work.storage, &cid, limit, deadline, spec, encoding, path).await,
            }
        });
    }
    let found: Vec<Found> =
        stream::iter(fetches).buffered(evaluator.parallel_fetches).try_collect().await?;
    for (reveal, update) in reveals.iter().zip(&found) {
        match update {
            Ok(update) => drop(fetched.files.insert(reveal.cid, update.clone())),
            Err(fault) => tracing::info!(
                task, round, trainer = %reveal.account, cid = %reveal.cid, ?fault,
                "an update cannot be used"
            ),
        }
    }
    Ok(found)
}

async fn fetch_one(
    storage: &Storage,
    cid: &Cid,
    limit: u64,
    deadline: Instant,
    spec: &Arc<ModelSpec>,
    encoding: Encoding,
    path: PathBuf,
) -> Result<Found, WorkerError> {
    let bytes = match tokio::time::timeout_at(deadline, storage.fetch(cid, limit)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => match blame(&error) {
            Some(opinion) => return Ok(Err(opinion)),
            // A store that looks for a block in vain may be silent: only one that is alive is to be believed.
            None if matches!(error, storage::Error::Timeout { .. }) => {
                storage.version().await?;
                return Ok(Err(Opinion::Unavailable));
            }
            None => return Err(error.into()),
        },
        Err(_) => {
            storage.version().await?;
            return Ok(Err(Opinion::Unavailable));
        }
    };
    let spec = spec.clone();
    let parsed = tokio::task::spawn_blocking(move || keep(&bytes, &spec, encoding, &path));
    match parsed.await.map_err(|_| WorkerError::Aborted)?? {
        Ok(update) => Ok(Ok(update)),
        Err(error) => {
            tracing::debug!(%cid, %error, "malformed");
            Ok(Err(Opinion::Malformed))
        }
    }
}

/// Checks an update and puts it into a file.
fn keep(
    bytes: &[u8],
    spec: &ModelSpec,
    encoding: Encoding,
    path: &Path,
) -> Result<Result<UpdateFile, Malformed>, StateError> {
    match Update::from_bytes(bytes, spec, encoding) {
        Ok(update) => {
            let written = UpdateFile::write(path, &update);
            let failed = |source| StateError::Io { path: path.display().to_string(), source };
            written.map(Ok).map_err(failed)
        }
        Err(malformed) => Ok(Err(malformed)),
    }
}

/// Whether an error of the store speaks against the update; `None` where it speaks against the store. No trainer can name bytes
/// by a CID that is not their hash: a store that gives such bytes, or finds them on its own disk, has spoiled them itself.
fn blame(error: &storage::Error) -> Option<Opinion> {
    use storage::Error;
    match error {
        Error::NotFound { .. } => Some(Opinion::Unavailable),
        Error::TooLarge { .. } | Error::NotAFile { .. } => Some(Opinion::Malformed),
        Error::Mismatch { .. }
        | Error::Unavailable { .. }
        | Error::Url { .. }
        | Error::Unreachable { .. }
        | Error::Timeout { .. }
        | Error::Protocol { .. }
        | Error::Api { .. }
        | Error::File { .. }
        | Error::Changed(_) => None,
    }
}

fn patience(left: Duration) -> Duration {
    left / SHARE_OF_PHASE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::tests::store;
    use decentralml_learning::Weights;
    use decentralml_storage::Block;
    use decentralml_types::Codec;

    #[test]
    fn what_is_kept_is_what_was_checked_and_a_full_disk_is_nobodys_fault() {
        let folder = tempfile::tempdir().unwrap();
        let (spec, encoding) = (ModelSpec::mlp(4, &[3], 2), Encoding::new(16, 6, 100).unwrap());
        let (base, trained) = (Weights::init(&spec, [1; 32]), Weights::init(&spec, [2; 32]));
        let update = Update::from_delta(&base, &trained, encoding).unwrap();
        let bytes = update.to_bytes();

        let file = keep(&bytes, &spec, encoding, &folder.path().join("a")).unwrap().unwrap();
        let mut values = vec![0; update.values().len()];
        file.read(0, &mut values).unwrap();
        assert_eq!(values, update.values());

        let path = folder.path().join("b");
        assert!(keep(&bytes[1..], &spec, encoding, &path).unwrap().is_err());
        assert!(!path.exists(), "nothing malformed is kept");
        let nowhere = folder.path().join("gone/c");
        assert!(matches!(keep(&bytes, &spec, encoding, &nowhere), Err(StateError::Io { .. })));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_rotten_disk_is_nobodys_fault_and_a_dag_that_lies_is_its_makers() {
        let (folder, store, storage) = store().await;
        let (spec, encoding) = (ModelSpec::mlp(4, &[3], 2), Encoding::new(16, 6, 100).unwrap());
        let spec = Arc::new(spec);
        let bytes = Update::zero(&spec, encoding).to_bytes();
        let fetch = async |cid: Cid, name: &str| {
            let deadline = Instant::now() + Duration::from_secs(60);
            let path = folder.path().join(name);
            fetch_one(&storage, &cid, 1 << 20, deadline, &spec, encoding, path).await
        };

        let cid = storage.add(bytes.clone()).await.unwrap().cid;
        let name: String = cid.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(store.path().join("blocks").join(&name[..2]).join(&name), b"rotten").unwrap();
        let error = fetch(cid, "a").await.unwrap_err();
        assert!(matches!(error, WorkerError::Storage(_)), "{error:?}");
        storage.add(bytes).await.unwrap();
        assert!(fetch(cid, "b").await.unwrap().is_ok(), "healed within the phase");

        // A root that gives its one leaf of three bytes as one of two.
        let leaf = Block::new(Codec::Raw, &b"abc"[..]);
        let mut root = vec![0x12, 38, 0x0a, 36, 1, 0x55, 0x12, 32];
        root.extend_from_slice(&leaf.cid().digest);
        root.extend_from_slice(&[0x0a, 6, 8, 2, 0x18, 2, 0x20, 2]);
        let root = Block::new(Codec::DagPb, root);
        for block in [&leaf, &root] {
            store.put(block).unwrap();
        }
        assert_eq!(fetch(root.cid(), "c").await.unwrap().unwrap_err(), Opinion::Malformed);
        let absent = Block::new(Codec::Raw, &b"never stored"[..]).cid();
        assert_eq!(fetch(absent, "d").await.unwrap().unwrap_err(), Opinion::Unavailable);
    }

    #[test]
    fn a_store_that_is_down_is_not_a_trainers_fault() {
        use storage::Error;
        let cid = Cid { codec: Codec::Raw, digest: [0; 32] };
        let url = || "http://127.0.0.1:5001".to_owned();
        assert_eq!(blame(&Error::NotFound { cid }), Some(Opinion::Unavailable));
        assert_eq!(blame(&Error::TooLarge { cid, limit: 1 }), Some(Opinion::Malformed));
        let wrong = Error::Mismatch { url: url(), cid, reason: String::new() };
        assert_eq!(blame(&wrong), None);
        assert_eq!(blame(&Error::Unavailable { cid, reason: String::new() }), None);
        assert_eq!(blame(&Error::Unreachable { url: url(), reason: String::new() }), None);
        let silent = Error::Timeout { url: url(), command: "block/get", seconds: 30.0 };
        assert_eq!(blame(&silent), None);
    }
}
