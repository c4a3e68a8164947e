//! Phase Verdict: open the scores.

use decentralml_sdk::call;

use super::{Conduct, Evaluator, Scores, name, own_seat, score::bounded};
use crate::{
    error::WorkerError,
    work::{Moment, Work},
};

pub(super) async fn step(
    evaluator: &Evaluator,
    work: &Work,
    moment: &Moment,
) -> Result<(), WorkerError> {
    let (round, _, committee) = moment.phase();
    let task = moment.task.id;
    if evaluator.conduct == Conduct::NeverOpens {
        return Ok(());
    }
    let seat = own_seat(work, moment).await?.filter(|seat| !seat.opened);
    let Some(seat) = seat else { return Ok(()) };
    let name = name("scores", round, committee);
    let Some(scores) = work.state.opening::<Scores>(task, &name, &seat.commitment)? else {
        return Err(WorkerError::Contradiction(format!(
            "round {round} of task {task}: the scores committed to on chain are not in this folder's records, so they \
             cannot be opened; were they made with another state folder?"
        )));
    };
    let open = call::open_scores(task, round, bounded(scores.opinions)?, scores.salt);
    work.submit_once(open, &[("Validation", "AlreadyOpened")]).await?;
    tracing::info!(task, round, committee, "opened its scores");
    Ok(())
}
