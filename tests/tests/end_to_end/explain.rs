//! What `decentralml explain` says of those who took part in a round, and whether it adds up to what they have.

use anyhow::{Context, Result, ensure};
use decentralml_sdk::{Signer, Wait, call};
use decentralml_tests::{
    BOND, EVALUATORS, LONG, Process, SPONSOR, System, free_port, honest, logs, program, stop,
    wait_until,
};
use decentralml_types::{Phase, RoundNumber, TaskId};
use serde_json::Value;
use std::{path::Path, process::Command};

/// One more than a round takes.
const TRAINERS: [&str; 4] = ["//T1", "//T2", "//T3", "//T4"];
/// A seat that commits to scores and never opens them.
const CULPRIT: &str = "//E4";

#[tokio::test(flavor = "multi_thread")]
async fn everybody_s_part_in_a_round_is_explained_and_adds_up_to_the_balance() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let node = archive(folder.path())?;
    let system = System::on_chain(&node.url).await.with_context(|| node.process.log())?;
    let people = [&TRAINERS[..], &EVALUATORS, &[CULPRIT]].concat();
    system.prepare(&people, TRAINERS.len()).await?;
    let task = system.create_task(
        1,
        3,
        &[("seats = 3\nquorum = 2", "seats = 4\nquorum = 3"), ("verdict = 30", "verdict = 20")],
    )?;
    let evaluators = [&EVALUATORS.map(honest)[..], &[(CULPRIT, "never-opens")]].concat();
    let mut workers = system.workers(task, &TRAINERS.map(honest), &evaluators)?;
    let round = wait_until("the round to end", LONG, async || {
        let round = system.chain.best().await?.round(task, 1).await?;
        Ok(round.filter(|round| round.phase.is_final()))
    })
    .await
    .with_context(|| logs(&workers))?;
    assert_eq!(round.phase, Phase::Settled, "{}", logs(&workers));
    stop(&mut workers)?;
    system.settle(task).await.with_context(|| logs(&workers))?;

    // Of the four trainers three were drawn, and whoever was not has neither gained nor lost.
    let mut drawn = 0;
    for uri in TRAINERS {
        let told = explain(&system, task, 1, uri).await?;
        let steps = told["steps"].as_array().into_iter().flatten();
        let mut draws = steps.map(|step| &step["numbers"]["draw"]);
        let draw = draws.find(|draw| draw["draw"] == "trainers").context("no draw of trainers")?;
        if draw["drawn"] == false {
            assert!(step(&told, "Results.Committed").is_err(), "{told}");
            assert_eq!(told["sums"]["round"]["free"], 0, "{told}");
            continue;
        }
        drawn += 1;
        assert!(draw["place"].as_u64() < draw["places"].as_u64(), "{told}");
        for name in ["Results.Committed", "Results.Revealed"] {
            step(&told, name)?;
        }
        let judged = &step(&told, "Validation.Judged")?["numbers"]["judged"];
        assert_eq!(judged["opinions"].as_array().map(Vec::len), Some(3), "{told}");
        let gained = &told["sums"]["round"];
        assert_eq!(gained["held"], 0, "{told}");
        if judged["outcome"].get("accepted").is_some() {
            let pay = &step(&told, "Validation.Rewarded")?["numbers"]["pay"];
            assert_eq!(pay["weight"], judged["outcome"]["accepted"]["weight"], "{told}");
            assert_eq!(gained["free"], pay["amount"], "{told}");
        } else {
            assert_eq!(gained["free"], 0, "{told}");
        }
    }
    assert_eq!(drawn, 3);

    for uri in EVALUATORS {
        let told = explain(&system, task, 1, uri).await?;
        for name in ["Validation.ScoresCommitted", "Validation.ScoresOpened", "Validation.Attested"]
        {
            step(&told, name)?;
        }
        let seat = &step(&told, "Validation.Tallied")?["numbers"]["seat"];
        assert_eq!(seat["updates"], 3, "{told}");
        let pay = &step(&told, "Validation.Rewarded")?["numbers"]["pay"]["amount"];
        assert_eq!(&told["sums"]["round"]["free"], pay, "{told}");
    }

    culprit(&system, task).await?;
    misses(&system, task)
}

/// A node that forgets nothing.
pub(crate) fn archive(folder: &Path) -> Result<decentralml_tests::Node> {
    let port = free_port()?;
    let arguments = ["--dev", "--state-pruning", "archive", "--no-prometheus", "--no-telemetry"]
        .map(str::to_owned)
        .into_iter()
        .chain(["--base-path".to_owned(), folder.join("node").display().to_string()])
        .chain(["--rpc-port".to_owned(), port.to_string()])
        .chain(["--port".to_owned(), free_port()?.to_string()]);
    let log = folder.join("node.log");
    let process = Process::start("decentralml-node", arguments.collect(), Vec::new(), &log)?;
    Ok(decentralml_tests::Node { process, url: format!("ws://127.0.0.1:{port}") })
}

