//! Several validators on this machine.

use crate::process::{Process, free_port, program, run};
use anyhow::Result;
use std::{path::Path, process::Command};

/// The validators of the chain `local`, as the node's flags name them.
const NAMES: [&str; 4] = ["alice", "bob", "charlie", "dave"];

/// A node in a network of several.
pub struct Validator {
    /// Its process.
    pub process: Process,
    /// Where its RPC listens.
    pub url: String,
    /// Where the others find it.
    address: String,
}

/// Who a node is to the others, before it runs.
struct Identity {
    name: String,
    /// The secret network key, in hexadecimal.
    key: String,
    address: String,
}

/// Starts the four validators of the chain `local`, each knowing the addresses of all.
pub fn start_validators(folder: &Path) -> Result<Vec<Validator>> {
    let identities =
        NAMES.iter().map(|name| Identity::new(folder, name)).collect::<Result<Vec<_>>>()?;
    let addresses: Vec<&str> = identities.iter().map(|own| own.address.as_str()).collect();
    identities
        .iter()
        .map(|own| {
            Validator::start(folder, "local", own, &[&format!("--{}", own.name)], &addresses)
        })
        .collect()
}

impl Validator {
    /// Starts one more node of a chain that may run already. `chain` is what `--chain` takes, `arguments` make it a
    /// validator or not; it knows the addresses of `others`. Its data are in the folder of its name.
    pub fn join(
        folder: &Path,
        chain: &str,
        name: &str,
        arguments: &[&str],
        others: &[Self],
    ) -> Result<Self> {
        let addresses: Vec<&str> = others.iter().map(|other| other.address.as_str()).collect();
        Self::start(folder, chain, &Identity::new(folder, name)?, arguments, &addresses)
    }

    fn start(
        folder: &Path,
        chain: &str,
        own: &Identity,
        arguments: &[&str],
        addresses: &[&str],
    ) -> Result<Self> {
        let (port, data) = (free_port()?, folder.join(&own.name).display().to_string());
        let listen = own.address.split("/p2p/").next().unwrap_or_default();
        let port_text = port.to_string();
        let mut all = vec!["--chain", chain, "--base-path", &data, "--node-key", &own.key];
        all.extend(["--listen-addr", listen, "--rpc-port", &port_text]);
        all.extend(["--no-mdns", "--no-prometheus", "--no-telemetry"]);
        all.extend(arguments);
        for other in addresses.iter().filter(|other| **other != own.address) {
            all.extend(["--bootnodes", other]);
        }
        let all = all.into_iter().map(str::to_owned).collect();
        let log = folder.join(format!("{}.log", own.name));
        let process = Process::start("decentralml-node", all, Vec::new(), &log)?;
        let url = format!("ws://127.0.0.1:{port}");
        Ok(Self { process, url, address: own.address.clone() })
    }
}

impl Identity {
    fn new(folder: &Path, name: &str) -> Result<Self> {
        let file = folder.join(format!("{name}.key"));
        let node = program("decentralml-node")?;
        run(Command::new(&node).args(["key", "generate-node-key", "--file"]).arg(&file))?;
        let peer = run(Command::new(&node).args(["key", "inspect-node-key", "--file"]).arg(&file))?;
        let address = format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", free_port()?, peer.trim());
        let key = std::fs::read_to_string(&file)?.trim().to_owned();
        Ok(Self { name: name.to_owned(), key, address })
    }
}
