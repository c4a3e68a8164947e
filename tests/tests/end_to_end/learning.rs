//! Rounds that learn in every way at once: packed updates with error feedback and worker momentum, a robust rule, and a server's optimizer
//! whose state the committee agrees on.

use crate::states::Run;
use anyhow::{Context, Result, ensure};
use decentralml_learning::{Adaptive, ModelSpec, ServerOptimizer, ServerState, Weights};
use decentralml_sdk::Round;
use decentralml_storage::Storage;
use decentralml_tests::{LONG, System, wait_until};
use decentralml_types::Phase;

const TRAINERS: [&str; 5] = ["//T1", "//T2", "//T3", "//T4", "//T5"];

/// In the place of the example's plain mean of updates of 16 bits.
const REPLACEMENTS: [(&str, &str); 4] = [
    ("min = 3", "min = 5"),
    ("momentum = 0.9", "momentum = 0.9\nworker_momentum = 0.5"),
    ("rule = \"mean\"", "rule = \"multi-krum\"\nhostile = 1\nkept = 3\nnorm_bound = 50"),
    (
        "[encoding]\nbits = 16\nfraction_bits = 12\nclip = 32767\n",
        "[server]\noptimizer = \"fedadam\"\nrate = 0.02\n\n[encoding]\nbits = 8\nrounding = \"stochastic\"\nkeep = 0.2\n\
         error_feedback = true\n",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn seats_agree_on_models_and_states_of_packed_updates_though_workers_are_killed() -> Result<()>
{
    let mut run = Run::start(&TRAINERS, &["residual-", "momentum-"], &REPLACEMENTS).await?;

    // The first evaluator, once a later round is to be scored: the state that the round starts from has to be fetched.
    let later = wait_until("scores in a round that starts from a state", LONG, async || {
        let rounds = run.system.chain.best().await?.rounds(run.task).await?;
        let training = [Phase::Training, Phase::Revealing];
        let later = |round: &Round| round.state.is_some() && !training.contains(&round.phase);
        Ok(rounds.into_iter().find(later))
    })
    .await
    .with_context(|| run.logs())?;
    run.workers[TRAINERS.len()].kill()?;
    run.workers[TRAINERS.len()].restart()?;
    is_there(&run.system, &later).await?;
    run.finish().await
}

/// Fails unless the store has the model and the state that a round starts from.
async fn is_there(system: &System, round: &Round) -> Result<()> {
    let task = system.chain.best().await?.task(round.task).await?.context("the task")?;
    let storage = Storage::connect(&system.store.url).await?;
    let spec = ModelSpec::from_canonical_json(&storage.fetch(&task.spec.model, 1 << 20).await?)?;
    let (base, state) = (round.base.context("a model")?, round.state.context("a state")?);
    let weights = storage.fetch(&base, Weights::byte_length(&spec) as u64).await?;
    Weights::from_bytes(&weights, &spec)?;
    let numbers = Adaptive { rate: 0.02, beta1: 0.9, beta2: 0.99, tau: 0.001 };
    let optimizer = ServerOptimizer::FedAdam(numbers);
    let bytes = storage.fetch(&state, ServerState::byte_length(&optimizer, &spec) as u64).await?;
    let state = ServerState::from_bytes(&bytes, &optimizer, &spec)?;
    ensure!(state != optimizer.start(&spec)?, "the server has learned nothing");
    Ok(())
}
