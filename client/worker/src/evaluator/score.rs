//! Phase Scoring: fetch the updates, measure them, commit to what was measured.

use std::{collections::BTreeSet, sync::Arc};

use decentralml_learning::Dataset;
use decentralml_sdk::{Draw, Place, Reveal, call, random_32};
use decentralml_types::{
    CommitteeNumber, Hash, Opinion, Opinions, Score, Seed, commitment::ScoresCommitment,
};

use super::{
    Conduct, Evaluator, Memory, Scores, await_keys, copies, judge, name, own_seat, updates,
};
use crate::{
    convert, enroll,
    error::WorkerError,
    model, origin,
    sealed::handed_to,
    sources,
    state::{Sealed, What},
    work::{Moment, Work, compute},
};

pub(super) async fn step(
    evaluator: &Evaluator,
    work: &Work,
    memory: &mut Memory,
    moment: &Moment,
) -> Result<(), WorkerError> {
    let (round, _, committee) = moment.phase();
    let task = moment.task.id;
    if own_seat(work, moment).await?.is_some() {
        return Ok(());
    }
    let draw = Draw::Committee(committee);
    let place = moment.view.place(task, round, draw, &work.account()).await?;
    let Place::Drawn(place) = place else { return Ok(()) };
    let sheet = Sheet::read(work, moment).await?;
    let name = name("scores", round, committee);
    let known = work.state.load::<Sealed<Scores>>(task, &name)?;
    let handed = known.map(|known| known.content.handed).unwrap_or_default();
    let scores = match work.state.made_from::<Scores>(task, &name, &sheet.origin(&handed))? {
        Some(scores) => scores,
        None => {
            if !enroll::cover(work, task).await? {
                return Ok(());
            }
            tracing::info!(task, round, committee, place, "has a seat and scores");
            let scores = prepare(evaluator, work, memory, moment, sheet.clone(), place).await?;
            let Some(scores) = scores else { return Ok(()) };
            work.state.add(task, &name, scores)?
        }
    };
    if moment.is_too_late(work) {
        return Ok(());
    }
    let handed = &scores.content.handed;
    let origin = scores.origin.unwrap_or_else(|| sheet.origin(handed));
    let latest = match moment.latest(work).await? {
        Some(latest) if Sheet::read(work, &latest).await?.origin(handed) == origin => latest,
        _ => {
            tracing::warn!(task, round, committee, "the chain asks for these scores no more");
            return Ok(());
        }
    };
    let anchor = match moment.finalized(work).await {
        Some(finalized) if is_that_of(work, &finalized, handed, &origin).await => {
            finalized.view.anchor()
        }
        _ => latest.view.anchor(),
    };
    let commit = call::commit_scores(task, round, committee, scores.hash);
    if work.commit(commit, anchor, &[("Validation", "AlreadyCommitted")]).await? {
        tracing::info!(task, round, committee, "committed to scores");
    }
    Ok(())
}

/// What a committee scores, and what its draw decides about how.
#[derive(Clone)]
struct Sheet {
    /// With the keys that were handed over to this committee.
    reveals: Vec<Reveal>,
    seed: Seed,
    committee: CommitteeNumber,
    /// Names the round.
    of_round: Hash,
    /// Names the updates.
    updates: Hash,
}

impl Sheet {
    async fn read(work: &Work, moment: &Moment) -> Result<Self, WorkerError> {
        let (round, _, committee) = moment.phase();
        let task = moment.task.id;
        let reveals = handed_to(committee, moment.view.reveals(task, round).await?);
        if reveals.len() != moment.round.updates as usize {
            return Err(WorkerError::Contradiction(format!(
                "round {round} of task {task} has {} updates, but {} are revealed",
                moment.round.updates,
                reveals.len()
            )));
        }
        let seed = moment.view.draw_seed(task, round, Draw::Committee(committee)).await?;
        // Whoever has a place knows the seed.
        let seed = seed.ok_or_else(|| {
            WorkerError::Contradiction(format!(
                "round {round}: the draw was closed during the phase"
            ))
        })?;
        let of_round = moment.origin(work);
        let updates = origin::of_scored(&of_round, committee, &reveals);
        Ok(Self { reveals, seed, committee, of_round, updates })
    }

    /// Names all that scores are made from which could use the keys of the updates `handed`, and no others: one that comes later
    /// changes nothing about them.
    fn origin(&self, handed: &BTreeSet<u32>) -> Hash {
        let used = |reveal: &Reveal| Reveal {
            handover: reveal.handover.filter(|_| handed.contains(&reveal.index)),
            ..*reveal
        };
        let used: Vec<Reveal> = self.reveals.iter().map(used).collect();
        origin::of_scores(&self.of_round, self.committee, &used, &self.seed)
    }
}

/// Whether another block, too, asks for such scores. One that cannot tell, as its draw is not open yet, does not.
async fn is_that_of(work: &Work, moment: &Moment, handed: &BTreeSet<u32>, origin: &Hash) -> bool {
    Sheet::read(work, moment).await.is_ok_and(|sheet| sheet.origin(handed) == *origin)
}

