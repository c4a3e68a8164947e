//! Rounds of people who share no store: each has its own, and bytes go from host to host.

use anyhow::{Context, Result};
use decentralml_sdk::Signer;
use decentralml_storage::{SourceUrl, Storage, Store as Blocks, gateway::Gateway};
use decentralml_tests::{
    EVALUATORS, LONG, POCKET, Process, SPONSOR, Store, System, TRAINERS, free_port, logs, run,
    wait_until,
};
use decentralml_types::TaskId;
use std::{future::pending, net::SocketAddr, sync::Arc};

/// A gateway of this process to what a task begins with: its model and its validation set.
async fn gateway(system: &System, task: TaskId) -> Result<String> {
    let spec = system.chain.best().await?.task(task).await?.context("the task")?.spec;
    let blocks = Arc::new(Blocks::open(system.folder().join("gateway"))?);
    let storage = Storage::connect(&system.store.url).await?.with_cache(blocks.clone());
    for cid in [spec.model, spec.validation_set] {
        storage.fetch(&cid, 1 << 30).await?;
        storage.pin(&cid).await?;
    }
    let gateway = Gateway::bind(blocks, "127.0.0.1:0".parse::<SocketAddr>()?).await?;
    let url = gateway.url();
    tokio::spawn(gateway.run(pending()));
    Ok(url)
}

/// A worker with a store that nobody else uses.
struct Alone {
    store: Store,
    worker: Process,
}

fn alone(system: &System, uri: &str, arguments: &[&str]) -> Result<Alone> {
    let folder = system.folder().join(format!("store-{}", uri.trim_matches('/')));
    std::fs::create_dir_all(&folder)?;
    let store = Store::start(&folder)?;
    let mut environment = system.environment(uri);
    environment.retain(|(key, _)| key != "DECENTRALML_STORE");
    environment.push(("DECENTRALML_STORE".to_owned(), store.url.clone()));
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let log = system.log(uri);
    Ok(Alone { worker: Process::start("decentralml", arguments, environment, &log)?, store })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rounds_settle_among_people_who_share_no_store() -> Result<()> {
    let people = [&TRAINERS[..], &EVALUATORS].concat();
    let system = System::prepared(&people, TRAINERS.len()).await?;
    let task = system.create_task(2, TRAINERS.len(), &[("hosts = 0", "hosts = 2")])?;
    // The sponsor shows what the task begins with, and takes no updates.
    let gateway = gateway(&system, task).await?;
    run(system.command(SPONSOR)?.args(["host", "announce", &gateway]))?;

    let id = task.to_string();
    let (mut everybody, mut stores, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
    for uri in EVALUATORS {
        let address = format!("127.0.0.1:{}", free_port()?);
        let url = format!("http://{address}");
        let arguments =
            ["evaluator", "run", "--task", &id, "--host-listen", &address, "--announce", &url];
        let Alone { store, worker } = alone(&system, uri, &arguments)?;
        everybody.push(worker);
        stores.push(store);
        hosts.push(url.parse::<SourceUrl>()?);
    }
    for (part, uri) in (1..).zip(TRAINERS) {
        let data = system.folder().join(format!("data/trainer-{part}.csv")).display().to_string();
        let arguments = ["trainer", "run", "--task", &id, "--data", &data, "--classes", "10"];
        let Alone { store, worker } = alone(&system, uri, &arguments)?;
        everybody.push(worker);
        stores.push(store);
    }

    let model = wait_until("the first model", LONG, async || {
        Ok(system.chain.best().await?.model(task, 1).await?)
    })
    .await
    .with_context(|| logs(&everybody))?;
    assert_eq!(model.updates, 3, "{}", logs(&everybody));
    // The sponsor's store has nothing of it, and the hosts give it.
    let storage = Storage::connect(&system.store.url).await?;
    assert!(!storage.has(&model.cid).await?);
    let bytes = storage.with_sources(&hosts).fetch(&model.cid, 1 << 30).await?;
    assert!(!bytes.is_empty());

    system.completed(task).await.with_context(|| logs(&everybody))?;
    let second = system.chain.best().await?.model(task, 2).await?.context("version 2")?;
    assert_eq!(second.updates, 3, "{}", logs(&everybody));
    system.settle(task).await.with_context(|| logs(&everybody))?;
    for uri in people {
        let owned = system.owned_by(uri).await?;
        let account = Signer::from_uri(uri)?.account();
        let hosts = system.chain.finalized().await?.hosts(&account).await?;
        assert_eq!(hosts.is_empty(), TRAINERS.contains(&uri), "{uri}: {hosts:?}");
        assert!(owned > POCKET || !hosts.is_empty(), "{uri}: {owned}\n{}", logs(&everybody));
    }
    for uri in TRAINERS {
        let log = std::fs::read_to_string(system.log(uri))?;
        assert!(log.matches("hosts hold the file").count() >= 2, "{uri}: {log}");
    }
    drop(stores);
    Ok(())
}
