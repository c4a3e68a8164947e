//! A fetch that is interrupted.

use crate::{decentralml, run, stderr, store};
use decentralml_storage::{unfinished, unixfs};
use decentralml_types::Cid;
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// A gateway of this test's own that has the blocks of one file, notes which are asked for, and falls silent when it is told to.
struct Slow {
    url: String,
    asked: Arc<Mutex<Vec<Cid>>>,
    silent_about: Arc<Mutex<HashSet<Cid>>>,
}

impl Slow {
    fn start(blocks: HashMap<Cid, Vec<u8>>, silent_about: HashSet<Cid>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Cid>>>::default();
        let silent_about = Arc::new(Mutex::new(silent_about));
        let (log, silent, blocks) = (asked.clone(), silent_about.clone(), Arc::new(blocks));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, silent, blocks) = (log.clone(), silent.clone(), blocks.clone());
                thread::spawn(move || Self::answer(stream.unwrap(), &log, &silent, &blocks));
            }
        });
        Self { url, asked, silent_about }
    }

    /// One request, `GET /ipfs/CID?format=raw`.
    fn answer(
        mut stream: TcpStream,
        log: &Mutex<Vec<Cid>>,
        silent: &Mutex<HashSet<Cid>>,
        blocks: &HashMap<Cid, Vec<u8>>,
    ) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
        let first = lines.next()?.ok()?;
        while !lines.next()?.ok()?.is_empty() {}
        let cid: Cid = first.strip_prefix("GET /ipfs/")?.split('?').next()?.parse().ok()?;
        log.lock().unwrap().push(cid);
        if silent.lock().unwrap().contains(&cid) {
            thread::sleep(Duration::from_secs(3600));
        }
        let block = blocks.get(&cid)?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            block.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(block).ok()
    }
}

#[test]
fn a_fetch_that_was_killed_goes_on_where_it_was() {
    const MIB: usize = 1 << 20;
    let home = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..6 * MIB as u32).flat_map(u32::to_le_bytes).collect();
    let mut blocks = HashMap::new();
    let root = unixfs::import(&data[..], |block| {
        blocks.insert(block.cid(), block.data().to_vec());
        Ok::<(), std::io::Error>(())
    })
    .unwrap()
    .cid;
    let leaves: Vec<Cid> = data.chunks(MIB).map(unixfs::canonical_cid).collect();
    let slow = Slow::start(blocks, leaves[16..].iter().copied().collect());

    let (mut store, listening) = store(home.path(), &[]);
    let url = listening["url"].as_str().unwrap().to_owned();

    let target = home.path().join("model");
    let part = unfinished(&target, &root);
    let fetch = || {
        let mut command = decentralml(home.path());
        command
            .args(["model", "fetch", "--cid", &root.to_string(), "--json"])
            .args(["--store", &url, "--source", &slow.url, "--out"])
            .arg(&target)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    };
    let mut killed = fetch().spawn().unwrap();
    for _ in 0..6000 {
        if fs::metadata(&part).is_ok_and(|found| found.len() == 16 * MIB as u64) {
            break;
        }
        assert!(killed.try_wait().unwrap().is_none(), "it ended by itself");
        thread::sleep(Duration::from_millis(10));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(fs::metadata(&part).unwrap().len(), 16 * MIB as u64);
    assert!(!target.exists());

    slow.silent_about.lock().unwrap().clear();
    slow.asked.lock().unwrap().clear();
    let done = run(&mut fetch());
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(stderr(&done), "", "progress is for terminals");
    let document: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(document["bytes"], data.len());
    assert!(fs::read(&target).unwrap() == data, "the file has other bytes");
    assert!(!part.exists());
    let asked: HashSet<Cid> = slow.asked.lock().unwrap().iter().copied().collect();
    let missing: HashSet<Cid> = leaves[16..].iter().copied().chain([root]).collect();
    assert_eq!(asked, missing, "what was there was asked for again");

    drop(store.stdin.take());
    assert!(store.wait().unwrap().success());
}