/// Opinions and what binds them. `None` where they cannot be had now: the phase ended, or there is nobody to copy yet.
async fn prepare(
    evaluator: &Evaluator,
    work: &Work,
    memory: &mut Memory,
    moment: &Moment,
    mut sheet: Sheet,
    place: u32,
) -> Result<Option<Sealed<Scores>>, WorkerError> {
    let (round, _, committee) = moment.phase();
    let task = moment.task.id;
    let count = sheet.reveals.len();
    let salt = random_32().ok_or(WorkerError::NoRandomness)?;
    let scores = |sheet: &Sheet, handed, opinions, hash| {
        let origin = sheet.origin(&handed);
        let (updates, seed) = (Some(sheet.updates), Some(sheet.seed));
        let content = Scores { place, opinions, updates, handed, seed };
        Some(Sealed::new(origin, content, salt, hash))
    };
    let mut handed = BTreeSet::new();
    if evaluator.conduct == Conduct::Copycat {
        let seats = moment.view.seats(task, round, committee).await?;
        let Some((_, copied)) = seats.first() else { return Ok(None) };
        return Ok(scores(&sheet, handed, vec![Opinion::Score(0); count], copied.commitment));
    }
    let opinions = match evaluator.conduct {
        Conduct::Liar => made_up(count)?,
        _ => {
            let Some(opinions) = measure(evaluator, work, memory, moment, &mut sheet).await? else {
                tracing::warn!(task, round, committee, "the phase ended while it scored");
                return Ok(None);
            };
            let reveals = sheet.reveals.iter().filter(|reveal| reveal.handover.is_some());
            handed.extend(reveals.map(|reveal| reveal.index));
            opinions
        }
    };
    let bounded = bounded(opinions.clone())?;
    let hash = ScoresCommitment {
        genesis: work.chain.genesis(),
        task,
        round,
        committee,
        account: &work.account(),
        opinions: &bounded,
        salt,
    }
    .hash();
    Ok(scores(&sheet, handed, opinions, hash))
}

/// Opinions on the updates of the sheet, which gets the keys that they were read with.
async fn measure(
    evaluator: &Evaluator,
    work: &Work,
    memory: &mut Memory,
    moment: &Moment,
    sheet: &mut Sheet,
) -> Result<Option<Vec<Opinion>>, WorkerError> {
    let (round, seed) = (moment.round.number, sheet.seed);
    let patience = updates::Patience::begin(moment).await?;
    let validation = validation(work, memory, moment).await?;
    let (model, base) = memory.models.get(work, moment).await?;
    let encoding = convert::encoding(&moment.task.spec)?;
    let reveals = await_keys::wait(work, moment, &sheet.reveals, patience.keys).await?;
    let Some(reveals) = reveals else { return Ok(None) };
    sheet.reveals = reveals;
    let reveals = &sheet.reveals;
    let found =
        updates::fetch(evaluator, work, memory, moment, &model, reveals, patience.bytes).await?;
    let Some(mut found) = found else { return Ok(None) };
    let committed: Vec<u32> = reveals.iter().map(|reveal| reveal.committed).collect();
    let cosine = moment.task.spec.aggregation.copy_cosine;
    let judged = compute(work, moment, move |stopped| {
        if let Some(distances) = copies::apart(&model, encoding, &found)? {
            found = copies::without_copies(found, &distances, &committed, cosine);
        }
        judge::judge(&model, &base, &validation, &found, encoding, seed, || stopped.get())
    });
    let opinions = match judged.await? {
        Some(judged) => judged.map_err(|error| memory.note(error))?,
        None => None,
    };
    if let Some(opinions) = &opinions {
        for (reveal, opinion) in reveals.iter().zip(opinions) {
            tracing::info!(round, trainer = %reveal.account, ?opinion, "scored");
        }
    }
    Ok(opinions)
}

/// The rows to score on; fetched once and kept pinned.
pub(super) async fn validation(
    work: &Work,
    memory: &mut Memory,
    moment: &Moment,
) -> Result<Arc<Dataset>, WorkerError> {
    let spec = &moment.task.spec;
    if let Some((cid, rows)) = &memory.validation
        && *cid == spec.validation_set
    {
        return Ok(rows.clone());
    }
    let cid = spec.validation_set;
    let new = work.pins.is_new(&cid).await.unwrap_or(false);
    let rows = Arc::new(fetch_validation(work, moment).await?);
    let purpose = moment.purpose(What::Rows);
    if let Err(error) = work.pins.pin(&work.state, purpose, cid, new).await {
        tracing::debug!(%error, "the validation set could not be pinned");
    }
    memory.validation = Some((cid, rows.clone()));
    Ok(rows)
}

/// From the store, and from hosts where the task asks for some or the store does not give it.
async fn fetch_validation(work: &Work, moment: &Moment) -> Result<Dataset, WorkerError> {
    let task = &moment.task;
    if let Some(storage) = sources::without_hosts(work, task) {
        match model::fetch_validation(storage, &task.spec).await {
            Err(WorkerError::Storage(error)) => {
                tracing::debug!(task = task.id, %error, "looks for the validation set at hosts");
            }
            found => return found,
        }
    }
    let storage = sources::for_task(work, &moment.view, task).await;
    model::fetch_validation(&storage, &task.spec).await
}

/// Opinions as the chain takes them.
pub(super) fn bounded(opinions: Vec<Opinion>) -> Result<Opinions, WorkerError> {
    let count = opinions.len();
    Opinions::try_from(opinions).map_err(|_| {
        WorkerError::Contradiction(format!("{count} updates are more than a round can have"))
    })
}

/// Scores out of thin air, of a few thousand micro-nats as real ones are.
fn made_up(count: usize) -> Result<Vec<Opinion>, WorkerError> {
    let score = |_| {
        let [a, b, ..] = random_32().ok_or(WorkerError::NoRandomness)?;
        Ok(Opinion::Score((Score::from(a) - 128) * 256 + Score::from(b)))
    };
    (0..count).map(score).collect()
}
