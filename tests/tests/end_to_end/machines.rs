//! A round among machines that share nothing but a bad network: `scripts/machines.sh` makes them.

use anyhow::{Context, Result};
use decentralml_storage::{SourceUrl, Storage};
use decentralml_tests::{
    EVALUATORS, HOST_PORTS, Machine, POCKET, Process, SPONSOR, Store, System, TRAINERS, free_port,
    logs, run, start_network, stop, wait_until,
};
use decentralml_types::{Phase, Role};
use serde_json::Value;
use std::{path::Path, time::Duration};

/// A connection needs up to twice the time that a cut lasts to go on, and a busy machine time of its own.
const PATIENCE: Duration = Duration::from_secs(300);
/// Bytes of updates after which the trainers are cut off: some of what the first of them sends to two hosts.
const CUT_AFTER: u64 = 200_000;
/// The port of the sponsor's gateway.
const GATEWAY: u16 = 8080;

/// A store of a machine's own, which only that machine reaches.
fn store(system: &System, machine: Machine, name: &str, options: &[&str]) -> Result<Store> {
    let listen = format!("127.0.0.1:{}", free_port()?);
    let folder = system.folder().join(format!("store-{name}")).display().to_string();
    let arguments = ["ipfs", "daemon", "--listen", &listen, "--folder", &folder];
    let log = system.folder().join(format!("store-{name}.log"));
    let process =
        machine.start("decentralml", &[&arguments, options].concat(), Vec::new(), &log)?;
    Ok(Store { process, url: format!("http://{listen}") })
}

/// A worker on a machine, with a store of its own.
fn worker(
    system: &System,
    machine: Machine,
    uri: &str,
    arguments: &[&str],
) -> Result<(Process, Store)> {
    let store = store(system, machine, uri.trim_matches('/'), &[])?;
    let mut environment = system.environment(uri);
    environment.retain(|(key, _)| key != "DECENTRALML_STORE");
    environment.push(("DECENTRALML_STORE".to_owned(), store.url.clone()));
    Ok((machine.start("decentralml", arguments, environment, &system.log(uri))?, store))
}

/// The node, which everybody reaches, and the sponsor's store, of which everybody can read what is in it.
async fn first_machine(folder: &Path) -> Result<(Process, System)> {
    let base = folder.join("node").display().to_string();
    let node = ["--dev", "--base-path", &base, "--no-mdns", "--no-prometheus", "--no-telemetry"];
    // Only methods that are safe are answered, as it is not told otherwise.
    let arguments = [&node[..], &["--rpc-port", "9944", "--rpc-external"]].concat();
    let log = folder.join("node.log");
    let node = Machine::First.start("decentralml-node", &arguments, Vec::new(), &log)?;
    let url = format!("ws://{}:9944", Machine::First.address());
    let mut system = System::on_chain(&url).await.with_context(|| node.log())?;
    let gateway = format!("{}:{GATEWAY}", Machine::First.address());
    system.store = store(&system, Machine::First, "sponsor", &["--gateway", &gateway])?;
    Ok((node, system))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "scripts/machines.sh makes the machines"]
async fn a_round_settles_among_machines_whose_network_delays_loses_and_is_cut() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let network = start_network(CUT_AFTER, &folder.path().join("network.log"))?;
    let (_node, system) = first_machine(folder.path()).await?;
    let people = [&TRAINERS[..], &EVALUATORS].concat();
    system.prepare(&people, TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    // Two hosts for each update, and updates of 307 kB, which are some time on their way.
    let replacements = [("hosts = 0", "hosts = 2"), ("units = 128", "units = 2048")];
    let task = system.create_task(1, TRAINERS.len(), &replacements)?;

    let id = task.to_string();
    let (mut workers, mut stores, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
    let places = [Machine::First, Machine::Third, Machine::Third];
    for ((uri, machine), port) in EVALUATORS.into_iter().zip(places).zip(HOST_PORTS) {
        let listen = format!("{}:{port}", machine.address());
        let url = format!("http://{listen}");
        let options = ["--host-listen", &listen, "--announce", &url];
        let arguments = [&["evaluator", "run", "--task", &id][..], &options].concat();
        let (evaluator, store) = worker(&system, machine, uri, &arguments)?;
        workers.push(evaluator);
        stores.push(store);
        hosts.push(url.parse::<SourceUrl>()?);
    }
    // Where the others find what the task begins with.
    let gateway = format!("http://{}:{GATEWAY}", Machine::First.address());
    run(system.command(SPONSOR)?.args(["host", "announce", &gateway]))?;
    for (part, uri) in (1..).zip(TRAINERS) {
        let data = system.folder().join(format!("data/trainer-{part}.csv")).display().to_string();
        let arguments = ["trainer", "run", "--task", &id, "--data", &data, "--classes", "10"];
        let (trainer, store) = worker(&system, Machine::Home, uri, &arguments)?;
        workers.push(trainer);
        stores.push(store);
    }
    let told = |workers: &[Process]| format!("{}\n----\n{}", network.log(), logs(workers));

    let round = wait_until("the round to end", PATIENCE, async || {
        let round = system.chain.best().await?.round(task, 1).await?;
        Ok(round.filter(|round| round.phase.is_final()))
    })
    .await
    .with_context(|| told(&workers))?;
    let outcome = (round.phase, round.seats, round.accepted);
    assert_eq!(outcome, (Phase::Settled, 3, 3), "{round:?}\n{}", told(&workers));
    system.completed(task).await.with_context(|| told(&workers))?;

    // The sponsor's store has what the task began with; the model comes from the third machine.
    let model = system.chain.best().await?.model(task, 1).await?.context("the model")?;
    let storage = Storage::connect(&system.store.url).await?;
    assert!(!storage.has(&model.cid).await?);
    assert!(!storage.with_sources(&hosts[1..]).fetch(&model.cid, 1 << 30).await?.is_empty());
    // Nobody reaches the trainers: hosts gave the updates. And the cut fell into what these were sent.
    for uri in TRAINERS {
        let log = std::fs::read_to_string(system.log(uri))?;
        assert!(log.contains("hosts hold the file"), "{uri}: {log}");
    }
    let story: Value = serde_json::from_str(&network.log()).with_context(|| told(&workers))?;
    assert!(story["bytes_of_updates_lost_in_the_cut"].as_u64() > Some(0), "{}", told(&workers));
    println!("{story}");

    stop(&mut workers)?;
    system.settle(task).await.with_context(|| told(&workers))?;
    for (role, uris) in [(Role::Trainer, TRAINERS), (Role::Evaluator, EVALUATORS)] {
        system.are_blameless(role, &uris).await.with_context(|| told(&workers))?;
    }
    for uri in people {
        assert!(system.owned_by(uri).await? > POCKET, "{uri}: {}", told(&workers));
    }
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}
