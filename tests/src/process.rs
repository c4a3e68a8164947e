//! Programs of this workspace as child processes.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

/// The ports of tests. No system hands these to whoever asks for any port, as every outgoing connection does.
const PORTS: Range<u16> = 20_000..30_000;

/// A program of this workspace, built beside the test that asks.
pub fn program(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.ancestors().nth(2).context("the test runs from no build folder")?;
    let path = folder.join(name);
    ensure!(
        path.is_file(),
        "{} is missing: run `cargo build --release --workspace` first, as scripts/test.sh does",
        path.display()
    );
    Ok(path)
}

/// A port that nobody listens on, and that no other test of this process gets.
pub fn free_port() -> Result<u16> {
    static COUNT: AtomicU16 = AtomicU16::new(0);
    let ports = u32::from(PORTS.end - PORTS.start);
    // Another process of tests begins elsewhere, also where its number is the next one: multiples of the golden section keep
    // apart from each other.
    let start = std::process::id().wrapping_mul(6_181);
    for _ in PORTS {
        let step = COUNT.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + u16::try_from(start.wrapping_add(step.into()) % ports)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("all ports from {} to {} are in use", PORTS.start, PORTS.end)
}

/// Runs a command to its end and returns what it printed; an error tells what it said.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!(
            "{command:?}: {}\n{printed}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(printed)
}

/// Runs a command of `decentralml` to its end, and reads the one JSON document that it prints.
pub fn run_json(command: &mut Command) -> Result<Value> {
    let printed = run(command.arg("--json"))?;
    serde_json::from_str(&printed).with_context(|| format!("{command:?}: {printed}"))
}

/// A running program, killed when it is dropped. It can be killed before and started again.
pub struct Process {
    child: Child,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    program: PathBuf,
}

impl Process {
    /// Starts a program of this workspace with its output in `log`.
    pub fn start(
        name: &str,
        arguments: Vec<String>,
        environment: Vec<(String, String)>,
        log: &Path,
    ) -> Result<Self> {
        Self::start_program(program(name)?, arguments, environment, log)
    }

    /// Starts any program with its output in `log`.
    pub fn start_program(
        program: PathBuf,
        arguments: Vec<String>,
        environment: Vec<(String, String)>,
        log: &Path,
    ) -> Result<Self> {
        let child = spawn(&program, &arguments, &environment, log)?;
        Ok(Self { child, arguments, environment, log: log.to_owned(), program })
    }

    /// What the system calls it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by its name, such as `INT`.
    pub fn signal(&self, name: &str) -> Result<()> {
        run(Command::new("kill").args([&format!("-{name}"), &self.id().to_string()])).map(drop)
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends several at once: none of them sees that another is gone.
    pub fn kill_all(processes: &mut [Self]) -> Result<()> {
        processes.iter_mut().try_for_each(|process| process.child.kill())?;
        processes.iter_mut().try_for_each(|process| process.child.wait().map(drop))?;
        Ok(())
    }

    /// Starts it again with the same arguments; its log goes on.
    pub fn restart(&mut self) -> Result<()> {
        self.child = spawn(&self.program, &self.arguments, &self.environment, &self.log)?;
        Ok(())
    }

    /// Its exit code, once it has ended by itself.
    pub fn exited(&mut self) -> Result<Option<i32>> {
        Ok(self.child.try_wait()?.map(|status| status.code().unwrap_or(-1)))
    }

    /// Everything that it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(
    program: &Path,
    arguments: &[String],
    environment: &[(String, String)],
    log: &Path,
) -> Result<Child> {
    let output = File::options().create(true).append(true).open(log)?;
    let mut command = Command::new(program);
    // What Cargo tells a test of its package is none of the program's business: a build that sees it takes some dependencies,
    // and all that stands on them, for outdated.
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
        .args(arguments)
        .envs(environment.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))
}
