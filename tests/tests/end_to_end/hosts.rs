//! Rounds of people who share no store: each has its own, and bytes go from host to host.

use anyhow::{Context, Result};
use decentralml_sdk::Signer;
use decentralml_storage::{SourceUrl, Storage, Store as Blocks, gateway::Gateway};
use decentralml_tests::{
    EVALUATORS, LONG, POCKET, Process, SPONSOR, Store, System, TRAINERS, free_port, logs, run,
    wait_until,
};
use decentralml_types::{Phase, Role, TaskId};
use serde_json::json;
use std::{future::pending, net::SocketAddr, path::Path, sync::Arc};

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

fn trainer_alone(system: &System, uri: &str, task: TaskId, part: usize) -> Result<Alone> {
    let data = system.folder().join(format!("data/trainer-{part}.csv")).display().to_string();
    let id = task.to_string();
    alone(system, uri, &["trainer", "run", "--task", &id, "--data", &data, "--classes", "10"])
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
        let Alone { store, worker } = trainer_alone(&system, uri, task, part)?;
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

/// The commands about announcements, on the sponsor's.
async fn announcements_come_and_go(system: &System, url: &str) -> Result<()> {
    let sponsor = Signer::from_uri(SPONSOR)?.account();
    let held = async || {
        let balance = system.chain.finalized().await?.balance(&sponsor).await?;
        anyhow::Ok(balance.reserved)
    };
    let before = held().await?;
    let announced = system.json(SPONSOR, &["host", "announce", url])?;
    assert_eq!((&announced["hosts"], &announced["changed"]), (&json!([url]), &json!(true)));
    assert_eq!(json!(held().await? - before), announced["deposit"]);
    assert_eq!(system.json(SPONSOR, &["host", "announce", url])?["changed"], false);
    // Anybody can look.
    let shown = system.json(TRAINERS[0], &["host", "show", &sponsor.to_string()])?;
    assert_eq!(shown, json!({ "account": sponsor.to_string(), "hosts": [url] }));
    run(system.command(SPONSOR)?.args(["host", "withdraw"]))?;
    assert_eq!(held().await?, before, "the deposit is free again");
    assert_eq!(system.json(SPONSOR, &["host", "show"])?["hosts"], json!([]));
    let nothing = run(system.command(SPONSOR)?.args(["host", "withdraw"])).unwrap_err();
    assert!(nothing.to_string().contains("has announced no hosts"), "{nothing}");
    Ok(())
}

/// Waits until a trainer has committed in round 1.
async fn committed(system: &System, task: TaskId, uri: &str) -> Result<()> {
    let account = Signer::from_uri(uri)?.account();
    wait_until("a commitment", LONG, async || {
        let view = system.chain.best().await?;
        Ok(view.commitment(task, 1, &account).await?.map(drop))
    })
    .await
}

/// Every update has to be at two hosts, and there are no more than these two. One is killed again and again: before anybody has handed
/// anything over, between two trainers, and in phase Scoring, in which the other one has to do. Two trainers are killed as well, while
/// they hand over.
#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_round_settles_while_a_host_and_trainers_are_killed() -> Result<()> {
    let people = [&TRAINERS[..], &EVALUATORS].concat();
    let system = System::prepared(&people, TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    let custody = [("hosts = 0", "hosts = 2"), ("sealed = false", "sealed = true")];
    let settings = [&custody[..], &[("training = 60", "training = 150")]].concat();
    let task = system.create_task(1, TRAINERS.len(), &settings)?;
    let gateway = gateway(&system, task).await?;
    announcements_come_and_go(&system, &gateway).await?;

    let addresses = [format!("127.0.0.1:{}", free_port()?), format!("127.0.0.1:{}", free_port()?)];
    let [mortal, steady] = addresses.each_ref().map(|address| format!("http://{address}"));
    run(system.command(SPONSOR)?.args(["host", "announce", &mortal, &gateway]))?;
    let id = task.to_string();
    let (mut evaluators, mut stores) = (Vec::new(), Vec::new());
    for (uri, options) in EVALUATORS.into_iter().zip([
        &["--host-listen", &addresses[1], "--announce", &steady][..],
        &[],
        &[],
    ]) {
        let arguments = [&["evaluator", "run", "--task", &id], options].concat();
        let Alone { store, worker } = alone(&system, uri, &arguments)?;
        evaluators.push(worker);
        stores.push(store);
    }
    let mut trainers = Vec::new();
    for (part, uri) in (1..).zip(TRAINERS) {
        let Alone { store, worker } = trainer_alone(&system, uri, task, part)?;
        trainers.push(worker);
        stores.push(store);
    }

    // One host of two does not take anything: no trainer commits.
    for (trainer, uri) in trainers.iter_mut().zip(TRAINERS).take(2) {
        wait_until("a trainer to hand over", LONG, async || {
            Ok(trainer.log().contains("hands the file to hosts").then_some(()))
        })
        .await
        .with_context(|| format!("{uri}: {}", trainer.log()))?;
        trainer.kill()?;
    }
    let committed_early = system.chain.best().await?.commitments(task, 1).await?;
    assert!(committed_early.is_empty(), "{committed_early:?}\n{}", logs(&trainers));

    let arguments = ["host", "run", "--host-listen", &addresses[0], "--announce", &mortal];
    let arguments = [&arguments[..], &["--announce", &gateway]].concat();
    let arguments = arguments.into_iter().map(str::to_owned).collect();
    let log = system.log("host");
    let mut host = Process::start("decentralml", arguments, system.environment(SPONSOR), &log)?;
    for (trainer, uri) in trainers.iter_mut().zip(TRAINERS).take(2) {
        trainer.restart()?;
        committed(&system, task, uri)
            .await
            .with_context(|| format!("{uri}: {}\n{}", trainer.log(), host.log()))?;
        let trained = trainer.log().matches("is drawn and trains").count();
        assert_eq!(trained, 1, "it goes on with what it had made: {}", trainer.log());
        // The next one hands over to a host that has been killed and started again.
        host.kill()?;
        host.restart()?;
    }
    let told = |everybody: &[&[Process]]| {
        everybody.iter().map(|some| logs(some)).collect::<String>() + "\n" + &log_of(&log)
    };
    let reveals = wait_until("phase Scoring", LONG, async || {
        let view = system.chain.best().await?;
        let round = view.round(task, 1).await?.filter(|round| round.phase == Phase::Scoring);
        Ok(match round {
            Some(_) => Some(view.reveals(task, 1).await?),
            None => None,
        })
    })
    .await
    .with_context(|| told(&[&trainers, &evaluators]))?;
    assert_eq!(reveals.len(), TRAINERS.len(), "{}", told(&[&trainers, &evaluators]));
    host.kill()?;

    system.completed(task).await.with_context(|| told(&[&trainers, &evaluators]))?;
    let model = system.chain.best().await?.model(task, 1).await?.context("version 1")?;
    assert_eq!(model.updates, 3, "{}", told(&[&trainers, &evaluators]));

    // What it took before it was killed it still has, until nobody needs it any more.
    host.restart()?;
    let storage = Storage::connect(&system.store.url).await?.with_sources(&[mortal.parse()?]);
    for reveal in &reveals {
        let bytes = wait_until("what the host keeps", LONG, async || {
            Ok(Some(storage.fetch(&reveal.cid, 1 << 30).await?))
        })
        .await
        .with_context(|| host.log())?;
        assert!(bytes.starts_with(b"age-encryption.org/v1"));
    }
    system.settle(task).await.with_context(|| told(&[&trainers, &evaluators]))?;
    wait_until("the host to let go", LONG, async || {
        Ok(host.log().contains("lets go of a round's updates").then_some(()))
    })
    .await
    .with_context(|| host.log())?;
    for reveal in &reveals {
        let gone = storage.fetch(&reveal.cid, 1 << 30).await.unwrap_err();
        assert!(matches!(gone, decentralml_storage::Error::NotFound { .. }), "{gone}");
    }
    for (role, uris) in [(Role::Trainer, TRAINERS), (Role::Evaluator, EVALUATORS)] {
        for uri in uris {
            let member = system.member(role, uri).await?;
            assert_eq!(member.faults, 0, "{uri}: {}", told(&[&trainers, &evaluators]));
        }
    }
    assert_eq!(system.sum_of_balances().await?, before);
    drop(stores);
    Ok(())
}

fn log_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
