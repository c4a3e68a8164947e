//! Pay that an account could not receive when it was claimed.

use anyhow::{Context, Result};
use decentralml_sdk::Signer;
use decentralml_tests::{
    EVALUATORS, LONG, SPONSOR, System, TOKEN, TRAINERS, honest, logs, wait_until,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_collects_in_the_end_what_it_could_not_receive_before() -> Result<()> {
    let system = System::prepared(&[TRAINERS, EVALUATORS].concat(), TRAINERS.len()).await?;
    // Whoever holds none of it cannot be paid less than this, and nobody earns as much.
    let asset = system.chain.best().await?.next_asset().await?;
    let create = ["asset", "create", "LAB", "--minimum", "5 LAB", "--mint", "1000 LAB"];
    system.json(SPONSOR, &create)?;
    let in_asset = format!("asset = {asset}");
    let settings = [
        ("asset = \"native\"", in_asset.as_str()),
        ("\"10 DML\"", "\"10 LAB\""),
        ("\"0.5 DML\"", "\"0.5 LAB\""),
    ];
    let task = system.create_task(1, TRAINERS.len(), &settings)?;
    let mut workers = system.workers(task, &TRAINERS.map(honest), &EVALUATORS.map(honest))?;
    let seat = Signer::from_uri(EVALUATORS[0])?.account();
    let owed = wait_until("the fee of a seat to be owed", LONG, async || {
        let debts = system.chain.best().await?.debts(task).await?;
        Ok(debts.into_iter().find(|(who, _)| *who == seat).map(|(_, owed)| owed))
    })
    .await
    .with_context(|| logs(&workers))?;
    assert_eq!(owed, TOKEN / 2);
    // It claims as soon as it can, and leaves some blocks later, once that is final.
    workers[TRAINERS.len()].kill()?;
    let id = asset.to_string();
    system.json(SPONSOR, &["asset", "mint", &id, "5 LAB", "--to", &seat.to_string()])?;
    workers[TRAINERS.len()].restart()?;
    wait_until("the fee to be collected", LONG, async || {
        let balance = system.chain.best().await?.asset_balance(asset, &seat).await?;
        Ok((balance == 5 * TOKEN + owed).then_some(()))
    })
    .await
    .with_context(|| logs(&workers))?;
    wait_until("all others to have tried", LONG, async || {
        let tried = |worker: &decentralml_tests::Process| worker.log().contains("still owed");
        Ok((workers.iter().filter(|worker| tried(worker)).count() == 5).then_some(()))
    })
    .await
    .with_context(|| logs(&workers))?;
    wait_until("the worker to tell", LONG, async || {
        let log = workers[TRAINERS.len()].log();
        Ok((log.matches("collected what was owed").count() == 1).then_some(()))
    })
    .await
    .with_context(|| logs(&workers))?;
    let debts = system.chain.best().await?.debts(task).await?;
    assert_eq!(debts.len(), 5, "{debts:?}");
    Ok(())
}
