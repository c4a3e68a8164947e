//! What people get wrong on the command line: each ends with an exit code of its kind, and a message that says what to do.

use anyhow::Result;
use decentralml_tests::{Meddler, Proxy, System, free_port, program};
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

/// Nothing that can be known at the start takes longer than the answers that are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command that must fail with `code`, and say each of `words`.
fn refused(command: &mut Command, code: i32, words: &[&str]) {
    let start = Instant::now();
    let Output { status, stdout, stderr } = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&stderr);
    let told = format!("{command:?}: {status}\n{}{said}", String::from_utf8_lossy(&stdout));
    assert_eq!(status.code(), Some(code), "{told}");
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in {told}");
    }
    for word in ["panicked", "RUST_BACKTRACE", "stack backtrace", "Location:"] {
        assert!(!said.contains(word), "{told}");
    }
    assert!(start.elapsed() < PATIENCE, "{told}");
}

/// The program with settings that lead nowhere.
fn lost(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(program("decentralml")?);
    command.env("DECENTRALML_SURI", "//Alice").args(arguments);
    Ok(command)
}

/// Answers every connection with `answer`, and then hangs up; with nothing it is silent and stays on the line.
fn server(answer: Option<&'static [u8]>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let Some(answer) = answer else {
                open.push(stream);
                continue;
            };
            // Whatever was asked, and whether the other side still listens, is all the same.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    Ok(address)
}

const HTML: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 16\r\n\
    Connection: close\r\n\r\n<p>It works!</p>";

/// A node that talks nonsense.
struct Nonsense;

impl Meddler for Nonsense {
    fn answers(&self, _: String) -> String {
        "I am no node".to_owned()
    }
}

/// A node that says one text in place of another of the same length, in everything that is SCALE-encoded.
struct Renames(&'static str, &'static str);

impl Meddler for Renames {
    fn answers(&self, answer: String) -> String {
        assert_eq!(self.0.len(), self.1.len());
        answer.replace(&encoded(self.0), &encoded(self.1))
    }
}

/// A short text with its length before it, in hexadecimal digits.
fn encoded(text: &str) -> String {
    let length = u8::try_from(text.len() << 2).expect("a short text");
    [&[length], text.as_bytes()].concat().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_endpoint_that_is_no_node_or_no_store_is_named_with_what_to_do() -> Result<()> {
    let nobody = free_port()?;
    let chain = format!("ws://127.0.0.1:{nobody}");
    let start = "decentralml-node --dev";
    refused(&mut lost(&["task", "list", "--chain", &chain])?, 3, &[&chain, start]);
    let chain = format!("http://127.0.0.1:{nobody}");
    refused(&mut lost(&["task", "list", "--chain", &chain])?, 3, &[&chain, "ws://host:port"]);
    let chain = format!("ws://{}", server(Some(HTML))?);
    refused(&mut lost(&["task", "list", "--chain", &chain])?, 3, &[&chain, start]);
    let chain = format!("ws://{}", server(Some(b"\x16\x03\x01 not even HTTP"))?);
    refused(&mut lost(&["task", "list", "--chain", &chain])?, 3, &[&chain, start]);
    let chain = format!("ws://{}", server(None)?);
    refused(&mut lost(&["task", "list", "--chain", &chain])?, 3, &[&chain, start]);

    let store = format!("http://127.0.0.1:{nobody}");
    let daemon = "decentralml ipfs daemon";
    refused(&mut lost(&["ipfs", "stat", "--store", &store])?, 4, &[&store, daemon]);
    let store = format!("http://{}", server(Some(HTML))?);
    refused(&mut lost(&["ipfs", "stat", "--store", &store])?, 4, &[&store]);
    Ok(())
}

#[test]
fn data_that_cannot_be_read_are_named_by_file_and_line() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let inspect = |name: &str, bytes: &[u8], words: &[&str]| -> Result<()> {
        let path = folder.path().join(name);
        fs::write(&path, bytes)?;
        let path = path.display().to_string();
        let arguments = ["data", "inspect", "--classes", "10", "--data", &path];
        refused(&mut lost(&arguments)?, 8, &[words, &[path.as_str()]].concat());
        Ok(())
    };
    inspect("rows.parquet", b"PAR1", &["unknown format", ".csv", "IDX"])?;
    inspect("rows.csv", b"0.1,0.2,0\n0.1,1\n", &["line 2", "2 columns, expected 3"])?;
    inspect("rows.csv", b"0.1,0.2,0\n0.1,,1\n", &["line 2"])?;
    inspect("rows.csv", b"0.1,0.2,9\n0.1,0.2,10\n", &["line 2", "10", "from 0 to 9"])?;
    inspect("rows.csv", b"0.1,0.2,-1\n", &["line 1", "-1"])?;
    inspect("rows.csv", b"0.1,0.2,0\n0.1,0.2,cat\n", &["line 2", "cat"])?;
    inspect("rows.csv", b"a,b,label\n", &["no rows"])?;
    inspect("rows.csv", b"", &["no rows"])?;
    inspect("rows.csv", b"0.1,nan,0\n", &["line 1", "nan"])
}

