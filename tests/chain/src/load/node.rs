//! A node as a child process, and its RPC.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a node may take to answer at first: it compiles its runtime.
const START: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(100);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(120);
/// The longest answer that is read, in bytes: a block of 5 MiB as hexadecimal digits, and its events.
const LONGEST: usize = 64 << 20;

/// Why the author ended a block, and how long it took, as the node's log tells.
#[derive(Clone, Debug)]
pub struct Authored {
    pub milliseconds: u64,
    pub end: String,
}

/// A node that makes blocks alone; it is killed when it is dropped.
pub struct Node {
    child: Child,
    log: PathBuf,
    address: String,
}

/// The raw specification of the chain `dev`.
///
/// # Errors
///
/// The program is missing or does not print one.
pub(super) fn development_spec(program: &Path) -> Result<Value> {
    let output = Command::new(program)
        .args(["export-chain-spec", "--chain", "dev", "--raw"])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the node gives no chain specification: {said}");
    serde_json::from_slice(&output.stdout).context("the chain specification is no JSON")
}

impl Node {
    /// Starts a node on the chain of a specification, with its data in `folder`, and waits until its RPC answers. Its pool has
    /// room for `transactions`.
    ///
    /// # Errors
    ///
    /// It ends or does not answer in time; the error tells what it said last.
    pub fn start(program: &Path, spec: &Path, folder: &Path, transactions: usize) -> Result<Self> {
        let log = folder.join("node.log");
        let output = File::create(&log)?;
        let child = Command::new(program)
            .arg("--chain")
            .arg(spec)
            .arg("--base-path")
            .arg(folder.join("node"))
            .args(["--alice", "--force-authoring", "--rpc-port", "0"])
            .args(["--listen-addr", "/ip4/127.0.0.1/tcp/0", "--unsafe-force-node-key-generation"])
            .args(["--no-mdns", "--no-prometheus", "--no-telemetry"])
            .args(["--pool-limit", &transactions.to_string(), "--pool-kbytes", "65536"])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let mut this = Self { child, log, address: String::new() };
        let began = Instant::now();
        while this.address.is_empty() {
            let log = this.log();
            if let Some((_, rest)) = log.split_once("Running JSON-RPC server: addr=") {
                // A line may have been written in part.
                if let Some((address, _)) = rest.split_once([',', '\n', ' ']) {
                    this.address = address.to_owned();
                }
            }
            let ended = this.child.try_wait()?;
            if ended.is_some() || began.elapsed() > START {
                let last = log.lines().rev().take(10).collect::<Vec<_>>();
                bail!("the node does not answer; it said last:\n{}", last.join("\n"));
            }
            thread::sleep(POLL);
        }
        Ok(this)
    }

    /// A connection of its own.
    ///
    /// # Errors
    ///
    /// The node does not listen any more.
    pub fn connect(&self) -> Result<Rpc> {
        let stream = TcpStream::connect(&self.address).context("the node does not listen")?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_nodelay(true)?;
        Ok(Rpc { stream: BufReader::new(stream), host: self.address.clone() })
    }

    /// How it authored its blocks, by their number.
    pub fn authored(&self) -> BTreeMap<u32, Authored> {
        self.log().lines().filter_map(authored).collect()
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a line such as `Prepared block for proposing at 17 (1 ms) hash: …; end: NoMoreTransactions; extrinsics_count: 1`.
fn authored(line: &str) -> Option<(u32, Authored)> {
    let (_, rest) = line.split_once("Prepared block for proposing at ")?;
    let (number, rest) = rest.split_once(" (")?;
    let (milliseconds, rest) = rest.split_once(" ms)")?;
    let (_, rest) = rest.split_once("; end: ")?;
    let (end, _) = rest.split_once(';')?;
    let milliseconds = milliseconds.parse().ok()?;
    Some((number.parse().ok()?, Authored { milliseconds, end: end.to_owned() }))
}

/// JSON-RPC over a connection that stays open.
pub struct Rpc {
    stream: BufReader<TcpStream>,
    /// The node answers only those who call it by its address.
    host: String,
}

impl Rpc {
    /// Calls a method.
    ///
    /// # Errors
    ///
    /// The node refuses it, or the connection breaks.
    pub fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let answers = self.batch(method, vec![params])?;
        let answer = answers.into_iter().next().context("no answer")?;
        answer.map_err(|refused| anyhow::anyhow!("{method}: {refused}"))
    }

    /// Calls a method once with each of these parameters, in one request. What the node refuses is an error in its place.
    ///
    /// # Errors
    ///
    /// The connection breaks, or an answer is missing.
    pub fn batch(
        &mut self,
        method: &str,
        params: Vec<Value>,
    ) -> Result<Vec<Result<Value, String>>> {
        let count = params.len();
        let requests = params.into_iter().enumerate().map(|(id, params)| {
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
        });
        let body = Value::from_iter(requests).to_string();
        let answers: Vec<Value> = serde_json::from_slice(&self.post(&body)?)
            .context("the node does not answer with JSON")?;
        // They may come in any order.
        let mut sorted = vec![None; count];
        for mut answer in answers {
            let id = answer["id"].as_u64().context("an answer to nothing")? as usize;
            let place = sorted.get_mut(id).context("an answer to nothing")?;
            *place = Some(match answer.get("error") {
                Some(error) => Err(error.to_string()),
                None => Ok(answer["result"].take()),
            });
        }
        sorted.into_iter().collect::<Option<_>>().context("an answer is missing")
    }

    fn post(&mut self, body: &str) -> Result<Vec<u8>> {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = None;
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line)? > 0, "the node has closed the connection");
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = Some(value.trim().parse::<usize>()?);
            }
        }
        let length = length.context("the node does not say how long its answer is")?;
        ensure!(length <= LONGEST, "an answer of {length} bytes");
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        ensure!(status == "200", "status {status}: {}", String::from_utf8_lossy(&answer));
        Ok(answer)
    }
}
