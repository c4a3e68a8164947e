//! Phase Scoring of a sealed task: hand the update's key over to the seats that were drawn, once for each committee.
//!
//! A process that is killed on the way begins anew: all that is needed is in the record of the commitment and on chain. An envelope
//! that was stored before and never named is let go of with the update.

use decentralml_sdk::{Draw, Revealed, call, encryption::Registered};
use decentralml_types::Hash;

use super::{Conduct, Trained, Trainer, name};
use crate::{
    error::WorkerError,
    handing,
    sealed::seal_update,
    state::What,
    work::{Moment, Work},
};

pub(super) async fn step(
    trainer: &Trainer,
    work: &Work,
    moment: &Moment,
) -> Result<(), WorkerError> {
    let (round, _, committee) = moment.phase();
    let task = moment.task.id;
    if !moment.task.spec.custody.sealed || trainer.conduct == Conduct::KeepsKey {
        return Ok(());
    }
    let Some(latest) = moment.latest(work).await? else { return Ok(()) };
    let Some((hash, revealed)) = revealed(work, &latest).await? else { return Ok(()) };
    if has_handed_over(&latest, &revealed) || latest.is_too_late(work) {
        return Ok(());
    }
    let Some(seats) = Seats::read(&latest).await? else { return Ok(()) };
    let record = work.state.opening::<Trained>(task, &name(round), &hash)?;
    let sealed = record.and_then(|record| record.content.sealed);
    let Some(mut sealed) = sealed else {
        return Err(WorkerError::Contradiction(format!(
            "round {round} of task {task}: the key of the revealed update is not in this folder's records, so it cannot be handed \
             over; was it made with another state folder?"
        )));
    };
    if seats.keys.is_empty() {
        tracing::warn!(
            task,
            round,
            committee,
            "no drawn seat has a key to hand the update's over to"
        );
        return Ok(());
    }
    if trainer.conduct == Conduct::WrongKey {
        let own = Registered::Nothing.or_first(&work.signer);
        (_, sealed) = seal_update(b"something else", &own)?;
    }
    let envelope = sealed.for_seats(&work.signer, &seats.keys)?;
    let keys = work.pins.add(&work.state, moment.purpose(What::Update), envelope).await?;
    handing::offer(work, moment, &keys).await;
    if moment.is_too_late(work) {
        return Ok(());
    }
    // Another fork may have drawn other seats.
    let anchor = match moment.finalized(work).await {
        Some(finalized) if is_same(&finalized, &seats).await => finalized.view.anchor(),
        _ => latest.view.anchor(),
    };
    let hand_over = call::hand_over(task, round, committee, keys);
    if work.commit(hand_over, anchor, &[("Results", "AlreadyHandedOver")]).await? {
        tracing::info!(
            task, round, committee, seats = seats.keys.len(), of = seats.drawn, %keys,
            "handed the update's key over"
        );
    }
    Ok(())
}

/// Says once where the time for it is over: the update will be found unavailable.
pub(super) async fn look_back(
    trainer: &Trainer,
    work: &Work,
    moment: &Moment,
) -> Result<(), WorkerError> {
    let (round, _, committee) = moment.phase();
    let task = moment.task.id;
    if !moment.task.spec.custody.sealed {
        return Ok(());
    }
    let Some((_, revealed)) = revealed(work, moment).await? else { return Ok(()) };
    if has_handed_over(moment, &revealed) {
        return Ok(());
    }
    let is_news =
        trainer.missed.lock().is_ok_and(|mut missed| missed.insert((task, round, committee)));
    if is_news {
        tracing::warn!(
            task,
            round,
            committee,
            "the update's key was not handed over in time: the committee finds the update unavailable, which costs the bond if the \
             round settles; a trainer of a sealed task has to be online in phase Scoring"
        );
    }
    Ok(())
}

/// The account's commitment, and what it revealed of it.
async fn revealed(work: &Work, moment: &Moment) -> Result<Option<(Hash, Revealed)>, WorkerError> {
    let (task, round) = (moment.task.id, moment.round.number);
    let row = moment.view.commitment(task, round, &work.account()).await?;
    Ok(row.and_then(|row| row.revealed.map(|revealed| (row.hash, revealed))))
}

fn has_handed_over(moment: &Moment, revealed: &Revealed) -> bool {
    revealed.handover.is_some_and(|handover| handover.committee == moment.round.committee)
}

/// The keys of the drawn seats that have registered one.
#[derive(PartialEq, Eq)]
struct Seats {
    keys: Vec<decentralml_types::PublicKey>,
    drawn: usize,
}

impl Seats {
    /// `None` while it is not known who is drawn.
    async fn read(moment: &Moment) -> Result<Option<Self>, WorkerError> {
        let (round, _, committee) = moment.phase();
        let draw = Draw::Committee(committee);
        let Some(seats) = moment.view.drawn(moment.task.id, round, draw).await? else {
            return Ok(None);
        };
        let mut keys = Vec::with_capacity(seats.len());
        for seat in &seats {
            match moment.view.encryption_key(seat).await? {
                Some(key) => keys.push(key),
                None => tracing::debug!(%seat, "a drawn seat has no key: it can read nothing"),
            }
        }
        Ok(Some(Self { keys, drawn: seats.len() }))
    }
}

/// Whether another block, too, has these seats. One that cannot tell does not.
async fn is_same(moment: &Moment, seats: &Seats) -> bool {
    matches!(Seats::read(moment).await, Ok(Some(found)) if found == *seats)
}
