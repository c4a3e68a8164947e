//! Rounds that learn in every way at once: packed updates with error feedback, a robust rule, and a server's optimizer whose state the
//! committee agrees on.

use anyhow::{Context, Result, ensure};
use decentralml_learning::{Adaptive, ModelSpec, ServerOptimizer, ServerState, Weights};
use decentralml_sdk::Round;
use decentralml_storage::Storage;
use decentralml_tests::{EVALUATORS, LONG, POCKET, System, TOKEN, honest, logs, wait_until};
use decentralml_types::{Cid, Phase, Role, RoundNumber, TaskId};
use std::collections::BTreeSet;

const TRAINERS: [&str; 5] = ["//T1", "//T2", "//T3", "//T4", "//T5"];
const ROUNDS: RoundNumber = 3;

/// In the place of the example's plain mean of updates of 16 bits.
const REPLACEMENTS: [(&str, &str); 3] = [
    ("min = 3", "min = 5"),
    ("rule = \"mean\"", "rule = \"multi-krum\"\nhostile = 1\nkept = 3\nnorm_bound = 50"),
    (
        "[encoding]\nbits = 16\nfraction_bits = 12\nclip = 32767\n",
        "[server]\noptimizer = \"fedadam\"\nrate = 0.02\n\n[encoding]\nbits = 8\nrounding = \"stochastic\"\nkeep = 0.2\n\
         error_feedback = true\n",
    ),
];

/// Rounds of which a trainer has kept what its update left out.
fn left_out(system: &System, uri: &str, task: TaskId) -> Result<BTreeSet<RoundNumber>> {
    let folder = system.records(uri, Role::Trainer, task)?;
    let mut rounds = BTreeSet::new();
    for file in std::fs::read_dir(folder)? {
        let name = file?.file_name();
        let round =
            name.to_str().and_then(|name| name.strip_prefix("residual-")?.split('-').next());
        rounds.extend(round.and_then(|round| round.parse::<RoundNumber>().ok()));
    }
    Ok(rounds)
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_agree_on_models_and_states_of_packed_updates_though_workers_are_killed() -> Result<()>
{
    let people = [&TRAINERS[..], &EVALUATORS].concat();
    let system = System::prepared(&people, TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    let task = system.create_task(ROUNDS, TRAINERS.len(), &REPLACEMENTS)?;
    let mut workers = system.workers(task, &TRAINERS.map(honest), &EVALUATORS.map(honest))?;

    // The first trainer, once it has an update of a second round: what the first one left out is in it, or is on disk.
    wait_until("an update of a second round", LONG, async || {
        let rounds = left_out(&system, TRAINERS[0], task)?;
        Ok(rounds.iter().any(|round| *round > 1).then_some(()))
    })
    .await
    .with_context(|| logs(&workers))?;
    workers[0].kill()?;
    workers[0].restart()?;

    // The first evaluator, once a later round is to be scored: the state that the round starts from has to be fetched.
    let later = wait_until("scores in a round that starts from a state", LONG, async || {
        let rounds = system.chain.best().await?.rounds(task).await?;
        let training = [Phase::Training, Phase::Revealing];
        let later = |round: &Round| round.state.is_some() && !training.contains(&round.phase);
        Ok(rounds.into_iter().find(later))
    })
    .await
    .with_context(|| logs(&workers))?;
    workers[TRAINERS.len()].kill()?;
    workers[TRAINERS.len()].restart()?;
    is_there(&system, &later).await?;
    system.finish(task).await.with_context(|| logs(&workers))?;

    let view = system.chain.finalized().await?;
    let row = view.task(task).await?.context("the task")?;
    let rounds = view.rounds(task).await?;
    let settled: Vec<_> = rounds.iter().filter(|round| round.phase == Phase::Settled).collect();
    assert_eq!((row.settled_rounds, settled.len()), (ROUNDS, ROUNDS as usize));
    let mut states: Vec<Option<Cid>> = settled.iter().map(|round| round.state).collect();
    assert_eq!(states[0], None, "the first round starts from no state");
    states.push(row.state);
    let known: BTreeSet<Cid> = states.iter().flatten().copied().collect();
    assert_eq!(known.len(), ROUNDS as usize, "each round has a state of its own: {states:?}");

    // Only who attests what the quorum does is paid: every seat has had the same model and the same state in each round.
    for uri in EVALUATORS {
        let owned = system.owned_by(uri).await?;
        assert!(owned > POCKET + TOKEN, "{uri} has {owned}\n{}", logs(&workers));
    }
    system.are_blameless(Role::Trainer, &TRAINERS).await?;
    system.are_blameless(Role::Evaluator, &EVALUATORS).await?;
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
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
