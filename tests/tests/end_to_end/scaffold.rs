//! Rounds with SCAFFOLD: seats agree on the server's control variate, and trainers keep their own.

use crate::states::Run;
use anyhow::{Context, Result, ensure};
use decentralml_learning::{ControlVariate, ModelSpec, Weights};
use decentralml_storage::Storage;
use decentralml_tests::{LONG, System, TRAINERS, wait_until};
use decentralml_types::{Role, TaskId};
use std::collections::BTreeSet;

/// In the place of the example's passes over the rows with momentum.
const REPLACEMENTS: [(&str, &str); 3] = [
    ("epochs = 5", "steps = 40"),
    ("learning_rate = 0.15", "learning_rate = 0.2"),
    ("optimizer = \"sgd\"\nmomentum = 0.9", "optimizer = \"scaffold\""),
];

#[tokio::test(flavor = "multi_thread")]
async fn control_variates_are_attested_and_kept_though_a_trainer_is_killed() -> Result<()> {
    let mut run = Run::start(&TRAINERS, "variate-", &REPLACEMENTS).await?;
    is_there(&run.system, run.task).await.with_context(|| run.logs())?;
    run.finish().await?;

    // Nothing of a task that is over stays; what a trainer that was stopped then had left goes at its next start.
    wait_until("the end of a trainer", LONG, async || run.workers[1].exited()).await?;
    assert_eq!(run.carried(TRAINERS[1])?, BTreeSet::new(), "{}", run.workers[1].log());
    let left = run.system.records(TRAINERS[1], Role::Trainer, run.task)?;
    let left = left.join("variate-9-00.safetensors");
    std::fs::write(&left, b"of a round that was given up")?;
    let trainer = &mut run.workers[1];
    trainer.restart()?;
    wait_until("the end of a trainer with nothing to do", LONG, async || trainer.exited()).await?;
    assert!(!left.exists(), "{}", trainer.log());
    Ok(())
}

/// Fails unless the store has the variate that a round starts from, as long as it lasts.
async fn is_there(system: &System, task: TaskId) -> Result<()> {
    let storage = Storage::connect(&system.store.url).await?;
    wait_until("the variate of a round", LONG, async || {
        let view = system.chain.best().await?;
        let row = view.task(task).await?.context("the task")?;
        let spec = storage.fetch(&row.spec.model, 1 << 20).await?;
        let spec = ModelSpec::from_canonical_json(&spec)?;
        let Some(cid) = row.state else { return Ok(None) };
        let bytes = storage.fetch(&cid, Weights::byte_length(&spec) as u64).await?;
        let variate = ControlVariate::from_bytes(&bytes, &spec)?;
        ensure!(variate != ControlVariate::zero(&spec), "nothing was learned of the gradients");
        Ok(Some(()))
    })
    .await
}
