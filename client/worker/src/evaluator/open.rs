//! Phase Verdict: open the scores.

use decentralml_sdk::call;

use super::{Conduct, Evaluator, Scores, name, own_seat, score::bounded};
use crate::{
    error::WorkerError,
    origin,
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
    let Some(latest) = moment.latest(work).await? else { return Ok(()) };
    let seat = own_seat(work, &latest).await?.filter(|seat| !seat.opened);
    let Some(seat) = seat else { return Ok(()) };
    let name = name("scores", round, committee);
    let Some(scores) = work.state.opening::<Scores>(task, &name, &seat.commitment)? else {
        return Err(WorkerError::Contradiction(format!(
            "round {round} of task {task}: the scores committed to on chain are not in this folder's records, so they \
             cannot be opened; were they made with another state folder?"
        )));
    };
    let reveals = latest.view.reveals(task, round).await?;
    let about = origin::of_scored(&latest.origin(work), committee, &reveals);
    if scores.content.updates.is_some_and(|updates| updates != about) {
        return Err(WorkerError::Contradiction(format!(
            "round {round} of task {task}: the scores committed to on chain are of other updates, which a fork had here, so they \
             are not opened unless the chain comes back to that fork"
        )));
    }
    let open = call::open_scores(task, round, bounded(scores.content.opinions)?, scores.salt);
    work.submit_once(open, &[("Validation", "AlreadyOpened")]).await?;
    tracing::info!(task, round, committee, "opened its scores");
    Ok(())
}
