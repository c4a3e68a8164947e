//! Rounds with people who misbehave and machines that fail, on spawned processes.

use anyhow::{Context, Result};
use decentralml_tests::{
    EVALUATORS, LONG, POCKET, System, TRAINERS, honest, logs, stop, wait_until,
};
use decentralml_types::{Role, TaskId};
use std::time::Duration;

async fn rounds_settled(system: &System, task: TaskId) -> Result<u32> {
    Ok(system.chain.best().await?.task(task).await?.map_or(0, |task| task.settled_rounds))
}

#[tokio::test(flavor = "multi_thread")]
async fn attackers_are_kept_out_slashed_where_it_is_provable_and_never_paid() -> Result<()> {
    let trainers = [
        ("//T1", "honest"),
        ("//T2", "honest"),
        ("//T3", "honest"),
        ("//T4", "vanish-after-commit"),
        ("//T5", "malformed"),
        ("//T6", "missing"),
        ("//T7", "sign-flip"),
    ];
    let evaluators = [("//E1", "honest"), ("//E2", "honest"), ("//E3", "honest"), ("//E4", "liar")];
    let people: Vec<_> = trainers.iter().chain(&evaluators).map(|(uri, _)| *uri).collect();
    let system = System::prepared(&people, trainers.len()).await?;
    let task = system.create_task(
        1,
        trainers.len(),
        &[
            ("seats = 3\nquorum = 2", "seats = 4\nquorum = 3"),
            ("training = 60", "training = 20"),
            ("revealing = 30", "revealing = 8"),
        ],
    )?;
    let mut workers = system.workers(task, &trainers, &evaluators)?;
    system.completed(task).await.with_context(|| logs(&workers))?;
    stop(&mut workers)?;
    system.settle(task).await.with_context(|| logs(&workers))?;

    for (uri, conduct) in trainers {
        let owned = system.owned_by(uri).await?;
        let member = system.member(Role::Trainer, uri).await?;
        let slashed = matches!(conduct, "vanish-after-commit" | "malformed" | "missing");
        assert_eq!(member.faults, u32::from(slashed), "{uri} {conduct}\n{}", logs(&workers));
        match conduct {
            "honest" => assert!(owned > POCKET, "{uri} has {owned}\n{}", logs(&workers)),
            _ => assert!(owned < POCKET, "{uri} {conduct} has {owned}"),
        }
    }
    system.sum_of_balances().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_after_everything_in_it_was_killed_once() -> Result<()> {
    let mut system = System::prepared(&[TRAINERS, EVALUATORS].concat(), TRAINERS.len()).await?;
    let task = system.create_task(5, TRAINERS.len(), &[])?;
    let mut workers = system.workers(task, &TRAINERS.map(honest), &EVALUATORS.map(honest))?;
    for kill in ["trainer", "evaluator", "store", "node"] {
        let before = rounds_settled(&system, task).await?;
        let pause = Duration::from_secs(3);
        match kill {
            "store" => {
                system.store.process.kill()?;
                tokio::time::sleep(pause).await;
                system.store.process.restart()?;
            }
            "node" => {
                let node = &mut system.node.as_mut().expect("the system runs its own").process;
                node.kill()?;
                tokio::time::sleep(pause).await;
                node.restart()?;
            }
            _ => {
                let worker = &mut workers[if kill == "trainer" { 0 } else { 3 }];
                worker.kill()?;
                tokio::time::sleep(pause).await;
                worker.restart()?;
            }
        }
        wait_until("another round after a kill", LONG, async || {
            Ok((rounds_settled(&system, task).await? > before).then_some(()))
        })
        .await
        .with_context(|| format!("killed: {kill}\n{}", logs(&workers)))?;
    }
    system.finish(task).await.with_context(|| logs(&workers))?;
    // A crash is no fault.
    system.are_blameless(Role::Trainer, &TRAINERS).await?;
    system.sum_of_balances().await?;
    Ok(())
}
