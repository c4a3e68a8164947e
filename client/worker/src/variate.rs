//! The server's control variate, of tasks with SCAFFOLD: seats and trainers start from the one that was attested.

use decentralml_learning::{ControlVariate, ModelSpec};

use crate::{
    error::WorkerError,
    model, sources,
    work::{Moment, Work},
};

/// The variate that the round starts from, from the store, and from hosts where the task asks for some or the store does not give it.
pub(crate) async fn of_server(
    work: &Work,
    moment: &Moment,
    model: &ModelSpec,
) -> Result<ControlVariate, WorkerError> {
    let (task, cid) = (&moment.task, moment.round.state.as_ref());
    if let Some(storage) = sources::without_hosts(work, task) {
        match model::fetch_variate(storage, model, cid).await {
            Err(error) if !error.is_final() => {
                tracing::debug!(task = task.id, %error, "looks for the server's variate at hosts");
            }
            found => return Ok(found?),
        }
    }
    let storage = sources::for_task(work, &moment.view, task).await;
    Ok(model::fetch_variate(&storage, model, cid).await?)
}
