//! Updates that are challenged, and a case from the accusation to its end.

use anyhow::{Context, Result};
use decentralml_sdk::{AccountId, ChallengeStage, Signer};
use decentralml_tests::{
    BOND, EVALUATORS, LONG, POCKET, System, TOKEN, honest, logs, stop, wait_until,
};
use decentralml_types::{Phase, Role};
use serde_json::{Value, json};

/// It demands blocks, and so is the reporter. The other two judge.
const CHALLENGER: &str = "//Alice";
const JUDGES: [&str; 2] = ["//Bob", "//Charlie"];
/// Both show nothing, and the council believes one of them.
const GUILTY: &str = "//T4";
/// See [`GUILTY`].
const FREED: &str = "//T5";

fn event<'a>(done: &'a Value, pallet: &str, name: &str) -> &'a Value {
    let events = done["events"].as_array().expect("a list of events");
    let found = events.iter().find(|event| event["pallet"] == pallet && event["name"] == name);
    &found.unwrap_or_else(|| panic!("{pallet}.{name} in {done:#}"))["fields"]
}

fn amount(field: &Value) -> u128 {
    let text = field.as_str().map_or_else(|| field.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|_| panic!("{field} is no amount"))
}

fn id_of(uri: &str) -> AccountId {
    Signer::from_uri(uri).expect("a development key").account()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_answers_for_its_bytes_and_who_has_none_is_judged_by_the_council() -> Result<()> {
    let trainers = [
        ("//T1", "honest"),
        ("//T2", "honest"),
        ("//T3", "honest"),
        (GUILTY, "missing"),
        (FREED, "missing"),
    ];
    let people = [&trainers.map(|(uri, _)| uri)[..], &EVALUATORS].concat();
    let system = System::prepared(&people, trainers.len()).await?;
    let before = system.sum_of_balances().await?;
    // Seats ask for what is missing during half of this.
    let task = system.create_task(1, trainers.len(), &[("scoring = 60", "scoring = 40")])?;
    let mut workers = system.workers(task, &trainers, &EVALUATORS.map(honest))?;
    let id = task.to_string();
    let [answers, guilty, freed] = ["//T1", GUILTY, FREED].map(|uri| id_of(uri).to_string());
    wait_until("phase Scoring", LONG, async || {
        let round = system.chain.best().await?.round(task, 1).await?;
        Ok(round.filter(|round| round.phase >= Phase::Scoring).map(drop))
    })
    .await
    .with_context(|| logs(&workers))?;
    for trainer in [&answers, &guilty, &freed] {
        let opened = system.json(CHALLENGER, &["challenge", "open", &id, "1", trainer])?;
        event(&opened, "Challenges", "Challenged");
    }
    wait_until("an answer of the worker", LONG, async || {
        let row = system.chain.best().await?.challenged(task, 1, &id_of("//T1")).await?;
        Ok(row.filter(|row| row.stage == ChallengeStage::Answered).map(drop))
    })
    .await
    .with_context(|| logs(&workers))?;

    let mut cases = Vec::new();
    for (uri, silent) in [(GUILTY, &guilty), (FREED, &freed)] {
        let concluded = wait_until("the time to answer to be over", LONG, async || {
            Ok(Some(system.json(CHALLENGER, &["challenge", "conclude", &id, "1", silent])?))
        })
        .await
        .with_context(|| logs(&workers))?;
        let opened = event(&concluded, "Disputes", "Opened");
        assert_eq!((&opened["fault"], amount(&opened["amount"])), (&json!("Unanswered"), BOND));
        let case = opened["case"].to_string();
        let member = system.member(Role::Trainer, uri).await?;
        assert_eq!((member.bond, member.disputed), (0, BOND), "it waits, and is nobody's");
        let early = system.command(CHALLENGER)?.args(["case", "conclude", &case]).output()?;
        assert!(String::from_utf8_lossy(&early.stderr).contains("may still appeal"), "{early:?}");
        let appealed = system.json(uri, &["case", "appeal", &case])?;
        cases.push((case, amount(&event(&appealed, "Disputes", "Appealed")["bond"])));
    }
    let [(guilty_case, at_stake), (freed_case, _)] = &cases[..] else { panic!("{cases:?}") };
    let party =
        system.command(CHALLENGER)?.args(["case", "vote", guilty_case, "--guilty"]).output()?;
    assert!(String::from_utf8_lossy(&party.stderr).contains("a party to case"), "{party:?}");
    for judge in JUDGES {
        system.json(judge, &["case", "vote", guilty_case, "--guilty"])?;
        system.json(judge, &["case", "vote", freed_case, "--innocent"])?;
    }
    let shown = system.json(CHALLENGER, &["case", "show", guilty_case])?;
    assert_eq!(shown["votes"].as_array().map(Vec::len), Some(2), "{shown:#}");
    let ended = system.json(CHALLENGER, &["case", "conclude", guilty_case])?;
    assert_eq!(ended["fee"], 0);
    let executed = event(&ended, "Disputes", "Executed");
    assert_eq!(
        ["amount", "to_harmed", "to_reporter", "bond_lost"].map(|part| amount(&executed[part])),
        [BOND, BOND / 4, BOND / 4, *at_stake]
    );
    let ended = system.json(CHALLENGER, &["case", "conclude", freed_case])?;
    assert_eq!(amount(&event(&ended, "Disputes", "Freed")["amount"]), BOND);
    assert_eq!(system.json(CHALLENGER, &["case", "list"])?, json!([]));

    system.completed(task).await.with_context(|| logs(&workers))?;
    stop(&mut workers)?;
    system.settle(task).await.with_context(|| logs(&workers))?;
    // The chain forgets a trainer that has left without a bond, once nothing of it waits in a case.
    let view = system.chain.finalized().await?;
    for (uri, bond, faults) in [(GUILTY, 0, 1), (FREED, BOND, 0)] {
        if let Some(member) = view.member(Role::Trainer, &id_of(uri)).await? {
            let stands = (member.bond, member.disputed, member.faults);
            assert_eq!(stands, (bond, 0, faults), "{uri} is accused of nothing else");
        }
    }
    // It has its bonds back, the appeal's as well, and has paid fees alone.
    assert!(system.owned_by(FREED).await? > POCKET - TOKEN);
    assert!(system.owned_by(GUILTY).await? <= POCKET - BOND - at_stake);
    // It was paid for its update, and for the answer.
    assert!(system.owned_by("//T1").await? > POCKET + 3 * TOKEN, "{}", logs(&workers));
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}
