//! A node, a store, and the people around them.

mod money;
mod rounds;

use crate::process::{Process, free_port, program, run, run_json};
use anyhow::{Context, Result, bail};
use decentralml_sdk::{Chain, Signer};
use decentralml_types::{Role, TaskId, TaskStatus};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub use money::{BOND, POCKET, SPONSOR, TOKEN};

/// As many trainers and evaluators as a round of the example's task needs.
pub const TRAINERS: [&str; 3] = ["//T1", "//T2", "//T3"];
/// See [`TRAINERS`].
pub const EVALUATORS: [&str; 3] = ["//E1", "//E2", "//E3"];

/// How long anything may take that a few rounds bring about, on a busy machine.
pub const LONG: Duration = Duration::from_secs(240);

/// How often [`wait_until`] asks.
const POLL: Duration = Duration::from_millis(200);

/// Somebody who does what a worker should, for [`System::workers`].
pub fn honest(uri: &str) -> (&str, &str) {
    (uri, "honest")
}

/// What workers have logged, for a failure.
pub fn logs(workers: &[Process]) -> String {
    workers.iter().map(|worker| format!("{}\n----\n", worker.log())).collect()
}

/// Ends workers whose task is over on the best chain, before they leave it by themselves: the chain forgets those who leave without
/// a bond, and with them their faults. They leave once their claims are final, some blocks later.
pub fn stop(workers: &mut [Process]) -> Result<()> {
    Process::kill_all(workers)
}

/// Asks `done` again and again until it says something, and fails after `limit`.
pub async fn wait_until<T>(
    what: &str,
    limit: Duration,
    mut done: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut last = None;
    while Instant::now() < deadline {
        match done().await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => last = None,
            // What is being killed and started again does not always answer.
            Err(error) => last = Some(error),
        }
        sleep(POLL).await;
    }
    match last {
        Some(error) => Err(error.context(format!("waited {limit:?} for {what}"))),
        None => bail!("waited {limit:?} for {what}"),
    }
}

/// A development node.
pub struct Node {
    /// Its process.
    pub process: Process,
    /// Where its RPC listens.
    pub url: String,
}

impl Node {
    /// Starts a development chain whose data is in `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let arguments = [
            "--dev",
            "--base-path",
            &folder.join("node").display().to_string(),
            "--rpc-port",
            &port.to_string(),
            "--port",
            &free_port()?.to_string(),
            "--no-prometheus",
            "--no-telemetry",
        ]
        .map(str::to_owned)
        .to_vec();
        let process =
            Process::start("decentralml-node", arguments, Vec::new(), &folder.join("node.log"))?;
        Ok(Self { process, url: format!("ws://127.0.0.1:{port}") })
    }
}

/// The embedded store.
pub struct Store {
    /// Its process.
    pub process: Process,
    /// Where its RPC listens.
    pub url: String,
}

impl Store {
    /// Starts a store whose blocks are in `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let blocks = folder.join("ipfs").display().to_string();
        let arguments = ["ipfs", "daemon", "--listen", &address, "--folder", &blocks]
            .map(str::to_owned)
            .to_vec();
        let process =
            Process::start("decentralml", arguments, Vec::new(), &folder.join("ipfs.log"))?;
        Ok(Self { process, url: format!("http://{address}") })
    }
}

/// A chain, a store, and a folder for everything else.
pub struct System {
    /// The node, where the test runs none of its own.
    pub node: Option<Node>,
    /// The store.
    pub store: Store,
    /// A connection of the test's own.
    pub chain: Chain,
    folder: TempDir,
}

