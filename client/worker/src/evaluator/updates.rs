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
use decentralml_storage::{
    self as storage, Storage,
    seal::{MAX_ENVELOPE_BYTES, SecretKey, max_sealed_bytes},
};
use decentralml_types::{Cid, Hash, Opinion, RoundNumber, TaskId};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::{Evaluator, Memory};
use crate::{
    convert,
    error::WorkerError,
    sealed::open_update,
    sources,
    state::StateError,
    work::{Moment, Work},
};

/// An update, or what is wrong with it.
pub(super) type Found = Result<UpdateFile, Opinion>;

/// How long updates may be waited for: a part of what is left of the phase, as scoring takes time too.
const SHARE_OF_PHASE: u32 = 2;
/// And, of that time, the keys of sealed ones: what they open has to be fetched too.
const SHARE_FOR_KEYS: f64 = 0.75;

/// Until when a seat waits.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// For keys that are not handed over yet.
    pub(super) keys: Instant,
    /// For bytes.
    pub(super) bytes: Instant,
}

impl Patience {
    /// From now on.
    pub(super) async fn begin(moment: &Moment) -> Result<Self, WorkerError> {
        let (now, patience) = (Instant::now(), patience(moment.time_left().await?));
        Ok(Self { keys: now + patience.mul_f64(SHARE_FOR_KEYS), bytes: now + patience })
    }
}

/// What the names of the files of a round's updates begin with.
pub(super) fn prefix(round: RoundNumber) -> String {
    format!("{round}-")
}

/// What is wanted, and what it was read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    cid: Cid,
    /// Of a sealed update: the hash of the plain one, and the file with its key, if it was handed over.
    sealed: Option<(Hash, Option<Cid>)>,
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
pub(super) struct Fetched {
    round: RoundNumber,
    folder: PathBuf,
    files: BTreeMap<Wanted, UpdateFile>,
    /// Files that were named; no name is used twice, since a fetch that was given up may still be writing.
    named: u32,
}

impl Fetched {
    fn new(work: &Work, task: TaskId, round: RoundNumber) -> Result<Self, StateError> {
        let folder = work.state.scratch(task)?;
        make_private(&folder)
            .map_err(|source| StateError::Io { path: folder.display().to_string(), source })?;
        Ok(Self { round, folder, files: BTreeMap::new(), named: 0 })
    }

    pub(super) fn is_of(&self, round: RoundNumber) -> bool {
        self.round == round
    }

    fn new_path(&mut self) -> PathBuf {
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

/// Fetches the updates of these reveals, in their order, and opens sealed ones with the keys that they name. Those that the store
/// does not have, or not in time, are `Unavailable`;
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
    deadline: Instant,
) -> Result<Vec<Found>, WorkerError> {
    let secrets = match moment.task.spec.custody.sealed {
        true => memory.secrets(&work.signer),
        false => Arc::default(),
    };
    let fetching = Fetching {
        storage: &work.storage,
        limit: moment.task.spec.max_update_bytes,
        deadline,
        spec,
        encoding: convert::encoding(&moment.task.spec)?,
        secrets: &secrets,
    };
    let fetching = &fetching;
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
        let wanted = Wanted::from(reveal);
        let known = fetched.files.get(&wanted).cloned();
        let path = fetched.new_path();
        fetches.push(async move {
            match known {
                Some(update) => Ok(Ok(update)),
                None => {
                    let (view, of) = (&moment.view, &moment.task);
                    let storage = sources::for_update(work, view, of, round, &reveal.account).await;
                    Fetching { storage: &storage, ..*fetching }.one(wanted, path).await
                }
            }
        });
    }
    let found: Vec<Found> =
        stream::iter(fetches).buffered(evaluator.parallel_fetches).try_collect().await?;
    for (reveal, update) in reveals.iter().zip(&found) {
        match update {
            Ok(update) => drop(fetched.files.insert(reveal.into(), update.clone())),
            Err(fault) => tracing::info!(
                task, round, trainer = %reveal.account, cid = %reveal.cid, ?fault,
                "an update cannot be used"
            ),
        }
    }
    Ok(found)
}

/// How updates are fetched.
struct Fetching<'a> {
    storage: &'a Storage,
    /// Bytes of a plain update, at most; a sealed one has as many more as sealing adds.
    limit: u64,
    deadline: Instant,
    spec: &'a Arc<ModelSpec>,
    encoding: Encoding,
    /// What opens keys that were handed over.
    secrets: &'a Arc<[SecretKey]>,
}

