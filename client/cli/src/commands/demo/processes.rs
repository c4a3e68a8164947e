//! The demo's processes. Each has a pipe for standard input and ends when it closes: however this process ends, be it by
//! `kill -9`, none of them outlives it.

use crate::exit::{Kind, problem};
use color_eyre::{Report, Result, eyre::WrapErr};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// How long processes have to end by themselves: a worker finishes what it has begun to send.
const GRACE: Duration = Duration::from_secs(5);

/// Lines of a log that a failure shows.
const TAIL: usize = 5;

/// Running programs and their logs.
pub struct Processes {
    logs: PathBuf,
    running: Vec<(String, Child)>,
}

impl Processes {
    /// None yet; each will have a log in this folder.
    pub fn new(logs: PathBuf) -> Result<Self> {
        fs::create_dir_all(&logs).wrap_err_with(|| format!("{} cannot be made", logs.display()))?;
        Ok(Self { logs, running: Vec::new() })
    }

    /// A command of this program. It must end when its standard input closes.
    pub fn own() -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        // Settings of the one who runs the demo are not meant for its processes.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DECENTRALML_") {
                command.env_remove(name);
            }
        }
        Ok(command)
    }

    /// Starts a program and gives what it prints; errors and logs go to its log.
    pub fn start(&mut self, name: &str, mut command: Command) -> Result<ChildStdout> {
        let log = File::create(self.log(name))?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // Ctrl-C reaches only us; they are stopped in order.
            .process_group(0)
            .spawn()
            .wrap_err_with(|| format!("{name} cannot be started"))?;
        let output = child.stdout.take();
        self.running.push((name.to_owned(), child));
        output.ok_or_else(|| problem(Kind::Other, format!("{name} has no standard output")))
    }

    /// Fails when one of them has ended, with the last that it said.
    pub fn check(&mut self) -> Result<()> {
        for index in 0..self.running.len() {
            let Some((name, child)) = self.running.get_mut(index) else { continue };
            if let Some(status) = child.try_wait()? {
                let name = name.clone();
                return Err(self.ended(&name, &status.to_string()));
            }
        }
        Ok(())
    }

    /// Stops all, the last one first, and waits until they are gone.
    pub async fn stop(&mut self) {
        for (_, child) in &mut self.running {
            drop(child.stdin.take());
        }
        let deadline = tokio::time::Instant::now() + GRACE;
        while let Some((name, mut child)) = self.running.pop() {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            if timeout(left, child.wait()).await.is_err() {
                tracing::warn!(name, "did not end in time and was killed");
                // It fails where the process is gone already.
                let _ = child.kill().await;
            }
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    fn ended(&self, name: &str, status: &str) -> Report {
        let text = fs::read_to_string(self.log(name)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n");
        problem(Kind::Other, format!("{name} has ended ({status}). The last that it said:\n{tail}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn stopping_closes_the_input_and_waits() {
        let folder = tempfile::tempdir().unwrap();
        let mut processes = Processes::new(folder.path().join("logs")).unwrap();
        processes.start("cat", shell("cat >&2; echo bye >&2")).unwrap();
        processes.check().unwrap();
        processes.stop().await;
        assert_eq!(fs::read_to_string(folder.path().join("logs/cat.log")).unwrap(), "bye\n");
    }

    #[tokio::test]
    async fn a_process_that_does_not_listen_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut processes = Processes::new(folder.path().join("logs")).unwrap();
        processes.start("deaf", shell("exec sleep 600")).unwrap();
        let start = std::time::Instant::now();
        processes.stop().await;
        assert!(start.elapsed() < 2 * GRACE);
    }

    #[tokio::test]
    async fn one_that_has_ended_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut processes = Processes::new(folder.path().join("logs")).unwrap();
        processes.start("node", shell("echo no port >&2; exit 3")).unwrap();
        let error = loop {
            match processes.check() {
                Ok(()) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("node has ended") && error.contains("no port"), "{error}");
    }
}
