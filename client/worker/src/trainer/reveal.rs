//! Phase Revealing: open the commitment.

use decentralml_sdk::call;

use super::{Conduct, Record, Trainer};
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
    let committed = moment.view.commitment(task, round, &work.account()).await?;
    let Some(committed) = committed.filter(|row| row.revealed.is_none()) else { return Ok(()) };
    let record = work.state.opening::<Record>(task, &Record::name(round), &committed.hash)?;
    let Some(record) = record else {
        return Err(WorkerError::Contradiction(format!(
            "round {round} of task {task}: the commitment on chain is not in this folder's records, so it cannot be \
             revealed; was it made with another state folder?"
        )));
    };
    let reveal = call::reveal(task, round, record.cid, record.samples, record.salt);
    work.submit_once(reveal, &[("Results", "AlreadyRevealed")]).await?;
    tracing::info!(task, round, cid = %record.cid, "revealed");
    Ok(())
}
