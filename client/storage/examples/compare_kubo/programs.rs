//! The two programs, each in a repository of its own.

use crate::{
    Result,
    http::{Body, Connection},
};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Longest time to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `decentralml ipfs daemon`, which syncs what it is given before it says that it has it.
    Ours,
    /// Kubo as it comes, which syncs nothing.
    Kubo,
    /// Kubo, told to sync every block.
    Synced,
}

/// Where the programs are.
pub struct Programs {
    pub ours: PathBuf,
    pub kubo: PathBuf,
}

/// One of them, running. It is killed when this is dropped.
pub struct Daemon {
    pub kind: Kind,
    pub rpc: SocketAddr,
    pub gateway: SocketAddr,
    /// From its start to its first answer.
    pub started: Duration,
    child: Child,
}

fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Programs {
    /// What a program says its version is.
    pub fn version(&self, kind: Kind) -> Result<String> {
        let (program, arguments) = match kind {
            Kind::Ours => (&self.ours, &["--version"][..]),
            Kind::Kubo | Kind::Synced => (&self.kubo, &["version", "--number"][..]),
        };
        let output = Command::new(program).args(arguments).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Starts a program on the repository in `folder`, which is made where it is missing.
    pub fn start(&self, kind: Kind, folder: &Path) -> Result<Daemon> {
        fs::create_dir_all(folder)?;
        let (rpc, gateway) = (free_port()?, free_port()?);
        let mut command = match kind {
            Kind::Ours => {
                let mut command = Command::new(&self.ours);
                command
                    .args(["ipfs", "daemon", "--stop-on-eof", "--folder"])
                    .arg(folder.join("store"));
                command.args(["--listen", &rpc.to_string(), "--gateway", &gateway.to_string()]);
                // Nobody's settings.
                command.env("XDG_CONFIG_HOME", folder).env_remove("DECENTRALML_CONFIG");
                command
            }
            Kind::Kubo | Kind::Synced => {
                self.configure(folder, rpc, gateway, kind == Kind::Synced)?;
                let mut command = self.kubo(folder);
                command.args(["daemon", "--offline"]);
                command
            }
        };
        let log = File::create(folder.join("log"))?;
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        let begun = Instant::now();
        let child = command.spawn()?;
        let mut daemon = Daemon { kind, rpc, gateway, started: Duration::ZERO, child };
        while daemon.version().is_err() {
            if daemon.child.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(format!("{kind:?} does not start: {log}").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        daemon.started = begun.elapsed();
        Ok(daemon)
    }

    fn kubo(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.kubo);
        command.env("IPFS_PATH", folder.join("repo")).env("IPFS_TELEMETRY", "off");
        command
    }

    fn configure(
        &self,
        folder: &Path,
        rpc: SocketAddr,
        gateway: SocketAddr,
        sync: bool,
    ) -> Result<()> {
        let path = folder.join("repo/config");
        if !path.exists() {
            let made =
                self.kubo(folder).args(["init", "--profile=test,unixfs-v1-2025"]).output()?;
            if !made.status.success() {
                return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
            }
        }
        let mut config: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let multiaddr = |addr: SocketAddr| json!(format!("/ip4/{}/tcp/{}", addr.ip(), addr.port()));
        config["Addresses"]["API"] = multiaddr(rpc);
        config["Addresses"]["Gateway"] = multiaddr(gateway);
        // Not between the rounds by itself, but where it is asked to.
        config["Datastore"]["GCPeriod"] = json!("1000h");
        if sync {
            let blocks = &mut config["Datastore"]["Spec"]["mounts"][0];
            if blocks["type"] != "flatfs" {
                return Err(format!("Kubo keeps its blocks in another way: {blocks}").into());
            }
            blocks["sync"] = json!(true);
        }
        Ok(fs::write(&path, config.to_string())?)
    }
}

impl Daemon {
    pub fn connect(&self) -> Result<Connection> {
        Connection::open(self.rpc)
    }

    fn version(&self) -> Result<Vec<u8>> {
        self.connect()?.post("version", Body::Nothing)
    }

    /// The URL of its RPC.
    pub fn url(&self) -> String {
        format!("http://{}", self.rpc)
    }

    /// Most bytes that it has had in memory.
    pub fn peak(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: u64 = line.unwrap_or_default().trim().trim_end_matches(" kB").parse()?;
        Ok(kib << 10)
    }

    /// Ends it in its own way.
    pub fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        if self.kind != Kind::Ours {
            Command::new("sh").args(["-c", &format!("kill {}", self.child.id())]).status()?;
        }
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
