//! Phase Training: train, or take the update of a void round, store it, commit to it.

use std::ops::ControlFlow;

use codec::Encode;
use decentralml_learning::{Draw, LocalTraining, ModelSpec, Weights, train_corrected};
use decentralml_protocol::draw;
use decentralml_sdk::{Draw as Drawn, Place, call, encryption::Registered, random_32};
use decentralml_storage::unixfs;
use decentralml_types::{Hash, Label, Seed, commitment::UpdateCommitment};
use std::sync::Arc;

use super::{Conduct, Trained, Trainer, again, carried, gold, history::History, name};
use crate::{
    convert, enroll,
    error::WorkerError,
    handing,
    sealed::seal_update,
    state::{Sealed, What},
    wire::Wire,
    work::{Models, Moment, Work, compute},
};

/// What a malformed update consists of.
const GARBAGE: &[u8] = b"this is not a safetensors file";

pub(super) async fn step(
    trainer: &Trainer,
    work: &Work,
    models: &mut Models,
    moment: &Moment,
) -> Result<(), WorkerError> {
    let (task, round) = (moment.task.id, moment.round.number);
    if moment.view.commitment(task, round, &work.account()).await?.is_some() {
        return Ok(());
    }
    let draw = moment.view.place(task, round, Drawn::Trainers, &work.account()).await?;
    let Place::Drawn(place) = draw else { return Ok(()) };
    let origin = moment.origin(work);
    let record = match work.state.made_from::<Trained>(task, &name(round), &origin)? {
        Some(record) => record,
        None => {
            if !enroll::cover(work, task).await? {
                return Ok(());
            }
            let prepared = prepare(trainer, work, models, moment, place).await?;
            let Some(record) = prepared else { return Ok(()) };
            record
        }
    };
    if !handing::hand_over(work, moment, &record.content.cid).await? || moment.is_too_late(work) {
        return Ok(());
    }
    // The chain takes any commitment, and slashes one that cannot be revealed.
    let serves = |now: &Moment| now.origin(work) == origin;
    let Some(latest) = moment.latest(work).await?.filter(serves) else {
        tracing::warn!(
            task,
            round,
            "the chain asks for this update no more: it is not committed to"
        );
        return Ok(());
    };
    let anchor = moment.finalized(work).await.filter(serves).unwrap_or(latest).view.anchor();
    let commit = call::commit(task, round, record.hash);
    carried::sent(work, task, round, &origin)?;
    if work.commit(commit, anchor, &[("Results", "AlreadyCommitted")]).await? {
        tracing::info!(task, round, cid = %record.content.cid, "committed");
    }
    Ok(())
}

/// Makes the update and puts all that opens its commitment on disk. `None` where the phase ended meanwhile.
async fn prepare(
    trainer: &Trainer,
    work: &Work,
    models: &mut Models,
    moment: &Moment,
    place: u32,
) -> Result<Option<Sealed<Trained>>, WorkerError> {
    let known = gold::announce(trainer, work, moment).await?;
    let bytes = match again::again(trainer, work, moment).await? {
        Some(bytes) => bytes,
        None => {
            let (task, round) = (moment.task.id, moment.round.number);
            tracing::info!(task, round, place, "is drawn and trains");
            let model = models.get(work, moment).await?;
            let turned = known.is_some_and(|known| known.label == Label::Bad);
            let Some(made) = make(trainer, work, moment, model, turned).await? else {
                tracing::warn!(round, "the phase ended while it trained");
                return Ok(None);
            };
            let Made { bytes, history } = made;
            history.keep(work, moment).await?;
            again::keep(trainer, work, moment, bytes).await?
        }
    };
    let trained = store(trainer, work, moment, bytes).await?;
    let mark =
        known.and_then(|known| known.mark(trainer, work, moment.task.id, moment.round.number));
    let salt = match mark {
        Some(mark) => mark,
        None => random_32().ok_or(WorkerError::NoRandomness)?,
    };
    let hash = UpdateCommitment {
        genesis: work.chain.genesis(),
        task: moment.task.id,
        round: moment.round.number,
        account: &work.account(),
        base: moment.round.base,
        cid: trained.cid,
        plain_hash: trained.sealed.as_ref().map(|sealed| sealed.plain_hash),
        samples: trained.samples,
        salt,
    }
    .hash();
    let record = Sealed::new(moment.origin(work), trained, salt, hash);
    Ok(Some(work.state.add(moment.task.id, &name(moment.round.number), record)?))
}

/// An update, and what the next one goes on from.
struct Made {
    bytes: Vec<u8>,
    history: History,
}

impl Made {
    fn alone(bytes: Vec<u8>) -> Self {
        Self { bytes, history: History::default() }
    }
}