impl System {
    /// Starts node and store and waits until the first block is final.
    pub async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let node = Node::start(folder.path())?;
        let url = node.url.clone();
        Self::around(folder, Some(node), &url).await
    }

    /// The same with what tasks need: see [`System::prepare`].
    pub async fn prepared(people: &[&str], parts: usize) -> Result<Self> {
        let system = Self::start().await?;
        system.prepare(people, parts).await?;
        Ok(system)
    }

    /// The same on a chain that is there already.
    pub async fn on_chain(url: &str) -> Result<Self> {
        Self::around(tempfile::tempdir()?, None, url).await
    }

    async fn around(folder: TempDir, node: Option<Node>, url: &str) -> Result<Self> {
        let store = Store::start(folder.path())?;
        let chain = wait_until("the node", Duration::from_secs(90), async || {
            Ok(Some(Chain::connect(url).await?))
        })
        .await
        .with_context(|| node.as_ref().map(|node| node.process.log()).unwrap_or_default())?;
        wait_until("finality", Duration::from_secs(60), async || {
            Ok((chain.finalized().await?.number() > 0).then_some(()))
        })
        .await?;
        Ok(Self { node, store, chain, folder })
    }

    /// Where files of this test may lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives [`POCKET`] to each of these people and enough to [`SPONSOR`], and divides the digits into `parts` for trainers.
    pub async fn prepare(&self, people: &[&str], parts: usize) -> Result<()> {
        self.endow(people).await?;
        self.divide(parts)
    }

    /// Divides the digits into `trainers` files with a skew of labels, and one for validation and one for the test.
    pub fn divide(&self, trainers: usize) -> Result<()> {
        let out = self.folder().join("data");
        let seed = "05".repeat(32);
        run(Command::new(program("decentralml")?).args([
            "data",
            "split",
            "--data",
            "digits",
            "--trainers",
            &trainers.to_string(),
            "--minimum",
            "60",
            "--validation",
            "16 %",
            "--test",
            "16 %",
            "--seed",
            &seed,
            "--out",
            &out.display().to_string(),
        ]))
        .map(drop)
    }

    /// Creates a task of [`SPONSOR`] from the example of the documentation: without a target, with this many rounds and at most
    /// this many trainers in each, and with `replacements` in its text.
    pub fn create_task(
        &self,
        rounds: u32,
        trainers: usize,
        replacements: &[(&str, &str)],
    ) -> Result<TaskId> {
        self.create_task_like("digits.toml", rounds, trainers, replacements)
    }

    /// The same from another example.
    pub fn create_task_like(
        &self,
        example: &str,
        rounds: u32,
        trainers: usize,
        replacements: &[(&str, &str)],
    ) -> Result<TaskId> {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/cli/examples");
        let lines = std::fs::read_to_string(examples.join(example))?;
        let line = |line: &str| match line.split_once(" = ") {
            Some(("target", _)) => String::new(),
            Some(("rounds", _)) => format!("rounds = {rounds}\n"),
            Some(("max", _)) => format!("max = {trainers}\n"),
            _ => format!("{line}\n"),
        };
        let mut text: String = lines.lines().map(line).collect();
        for (old, new) in replacements {
            anyhow::ensure!(text.contains(old), "the example has no {old:?}");
            text = text.replace(old, new);
        }
        let file = self.folder().join("data/task.toml");
        std::fs::write(&file, text)?;
        let created = run_json(self.command(SPONSOR)?.args(["task", "create"]).arg(&file))?;
        let id = created["task"].as_u64().and_then(|id| TaskId::try_from(id).ok());
        id.with_context(|| created.to_string())
    }

    /// The program `decentralml` for a user of this system.
    pub fn command(&self, uri: &str) -> Result<Command> {
        let mut command = Command::new(program("decentralml")?);
        command.envs(self.environment(uri));
        Ok(command)
    }

    /// What `decentralml` prints for a user of this system, as JSON.
    pub fn json(&self, uri: &str, arguments: &[&str]) -> Result<Value> {
        run_json(self.command(uri)?.args(arguments))
    }

    /// Starts a trainer of a task on part `part` of the data, misbehaving as `conduct` says.
    pub fn trainer(&self, uri: &str, task: TaskId, part: usize, conduct: &str) -> Result<Process> {
        self.trainer_at(self.chain.url(), uri, task, part, conduct)
    }

    /// The same, with another way to the chain.
    pub fn trainer_at(
        &self,
        chain: &str,
        uri: &str,
        task: TaskId,
        part: usize,
        conduct: &str,
    ) -> Result<Process> {
        let file = format!("trainer-{part}.csv");
        self.trainer_on(
            uri,
            task,
            &file,
            &["--classes", "10", "--conduct", conduct, "--chain", chain],
        )
    }

    /// Starts a trainer of a task on a file of the folder `data`.
    pub fn trainer_on(
        &self,
        uri: &str,
        task: TaskId,
        file: &str,
        options: &[&str],
    ) -> Result<Process> {
        let data = self.folder().join("data").join(file).display().to_string();
        self.worker("trainer", uri, task, &[&["--data", &data], options].concat())
    }

    /// Starts an evaluator of a task, misbehaving as `conduct` says.
    pub fn evaluator(&self, uri: &str, task: TaskId, conduct: &str) -> Result<Process> {
        self.evaluator_at(self.chain.url(), uri, task, conduct)
    }

    /// The same, with another way to the chain.
    pub fn evaluator_at(
        &self,
        chain: &str,
        uri: &str,
        task: TaskId,
        conduct: &str,
    ) -> Result<Process> {
        self.worker("evaluator", uri, task, &["--conduct", conduct, "--chain", chain])
    }

    /// Starts trainers on part 1, 2, … of the data and then evaluators, each with its conduct.
    pub fn workers(
        &self,
        task: TaskId,
        trainers: &[(&str, &str)],
        evaluators: &[(&str, &str)],
    ) -> Result<Vec<Process>> {
        let trainers = (1..)
            .zip(trainers)
            .map(|(part, (uri, conduct))| self.trainer(uri, task, part, conduct));
        let evaluators = evaluators.iter().map(|(uri, conduct)| self.evaluator(uri, task, conduct));
        trainers.chain(evaluators).collect()
    }

    fn worker(&self, role: &str, uri: &str, task: TaskId, options: &[&str]) -> Result<Process> {
        let task = task.to_string();
        let arguments = [&[role, "run", "--task", &task], options].concat();
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Process::start("decentralml", arguments, self.environment(uri), &self.log(uri))
    }

    /// Where the worker of `uri` logs.
    pub fn log(&self, uri: &str) -> PathBuf {
        self.folder().join(format!("{}.log", uri.trim_matches('/')))
    }

    /// The records of the worker of `uri` on a task.
    pub fn records(&self, uri: &str, role: Role, task: TaskId) -> Result<PathBuf> {
        let role = match role {
            Role::Trainer => "trainer",
            Role::Evaluator => "evaluator",
            Role::Validator => bail!("validators have no workers"),
        };
        let account = Signer::from_uri(uri)?.account();
        let [a, b, c, d, ..] = self.chain.genesis();
        let folder = format!("{role}-{account}-{a:02x}{b:02x}{c:02x}{d:02x}");
        Ok(self.state(uri).join(folder).join(format!("task-{task}")))
    }

    fn state(&self, uri: &str) -> PathBuf {
        self.folder().join("state").join(uri.trim_matches('/'))
    }

    /// The settings of a user of this system, as variables.
    pub fn environment(&self, uri: &str) -> Vec<(String, String)> {
        let state = self.state(uri);
        [
            ("DECENTRALML_CHAIN", self.chain.url().to_owned()),
            ("DECENTRALML_STORE", self.store.url.clone()),
            ("DECENTRALML_SURI", uri.to_owned()),
            ("DECENTRALML_GOLD_SURI", SPONSOR.to_owned()),
            ("DECENTRALML_STATE", state.display().to_string()),
            // Not what the one who runs the tests has set.
            ("DECENTRALML_CONFIG", "/dev/null".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec()
    }

    /// Waits until a task is completed and settled.
    pub async fn finish(&self, task: TaskId) -> Result<()> {
        self.completed(task).await?;
        self.settle(task).await
    }

    /// Waits until a task is completed on the best chain; [`System::settle`] waits until that is final.
    pub async fn completed(&self, task: TaskId) -> Result<()> {
        wait_until("the task to complete", LONG, async || {
            let task = self.chain.best().await?.task(task).await?;
            Ok(task.filter(|task| task.status == TaskStatus::Completed).map(drop))
        })
        .await
    }
}
