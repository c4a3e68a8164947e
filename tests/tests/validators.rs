//! Four validators while a federated round runs: one fails and comes back, and the council changes the set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::{Context, Result};
use decentralml_sdk::{AccountId, Call, Chain, Signer, Wait, call};
use decentralml_tests::{System, TOKEN, Validator, start_validators, wait_until};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(180);

async fn finalized(validator: &Validator) -> Result<u32> {
    Ok(Chain::connect(&validator.url).await?.finalized().await?.number())
}

async fn reaches(validator: &Validator, height: u32) -> Result<()> {
    wait_until("finality", LONG, async || Ok((finalized(validator).await? >= height).then_some(())))
        .await
        .with_context(|| validator.process.log())
}

/// Two of the three council members propose, vote and close.
async fn council(chain: &Chain, change: &Call) -> Result<()> {
    let [alice, bob] = [Signer::from_uri("//Alice")?, Signer::from_uri("//Bob")?];
    let proposed = chain.submit(&alice, &call::propose(2, change), Wait::InBlock).await?;
    let (hash, index) = proposed.proposal().context("a proposal")?;
    for member in [&alice, &bob] {
        chain.submit(member, &call::vote(hash, index, true), Wait::InBlock).await?;
    }
    let closed = chain.submit(&alice, &call::close(hash, index), Wait::Finalized).await?;
    closed.motion_result().context("the motion was executed")?.map_err(anyhow::Error::msg)
}

async fn validators_are(chain: &Chain, expected: &[&AccountId]) -> Result<()> {
    let mut expected: Vec<_> = expected.iter().map(|account| account.0).collect();
    expected.sort_unstable();
    wait_until("the session's end", LONG, async || {
        let mut current: Vec<_> =
            chain.finalized().await?.validators().await?.iter().map(|account| account.0).collect();
        current.sort_unstable();
        Ok((current == expected).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn finality_survives_one_validator_and_the_council_changes_the_set_during_a_round()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut validators = start_validators(folder.path())?;
    let system = System::on_chain(&validators[0].url).await?;
    let chain = system.chain.clone();
    let trainers = ["//T1", "//T2", "//T3"];
    let evaluators = ["//E1", "//E2", "//E3"];
    system.endow(&[trainers, evaluators].concat(), 20 * TOKEN).await?;
    system.endow(&["//Sponsor"], 10_000 * TOKEN).await?;
    system.divide(trainers.len())?;
    let task = system
        .create_task("//Sponsor", &[("rounds = 15", "rounds = 100"), ("max = 6", "max = 3")])?;
    let mut workers = Vec::new();
    for (part, uri) in trainers.iter().enumerate() {
        workers.push(system.trainer(uri, task, part + 1, "honest")?);
    }
    for uri in evaluators {
        workers.push(system.evaluator(uri, task, "honest")?);
    }
    let settled = async || -> Result<u32> {
        Ok(chain.finalized().await?.task(task).await?.map_or(0, |task| task.settled_rounds))
    };
    wait_until("the first round", LONG, async || Ok((settled().await? > 0).then_some(())))
        .await
        .with_context(|| workers.iter().map(|worker| worker.log()).collect::<String>())?;

    let stopped_at = finalized(&validators[3]).await?;
    validators[3].process.kill()?;
    reaches(&validators[0], stopped_at + 10).await?;
    validators[3].process.restart()?;
    reaches(&validators[3], stopped_at + 10).await?;

    let accounts = ["//Alice", "//Bob", "//Charlie", "//Dave"]
        .map(|uri| Signer::from_uri(uri).expect("a development key").account());
    let [alice, bob, charlie, dave] = &accounts;
    council(&chain, &call::remove_validator(dave)).await?;
    validators_are(&chain, &[alice, bob, charlie]).await?;
    council(&chain, &call::add_validator(dave)).await?;
    council(&chain, &call::remove_validator(charlie)).await?;
    validators_are(&chain, &[alice, bob, dave]).await?;

    let (height, rounds) = (finalized(&validators[0]).await?, settled().await?);
    reaches(&validators[3], height + 5).await?;
    wait_until("rounds to go on", LONG, async || Ok((settled().await? > rounds).then_some(())))
        .await
}
