//! A round that is void, and the next attempt from the same model: what was shown in the first is its trainers' own in the second.

use anyhow::{Context, Result};
use decentralml_sdk::{Draw, Reveal};
use decentralml_tests::{LONG, POCKET, Process, System, TRAINERS, honest, logs, stop, wait_until};
use decentralml_types::{BlockNumber, Failure, Phase, Role, RoundNumber, TaskId};

/// Blocks after the one in which the seed of the draw is known, on a busy machine.
const SOON: BlockNumber = 6;

/// The reveals of a round once all of it is revealed, sorted by trainer.
async fn revealed(system: &System, task: TaskId, round: RoundNumber) -> Result<Vec<Reveal>> {
    wait_until("all updates to be revealed", LONG, async || {
        let mut reveals = system.chain.best().await?.reveals(task, round).await?;
        reveals.sort_unstable_by_key(|reveal| reveal.account);
        Ok((reveals.len() == TRAINERS.len()).then_some(reveals))
    })
    .await
}

/// How many blocks after the seed was known each trainer of a round has committed.
async fn delays(system: &System, task: TaskId, round: RoundNumber) -> Result<Vec<BlockNumber>> {
    let started = system.chain.best().await?.round(task, round).await?.context("no such round")?;
    let mut known = None;
    let mut delays = Vec::new();
    for height in started.started_at..=system.chain.best().await?.number() {
        let view = system.chain.at_height(height).await?;
        if known.is_none() && view.drawn(task, round, Draw::Trainers).await?.is_some() {
            known = Some(height);
        }
        let committed = view.commitments(task, round).await?.len();
        let Some(known) = known else { continue };
        delays.resize(committed.max(delays.len()), height - known);
    }
    Ok(delays)
}

/// Plays a void round and the next one, and returns what was revealed in both.
async fn two_attempts(custody: &str) -> Result<[Vec<Reveal>; 2]> {
    const SEATS: [&str; 3] = ["//E1", "//E2", "//E3"];
    let system = System::prepared(&[TRAINERS, SEATS].concat(), TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    // What the first attempt has left out goes with whichever update is sent, so that it must be there for the second.
    let settings = [
        ("sealed = false", custody),
        ("scoring = 60", "scoring = 20"),
        (
            "bits = 16",
            "bits = 8\nrounding = \"stochastic\"\nkeep = \"10 %\"\nerror_feedback = true",
        ),
    ];
    let task = system.create_task(2, TRAINERS.len(), &settings)?;
    let mut evaluators = system.workers(task, &[], &SEATS.map(honest))?;
    wait_until("all evaluators to be enrolled", LONG, async || {
        let view = system.chain.best().await?;
        Ok((view.enrolled(task, Role::Evaluator).await? == 3).then_some(()))
    })
    .await
    .with_context(|| logs(&evaluators))?;
    // They are drawn for the first round, and are not there.
    stop(&mut evaluators)?;
    let mut trainers = system.workers(task, &TRAINERS.map(honest), &[])?;
    let first = revealed(&system, task, 1).await.with_context(|| logs(&trainers))?;
    // Nor is one of the trainers, for a while: all that it needs is in its folder.
    stop(&mut trainers[..1])?;
    trainers[0].restart()?;
    let void = wait_until("the first round to end", LONG, async || {
        let round = system.chain.best().await?.round(task, 1).await?;
        Ok(round.filter(|round| round.phase.is_final()))
    })
    .await
    .with_context(|| logs(&trainers))?;
    assert_eq!((void.phase, void.failure), (Phase::Void, Some(Failure::TooFewScores)));
    for evaluator in &mut evaluators {
        evaluator.restart()?;
    }
    let second = revealed(&system, task, 2).await.with_context(|| logs(&trainers))?;
    let told = || logs(&trainers) + &logs(&evaluators);
    let delays = delays(&system, task, 2).await.with_context(told)?;
    assert_eq!(delays.len(), TRAINERS.len(), "{delays:?}");
    assert!(delays.iter().all(|delay| *delay <= SOON), "{delays:?}\n{}", told());
    system.completed(task).await.with_context(told)?;
    system.settle(task).await.with_context(told)?;
    for (uri, trainer) in TRAINERS.iter().zip(&trainers) {
        assert!(system.owned_by(uri).await? > POCKET, "{uri}\n{}", told());
        // Rounds 1 and 3; another model is another task.
        assert_eq!(trained(trainer), 2, "{}", trainer.log());
    }
    system.are_blameless(Role::Trainer, &TRAINERS).await?;
    let updates = system.chain.finalized().await?.model(task, 1).await?.context("version 1")?;
    assert_eq!(updates.updates, 3, "{}", told());
    assert_eq!(system.sum_of_balances().await?, before);
    Ok([first, second])
}

fn trained(trainer: &Process) -> usize {
    trainer.log().matches("is drawn and trains").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_void_round_its_updates_are_committed_to_at_once_by_those_who_made_them()
-> Result<()> {
    let [first, second] = two_attempts("sealed = false").await?;
    for (first, second) in first.iter().zip(&second) {
        assert_eq!((first.account, first.cid), (second.account, second.cid));
        assert_eq!(first.samples, second.samples);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_void_round_sealed_updates_are_sealed_to_another_key_and_committed_to_at_once()
-> Result<()> {
    let [first, second] = two_attempts("sealed = true").await?;
    for (first, second) in first.iter().zip(&second) {
        assert_eq!((first.account, first.plain_hash), (second.account, second.plain_hash));
        assert!(first.plain_hash.is_some());
        assert_ne!(first.cid, second.cid, "the seats of the void round have the former key");
    }
    Ok(())
}
