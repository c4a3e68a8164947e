//! Gold results: what a sponsor's trainers make, what becomes of it, and what a seat that lies loses by it.

use crate::explain::{archive, explain};
use anyhow::{Context, Result};
use decentralml_tests::{
    EVALUATORS, LONG, SPONSOR, System, TRAINERS, honest, logs, stop, wait_until,
};
use decentralml_types::{Role, RoundNumber};
use std::collections::BTreeMap;

const ROUNDS: u32 = 4;
/// The sponsor's own.
const GOLD: [&str; 2] = ["//T4", "//T5"];
/// It says the opposite of what it finds.
const LIAR: &str = "//E4";

/// What the logs say was shown: the round, the label, whether it was confirmed, and how many seats have missed it.
fn shown(log: &str) -> Vec<(RoundNumber, String, bool, u32)> {
    let field = |line: &str, name: &str| {
        let rest = line.split_once(&format!("{name}=")).map(|(_, rest)| rest.to_owned());
        let word = rest.and_then(|rest| rest.split_whitespace().next().map(str::to_owned));
        word.map(|word| word.trim_matches('"').to_owned()).unwrap_or_default()
    };
    let lines = log.lines().filter(|line| line.contains("a gold result is shown"));
    lines
        .map(|line| {
            let number = |name| field(line, name).parse().unwrap_or(u32::MAX);
            (
                number("round"),
                field(line, "label"),
                field(line, "confirmed") == "true",
                number("missed"),
            )
        })
        .collect()
}

/// Labels come by chance, blank ones among them, so what is wanted follows from what was shown.
#[tokio::test(flavor = "multi_thread")]
async fn gold_results_are_confirmed_and_paid_and_cost_a_seat_that_lies_about_two_of_a_round()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let node = archive(folder.path())?;
    let system = System::on_chain(&node.url).await.with_context(|| node.process.log())?;
    let parts = TRAINERS.len() + GOLD.len();
    let people = [&TRAINERS[..], &GOLD, &EVALUATORS, &[LIAR]].concat();
    system.prepare(&people, parts).await?;
    let settings =
        [("\ngolds = 0", "\ngolds = 2"), ("seats = 3\nquorum = 2", "seats = 4\nquorum = 3")];
    let task = system.create_task(ROUNDS, parts, &settings)?;
    let evaluators = [&EVALUATORS.map(honest)[..], &[(LIAR, "liar")]].concat();
    let mut workers = Vec::new();
    for (part, uri) in (1..).zip(GOLD) {
        let file = format!("trainer-{part}.csv");
        workers.push(system.trainer_on(uri, task, &file, &["--classes", "10", "--gold", "bad"])?);
    }
    for (part, uri) in (1 + GOLD.len()..).zip(TRAINERS) {
        workers.push(system.trainer(uri, task, part, "honest")?);
    }
    for (uri, conduct) in &evaluators {
        workers.push(system.evaluator(uri, task, conduct)?);
    }
    system.completed(task).await.with_context(|| logs(&workers))?;
    let all = wait_until("everything to be shown", LONG, async || {
        let all: Vec<_> =
            workers[..GOLD.len()].iter().flat_map(|worker| shown(&worker.log())).collect();
        Ok((all.len() as u32 >= ROUNDS * 2).then_some(all))
    })
    .await
    .with_context(|| logs(&workers))?;
    stop(&mut workers)?;
    system.settle(task).await.with_context(|| logs(&workers))?;

    let mut missed = BTreeMap::<RoundNumber, u32>::new();
    for (round, label, confirmed, seats) in &all {
        let bad = label == "Bad";
        assert!(bad || label == "Blank", "{all:?}");
        assert_eq!(*confirmed, bad, "{all:?}");
        assert!(*seats <= u32::from(bad), "nobody honest was wrong: {all:?}");
        *missed.entry(*round).or_default() += seats;
    }
    system.are_blameless(Role::Evaluator, &EVALUATORS).await?;
    let guilty = missed.values().filter(|seats| **seats >= 2).count();
    let faults = system.member(Role::Evaluator, LIAR).await?.faults;
    // A first fault leaves half of the bond, which the next round does not take for enough.
    assert_eq!(faults > 0, guilty > 0, "{missed:?}");
    for (round, label, ..) in &all {
        if label == "Bad" {
            for uri in [GOLD[0], GOLD[1], SPONSOR, LIAR] {
                explain(&system, task, *round, uri).await?;
            }
            break;
        }
    }
    Ok(())
}
