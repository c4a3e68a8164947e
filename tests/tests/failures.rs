//! Rounds with people who misbehave and machines that fail, on spawned processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Result;
use decentralml_tests::{LONG, System, TOKEN, logs, wait_until};
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
    let system = System::start().await?;
    let uris: Vec<_> = trainers.iter().chain(&evaluators).map(|(uri, _)| *uri).collect();
    system.endow(&uris, 20 * TOKEN).await?;
    system.endow(&["//Sponsor"], 1_000 * TOKEN).await?;
    system.divide(trainers.len())?;
    let task = system.create_task(
        "//Sponsor",
        &[
            ("rounds = 15", "rounds = 1"),
            ("max = 6", "max = 7"),
            ("seats = 3\nquorum = 2", "seats = 4\nquorum = 3"),
            ("training = 60", "training = 20"),
            ("revealing = 30", "revealing = 8"),
        ],
    )?;
    let workers = system.workers(task, &trainers, &evaluators)?;
    let outcome = async {
        system.completed(task).await?;
        // Faults of others are settled by whoever looks after them: here the sponsor.
        system.settle("//Sponsor", task).await
    };
    outcome.await.map_err(|error| error.context(logs(&workers)))?;

    for (uri, conduct) in trainers {
        let owned = system.owned_by(uri).await?;
        let member = system.member(Role::Trainer, uri).await?;
        let slashed = matches!(conduct, "vanish-after-commit" | "malformed" | "missing");
        assert_eq!(member.faults, u32::from(slashed), "{uri} {conduct}\n{}", logs(&workers));
        match conduct {
            "honest" => assert!(owned > 20 * TOKEN, "{uri} has {owned}\n{}", logs(&workers)),
            _ => assert!(owned < 20 * TOKEN, "{uri} {conduct} has {owned}"),
        }
    }
    system.sum_of_balances().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_after_everything_in_it_was_killed_once() -> Result<()> {
    let mut system = System::start().await?;
    let trainers = ["//T1", "//T2", "//T3"];
    let evaluators = ["//E1", "//E2", "//E3"];
    system.endow(&[trainers, evaluators].concat(), 20 * TOKEN).await?;
    system.endow(&["//Sponsor"], 1_000 * TOKEN).await?;
    system.divide(trainers.len())?;
    let task = system
        .create_task("//Sponsor", &[("rounds = 15", "rounds = 5"), ("max = 6", "max = 3")])?;
    let mut workers = Vec::new();
    for (part, uri) in trainers.iter().enumerate() {
        workers.push(system.trainer(uri, task, part + 1, "honest")?);
    }
    for uri in evaluators {
        workers.push(system.evaluator(uri, task, "honest")?);
    }
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
        .map_err(|error| error.context(format!("killed: {kill}\n{}", logs(&workers))))?;
    }
    system.completed(task).await.map_err(|error| error.context(logs(&workers)))?;
    system.settle("//Sponsor", task).await.map_err(|error| error.context(logs(&workers)))?;
    for uri in trainers {
        let member = system.member(Role::Trainer, uri).await?;
        assert_eq!(member.faults, 0, "a crash is no fault");
    }
    system.sum_of_balances().await?;
    Ok(())
}