impl Fetching<'_> {
    async fn one(&self, wanted: Wanted, path: PathBuf) -> Result<Found, WorkerError> {
        let envelope = match wanted.sealed {
            None => None,
            Some((_, None)) => return Ok(Err(Opinion::Unavailable)),
            Some((hash, Some(keys))) => match self.bytes(&keys, MAX_ENVELOPE_BYTES).await? {
                Ok(envelope) => Some((envelope, hash)),
                // What is no envelope opens nothing: it is as if none had been handed over.
                Err(_) => return Ok(Err(Opinion::Unavailable)),
            },
        };
        let longest = match wanted.sealed {
            None => self.limit,
            Some(_) => max_sealed_bytes(self.limit),
        };
        let bytes = match self.bytes(&wanted.cid, longest).await? {
            Ok(bytes) => bytes,
            Err(opinion) => return Ok(Err(opinion)),
        };
        let (spec, encoding, limit) = (self.spec.clone(), self.encoding, self.limit);
        let secrets = self.secrets.clone();
        let parsed = tokio::task::spawn_blocking(move || {
            let bytes = match envelope {
                None => bytes,
                Some((envelope, hash)) => {
                    match open_update(&bytes, &envelope, &secrets, hash, limit) {
                        Ok(plain) => plain,
                        Err(opinion) => return Ok(Err(opinion)),
                    }
                }
            };
            let kept = keep(&bytes, &spec, encoding, &path)?;
            Ok::<_, StateError>(kept.map_err(|error| {
                tracing::debug!(cid = %wanted.cid, %error, "malformed");
                Opinion::Malformed
            }))
        });
        Ok(parsed.await.map_err(|_| WorkerError::Aborted)??)
    }

    /// The bytes of a file, or what their absence says of who named it.
    async fn bytes(&self, cid: &Cid, limit: u64) -> Result<Result<Vec<u8>, Opinion>, WorkerError> {
        match tokio::time::timeout_at(self.deadline, self.storage.fetch(cid, limit)).await {
            Ok(Ok(bytes)) => Ok(Ok(bytes)),
            Ok(Err(error)) => match blame(&error) {
                Some(opinion) => Ok(Err(opinion)),
                // A store that looks for a block in vain may be silent: only one that is alive is to be believed.
                None if matches!(error, storage::Error::Timeout { .. }) => {
                    self.storage.version().await?;
                    Ok(Err(Opinion::Unavailable))
                }
                None => Err(error.into()),
            },
            Err(_) => {
                self.storage.version().await?;
                Ok(Err(Opinion::Unavailable))
            }
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
    use crate::{
        model::tests::store,
        sealed::{Registered, seal_update, secrets},
    };
    use decentralml_learning::Weights;
    use decentralml_sdk::Signer;
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
            let secrets = Arc::default();
            let fetching = Fetching {
                storage: &storage,
                limit: 1 << 20,
                deadline,
                spec: &spec,
                encoding,
                secrets: &secrets,
            };
            fetching.one(Wanted { cid, sealed: None }, path).await
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

    #[tokio::test(flavor = "multi_thread")]
    async fn a_sealed_update_is_read_with_its_key_and_every_way_to_miss_it_has_its_name() {
        let (folder, _store, storage) = store().await;
        let (spec, encoding) = (ModelSpec::mlp(4, &[3], 2), Encoding::new(16, 6, 100).unwrap());
        let spec = Arc::new(spec);
        let plain = Update::zero(&spec, encoding).to_bytes();
        let [trainer, seat] = ["//T1", "//E1"].map(|uri| Signer::from_uri(uri).unwrap());
        let key = |signer: &Signer| Registered::No.or_first(signer);
        let (ciphertext, kept) = seal_update(&plain, &key(&trainer)).unwrap();
        let envelope = kept.for_seats(&trainer, &[key(&seat)]).unwrap();
        let (other, _) = seal_update(b"no update", &key(&trainer)).unwrap();
        let mut cids = Vec::new();
        for bytes in [ciphertext, envelope, other, vec![0; 5_000]] {
            cids.push(storage.add(bytes).await.unwrap().cid);
        }
        let [cid, keys, other, long] = cids[..] else { unreachable!() };
        let absent = Block::new(Codec::Raw, &b"never stored"[..]).cid();

        let fetch = async |who: &Signer, cid, hash, keys, limit: usize| {
            let secrets = secrets(who).into();
            let fetching = Fetching {
                storage: &storage,
                limit: limit as u64,
                deadline: Instant::now() + Duration::from_secs(60),
                spec: &spec,
                encoding,
                secrets: &secrets,
            };
            let path = folder.path().join("update");
            fetching.one(Wanted { cid, sealed: Some((hash, keys)) }, path).await.unwrap()
        };
        let (hash, length) = (kept.plain_hash, plain.len());
        assert!(fetch(&seat, cid, hash, Some(keys), length).await.is_ok());
        for no_key in [None, Some(absent), Some(long), Some(other)] {
            let found = fetch(&seat, cid, hash, no_key, length).await;
            assert_eq!(found.unwrap_err(), Opinion::Unavailable, "{no_key:?}");
        }
        let outsider = fetch(&trainer, cid, hash, Some(keys), length).await;
        assert_eq!(outsider.unwrap_err(), Opinion::Unavailable);
        let missing = fetch(&seat, absent, hash, Some(keys), length).await;
        assert_eq!(missing.unwrap_err(), Opinion::Unavailable);
        for (cid, hash, limit) in [
            (other, hash, length),
            (long, hash, length),
            (cid, [0; 32], length),
            (cid, hash, length - 1),
        ] {
            let found = fetch(&seat, cid, hash, Some(keys), limit).await;
            assert_eq!(found.unwrap_err(), Opinion::Malformed);
        }
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
