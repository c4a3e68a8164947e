//! The program as people and scripts meet it: precedence of settings, exit codes, output.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use decentralml_storage::{unfinished, unixfs};
use decentralml_types::Cid;
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// The program in a world of its own: no settings of whoever runs the tests.
fn decentralml(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_decentralml"));
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the program runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Starts a store, with these arguments too; returns it with the document that it prints.
fn store(home: &Path, arguments: &[&str]) -> (Child, Value) {
    let mut child = decentralml(home)
        .args(["ipfs", "daemon", "--listen", "127.0.0.1:0", "--stop-on-eof", "--json"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while !text.ends_with("}\n") {
        assert!(lines.read_line(&mut text).unwrap() > 0, "{text}");
    }
    (child, serde_json::from_str(&text).unwrap())
}

/// A port on which nobody listens.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn settings(command: &mut Command) -> Value {
    let output = run(command.args(["doctor", "--json"]));
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    document["settings"].clone()
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let home = tempfile::tempdir().unwrap();
    let (file, variable, flag) = (nobody(), nobody(), nobody());
    let url = |port: u16| format!("ws://127.0.0.1:{port}");
    let folder = home.path().join(".config/decentralml");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), format!("chain = \"{}\"", url(file))).unwrap();

    let chain = |command: &mut Command| settings(command)["chain"].as_str().unwrap().to_owned();
    assert_eq!(chain(&mut decentralml(home.path())), url(file));
    let mut command = decentralml(home.path());
    command.env("DECENTRALML_CHAIN", url(variable));
    assert_eq!(chain(&mut command), url(variable));
    let mut command = decentralml(home.path());
    command.env("DECENTRALML_CHAIN", url(variable)).args(["--chain", &url(flag)]);
    assert_eq!(chain(&mut command), url(flag));
}

#[test]
fn exit_codes_say_what_kind_of_failure_it_was() {
    let home = tempfile::tempdir().unwrap();
    let chain = format!("ws://127.0.0.1:{}", nobody());
    let store = format!("http://127.0.0.1:{}", nobody());
    let code = |words: &[&str]| {
        let output = run(decentralml(home.path())
            .env("DECENTRALML_CHAIN", &chain)
            .env("DECENTRALML_STORE", &store)
            .args(words));
        assert!(!output.stderr.is_empty(), "{words:?} says nothing");
        output.status.code()
    };
    assert_eq!(code(&["task"]), Some(2));
    assert_eq!(code(&["task", "list", "--config", "/nowhere.toml"]), Some(2));
    assert_eq!(code(&["task", "create", "/nowhere.toml"]), Some(2));
    // Before the chain or the store is asked for anything.
    assert_eq!(code(&["model", "fetch", "0", "--out", "/nowhere/model"]), Some(2));
    assert_eq!(code(&["task", "list"]), Some(3));
    assert_eq!(code(&["ipfs", "stat"]), Some(4));
    assert_eq!(code(&["account", "balance", "nobody"]), Some(6));
    assert_eq!(code(&["account", "transfer", "--account", "none", "x", "1"]), Some(6));
    assert_eq!(code(&["account", "balance"]), Some(7));
    assert_eq!(code(&["data", "inspect", "--data", "/nowhere.csv"]), Some(8));
}

#[test]
fn under_json_a_failure_is_a_json_object_on_standard_error() {
    let home = tempfile::tempdir().unwrap();
    let chain = format!("ws://127.0.0.1:{}", nobody());
    let store = format!("http://127.0.0.1:{}", nobody());
    for (words, kind, exit, part) in [
        ("task create", "usage", 2, "<FILE>"),
        ("task list --config /nowhere.toml", "usage", 2, "/nowhere.toml"),
        ("task list", "no_chain", 3, "decentralml-node --dev"),
        ("ipfs stat", "no_store", 4, "decentralml ipfs daemon"),
        ("account balance nobody", "not_found", 6, "nobody"),
        ("account balance", "key", 7, "--account"),
        ("data inspect --data /nowhere.csv", "data", 8, "check the path"),
    ] {
        let output = run(decentralml(home.path())
            .env("DECENTRALML_CHAIN", &chain)
            .env("DECENTRALML_STORE", &store)
            .args(words.split(' '))
            .arg("--json"));
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(exit), "{words}: {text}");
        assert!(output.stdout.is_empty(), "{words}");
        let failure: Value = serde_json::from_str(&text).expect(&text);
        let error = &failure["error"];
        assert_eq!((&error["kind"], &error["exit"]), (&kind.into(), &exit.into()), "{text}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(part) && !message.starts_with("error"), "{message}");
        assert_eq!(error.as_object().unwrap().len(), 3, "{text}");
    }
    // Help is no failure.
    let help = run(decentralml(home.path()).args(["task", "--help", "--json"]));
    assert!(help.status.success() && help.stderr.is_empty());
}

