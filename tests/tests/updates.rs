//! A round with every kind of update that is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::{Context, Result};
use decentralml_sdk::Signer;
use decentralml_tests::{LONG, System, TOKEN, logs, wait_until};
use decentralml_types::{Fault, Outcome, Role, TaskId};

const TRAINERS: [(&str, &str); 8] = [
    ("//T1", "honest"),
    ("//T2", "honest"),
    ("//T3", "honest"),
    ("//T4", "missing"),
    ("//T5", "too-long"),
    ("//T6", "truncated"),
    ("//T7", "other-shape"),
    ("//T8", "other-file"),
];
const EVALUATORS: [(&str, &str); 3] = [("//E1", "honest"), ("//E2", "honest"), ("//E3", "honest")];

/// What each trainer puts at risk in the example's task.
const BOND: u128 = 5 * TOKEN;

/// What became of each trainer's update in round 1. Rows go when they are claimed, so this is asked while the round lives.
async fn outcomes(system: &System, task: TaskId) -> Result<Vec<Outcome>> {
    let accounts =
        TRAINERS.map(|(uri, _)| Signer::from_uri(uri).expect("a development key").account());
    wait_until("the verdicts", LONG, async || {
        let verdicts = system.chain.best().await?.verdicts(task, 1).await?;
        let outcome = |account| {
            let (_, verdict) = verdicts.iter().find(|(trainer, _)| trainer == account)?;
            verdict.outcome
        };
        Ok(accounts.iter().map(outcome).collect::<Option<Vec<_>>>())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_update_of_the_task_cost_their_trainers_the_bond_and_the_round_settles()
-> Result<()> {
    let system = System::start().await?;
    let uris = TRAINERS.iter().chain(&EVALUATORS).map(|(uri, _)| *uri).collect::<Vec<_>>();
    system.endow(&uris, 20 * TOKEN).await?;
    system.endow(&["//Sponsor"], 1_000 * TOKEN).await?;
    let before = system.sum_of_balances().await?;
    system.divide(TRAINERS.len())?;
    let task = system
        .create_task("//Sponsor", &[("rounds = 15", "rounds = 1"), ("max = 6", "max = 8")])?;
    let workers = system.workers(task, &TRAINERS, &EVALUATORS)?;
    let outcomes = outcomes(&system, task).await.with_context(|| logs(&workers))?;
    system.completed(task).await.with_context(|| logs(&workers))?;
    system.settle("//Sponsor", task).await.with_context(|| logs(&workers))?;

    for ((uri, conduct), outcome) in TRAINERS.into_iter().zip(outcomes) {
        let (owned, member) =
            (system.owned_by(uri).await?, system.member(Role::Trainer, uri).await?);
        let told = format!("{uri} {conduct}: {outcome:?}, {owned}, {member:?}");
        if conduct == "honest" {
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{told}\n{}", logs(&workers));
            assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
            assert!(owned > 20 * TOKEN, "{told}");
            continue;
        }
        let fault = if conduct == "missing" { Fault::Unavailable } else { Fault::Malformed };
        assert_eq!(outcome, Outcome::Faulty(fault), "{told}\n{}", logs(&workers));
        assert_eq!((member.faults, member.bond), (1, 0), "{told}");
        // Beside the bond it has lost nothing but fees.
        assert!(owned <= 20 * TOKEN - BOND, "{told}");
        assert!(owned > 20 * TOKEN - BOND - TOKEN / 2, "{told}");
    }
    let model = system.chain.finalized().await?.model(task, 1).await?.context("version 1")?;
    assert_eq!(model.updates, 3, "only updates that are some enter the model");
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}
