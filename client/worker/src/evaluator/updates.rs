//! Revealed updates from the store, and what is wrong with those that cannot be had or read.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use decentralml_learning::{Encoding, ModelSpec, Update};
use decentralml_sdk::Reveal;
use decentralml_storage::{self as storage, Storage};
use decentralml_types::{Cid, Opinion};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::{Evaluator, Memory};
use crate::{
    convert,
    error::WorkerError,
    work::{Moment, Work},
};

/// An update, or what is wrong with it.
pub(super) type Found = Result<Arc<Update>, Opinion>;

/// How long updates may be waited for: a part of what is left of the phase, as scoring takes time too.
const SHARE_OF_PHASE: u32 = 2;

/// Fetches the updates of these reveals, in their order. Those that the store does not have, or not in time, are `Unavailable`;
/// those that are no updates of this task are `Malformed`. An error says that the store itself failed: nobody else is to
/// blame.
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
    let round = moment.round.number;
    let known = match memory.updates.take() {
        Some((number, known)) if number == round => known,
        _ => BTreeMap::new(),
    };
    let mut fetches = Vec::with_capacity(reveals.len());
    for reveal in reveals {
        let (cid, known) = (reveal.cid, known.get(&reveal.cid).cloned());
        fetches.push(async move {
            match known {
                Some(update) => Ok(Ok(update)),
                None => fetch_one(&work.storage, &cid, limit, deadline, spec, encoding).await,
            }
        });
    }
    let found: Result<Vec<Found>, WorkerError> =
        stream::iter(fetches).buffered(evaluator.parallel_fetches).try_collect().await;
    let found = found.inspect_err(|_| memory.updates = Some((round, known.clone())))?;
    let mut kept = known;
    for (reveal, update) in reveals.iter().zip(&found) {
        match update {
            Ok(update) => drop(kept.insert(reveal.cid, update.clone())),
            Err(fault) => tracing::info!(
                task = moment.task.id, round, trainer = %reveal.account, cid = %reveal.cid, ?fault,
                "an update cannot be used"
            ),
        }
    }
    memory.updates = Some((round, kept));
    Ok(found)
}

async fn fetch_one(
    storage: &Storage,
    cid: &Cid,
    limit: u64,
    deadline: Instant,
    spec: &Arc<ModelSpec>,
    encoding: Encoding,
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
    let parsed = tokio::task::spawn_blocking(move || Update::from_bytes(&bytes, &spec, encoding));
    match parsed.await.map_err(|_| WorkerError::Aborted)? {
        Ok(update) => Ok(Ok(Arc::new(update))),
        Err(error) => {
            tracing::debug!(%cid, %error, "malformed");
            Ok(Err(Opinion::Malformed))
        }
    }
}

/// Whether an error of the store speaks against the update; `None` where it speaks against the store.
fn blame(error: &storage::Error) -> Option<Opinion> {
    use storage::Error;
    match error {
        Error::NotFound { .. } | Error::Unavailable { .. } => Some(Opinion::Unavailable),
        Error::TooLarge { .. } | Error::NotAFile { .. } | Error::Mismatch { .. } => {
            Some(Opinion::Malformed)
        }
        Error::Url { .. }
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
    use super::*;
    use decentralml_types::Codec;

    #[test]
    fn a_store_that_is_down_is_not_a_trainers_fault() {
        use storage::Error;
        let cid = Cid { codec: Codec::Raw, digest: [0; 32] };
        let url = || "http://127.0.0.1:5001".to_owned();
        assert_eq!(blame(&Error::NotFound { cid }), Some(Opinion::Unavailable));
        assert_eq!(blame(&Error::TooLarge { cid, limit: 1 }), Some(Opinion::Malformed));
        let wrong = Error::Mismatch { url: url(), cid, reason: String::new() };
        assert_eq!(blame(&wrong), Some(Opinion::Malformed));
        assert_eq!(blame(&Error::Unreachable { url: url(), reason: String::new() }), None);
        let silent = Error::Timeout { url: url(), command: "block/get", seconds: 30.0 };
        assert_eq!(blame(&silent), None);
    }
}
