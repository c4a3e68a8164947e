//! A round with every kind of update that is none.

use anyhow::{Context, Result};
use decentralml_tests::{BOND, EVALUATORS, POCKET, System, TOKEN, honest, logs, stop};
use decentralml_types::{Fault, Outcome, Role};

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

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_update_of_the_task_cost_their_trainers_the_bond_and_the_round_settles()
-> Result<()> {
    let trainers = TRAINERS.map(|(uri, _)| uri);
    let people = [&trainers[..], &EVALUATORS].concat();
    let system = System::prepared(&people, TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    // Seats ask for what is missing during half of this.
    let task = system.create_task(1, TRAINERS.len(), &[("scoring = 60", "scoring = 30")])?;
    let mut workers = system.workers(task, &TRAINERS, &EVALUATORS.map(honest))?;
    let outcomes = system.outcomes(task, &trainers).await.with_context(|| logs(&workers))?;
    system.completed(task).await.with_context(|| logs(&workers))?;
    stop(&mut workers)?;
    system.settle(task).await.with_context(|| logs(&workers))?;

    for ((uri, conduct), outcome) in TRAINERS.into_iter().zip(outcomes) {
        let (owned, member) =
            (system.owned_by(uri).await?, system.member(Role::Trainer, uri).await?);
        let told = format!("{uri} {conduct}: {outcome:?}, {owned}, {member:?}");
        if conduct == "honest" {
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{told}\n{}", logs(&workers));
            assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
            assert!(owned > POCKET, "{told}");
            continue;
        }
        let fault = if conduct == "missing" { Fault::Unavailable } else { Fault::Malformed };
        assert_eq!(outcome, Outcome::Faulty(fault), "{told}\n{}", logs(&workers));
        assert_eq!((member.faults, member.bond), (1, 0), "{told}");
        // The bond waits for what becomes of the case; until then nothing is lost but fees.
        assert!(owned <= POCKET, "{told}");
        assert!(owned > POCKET - TOKEN / 2, "{told}");
    }
    let model = system.chain.finalized().await?.model(task, 1).await?.context("version 1")?;
    assert_eq!(model.updates, 3, "only updates that are some enter the model");
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}
