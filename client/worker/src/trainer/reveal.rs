//! Phase Revealing: open the commitment.

use decentralml_sdk::call;

use super::{Conduct, Trained, Trainer, name};
use crate::{
    error::WorkerError,
    work::{Moment, Work},
};

pub(super) async fn step(
    trainer: &Trainer,
    work: &Work,
    moment: &Moment,
) -> Result<(), WorkerError> {
    let (task, round) = (moment.task.id, moment.round.number);
    if trainer.conduct == Conduct::VanishAfterCommit {
        return Ok(());
    }
    let Some(latest) = moment.latest(work).await? else { return Ok(()) };
    let committed = latest.view.commitment(task, round, &work.account()).await?;
    let Some(committed) = committed.filter(|row| row.revealed.is_none()) else { return Ok(()) };
    let record = work.state.opening::<Trained>(task, &name(round), &committed.hash)?;
    let Some(record) = record else {
        return Err(WorkerError::Contradiction(format!(
            "round {round} of task {task}: the commitment on chain is not in this folder's records, so it cannot be \
             revealed; was it made with another state folder?"
        )));
    };
    // What the chain would refuse costs a fee.
    if !record.serves(&latest.origin(work)) {
        return Err(WorkerError::Contradiction(format!(
            "round {round} of task {task}: the commitment on chain is of an update to another model, which a fork had here, so \
             it cannot be revealed unless the chain comes back to that fork"
        )));
    }
    let Trained { cid, samples, sealed } = record.content;
    let plain_hash = sealed.map(|sealed| sealed.plain_hash);
    let reveal = call::reveal(task, round, cid, plain_hash, samples, record.salt);
    work.submit_once(reveal, &[("Results", "AlreadyRevealed")]).await?;
    tracing::info!(task, round, %cid, "revealed");
    Ok(())
}
