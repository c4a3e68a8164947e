//! What `trainer run` and `evaluator run` share.

use crate::{
    commands::trainer::Which,
    context::Context,
    daemon::StopRequest,
    exit::{Kind, OfKind, problem},
    transfer,
    units::{Amount, Size, Weight, role},
};
use color_eyre::{Result, eyre::WrapErr};
use decentralml_types::Role;
use decentralml_worker::{Common, WorkerError, shutdown::Trigger};
use std::{fs, pin::pin, time::Duration};

/// Whole tokens that a worker bonds at most, unless told otherwise.
const MAX_BOND: &str = "10";

/// Bytes of a worker's own store, unless told otherwise.
const OWN_STORE: u64 = 1 << 30;

/// How long a worker has to come to a stop: it ends what it has begun to send.
const GRACE: Duration = Duration::from_secs(20);

/// Looks at chain and store once, so that what is wrong is said at once, and makes the worker's folder.
pub async fn prepare(
    context: &Context,
    of: Role,
    which: Which,
    (max_bond, Weight(weight)): (Option<Amount>, Weight),
    own_store: Option<Size>,
    allow_private_hosts: bool,
) -> Result<Common> {
    let settings = &context.settings;
    let signer = context.signer()?;
    let chain = context.chain().await?;
    if let Some(id) = which.task {
        crate::context::task(&chain.best().await?, id).await?;
    }
    let max_bond = match max_bond {
        Some(amount) => amount.planck(chain.properties()),
        None => MAX_BOND.parse().and_then(|amount: Amount| amount.planck(chain.properties())),
    };
    context.storage().await?;
    let [a, b, c, d, ..] = chain.genesis();
    let name = format!("{}-{}-{a:02x}{b:02x}{c:02x}{d:02x}", role(of), signer.account());
    let state = settings.state.join(name);
    fs::create_dir_all(&state)
        .wrap_err_with(|| format!("the state folder {} cannot be made", state.display()))?;
    Ok(Common {
        chain: settings.chain.clone(),
        storage: settings.store.clone(),
        storage_token: settings.store_token()?,
        sources: context.sources()?,
        allow_private_hosts: allow_private_hosts || settings.allow_private_hosts,
        host: None,
        signer,
        state,
        own_store: own_store.map_or(Some(OWN_STORE), |Size(bytes)| (bytes > 0).then_some(bytes)),
        task: which.task,
        uploads: transfer::shown(context),
        max_bond: max_bond.of_kind(Kind::Usage)?,
        weight,
        exit_when_done: which.task.is_some(),
    })
}

/// Runs a worker; asks it to stop when the process is asked to, and gives it time to.
pub async fn until_stopped(
    worker: impl Future<Output = std::result::Result<(), WorkerError>>,
    trigger: Trigger,
    mut stop: StopRequest,
) -> Result<()> {
    let mut worker = pin!(worker);
    tokio::select! {
        ended = &mut worker => return Ok(ended?),
        () = stop.wait() => trigger.fire(),
    }
    tracing::info!("stopping");
    tokio::select! {
        ended = &mut worker => Ok(ended?),
        () = stop.wait() => Err(problem(Kind::Interrupted, "stopped at once, by a second request")),
        () = tokio::time::sleep(GRACE) => {
            Err(problem(Kind::Interrupted, "stopped in the midst of something that took too long"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_worker::shutdown;
    use tokio::{sync::oneshot, task::yield_now};

    #[tokio::test]
    async fn a_worker_whose_input_closes_is_given_time_to_end() {
        let (end, closed) = oneshot::channel();
        let (trigger, mut shutdown) = shutdown::channel();
        let worker = async move {
            shutdown.wait().await;
            for _ in 0..10 {
                yield_now().await;
            }
            Ok(())
        };
        drop(end);
        until_stopped(worker, trigger, StopRequest::until(Some(closed)).unwrap()).await.unwrap();
    }
}
