//! A real Kubo's gateway as a source of what another store lacks, and Kubos that have it from each other.

use crate::{
    CANONICAL, LOOSE, MIB, addr, gateway,
    pair::fresh,
    repository,
    support::{Daemon, patient, post, quick, upload},
    url,
};
use decentralml_storage::{Error, Progress, SourceUrl, Storage, parse_cid, unixfs::canonical_cid};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::sleep;

/// A client of a store that has nothing, with Kubo's gateway as its only source.
async fn client(daemon: &Daemon) -> Storage {
    let source: SourceUrl = gateway().parse().unwrap();
    Storage::connect_with(&daemon.url, quick()).await.unwrap().with_sources(&[source])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn what_the_own_store_lacks_comes_from_kubos_gateway() {
    let _others = LOOSE.read().await;
    let daemon = Daemon::start().await;
    let storage = client(&daemon).await;
    for size in [0, 1, MIB, 12 * MIB + 17] {
        let data = fresh(size);
        let cid = canonical_cid(&data);
        let added = upload(addr(), &format!("add?{CANONICAL}"), "name=\"path\"", &data).await;
        assert_eq!(added.json()["Hash"], cid.to_string());
        let seen = Mutex::new(None);
        let told = |at: Progress| *seen.lock().unwrap() = Some(at);
        assert!(storage.fetch_with(&cid, size as u64, told).await.unwrap() == data);
        let total = size as u64;
        assert_eq!(seen.into_inner().unwrap(), Some(Progress { done: total, total }));
    }
    assert_eq!(daemon.store.stat().unwrap().blocks, 0, "none of it was in the own store");
    // What nobody has is missing there, too, and not looked for without end.
    let absent = canonical_cid(&fresh(99));
    let error = storage.fetch(&absent, 100).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn a_form_of_kubos_own_comes_from_its_gateway_and_stays_in_the_own_store() {
    let _others = LOOSE.read().await;
    let daemon = Daemon::start().await;
    let data = fresh(3 * MIB + 5);
    // Chunks of another size, under CIDs of version 0.
    let added =
        upload(addr(), "add?cid-version=0&chunker=size-262144", "name=\"path\"", &data).await;
    let cid = parse_cid(added.json()["Hash"].as_str().unwrap()).unwrap();
    let storage = client(&daemon).await.with_cache(daemon.store.clone());
    assert!(storage.fetch(&cid, data.len() as u64).await.unwrap() == data);
    let kept = Storage::connect_with(&daemon.url, quick()).await.unwrap();
    assert!(kept.fetch(&cid, data.len() as u64).await.unwrap() == data, "from the own store alone");
}

/// The file in which a Kubo keeps a block of these bytes, of a length that no other block has.
fn block_file(folder: &Path, block: &[u8]) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Others come and go meanwhile.
        let Ok(found) = fs::metadata(&path) else { continue };
        if found.is_dir() {
            if let Some(file) = block_file(&path, block) {
                return Some(file);
            }
        } else if found.len() == block.len() as u64
            && fs::read(&path).is_ok_and(|file| file == block)
        {
            return Some(path);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn a_block_that_rots_on_a_kubos_disk_is_not_taken_from_its_gateway() {
    let _others = LOOSE.read().await;
    let daemon = Daemon::start().await;
    let data = fresh(2 * MIB + 123_457);
    let cid = canonical_cid(&data);
    upload(addr(), &format!("add?{CANONICAL}"), "name=\"path\"", &data).await;
    let leaf = &data[2 * MIB..];
    let file = block_file(&repository().join("blocks"), leaf).expect("Kubo keeps blocks as files");
    let mut rotten = leaf.to_vec();
    rotten[1000] ^= 1;
    fs::write(&file, &rotten).unwrap();
    let error = client(&daemon).await.fetch(&cid, data.len() as u64).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("wrong bytes") || text.contains(&gateway()), "{text}");
    fs::write(&file, leaf).unwrap();
    assert!(client(&daemon).await.fetch(&cid, data.len() as u64).await.unwrap() == data);
}

/// A second Kubo, in a repository of its own.
struct Kubo {
    repository: TempDir,
    url: String,
    process: Child,
}

impl Drop for Kubo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Kubo {
    async fn start() -> Self {
        let ipfs = env::var("DECENTRALML_IPFS").expect("DECENTRALML_IPFS is the program of Kubo");
        let repository = TempDir::new().unwrap();
        let command = |arguments: &[&str]| {
            let mut command = Command::new(&ipfs);
            command
                .args(arguments)
                .env("IPFS_PATH", repository.path())
                .env("IPFS_TELEMETRY", "off");
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        assert!(command(&["init", "--profile=test"]).status().unwrap().success());
        let process = command(&["daemon"]).spawn().unwrap();
        let mut kubo = Self { url: String::new(), process, repository };
        for _ in 0..300 {
            sleep(Duration::from_millis(200)).await;
            let api = fs::read_to_string(kubo.repository.path().join("api")).unwrap_or_default();
            let Some(port) = api.trim().rsplit('/').next().filter(|port| !port.is_empty()) else {
                continue;
            };
            kubo.url = format!("http://127.0.0.1:{port}");
            if Storage::connect_with(&kubo.url, quick()).await.is_ok() {
                return kubo;
            }
        }
        panic!("the second Kubo does not answer");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn what_one_client_gives_its_kubo_another_has_from_its_own() {
    let _others = LOOSE.read().await;
    let second = Kubo::start().await;
    let there = second.url.strip_prefix("http://").unwrap().parse().unwrap();
    let id = post(addr(), "id").await.json();
    let addresses = id["Addresses"].as_array().unwrap().iter().filter_map(|text| text.as_str());
    let loopback = addresses.into_iter().find(|text| text.starts_with("/ip4/127.0.0.1/tcp/"));
    let loopback = loopback.unwrap_or_else(|| panic!("{id}")).to_owned();
    let connected = post(there, &format!("swarm/connect?arg={loopback}")).await;
    assert!(connected.text().contains("success"), "{}", connected.text());

    let data = fresh(5 * MIB + 3);
    let one = Storage::connect_with(&url(), patient()).await.unwrap();
    let cid = one.add(data.clone()).await.unwrap().cid;
    let other = Storage::connect_with(&second.url, patient()).await.unwrap();
    assert!(!other.has(&cid).await.unwrap(), "asked without its peers it has nothing");
    assert!(other.fetch(&cid, data.len() as u64).await.unwrap() == data);
    other.pin(&cid).await.unwrap();
    drop(one);
    // It is its own now.
    let offline = post(there, &format!("dag/stat?arg={cid}&progress=false&offline=true")).await;
    assert_eq!(offline.json()["UniqueBlocks"], 7, "{}", offline.text());
}