/// The slash waits in a case, and its execution is the last step.
async fn culprit(system: &System, task: TaskId) -> Result<()> {
    let told = explain(system, task, 1, CULPRIT).await?;
    assert_eq!(told["over"], false, "{told}");
    assert_eq!(told["sums"]["round"]["held"], 0, "{told}");
    let opened = step(&told, "Disputes.Opened")?;
    let fault = &opened["numbers"]["fault"];
    assert_eq!((&fault["fault"], &fault["percent"]), (&"not_opened".into(), &100.into()), "{told}");
    assert_eq!(fault["taken"].as_u64().map(u128::from), Some(BOND), "{told}");
    let case = opened["fields"]["case"].as_u64().context("the case has no number")?;
    let deadline = opened["fields"]["deadline"].as_u64().unwrap_or_default();

    wait_until("the time to appeal to end", LONG, async || {
        let now = system.chain.finalized().await?.number();
        Ok((u64::from(now) >= deadline).then_some(()))
    })
    .await?;
    let sponsor = Signer::from_uri(SPONSOR)?;
    system.chain.submit(&sponsor, &call::conclude_case(case), Wait::Finalized).await?;
    let told = explain(system, task, 1, CULPRIT).await?;
    assert_eq!(told["over"], true, "{told}");
    let executed = step(&told, "Disputes.Executed")?;
    assert_eq!(told["until"], executed["block"], "{told}");
    let lost = told["sums"]["round"]["held"].as_i64().map(i128::from);
    assert_eq!(lost, Some(-i128::try_from(BOND)?), "{told}");
    assert_eq!(told["sums"]["round"]["free"], 0, "{told}");
    Ok(())
}

/// What is not there is said to be missing.
fn misses(system: &System, task: TaskId) -> Result<()> {
    let [sponsor, nobody] =
        [SPONSOR, "//Nobody"].map(|uri| Signer::from_uri(uri).map(|s| s.account().to_string()));
    let (sponsor, nobody) = (sponsor?, nobody?);
    for (task, round, who, message) in [
        (task + 7, 1, &sponsor[..], "there is no task"),
        (task, 9, &sponsor, "has no round 9: its last is 1"),
        (task, 1, &nobody, "knows no account"),
        (task, 1, "no-such-key", "neither an address nor a key"),
    ] {
        let output = Command::new(program("decentralml")?)
            .envs(system.environment(SPONSOR))
            .args(["explain", &task.to_string(), &round.to_string(), who])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(6), "{said}");
        assert!(said.contains(message), "{message}: {said}");
    }
    Ok(())
}

/// What is said of somebody, after a look at the state of both ends: the sum is what the balance has changed by.
pub(crate) async fn explain(
    system: &System,
    task: TaskId,
    round: RoundNumber,
    uri: &str,
) -> Result<Value> {
    let account = Signer::from_uri(uri)?.account();
    let arguments = ["explain", &task.to_string(), &round.to_string(), &account.to_string()];
    let told = system.json(uri, &arguments)?;
    let owned = async |end: &str| {
        let block = told[end].as_u64().and_then(|block| block.try_into().ok());
        let view = system.chain.at_height(block.context("no such block")?).await?;
        let balance = view.balance(&account).await?;
        anyhow::Ok((i128::try_from(balance.free)?, i128::try_from(balance.reserved)?))
    };
    let (before, after) = (owned("from").await?, owned("until").await?);
    let sum = |part: &str| {
        let sums = told["sums"].as_object().into_iter().flatten();
        let sums = sums.filter(|(name, _)| *name != "difference");
        sums.map(|(_, sum)| i128::from(sum[part].as_i64().unwrap_or(i64::MAX))).sum::<i128>()
    };
    assert_eq!((sum("free"), sum("held")), (after.0 - before.0, after.1 - before.1), "{told}");
    assert_eq!(told["sums"]["unexplained"]["free"], 0, "{told}");
    assert_eq!(told["sums"]["unexplained"]["held"], 0, "{told}");
    let checks = told["checks"].as_array().context("no checks")?;
    assert!(!checks.is_empty() && checks.iter().all(|check| check["holds"] == true), "{told}");
    let blocks: Vec<_> = told["steps"].as_array().into_iter().flatten().collect();
    assert!(blocks.is_sorted_by_key(|step| step["block"].as_u64()), "{told}");
    // People are told the same, and that it adds up.
    let text = decentralml_tests::run(system.command(uri)?.args(arguments))?;
    ensure!(text.contains("The sum is the difference of the balance, exactly"), "{text}");
    Ok(told)
}

/// The last step of this name.
fn step<'a>(told: &'a Value, name: &str) -> Result<&'a Value> {
    let steps = told["steps"].as_array().context("no steps")?;
    let found = steps.iter().rev().find(|step| step["step"] == name);
    found.with_context(|| format!("no {name} in {told}"))
}