/// Standard output or error of whose reader has seen enough.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn output_that_nobody_reads_any_more_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    for words in [
        "account list",
        "data inspect --data digits",
        "data inspect --data digits --json",
        "completions bash",
        "--help",
        "--version --json",
    ] {
        let output = run(decentralml(home.path()).args(words.split(' ')).stdout(unread()));
        let text = stderr(&output);
        assert!(output.status.success() && text.is_empty(), "{words}: {text}");
    }
}

#[test]
fn a_failure_that_nobody_reads_has_its_exit_code_and_is_no_panic() {
    let home = tempfile::tempdir().unwrap();
    let chain = format!("ws://127.0.0.1:{}", nobody());
    // With all that the libraries log beside it.
    for (words, exit) in [
        ("task list", 3),
        ("task list --json", 3),
        ("task list --log trace", 3),
        ("task create --json", 2),
        ("task create", 2),
    ] {
        let mut command = decentralml(home.path());
        command.args(words.split(' ')).env("DECENTRALML_CHAIN", &chain).stderr(unread());
        assert_eq!(run(&mut command).status.code(), Some(exit), "{words}");
    }
}

#[test]
fn an_account_that_is_named_comes_before_a_key_of_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let chain = format!("ws://127.0.0.1:{}", nobody());
    let balance = |command: &mut Command| {
        let command = command.env("DECENTRALML_SURI", "//Alice").env("DECENTRALML_CHAIN", &chain);
        run(command.args(["account", "balance"])).status.code()
    };
    // The name is looked up before the chain is asked; where the key is Alice's, it is the chain that is missing.
    assert_eq!(balance(decentralml(home.path()).args(["--account", "none"])), Some(6));
    assert_eq!(balance(decentralml(home.path()).env("DECENTRALML_ACCOUNT", "none")), Some(3));
    assert_eq!(balance(&mut decentralml(home.path())), Some(3));
}

#[test]
fn doctor_names_everything_that_is_wrong_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let rows = home.path().join("rows.csv");
    fs::write(&rows, "1,2,0\n1,x,0\n").unwrap();
    let output = run(decentralml(home.path())
        .args(["doctor", "--chain", &format!("ws://127.0.0.1:{}", nobody())])
        .args(["--store", &format!("http://127.0.0.1:{}", nobody()), "--data"])
        .arg(&rows));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    for part in ["decentralml-node --dev", "decentralml ipfs daemon", "rows.csv", "line 2"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert_eq!(text.matches("WRONG").count(), 3, "{text}");
}

