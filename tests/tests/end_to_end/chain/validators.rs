//! Validators while a federated round runs: one fails and comes back, one with keys of its own joins, one is voted out.

use anyhow::{Context, Result};
use decentralml_sdk::{AccountId, Call, Chain, Signer, View, Wait, call};
use decentralml_tests::{
    EVALUATORS, LONG, System, TRAINERS, Validator, honest, logs, run, start_validators, wait_until,
};
use decentralml_types::Role;
use serde_json::Value;

async fn finalized(validator: &Validator) -> Result<View> {
    Ok(Chain::connect(&validator.url).await?.finalized().await?)
}

async fn reaches(validator: &Validator, height: u32) -> Result<()> {
    wait_until("finality", LONG, async || {
        Ok((finalized(validator).await?.number() >= height).then_some(()))
    })
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

/// `decentralml validator <verb> --json`, by `uri` on the machine of its node.
fn operator(system: &System, node: &Validator, uri: &str, verb: &str) -> Result<Value> {
    let mut command = system.command(uri)?;
    command.args(["validator", verb, "--json", "--chain", &node.url]);
    Ok(serde_json::from_str(&run(&mut command)?)?)
}

/// Nobody registers keys that a node made for somebody else.
async fn keys_of_another_are_refused(node: &Validator, owner: &Signer) -> Result<()> {
    let chain = Chain::connect(&node.url).await?;
    let new = chain.rotate_session_keys(&owner.account()).await?;
    let stolen = call::set_session_keys(&new.keys, new.proof);
    let refused = chain.submit(&Signer::from_uri("//Eve")?, &stolen, Wait::InBlock).await;
    anyhow::ensure!(
        matches!(&refused, Err(error) if error.is_rejection("Session", "InvalidProof")),
        "{refused:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_fails_one_joins_with_new_keys_and_one_is_voted_out_during_a_round()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut validators = start_validators(folder.path())?;
    let system = System::on_chain(&validators[0].url).await?;
    let chain = system.chain.clone();
    let people = [&TRAINERS[..], &EVALUATORS, &["//Operator"]].concat();
    system.prepare(&people, TRAINERS.len()).await?;
    let task = system.create_task(100, TRAINERS.len(), &[])?;
    let workers = system.workers(task, &TRAINERS.map(honest), &EVALUATORS.map(honest))?;
    let settled = async || -> Result<u32> {
        Ok(chain.finalized().await?.task(task).await?.map_or(0, |task| task.settled_rounds))
    };
    wait_until("the first round", LONG, async || Ok((settled().await? > 0).then_some(())))
        .await
        .with_context(|| logs(&workers))?;

    let stopped_at = finalized(&validators[3]).await?.number();
    validators[3].process.kill()?;
    reaches(&validators[0], stopped_at + 10).await?;
    validators[3].process.restart()?;
    reaches(&validators[3], stopped_at + 10).await?;

    let newcomer =
        Validator::join(folder.path(), "local", "newcomer", &["--validator"], &validators)?;
    reaches(&newcomer, stopped_at + 10).await?;
    let operators_key = Signer::from_uri("//Operator")?;
    keys_of_another_are_refused(&newcomer, &operators_key).await?;
    operator(&system, &newcomer, "//Operator", "keys")?;
    let status = operator(&system, &newcomer, "//Operator", "status")?;
    assert_eq!(status["node_has_keys"], true, "{status}");
    assert_eq!(status["listed"], false, "{status}");

    let accounts = ["//Alice", "//Bob", "//Charlie", "//Dave"]
        .map(|uri| Signer::from_uri(uri).expect("a development key").account());
    let [alice, bob, charlie, dave] = &accounts;
    council(&chain, &call::add_validator(&operators_key.account())).await?;
    let least = chain.finalized().await?.parameters().await?.min_validator_bond;
    let gift = call::transfer(&operators_key.account(), least);
    chain.submit(&Signer::from_uri("//Alice")?, &gift, Wait::Finalized).await?;
    let bond = call::bond(Role::Validator, least);
    chain.submit(&operators_key, &bond, Wait::Finalized).await?;
    council(&chain, &call::remove_validator(charlie)).await?;
    validators_are(&chain, &[alice, bob, dave, &operators_key.account()]).await?;
    let status = operator(&system, &newcomer, "//Operator", "status")?;
    assert_eq!((&status["listed"], &status["now"]), (&true.into(), &true.into()), "{status}");

    wait_until("a final block of the newcomer", LONG, async || {
        let hash = finalized(&validators[0]).await?.hash();
        let text: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        // What a node says when it has made a block.
        let line = format!("Hash now 0x{text}");
        Ok(newcomer.process.log().contains(&line).then_some(()))
    })
    .await
    .with_context(|| newcomer.process.log())?;

    // Three of four votes make a block final, so without Dave's the newcomer's is needed.
    validators[3].process.kill()?;
    let (height, rounds) = (finalized(&validators[0]).await?.number(), settled().await?);
    reaches(&validators[0], height + 10).await?;
    reaches(&newcomer, height + 10).await?;
    wait_until("rounds to go on", LONG, async || Ok((settled().await? > rounds).then_some(())))
        .await
}
