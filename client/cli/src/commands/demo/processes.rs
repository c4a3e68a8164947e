//! The demo's processes. Each has a pipe for standard input and ends when it closes: however this process ends, be it by
//! `kill -9`, none of them outlives it.

use crate::exit::{Kind, problem};
use color_eyre::{Report, Result, eyre::WrapErr};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};

/// How long processes have to end by themselves: a worker finishes what it has begun to send.
const GRACE: Duration = Duration::from_secs(5);

/// How often it is looked whether all of them still run.
const LOOK: Duration = Duration::from_millis(200);

/// Lines of a log that a failure shows.
const TAIL: usize = 5;

/// Running programs and their logs. Clones are the same ones.
#[derive(Clone)]
pub struct Processes {
    logs: PathBuf,
    running: Arc<Mutex<Vec<(String, Child)>>>,
}

impl Processes {
    /// None yet; each will have a log in this folder.
    pub fn new(logs: PathBuf) -> Result<Self> {
        fs::create_dir_all(&logs).wrap_err_with(|| format!("{} cannot be made", logs.display()))?;
        Ok(Self { logs, running: Arc::default() })
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
        command.env("DECENTRALML_CONFIG", "/dev/null");
        Ok(command)
    }

    /// Starts a program and gives what it prints; errors and logs go to its log.
    pub fn start(&self, name: &str, mut command: Command) -> Result<ChildStdout> {
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
        self.running().push((name.to_owned(), child));
        output.ok_or_else(|| problem(Kind::Other, format!("{name} has no standard output")))
    }

    /// Waits until one of them has ended, and says what it said last.
    pub async fn failure(&self) -> Report {
        loop {
            if let Some(report) = self.ended() {
                return report;
            }
            sleep(LOOK).await;
        }
    }

    /// What is behind a failure: it may be that one of them has ended.
    pub async fn cause(&self, report: Report) -> Report {
        sleep(LOOK).await;
        self.ended().unwrap_or(report)
    }

    /// What one of them said last, if one has ended.
    fn ended(&self) -> Option<Report> {
        self.running().iter_mut().find_map(|(name, child)| match child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(self.last_words(name, &status.to_string())),
            Err(error) => Some(error.into()),
        })
    }

    /// Stops all, the last one first, and waits until they are gone.
    pub async fn stop(&self) {
        let mut running = std::mem::take(&mut *self.running());
        for (_, child) in &mut running {
            drop(child.stdin.take());
        }
        let deadline = tokio::time::Instant::now() + GRACE;
        while let Some((name, mut child)) = running.pop() {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            if timeout(left, child.wait()).await.is_err() {
                tracing::warn!(name, "did not end in time and was killed");
                // It fails where the process is gone already.
                let _ = child.kill().await;
            }
        }
    }

    /// No panic leaves a list that is half made.
    fn running(&self) -> MutexGuard<'_, Vec<(String, Child)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    fn last_words(&self, name: &str, status: &str) -> Report {
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
        let processes = Processes::new(folder.path().join("logs")).unwrap();
        processes.start("cat", shell("cat >&2; echo bye >&2")).unwrap();
        assert!(processes.ended().is_none());
        processes.stop().await;
        assert_eq!(fs::read_to_string(folder.path().join("logs/cat.log")).unwrap(), "bye\n");
    }

    #[tokio::test]
    async fn a_process_that_does_not_listen_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let processes = Processes::new(folder.path().join("logs")).unwrap();
        processes.start("deaf", shell("exec sleep 600")).unwrap();
        let start = std::time::Instant::now();
        processes.stop().await;
        assert!(start.elapsed() < 2 * GRACE);
    }

    #[tokio::test]
    async fn one_that_has_ended_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let processes = Processes::new(folder.path().join("logs")).unwrap();
        processes.start("node", shell("echo no port >&2; exit 3")).unwrap();
        processes.start("store", shell("exec sleep 600")).unwrap();
        let error = processes.failure().await.to_string();
        assert!(error.contains("node has ended") && error.contains("no port"), "{error}");
        processes.stop().await;
    }
}