/// Has the example's task created, or refused, with another line for one of its keys.
fn specified(system: &System, key: &str, new: &str) -> Result<Command> {
    let text = fs::read_to_string(example())?;
    let start = format!("{key} = ");
    let old = text.lines().find(|line| line.starts_with(&start)).expect("a key of the example");
    let file = system.folder().join("data/bad.toml");
    fs::write(&file, text.replacen(&format!("\n{old}\n"), &format!("\n{new}\n"), 1))?;
    let mut command = system.command("//Alice")?;
    command.args(["task", "create"]).arg(file);
    Ok(command)
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/cli/examples/digits.toml")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_chain_or_the_task_does_not_allow_is_refused_before_anything_is_paid() -> Result<()>
{
    let system = System::start().await?;
    system.divide(3)?;
    let before = system.sum_of_balances().await?;

    // A specification that contradicts itself.
    for (key, new, words) in [
        ("quorum", "quorum = 1", "two thirds"),
        ("quorum", "quorum = 4", "two thirds"),
        ("seats", "seats = 32", "seats"),
        ("min", "min = 7", "min <= max"),
        ("min", "min = 0", "min <= max"),
        ("classes", "classes = 9", "[objective]"),
        ("features", "features = 63", "[objective]"),
        ("bits", "bits = 12", "bits"),
        ("clip", "clip = 32768", "clip"),
        ("rounds", "rounds = 0", "rounds"),
        ("learning_rate", "learning_rate = 0", "learning_rate"),
        ("training", "training = \"soon\"", "soon"),
        ("seats", "chairs = 3", "chairs"),
    ] {
        refused(&mut specified(&system, key, new)?, 2, &[words]);
    }
    refused(&mut specified(&system, "file", "file = \"nowhere.csv\"")?, 8, &["nowhere.csv"]);

    // Nothing to pay with.
    let mut poor = system.command("//Poor")?;
    let file = system.folder().join("data/task.toml");
    fs::copy(example(), &file)?;
    refused(poor.args(["task", "create"]).arg(&file), 5, &["in advance", "fund the account"]);
    let mut poor = system.command("//Poor")?;
    refused(poor.args(["account", "bond", "trainer", "5"]), 5, &["send it funds"]);

    // No store.
    let store = format!("http://127.0.0.1:{}", free_port()?);
    let mut create = system.command("//Alice")?;
    create.args(["task", "create", "--store", &store]).arg(&file);
    refused(&mut create, 4, &[&store, "decentralml ipfs daemon"]);
    let rows = system.folder().join("data/trainer-1.csv").display().to_string();
    let mut trainer = system.command("//Alice")?;
    trainer.args(["trainer", "run", "--any", "--data", &rows, "--store", &store]);
    refused(&mut trainer, 4, &[&store, "decentralml ipfs daemon"]);

    // Rows that do not suit, and a task that is not there.
    let few = system.folder().join("data/few.csv");
    fs::write(&few, "0.1,0.2,0\n")?;
    let mut trainer = system.command("//Alice")?;
    trainer.args(["trainer", "run", "--task", "7", "--data"]).arg(&few);
    refused(&mut trainer, 6, &["7"]);

    assert!(system.chain.finalized().await?.tasks().await?.is_empty(), "a task was created");
    // Fees go to the treasury: whatever was refused, nothing is lost.
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_in_use_and_nodes_that_lie_are_told_apart() -> Result<()> {
    let system = System::start().await?;

    let address = system.store.url.strip_prefix("http://").unwrap();
    let folder = system.folder().join("other");
    let mut daemon = lost(&["ipfs", "daemon", "--listen", address, "--folder"])?;
    refused(daemon.arg(&folder), 4, &[address, "in use", "another port"]);
    let blocks = system.folder().join("ipfs");
    let mut daemon = lost(&["ipfs", "daemon", "--listen", "127.0.0.1:0", "--folder"])?;
    refused(daemon.arg(&blocks), 4, &["in use by process", "another folder"]);
    let port = system.chain.url().rsplit(':').next().unwrap();
    let mut node = Command::new(program("decentralml-node")?);
    node.args(["--dev", "--tmp", "--no-prometheus", "--no-telemetry", "--rpc-port", port]);
    node.args(["--port", &free_port()?.to_string()]);
    refused(&mut node, 1, &[port, "in use", "--rpc-port"]);

    let lies = [
        Proxy::start(system.chain.url(), Renames("decentralml", "centralized")).await?,
        Proxy::start(system.chain.url(), Renames("Validation", "Divination")).await?,
        Proxy::start(system.chain.url(), Nonsense).await?,
    ];
    let words: [&[&str]; 3] = [
        &["`centralized`", "not a DecentralML chain"],
        &["not the one that this program was built for", "scripts/metadata.sh"],
        &["does not answer as a node should"],
    ];
    for (proxy, words) in lies.iter().zip(words) {
        let words = [words, &[proxy.url.as_str()]].concat();
        refused(&mut lost(&["task", "list", "--chain", &proxy.url])?, 3, &words);
        // A daemon does not start on such a chain either.
        let mut evaluator = lost(&["evaluator", "run", "--any", "--chain", &proxy.url])?;
        evaluator.env("DECENTRALML_STORE", &system.store.url);
        evaluator.env("DECENTRALML_STATE", system.folder().join("state"));
        refused(&mut evaluator, 3, &words);
    }
    Ok(())
}
