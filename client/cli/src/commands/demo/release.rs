//! The council's vote, and the model by its CID.

use super::cast::{Cast, Person};
use crate::{
    commands::{council::majority, model},
    context::spinner,
    exit::{Kind, problem},
    output::Out,
};
use color_eyre::Result;
use decentralml_learning::{Dataset, Evaluator, Metrics, ModelSpec, Weights};
use decentralml_sdk::{Chain, Event, ModelStatus, ModelVersion, Wait, call};
use decentralml_storage::Storage;
use decentralml_types::{Cid, TaskId};
use futures::future::try_join_all;
use std::{fs, path::Path};

/// Proposes, votes, closes: the task's last version is released.
pub async fn release(
    task: TaskId,
    chain: &Chain,
    cast: &Cast,
    out: &mut Out<'_>,
) -> Result<ModelVersion> {
    let view = chain.finalized().await?;
    let last = view.last_version(task).await?;
    let version = last.ok_or_else(|| problem(Kind::Other, "there is no model to release"))?;
    let [first, ..] = cast.council.as_slice() else {
        return Err(problem(Kind::Other, "the council has no members"));
    };
    let bar = spinner("the council votes …");
    let threshold = majority(cast.council.len());
    let propose = call::propose(threshold, &call::release(task, version));
    let proposed = chain.submit(&first.signer, &propose, Wait::InBlock).await?;
    let (motion, index) = proposed
        .proposal()
        .ok_or_else(|| problem(Kind::Refused, "the chain tells of no motion"))?;
    let vote = call::vote(motion, index, true);
    let votes =
        cast.council.iter().map(|one: &Person| chain.submit(&one.signer, &vote, Wait::InBlock));
    try_join_all(votes).await?;
    let close = call::close(motion, index);
    let closed = chain.submit(&first.signer, &close, Wait::Finalized).await?;
    bar.finish_and_clear();
    if let Some(Err(error)) = closed.motion_result() {
        return Err(problem(Kind::Refused, format!("the motion was not carried out: {error}")));
    }
    let ayes = closed
        .find("Council", "Closed")
        .and_then(ayes)
        .ok_or_else(|| problem(Kind::Other, "the chain does not tell how the council voted"))?;
    let view = chain.finalized().await?;
    let members = view.council().await?.len();
    let released = model::version(&view, task, version).await?;
    if !matches!(released.status, ModelStatus::Released { .. }) {
        return Err(problem(
            Kind::Other,
            format!("version {version} is not released after the vote"),
        ));
    }
    out.line(&format!(
        "\nrelease  motion {index}: {ayes} of {members} members for it, version {version} is released under {}",
        released.license,
    ))?;
    Ok(released)
}

/// How many were for the motion, as the chain counted when it was closed.
fn ayes(closed: &Event) -> Option<u64> {
    closed.fields.get("yes")?.as_u64()
}

/// The accuracy of every version of the task's model on the test part, in the order of the rounds.
pub async fn evaluate(
    task: TaskId,
    chain: &Chain,
    storage: &Storage,
    spec: &ModelSpec,
    test: &Dataset,
) -> Result<Vec<f64>> {
    let evaluator = Evaluator::new(spec, test)?;
    let mut accuracy = Vec::new();
    for version in chain.finalized().await?.models(Some(task)).await? {
        let weights = weights(&version.cid, storage, spec).await?;
        accuracy.push(evaluator.evaluate(&weights)?.accuracy);
    }
    Ok(accuracy)
}

/// Fetches the released model again, as an app would: by its CID, every byte checked; keeps it, and measures it on rows that
/// nobody has seen.
pub async fn fetch(
    released: &ModelVersion,
    storage: &Storage,
    spec: &ModelSpec,
    test: &Dataset,
    folder: &Path,
    out: &mut Out<'_>,
) -> Result<Metrics> {
    let weights = weights(&released.cid, storage, spec).await?;
    let bytes = weights.to_bytes();
    fs::write(folder.join("model.safetensors"), &bytes)?;
    let metrics = Evaluator::new(spec, test)?.evaluate(&weights)?;
    out.line(&format!(
        "model    {}: {} bytes, fetched by CID and verified, {:.1} % on {} rows that nobody has seen",
        released.cid,
        bytes.len(),
        metrics.accuracy * 100.0,
        metrics.rows,
    ))?;
    Ok(metrics)
}

async fn weights(cid: &Cid, storage: &Storage, spec: &ModelSpec) -> Result<Weights> {
    let bytes = storage.fetch(cid, Weights::byte_length(spec) as u64).await?;
    Ok(Weights::from_bytes(&bytes, spec)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ayes_are_those_that_the_chain_counted() {
        let closed = |fields| Event { pallet: "Council".into(), name: "Closed".into(), fields };
        assert_eq!(ayes(&closed(serde_json::json!({ "yes": 2, "no": 1 }))), Some(2));
        assert_eq!(ayes(&closed(serde_json::json!({ "no": 1 }))), None);
    }
}
