//! Control variates, of tasks with SCAFFOLD: seats and trainers start from the server's that was attested, and a trainer moves its own as
//! seats move that one.

use decentralml_learning::{ControlVariate, ModelSpec, Update};

use crate::{
    convert::Scaffold,
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

/// A trainer's own variate after an update that it has sent, where the task cuts updates to the norm `bound`: what seats make of the
/// update counts, as from that the server's variate follows.
pub(crate) fn after(
    own: &ControlVariate,
    server: &ControlVariate,
    sent: &Update,
    scaffold: &Scaffold,
    bound: Option<u64>,
) -> Result<ControlVariate, WorkerError> {
    let mut counted = sent.clone();
    if let Some(bound) = bound {
        counted.clip_norm(bound)?;
    }
    Ok(own.after(server, &counted, scaffold.way)?)
}
