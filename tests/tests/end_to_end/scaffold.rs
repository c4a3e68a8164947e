//! Rounds with SCAFFOLD: seats agree on the server's control variate, and trainers keep their own.

use anyhow::{Context, Result, ensure};
use decentralml_learning::{ControlVariate, ModelSpec, Weights};
use decentralml_storage::Storage;
use decentralml_tests::{
    EVALUATORS, LONG, POCKET, System, TOKEN, TRAINERS, honest, logs, wait_until,
};
use decentralml_types::{Cid, Phase, Role, TaskId};
use std::collections::BTreeSet;

const ROUNDS: u32 = 3;

/// In the place of the example's passes over the rows with momentum.
const REPLACEMENTS: [(&str, &str); 3] = [
    ("epochs = 5", "steps = 40"),
    ("learning_rate = 0.15", "learning_rate = 0.2"),
    ("optimizer = \"sgd\"\nmomentum = 0.9", "optimizer = \"scaffold\""),
];

/// Rounds of which a trainer has kept its variate.
fn variates(system: &System, uri: &str, task: TaskId) -> Result<BTreeSet<u32>> {
    let mut rounds = BTreeSet::new();
    for file in std::fs::read_dir(system.records(uri, Role::Trainer, task)?)? {
        let name = file?.file_name();
        let round = name.to_str().and_then(|name| name.strip_prefix("variate-")?.split('-').next());
        rounds.extend(round.and_then(|round| round.parse::<u32>().ok()));
    }
    Ok(rounds)
}

#[tokio::test(flavor = "multi_thread")]
async fn control_variates_are_attested_and_kept_though_a_trainer_is_killed() -> Result<()> {
    let people = [&TRAINERS[..], &EVALUATORS].concat();
    let system = System::prepared(&people, TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    let task = system.create_task(ROUNDS, TRAINERS.len(), &REPLACEMENTS)?;
    let mut workers = system.workers(task, &TRAINERS.map(honest), &EVALUATORS.map(honest))?;
    wait_until("an update of a second round", LONG, async || {
        let rounds = variates(&system, TRAINERS[0], task)?;
        Ok(rounds.iter().any(|round| *round > 1).then_some(()))
    })
    .await
    .with_context(|| logs(&workers))?;
    workers[0].kill()?;
    workers[0].restart()?;
    is_there(&system, task).await.with_context(|| logs(&workers))?;
    system.finish(task).await.with_context(|| logs(&workers))?;

    let view = system.chain.finalized().await?;
    let row = view.task(task).await?.context("the task")?;
    let rounds = view.rounds(task).await?;
    let settled: Vec<_> = rounds.iter().filter(|round| round.phase == Phase::Settled).collect();
    assert_eq!((row.settled_rounds, settled.len()), (ROUNDS, ROUNDS as usize));
    let mut states: Vec<Option<Cid>> = settled.iter().map(|round| round.state).collect();
    assert_eq!(states[0], None, "the first round starts from variates of zero");
    states.push(row.state);
    let known: BTreeSet<Cid> = states.iter().flatten().copied().collect();
    assert_eq!(known.len(), ROUNDS as usize, "each round moves the variate: {states:?}");

    // Only who attests what the quorum does is paid: every seat has had the same model and the same variate in each round.
    for uri in EVALUATORS {
        let owned = system.owned_by(uri).await?;
        assert!(owned > POCKET + TOKEN, "{uri} has {owned}\n{}", logs(&workers));
    }
    system.are_blameless(Role::Trainer, &TRAINERS).await?;
    system.are_blameless(Role::Evaluator, &EVALUATORS).await?;
    assert_eq!(system.sum_of_balances().await?, before);

    // Nothing of a task that is over stays; what a trainer that was stopped then had left goes at its next start.
    let trainer = &mut workers[1];
    wait_until("the end of a trainer", LONG, async || trainer.exited()).await?;
    assert_eq!(variates(&system, TRAINERS[1], task)?, BTreeSet::new(), "{}", trainer.log());
    let left = system.records(TRAINERS[1], Role::Trainer, task)?.join("variate-9-00.safetensors");
    std::fs::write(&left, b"of a round that was given up")?;
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
