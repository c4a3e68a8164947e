//! Revealed updates from the store and from hosts, and what is wrong with those that cannot be had or read.
//!
//! ```text
//!  fetch ──► gather   all that are missing, again and again until the time is over
//!              └────► attempt.rs   one update once: had, faulty, or absent
//!            kept.rs               what was had, in files of this process
//! ```

mod attempt;
mod kept;

use std::{pin::pin, sync::Arc, time::Duration};

use decentralml_learning::{ModelSpec, UpdateFile};
use decentralml_sdk::Reveal;
use decentralml_storage::{Storage, seal::SecretKey};
use decentralml_types::Opinion;
use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::{Evaluator, Memory};
use crate::{
    error::WorkerError,
    sources,
    wire::Wire,
    work::{Moment, Work},
};
use attempt::{Got, Reading};

pub(super) use kept::{Fetched, prefix};

/// An update, or what is wrong with it.
pub type Found = Result<UpdateFile, Opinion>;

/// How long updates may be waited for: a part of what is left of the phase, as scoring takes time too.
const SHARE_OF_PHASE: u32 = 2;
/// And, of that time, the keys of sealed ones: what they open has to be fetched too.
const SHARE_FOR_KEYS: f64 = 0.75;
/// The pause after the first attempt at what is absent; it doubles, up to the second. Towards the end it becomes shorter, down to half of
/// the third.
const PAUSES: (Duration, Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(30), Duration::from_secs(1));

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
        let (now, patience) = (Instant::now(), moment.time_left().await? / SHARE_OF_PHASE);
        Ok(Self { keys: now + patience.mul_f64(SHARE_FOR_KEYS), bytes: now + patience })
    }
}

/// Fetches the updates of these reveals, in their order, and opens sealed ones with the keys that they name. What nobody gives is asked for
/// again, with pauses, until `deadline` is near: who holds it may be out of reach for a while, and its trainer is not to pay for that. Then
/// it is `Unavailable`. Those that are no updates of this task are `Malformed`. `None` where the phase ends meanwhile.
///
/// An error says that the store itself failed: nobody else is to blame. The next block tries again, and a seat whose store does not
/// recover within the phase commits to nothing.
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
) -> Result<Option<Vec<Found>>, WorkerError> {
    let secrets: Arc<[SecretKey]> = match moment.task.spec.custody.sealed {
        true => memory.secrets(&work.signer),
        false => Arc::default(),
    };
    let wire = Wire::of(&moment.task.spec)?;
    let reading = Reading {
        // What is longer is no update of this model, and need not be read.
        limit: moment.task.spec.max_update_bytes.min(wire.most_bytes(spec)),
        deadline,
        spec,
        wire,
        secrets: &secrets,
    };
    let (task, round) = (moment.task.id, moment.round.number);
    if memory.fetched.as_ref().is_some_and(|fetched| !fetched.is_of(round)) {
        // The folder of the earlier round goes before the next one takes its place.
        memory.fetched = None;
    }
    let fetched = match &mut memory.fetched {
        Some(fetched) => fetched,
        none => none.insert(Fetched::new(work, task, round)?),
    };
    let parallel = evaluator.parallel_fetches;
    let found = gather(&Around { work, moment }, &reading, fetched, reveals, parallel).await?;
    for (reveal, update) in reveals.iter().zip(found.iter().flatten()) {
        if let Err(fault) = update {
            tracing::info!(
                task, round, trainer = %reveal.account, cid = %reveal.cid, ?fault,
                "an update cannot be used"
            );
        }
    }
    Ok(found)
}

/// Where updates may be.
trait Places: Sync {
    /// What is asked for an update at an attempt, the first one being 0.
    fn of(&self, reveal: &Reveal, attempt: usize) -> impl Future<Output = Storage> + Send;

    /// Returns once nobody needs the updates any more.
    fn over(&self) -> impl Future<Output = ()> + Send;
}

/// The places of a round.
struct Around<'a> {
    work: &'a Work,
    moment: &'a Moment,
}

impl Places for Around<'_> {
    async fn of(&self, reveal: &Reveal, attempt: usize) -> Storage {
        sources::for_update(self.work, self.moment, &reveal.account, attempt).await
    }

    async fn over(&self) {
        self.work.phase_over(self.moment).await;
    }
}

/// Each update once, then those that were absent again: no number of absent ones keeps others from being fetched.
async fn gather(
    places: &impl Places,
    reading: &Reading<'_>,
    fetched: &mut Fetched,
    reveals: &[Reveal],
    parallel: usize,
) -> Result<Option<Vec<Found>>, WorkerError> {
    let mut found: Vec<Option<Found>> =
        reveals.iter().map(|reveal| fetched.get(reveal).map(Ok)).collect();
    for attempt in 0.. {
        let mut missing = Vec::new();
        for (reveal, slot) in reveals.iter().zip(&mut found).filter(|(_, slot)| slot.is_none()) {
            let path = fetched.new_path();
            missing.push(async move {
                let storage = places.of(reveal, attempt).await;
                Ok::<_, WorkerError>((reveal, slot, reading.one(&storage, reveal, path).await?))
            });
        }
        let mut absent = 0;
        let mut answers = pin!(stream::iter(missing).buffer_unordered(parallel));
        while let Some(answer) = answers.next().await {
            let (reveal, slot, got) = answer?;
            match got {
                Got::Update(update) => {
                    fetched.insert(reveal, update.clone());
                    *slot = Some(Ok(update));
                }
                Got::Faulty(opinion) => *slot = Some(Err(opinion)),
                Got::Absent => absent += 1,
            }
        }
        let left = reading.deadline.saturating_duration_since(Instant::now());
        let Some(pause) = pause(attempt, left).filter(|_| absent > 0) else { break };
        tracing::info!(absent, attempt, again_in = ?pause, "updates are not to be had: tries again");
        tokio::select! {
            () = sleep(pause) => {}
            () = places.over() => return Ok(None),
        }
    }
    let found = found.into_iter().map(|found| found.unwrap_or(Err(Opinion::Unavailable)));
    Ok(Some(found.collect()))
}

/// The pause after an attempt; `None` where the time is almost over.
fn pause(attempt: usize, left: Duration) -> Option<Duration> {
    let (first, longest, least) = PAUSES;
    let doubled = first.saturating_mul(1 << attempt.min(16));
    (left >= least).then(|| doubled.min(longest).min(left / 2))
}

#[cfg(test)]
mod tests;
