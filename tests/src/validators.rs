//! Four validators on this machine.

use crate::process::{Process, free_port, program, run};
use anyhow::Result;
use std::{path::Path, process::Command};

/// The validators of the chain `local`, as the node's flags name them.
const NAMES: [&str; 4] = ["alice", "bob", "charlie", "dave"];

/// A validator.
pub struct Validator {
    /// Its process.
    pub process: Process,
    /// Where its RPC listens.
    pub url: String,
}

/// Starts the four validators of the chain `local`, each knowing the addresses of all.
pub fn start_validators(folder: &Path) -> Result<Vec<Validator>> {
    let keys = (1..=NAMES.len()).map(|number| format!("{number:064x}")).collect::<Vec<_>>();
    let mut addresses = Vec::new();
    for key in &keys {
        let file = folder.join("node-key");
        std::fs::write(&file, key)?;
        let peer = run(Command::new(program("decentralml-node")?)
            .args(["key", "inspect-node-key", "--file"])
            .arg(&file))?;
        addresses.push(format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", free_port()?, peer.trim()));
    }
    let listen = |address: &str| address.split("/p2p/").next().unwrap_or_default().to_owned();
    NAMES
        .iter()
        .zip(&keys)
        .zip(&addresses)
        .map(|((name, key), address)| {
            let port = free_port()?;
            let mut arguments = vec![
                "--chain".to_owned(),
                "local".to_owned(),
                format!("--{name}"),
                "--base-path".to_owned(),
                folder.join(name).display().to_string(),
                "--node-key".to_owned(),
                key.clone(),
                "--listen-addr".to_owned(),
                listen(address),
                "--rpc-port".to_owned(),
                port.to_string(),
                "--no-mdns".to_owned(),
                "--no-prometheus".to_owned(),
                "--no-telemetry".to_owned(),
                "--bootnodes".to_owned(),
            ];
            arguments.extend(addresses.iter().filter(|other| *other != address).cloned());
            let log = folder.join(format!("{name}.log"));
            let process = Process::start("decentralml-node", arguments, Vec::new(), &log)?;
            Ok(Validator { process, url: format!("ws://127.0.0.1:{port}") })
        })
        .collect()
}