#[test]
fn doctor_says_how_to_name_a_key_and_data_where_none_are_named() {
    let home = tempfile::tempdir().unwrap();
    let doctor = || {
        let mut command = decentralml(home.path());
        command.args(["doctor", "--chain", &format!("ws://127.0.0.1:{}", nobody())]);
        command.args(["--store", &format!("http://127.0.0.1:{}", nobody())]);
        command
    };
    let text = String::from_utf8(run(&mut doctor()).stdout).unwrap();
    let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_default();
    for part in ["--account <NAME>", "account new", "DECENTRALML_SURI"] {
        assert!(line("-  key: none").contains(part), "{part} is missing in:\n{text}");
    }
    assert!(line("-  data: none").contains("--data <FILE>"), "{text}");
    assert_eq!(text.matches("WRONG").count(), 2, "chain and store alone:\n{text}");

    let output = run(doctor().env("DECENTRALML_SURI", "//Alice").args(["--data", "digits"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ok  key: 5Grwva") && text.contains("ok  data: 1797 rows"), "{text}");
}

#[test]
fn a_secret_is_never_asked_for_where_nobody_can_answer() {
    let home = tempfile::tempdir().unwrap();
    let output = run(decentralml(home.path()).args(["account", "new", "me"]));
    assert_eq!(output.status.code(), Some(7));
    assert!(stderr(&output).contains("DECENTRALML_PASSPHRASE_FILE"));
}

#[test]
fn keys_are_made_listed_and_read_without_a_chain() {
    let home = tempfile::tempdir().unwrap();
    let passphrase = home.path().join("passphrase");
    fs::write(&passphrase, "correct horse\n").unwrap();
    let mut new = decentralml(home.path());
    new.env("DECENTRALML_PASSPHRASE_FILE", &passphrase)
        .env("DECENTRALML_SURI", "//Alice")
        .args(["account", "new", "me", "--import", "--json"]);
    let output = run(&mut new);
    assert!(output.status.success(), "{}", stderr(&output));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(made["account"], "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    assert!(made.get("phrase").is_none(), "an imported secret is not printed");
    let listed = run(decentralml(home.path()).args(["account", "list", "--json"]));
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["account"]), (&"me".into(), &made["account"]));
}

#[test]
fn the_store_serves_stops_when_its_input_closes_and_keeps_its_blocks() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("hello.txt");
    fs::write(&file, "hello\n").unwrap();
    let daemon = || {
        let (child, listening) = store(home.path(), &["--gateway", "127.0.0.1:0"]);
        let url = |which: &str| listening[which].as_str().unwrap().to_owned();
        (child, url("url"), url("gateway"))
    };
    let (mut first, url, gateway) = daemon();
    let added =
        run(decentralml(home.path()).args(["ipfs", "add", "--json", "--store", &url]).arg(&file));
    let added: Value = serde_json::from_slice(&added.stdout).unwrap();
    // What Kubo calls these bytes.
    let cid = added[0]["cid"].as_str().unwrap();
    assert_eq!(cid, "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am");

    let mut reader = TcpStream::connect(gateway.strip_prefix("http://").unwrap()).unwrap();
    let request = format!("GET /ipfs/{cid} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    reader.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nhello\n"), "{answer}");

    let start = Instant::now();
    drop(first.stdin.take());
    assert!(first.wait().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(10));

    let (mut second, url, _) = daemon();
    let bytes = run(decentralml(home.path()).args(["ipfs", "cat", cid, "--store", &url]));
    assert_eq!(bytes.stdout, b"hello\n");
    let small = run(decentralml(home.path()).args([
        "ipfs",
        "cat",
        cid,
        "--max-bytes",
        "3",
        "--store",
        &url,
    ]));
    assert_eq!(small.status.code(), Some(4));
    drop(second.stdin.take());
    assert!(second.wait().unwrap().success());
}

#[test]
fn a_kept_program_does_not_outlive_its_input() {
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("mark");
    let script = format!("while true; do date +%s%N > {}; sleep 0.05; done", mark.display());
    let mut keep = decentralml(home.path())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["keep", "--", "sh", "-c", &script])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !mark.exists() {
        assert!(Instant::now() < deadline, "the program was not started");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(keep.stdin.take());
    assert!(keep.wait().unwrap().success());
    std::thread::sleep(Duration::from_millis(200));
    let last = fs::read(&mark).unwrap();
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(fs::read(&mark).unwrap(), last, "the program still runs");
}

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

#[test]
fn the_token_of_a_store_comes_from_a_file_or_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let [right, wrong] = ["right", "wrong"].map(|name| home.path().join(name));
    fs::write(&right, "0123456789abcdef-right\n").unwrap();
    fs::write(&wrong, "0123456789abcdef-wrong\n").unwrap();
    let (mut store, listening) = store(home.path(), &["--token-file", right.to_str().unwrap()]);
    let url = listening["url"].as_str().unwrap().to_owned();
    let stat = || {
        let mut command = decentralml(home.path());
        command.args(["ipfs", "stat", "--json", "--store", &url]);
        command
    };
    let refused = run(&mut stat());
    assert_eq!(refused.status.code(), Some(4));
    assert!(stderr(&refused).contains("--store-token-file"), "{}", stderr(&refused));
    assert!(run(stat().arg("--store-token-file").arg(&right)).status.success());
    let by_variable = run(stat().env("DECENTRALML_STORE_TOKEN", "0123456789abcdef-right"));
    assert!(by_variable.status.success());
    // A file that is named comes before the token of the environment.
    let mut both = stat();
    both.env("DECENTRALML_STORE_TOKEN", "0123456789abcdef-wrong");
    assert!(run(both.env("DECENTRALML_STORE_TOKEN_FILE", &right)).status.success());
    let denied = run(stat().arg("--store-token-file").arg(&wrong));
    assert_eq!(denied.status.code(), Some(4));
    assert!(!stderr(&denied).contains("0123456789abcdef"), "{}", stderr(&denied));
    let unreadable = run(stat().arg("--store-token-file").arg(home.path().join("none")));
    assert_eq!(unreadable.status.code(), Some(2));

    drop(store.stdin.take());
    assert!(store.wait().unwrap().success());
}
