//! One update, asked for once.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use decentralml_learning::{ModelSpec, UpdateFile};
use decentralml_sdk::Reveal;
use decentralml_storage::{
    self as storage, Storage,
    seal::{MAX_ENVELOPE_BYTES, SecretKey, max_sealed_bytes},
};
use decentralml_types::{Cid, Opinion};
use tokio::time::Instant;

use super::kept::Wanted;
use crate::{
    error::WorkerError,
    sealed::open_update,
    state::StateError,
    wire::{Unreadable, Wire},
};

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Got {
    Update(UpdateFile),
    /// Asking again would not change it.
    Faulty(Opinion),
    /// Nobody gives the bytes now.
    Absent,
}

/// How updates are read.
pub(super) struct Reading<'a> {
    /// Bytes of a plain update, at most; a sealed one has as many more as sealing adds.
    pub(super) limit: u64,
    /// Until when bytes are waited for.
    pub(super) deadline: Instant,
    pub(super) spec: &'a Arc<ModelSpec>,
    pub(super) wire: Wire,
    /// What opens keys that were handed over.
    pub(super) secrets: &'a Arc<[SecretKey]>,
}

impl Reading<'_> {
    /// Fetches an update and checks it; a good one is put into a file. An error says that the store itself failed.
    pub(super) async fn one(
        &self,
        storage: &Storage,
        reveal: &Reveal,
        path: PathBuf,
    ) -> Result<Got, WorkerError> {
        let wanted = Wanted::from(reveal);
        let envelope = match wanted.sealed {
            None => None,
            // They were waited for before.
            Some((_, None)) => return Ok(Got::Faulty(Opinion::Unavailable)),
            Some((hash, Some(keys))) => {
                match self.bytes(storage, &keys, MAX_ENVELOPE_BYTES).await? {
                    Ok(envelope) => Some((envelope, hash)),
                    Err(Got::Absent) => return Ok(Got::Absent),
                    // What is no envelope opens nothing: it is as if none had been handed over.
                    Err(_) => return Ok(Got::Faulty(Opinion::Unavailable)),
                }
            }
        };
        let longest = match wanted.sealed {
            None => self.limit,
            Some(_) => max_sealed_bytes(self.limit),
        };
        let bytes = match self.bytes(storage, &wanted.cid, longest).await? {
            Ok(bytes) => bytes,
            Err(got) => return Ok(got),
        };
        let (spec, wire, limit) = (self.spec.clone(), self.wire, self.limit);
        let secrets = self.secrets.clone();
        let parsed = tokio::task::spawn_blocking(move || {
            let bytes = match envelope {
                None => bytes,
                Some((envelope, hash)) => {
                    match open_update(&bytes, &envelope, &secrets, hash, limit) {
                        Ok(plain) => plain,
                        Err(opinion) => return Ok(Got::Faulty(opinion)),
                    }
                }
            };
            Ok::<_, StateError>(match keep(&bytes, &spec, &wire, &path)? {
                Ok(update) => Got::Update(update),
                Err(error) => {
                    tracing::debug!(cid = %wanted.cid, %error, "malformed");
                    Got::Faulty(Opinion::Malformed)
                }
            })
        });
        Ok(parsed.await.map_err(|_| WorkerError::Aborted)??)
    }

    /// The bytes of a file, or what their absence says of who named it.
    async fn bytes(
        &self,
        storage: &Storage,
        cid: &Cid,
        limit: u64,
    ) -> Result<Result<Vec<u8>, Got>, WorkerError> {
        match tokio::time::timeout_at(self.deadline, storage.fetch(cid, limit)).await {
            Ok(Ok(bytes)) => Ok(Ok(bytes)),
            Ok(Err(error)) => match blame(&error) {
                Some(got) => Ok(Err(got)),
                // A store that looks for a block in vain may be silent: only one that is alive is to be believed.
                None if matches!(error, storage::Error::Timeout { .. }) => {
                    storage.version().await?;
                    Ok(Err(Got::Absent))
                }
                None => Err(error.into()),
            },
            Err(_) => {
                storage.version().await?;
                Ok(Err(Got::Absent))
            }
        }
    }
}

/// Checks an update and puts it into a file.
pub(super) fn keep(
    bytes: &[u8],
    spec: &ModelSpec,
    wire: &Wire,
    path: &Path,
) -> Result<Result<UpdateFile, Unreadable>, StateError> {
    match wire.read(bytes, spec) {
        Ok(update) => {
            let written = UpdateFile::write(path, &update);
            let failed = |source| StateError::Io { path: path.display().to_string(), source };
            written.map(Ok).map_err(failed)
        }
        Err(unreadable) => Ok(Err(unreadable)),
    }
}

/// Whether an error of the store speaks against the update; `None` where it speaks against the store. No trainer can name bytes
/// by a CID that is not their hash: a store that gives such bytes, or finds them on its own disk, has spoiled them itself.
pub(super) fn blame(error: &storage::Error) -> Option<Got> {
    use storage::Error;
    match error {
        Error::NotFound { .. } => Some(Got::Absent),
        Error::TooLarge { .. } | Error::NotAFile { .. } => Some(Got::Faulty(Opinion::Malformed)),
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
