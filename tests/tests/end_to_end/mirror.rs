//! Released models, kept by somebody who took no part in their making.

use anyhow::{Context, Result};
use decentralml_sdk::{Chain, Signer, Wait, call};
use decentralml_storage::{Storage, Store as Blocks, gateway::Gateway};
use decentralml_tests::{
    EVALUATORS, Process, SPONSOR, Store, System, TRAINERS, honest, logs, run, stop, wait_until,
};
use decentralml_types::{Cid, TaskId};
use serde_json::Value;
use std::{future::pending, net::SocketAddr, sync::Arc, time::Duration};

const SOON: Duration = Duration::from_secs(90);

/// Has the council of a development chain decide.
async fn decide(chain: &Chain, motion: &call::Call) -> Result<()> {
    let [alice, bob] = ["//Alice", "//Bob"].map(Signer::from_uri);
    let (alice, bob) = (alice?, bob?);
    let proposed = chain.submit(&alice, &call::propose(2, motion), Wait::InBlock).await?;
    let (hash, index) = proposed.proposal().context("a motion")?;
    for member in [&alice, &bob] {
        chain.submit(member, &call::vote(hash, index, true), Wait::InBlock).await?;
    }
    let closed = chain.submit(&alice, &call::close(hash, index), Wait::Finalized).await?;
    anyhow::ensure!(closed.motion_result() == Some(Ok(())), "{closed:?}");
    Ok(())
}

/// A gateway of this process with the given files of a store.
async fn gateway(system: &System, files: &[Cid]) -> Result<String> {
    let blocks = Arc::new(Blocks::open(system.folder().join("gateway"))?);
    let storage = Storage::connect(&system.store.url).await?.with_cache(blocks.clone());
    for cid in files {
        storage.fetch(cid, 1 << 30).await?;
        storage.pin(cid).await?;
    }
    let gateway = Gateway::bind(blocks, "127.0.0.1:0".parse::<SocketAddr>()?).await?;
    let url = gateway.url();
    tokio::spawn(gateway.run(pending()));
    Ok(url)
}

/// The names of the pins of a store, by CID.
async fn pins(storage: &Storage) -> Result<Vec<(Cid, String)>> {
    Ok(storage.named_pins().await?.into_iter().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_model_is_mirrored_until_it_is_recalled() -> Result<()> {
    let system = System::prepared(&[&TRAINERS[..], &EVALUATORS].concat(), TRAINERS.len()).await?;
    let task: TaskId = system.create_task(1, TRAINERS.len(), &[])?;
    let mut workers = system.workers(task, &TRAINERS.map(honest), &EVALUATORS.map(honest))?;
    system.completed(task).await.with_context(|| logs(&workers))?;
    stop(&mut workers)?;
    wait_until("the model to be final", SOON, async || {
        Ok(system.chain.finalized().await?.model(task, 1).await?.map(drop))
    })
    .await?;
    let view = system.chain.finalized().await?;
    let model = view.model(task, 1).await?.context("version 1")?;
    let layers = view.task(task).await?.context("the task")?.spec.model;
    let source = gateway(&system, &[model.cid, layers]).await?;

    let folder = system.folder().join("mirror");
    std::fs::create_dir(&folder)?;
    let store = Store::start(&folder)?;
    let storage = wait_until("the mirror's store", SOON, async || {
        Ok(Some(Storage::connect(&store.url).await?))
    })
    .await?;
    let once = |options: &[&str]| -> Result<Value> {
        let mirror = [&["ipfs", "mirror", "--once", "--store", &store.url][..], options].concat();
        system.json("//Nobody", &mirror)
    };
    let nothing = once(&[])?;
    assert_eq!(
        (nothing["kept"].as_array().map(Vec::len), &nothing["pinned"]),
        (Some(0), &0.into())
    );

    decide(&system.chain, &call::release(task, 1)).await?;
    let alone = once(&[]).unwrap_err().to_string();
    assert!(alone.contains("--source"), "{alone}");
    // What the sponsor has announced is asked without being named, by who fetches and by who mirrors.
    run(system.command(SPONSOR)?.args(["host", "announce", &source]))?;
    let copy = folder.join("model").display().to_string();
    let id = task.to_string();
    let fetched = ["model", "fetch", &id, "1", "--out", &copy, "--store", &store.url];
    let fetched = system.json("//Nobody", &fetched)?;
    assert_eq!(fetched["cid"], model.cid.to_string());
    assert_eq!(std::fs::metadata(&copy)?.len(), fetched["bytes"].as_u64().context("bytes")?);
    assert!(!storage.has(&model.cid).await?, "it went to the file only");
    let mirrored = once(&[])?;
    assert_eq!((&mirrored["pinned"], &mirrored["failed"]), (&2.into(), &Value::Array(vec![])));
    let named = pins(&storage).await?;
    let name = |cid: Cid| named.iter().find(|(pin, _)| *pin == cid).map(|(_, name)| name.as_str());
    let [of_model, of_layers] = [model.cid, layers].map(|cid| name(cid).unwrap_or_default());
    assert!(of_model.starts_with(&format!("released model {task}/1")), "{named:?}");
    assert!(of_layers.starts_with(&format!("layers of task {task}")), "{named:?}");
    assert_eq!(once(&[])?["pinned"], 0, "it is there already");

    // One that goes on sees a recall, and ends when it is asked to. What others have pinned stays.
    let mine = storage.add(b"my own file".to_vec()).await?.cid;
    let arguments = ["ipfs", "mirror", "--store", &store.url].map(str::to_owned).to_vec();
    let environment = system.environment("//Nobody");
    let log = folder.join("mirror.log");
    let mut mirror = Process::start("decentralml", arguments, environment, &log)?;
    decide(&system.chain, &call::recall(task, 1, "a leak")?).await?;
    wait_until("the mirror to let go", SOON, async || {
        let left = pins(&storage).await?;
        Ok((left == [(mine, String::new())]).then_some(()))
    })
    .await
    .with_context(|| mirror.log())?;
    mirror.signal("INT")?;
    let code = wait_until("the mirror to end", SOON, async || mirror.exited()).await?;
    assert_eq!(code, 0, "{}", mirror.log());
    Ok(())
}