/// Trains and writes the update, with all signs turned where that is asked for. `None` where the phase ended meanwhile.
async fn make(
    trainer: &Trainer,
    work: &Work,
    moment: &Moment,
    (spec, base): (Arc<ModelSpec>, Arc<Weights>),
    turned: bool,
) -> Result<Option<Made>, WorkerError> {
    let wire = Wire::of(&moment.task.spec)?;
    let draw = rounding(work, moment);
    let nothing = |weights: &Weights| {
        let written = wire.write(weights, weights, &draw, None)?;
        Ok(Some(Made::alone(written.bytes)))
    };
    match trainer.conduct {
        Conduct::FreeRide => return nothing(&base),
        Conduct::Malformed | Conduct::OtherFile => return Ok(Some(Made::alone(GARBAGE.to_vec()))),
        Conduct::OtherShape => {
            let features = moment.task.spec.objective.features();
            let other = ModelSpec::mlp(features.saturating_add(1), &[], 2);
            return nothing(&Weights::init(&other, Seed::default()));
        }
        Conduct::Honest
        | Conduct::SignFlip
        | Conduct::TooLong
        | Conduct::Truncated
        | Conduct::VanishAfterCommit
        | Conduct::Missing
        | Conduct::WrongHash
        | Conduct::KeepsKey
        | Conduct::WrongKey => {}
    }
    let local = convert::training(&moment.task.spec, moment.task.settled_rounds);
    let local = LocalTraining { precision: trainer.precision, ..local };
    let mut history = History::before(work, moment, &spec, &wire).await?;
    let data = trainer.data.clone();
    let seed = shuffle_seed(work, moment);
    let flips = turned || trainer.conduct == Conduct::SignFlip;
    let trained = compute(work, moment, move |stopped| {
        let go_on = |_| match stopped.get() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let correction = history.correction()?;
        let correction = correction.as_ref();
        let outcome = train_corrected(&spec, &base, &data, &local, correction, seed, go_on)?;
        let written = history.write(&wire, &base, outcome.weights, &draw, flips)?;
        Ok::<_, WorkerError>((written, history, outcome.loss))
    });
    let Some(trained) = trained.await? else { return Ok(None) };
    let (written, history, loss) = trained?;
    let (round, norm, cut) = (moment.round.number, written.update.norm(), written.cut);
    tracing::info!(round, loss, norm, cut, "trained");
    if cut > 0 {
        tracing::warn!(round, cut, "weights are at the task's clip: larger changes are cut");
    }
    let mut bytes = written.bytes;
    match trainer.conduct {
        Conduct::TooLong => {
            let longer = moment.task.spec.max_update_bytes.saturating_add(1);
            bytes.resize(usize::try_from(longer).unwrap_or(usize::MAX), 0);
        }
        Conduct::Truncated => bytes.truncate(bytes.len() / 2),
        _ => {}
    }
    Ok(Some(Made { bytes, history }))
}

/// Stores the update, sealed where the task wants that. The task's limit is one of the plain bytes.
async fn store(
    trainer: &Trainer,
    work: &Work,
    moment: &Moment,
    bytes: Vec<u8>,
) -> Result<Trained, WorkerError> {
    let allowed = moment.task.spec.max_update_bytes;
    if bytes.len() as u64 > allowed && trainer.conduct != Conduct::TooLong {
        return Err(WorkerError::UpdateTooLong { found: bytes.len(), allowed });
    }
    let (bytes, sealed) = match moment.task.spec.custody.sealed {
        true => {
            let registered = Registered::read(&moment.view, &work.signer).await?;
            let own = registered.or_first(&work.signer);
            let sealing = tokio::task::spawn_blocking(move || seal_update(&bytes, &own));
            let (ciphertext, mut sealed) = sealing.await.map_err(|_| WorkerError::Aborted)??;
            if trainer.conduct == Conduct::WrongHash {
                sealed.plain_hash = Hash::default();
            }
            (ciphertext, Some(sealed))
        }
        false => (bytes, None),
    };
    let cid = match trainer.conduct {
        Conduct::OtherFile => moment.task.spec.validation_set,
        Conduct::Missing => unixfs::canonical_cid(&bytes),
        _ => work.pins.add(&work.state, moment.purpose(What::Update), bytes).await?,
    };
    Ok(Trained { cid, samples: trainer.samples(), sealed })
}

/// The draws of stochastic rounding: others in each task, in each round and for each trainer, the same after a restart.
fn rounding(work: &Work, moment: &Moment) -> Draw {
    let purpose = (b"rounding", moment.task.id, work.account().0).encode();
    let run = draw::key(&work.chain.genesis(), &purpose);
    Draw { run, round: moment.round.number, client: 0 }
}

/// The order of the rows: another in each round and for each trainer, the same after a restart.
fn shuffle_seed(work: &Work, moment: &Moment) -> Seed {
    let purpose = (moment.task.id, moment.round.number, work.account().0).encode();
    draw::key(&work.chain.genesis(), &purpose)
}
