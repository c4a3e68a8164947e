//! The machines that `scripts/machines.sh` makes, and programs on them.

use crate::process::{Process, program};
use anyhow::{Context, Result};
use std::{
    net::Ipv4Addr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// Where hosts listen: what is sent there is a part of an update.
pub const HOST_PORTS: RangeInclusive<u16> = 8090..=8099;

/// A machine of its own, as far as its network goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// The node's and the sponsor's, on which the test runs, too.
    First,
    /// The trainers', behind a router with NAT: it connects to the others, and nobody to it.
    Home,
    /// The other evaluators'.
    Third,
}

impl Machine {
    /// Where others reach it; the home's is its router's.
    pub fn address(self) -> Ipv4Addr {
        let number = match self {
            Self::First => 1,
            Self::Home => 2,
            Self::Third => 3,
        };
        Ipv4Addr::new(203, 0, 113, number)
    }

    /// Starts a program of this workspace on it, with its output in `log`.
    pub fn start(
        self,
        name: &str,
        arguments: &[&str],
        environment: Vec<(String, String)>,
        log: &Path,
    ) -> Result<Process> {
        let namespace = match self {
            Self::First => "machine1",
            Self::Home => "home",
            Self::Third => "machine3",
        };
        start_in(namespace, name, arguments, environment, log)
    }
}

/// Starts what lies between the machines, under the conditions that the script was told. From the moment when trainers have sent
/// `after` bytes to hosts, their machine is cut off for a while. It writes to `log` once that is over.
pub fn start_network(after: u64, log: &Path) -> Result<Process> {
    let conditions = variable("DECENTRALML_NETWORK")?;
    let after = after.to_string();
    let arguments: Vec<&str> = conditions.split_whitespace().chain([after.as_str()]).collect();
    start_in("network", "decentralml-tests-network", &arguments, Vec::new(), log)
}

fn start_in(
    namespace: &str,
    name: &str,
    arguments: &[&str],
    environment: Vec<(String, String)>,
    log: &Path,
) -> Result<Process> {
    let namespaces = PathBuf::from(variable("DECENTRALML_MACHINES")?);
    // It becomes the program, rather than to start it: to kill one is to kill the other.
    let enter = [
        format!("--net={}", namespaces.join(namespace).display()),
        "--".to_owned(),
        program(name)?.display().to_string(),
    ];
    let arguments = enter.into_iter().chain(arguments.iter().map(|&argument| argument.to_owned()));
    Process::start_program("nsenter".into(), arguments.collect(), environment, log)
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run scripts/machines.sh"))
}
