//! Rounds with SCAFFOLD: seats agree on the server's control variate, and trainers keep their own.

use anyhow::{Context, Result, ensure};
use decentralml_learning::{ControlVariate, ModelSpec, Weights};
use decentralml_storage::Storage;
use decentralml_tests::{EVALUATORS, LONG, POCKET, System, TOKEN, honest, logs, wait_until};
use decentralml_types::{Cid, Phase, Role, RoundNumber, TaskId};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

const ROUNDS: RoundNumber = 3;
/// The last one's updates are rejected.
const TRAINERS: [(&str, &str); 4] =
    [("//T1", "honest"), ("//T2", "honest"), ("//T3", "honest"), ("//T4", "sign-flip")];

/// In the place of the example's passes over the rows with momentum.
const REPLACEMENTS: [(&str, &str); 3] = [
    ("epochs = 5", "steps = 40"),
    ("learning_rate = 0.15", "learning_rate = 0.2"),
    ("optimizer = \"sgd\"\nmomentum = 0.9", "optimizer = \"scaffold\""),
];

/// The files in which a trainer has kept its variates, by their rounds.
fn variates(system: &System, uri: &str, task: TaskId) -> Result<BTreeMap<RoundNumber, PathBuf>> {
    let mut files = BTreeMap::new();
    for file in std::fs::read_dir(system.records(uri, Role::Trainer, task)?)? {
        let file = file?;
        let name = file.file_name();
        let round = name.to_str().and_then(|name| name.strip_prefix("variate-")?.split('-').next());
        let round = round.and_then(|round| round.parse::<RoundNumber>().ok());
        files.extend(round.map(|round| (round, file.path())));
    }
    Ok(files)
}

#[tokio::test(flavor = "multi_thread")]
async fn control_variates_are_attested_and_kept_though_a_trainer_is_killed() -> Result<()> {
    let uris = TRAINERS.map(|(uri, _)| uri);
    let people = [&uris[..], &EVALUATORS].concat();
    let system = System::prepared(&people, TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    let task = system.create_task(ROUNDS, TRAINERS.len(), &REPLACEMENTS)?;
    let mut workers = system.workers(task, &TRAINERS, &EVALUATORS.map(honest))?;
    wait_until("an update of a second round", LONG, async || {
        let files = variates(&system, uris[0], task)?;
        Ok(files.keys().any(|round| *round > 1).then_some(()))
    })
    .await
    .with_context(|| logs(&workers))?;
    workers[0].kill()?;
    workers[0].restart()?;
    is_the_mean(&system, task).await.with_context(|| logs(&workers))?;
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
    system.are_blameless(Role::Trainer, &uris).await?;
    system.are_blameless(Role::Evaluator, &EVALUATORS).await?;
    assert_eq!(system.sum_of_balances().await?, before);

    // Nothing of a task that is over stays; what a trainer that was stopped then had left goes at its next start.
    let trainer = &mut workers[1];
    wait_until("the end of a trainer", LONG, async || trainer.exited()).await?;
    let records = system.records(uris[1], Role::Trainer, task)?;
    assert!(!records.exists(), "{}", trainer.log());
    std::fs::create_dir(&records)?;
    std::fs::write(records.join("variate-9-00.safetensors"), b"of a round that was given up")?;
    trainer.restart()?;
    wait_until("the end of a trainer with nothing to do", LONG, async || trainer.exited()).await?;
    assert!(!records.exists(), "{}", trainer.log());
    Ok(())
}

/// Waits until the variate that a round starts from is the mean of those that all trainers go on from. It never is while a trainer has
/// one that the server does not know of: that of a rejected update goes before the next round is settled.
async fn is_the_mean(system: &System, task: TaskId) -> Result<()> {
    let storage = Storage::connect(&system.store.url).await?;
    wait_until("a variate that is the mean of the trainers'", LONG, async || {
        let view = system.chain.best().await?;
        let row = view.task(task).await?.context("the task")?;
        let rounds = view.rounds(task).await?.into_iter();
        let settled = rounds.filter(|round| round.phase == Phase::Settled);
        let Some(last) = settled.map(|round| round.number).max() else { return Ok(None) };
        let own = TRAINERS.map(|(uri, _)| variates(system, uri, task));
        let spec = storage.fetch(&row.spec.model, 1 << 20).await?;
        let spec = ModelSpec::from_canonical_json(&spec)?;
        let cid = row.state.context("a variate")?;
        let bytes = storage.fetch(&cid, Weights::byte_length(&spec) as u64).await?;
        let server = ControlVariate::from_bytes(&bytes, &spec)?;
        ensure!(server != ControlVariate::zero(&spec), "nothing was learned of the gradients");
        let mut mean = vec![0.0; spec.parameter_count()];
        for files in own {
            let files = files?;
            let Some((_, file)) = files.range(..=last).next_back() else { continue };
            let own = ControlVariate::from_bytes(&std::fs::read(file)?, &spec)?;
            for (mean, own) in mean.iter_mut().zip(own.values()) {
                *mean += f64::from(*own) / TRAINERS.len() as f64;
            }
        }
        let mut pairs = server.values().iter().zip(mean);
        Ok(pairs.all(|(server, mean)| (f64::from(*server) - mean).abs() < 1e-5).then_some(()))
    })
    .await
}
