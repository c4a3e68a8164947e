//! Carries out what the command line asks for.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    net::{IpAddr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
};

use sc_cli::{CliConfiguration, RunCmd, SubstrateCli};
use sc_network::{Multiaddr, config::NetworkBackendType, multiaddr::Protocol};
use sc_service::{BasePath, ChainSpec, Configuration, PartialComponents};

use crate::{
    chain_spec::{self, Genesis},
    cli::{Cli, Subcommand},
    disk,
    runtime_api::Block,
    service::{self, FullBackend, FullClient},
};

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "DecentralML Node".into()
    }

    fn impl_version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        "the DecentralML contributors".into()
    }

    fn support_url() -> String {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/issues").into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn ChainSpec>, String> {
        let genesis = if self.subcommand.is_none() { Genesis::State } else { Genesis::Preset };
        Ok(Box::new(chain_spec::load(id, self.runtime.as_deref(), genesis)?))
    }
}

/// Parses the command line and does what it says; returns when the node is stopped or the command is done.
///
/// # Errors
///
/// Whatever kept the command from being done, as a sentence for people.
pub fn run() -> sc_cli::Result<()> {
    let cli = Cli::from_process();
    carry_out(&cli).map_err(|error| {
        let base = cli.subcommand.is_none().then(|| base_path(&cli.run));
        disk::explain(error, base.as_deref())
    })
}

/// Where a node keeps its data. The SDK's own function would make another temporary folder.
fn base_path(run: &RunCmd) -> PathBuf {
    let shared = run.shared_params();
    match &shared.base_path {
        Some(path) => path.clone(),
        None if run.tmp || shared.is_dev() => std::env::temp_dir(),
        None => BasePath::from_project("", "", &Cli::executable_name()).path().to_owned(),
    }
}

fn carry_out(cli: &Cli) -> sc_cli::Result<()> {
    match &cli.subcommand {
        None => run_node(cli),
        Some(Subcommand::Key(command)) => command.run(cli),
        Some(Subcommand::ChainSpec(command)) => command.run(cli),
        Some(Subcommand::ExportChainSpec(command)) => export_chain_spec(cli, command),
        Some(Subcommand::CheckBlock(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents { client, task_manager, import_queue, .. } =
                service::partial(&config)?;
            Ok((command.run(client, import_queue), task_manager))
        }),
        Some(Subcommand::ExportBlocks(command)) => {
            cli.create_runner(command)?.async_run(|config| {
                let PartialComponents { client, task_manager, .. } = service::partial(&config)?;
                Ok((command.run(client, config.database), task_manager))
            })
        }
        Some(Subcommand::ExportState(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents { client, task_manager, .. } = service::partial(&config)?;
            Ok((command.run(client, config.chain_spec), task_manager))
        }),
        Some(Subcommand::ImportBlocks(command)) => {
            cli.create_runner(command)?.async_run(|config| {
                let PartialComponents { client, task_manager, import_queue, .. } =
                    service::partial(&config)?;
                Ok((command.run(client, import_queue), task_manager))
            })
        }
        Some(Subcommand::PurgeChain(command)) => {
            cli.create_runner(command)?.sync_run(|config| command.run(config.database))
        }
        Some(Subcommand::Revert(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents { client, task_manager, backend, .. } =
                service::partial(&config)?;
            let forget = |client: Arc<FullClient>, backend: Arc<FullBackend>, blocks: u32| {
                sc_consensus_babe::revert(client.clone(), backend, blocks)?;
                sc_consensus_grandpa::revert(client, blocks)?;
                Ok(())
            };
            Ok((command.run(client, backend, Some(Box::new(forget))), task_manager))
        }),
        Some(Subcommand::ChainInfo(command)) => {
            cli.create_runner(command)?.sync_run(|config| command.run::<Block>(&config))
        }
    }
}

/// The SDK's command, which writes the raw state of any genesis, also of one that no node starts from.
fn export_chain_spec(cli: &Cli, command: &sc_cli::ExportChainSpecCmd) -> sc_cli::Result<()> {
    let spec = cli.load_spec(&command.chain)?;
    if !command.raw {
        return command.run(spec);
    }
    let json = chain_spec::raw_json(spec)?;
    match &command.output {
        Some(path) => {
            fs::write(path, json)?;
            print(&format!("Exported chain spec to {}", path.display()))
        }
        None => print(&json),
    }
}

/// Prints a line on standard output. Who has closed it has seen enough.
///
/// # Errors
///
/// It cannot be written, as to a file on a full disk.
pub fn print(text: &str) -> sc_cli::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn run_node(cli: &Cli) -> sc_cli::Result<()> {
    cli.create_runner(&cli.run)?.run_node_until_exit(|mut config| async move {
        if !matches!(config.network.network_backend, NetworkBackendType::Litep2p) {
            return Err(sc_cli::Error::Input(
                "this node speaks litep2p only, which libp2p understands: leave out --network-backend"
                    .into(),
            ));
        }
        insist_on_ports(&mut config)?;
        Ok(service::start(config)?)
    })
}

/// Where a port is in use the SDK takes a random one (RPC), shares it with whoever has it (network) or goes without it (metrics),
/// and nobody would find the node. Here that is an error.
fn insist_on_ports(config: &mut Configuration) -> sc_cli::Result<()> {
    for endpoint in config.rpc.addr.iter_mut().flatten() {
        endpoint.retry_random_port = false;
        // IPv6's loopback, which not every machine has.
        if !endpoint.is_optional {
            insist_on_port(endpoint.listen_addr, "RPC", "--rpc-port")?;
        }
    }
    for address in config.network.listen_addresses.iter().filter_map(tcp) {
        insist_on_port(address, "the network", "--port")?;
    }
    if let Some(prometheus) = &config.prometheus_config {
        insist_on_port(prometheus.port, "metrics", "--prometheus-port")?;
    }
    Ok(())
}

/// Other reasons than a port in use, such as a machine without IPv6, are left to the SDK, which then does without the address.
fn insist_on_port(address: SocketAddr, purpose: &str, flag: &str) -> sc_cli::Result<()> {
    match TcpListener::bind(address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(sc_cli::Error::Input(format!(
            "cannot listen for {purpose} on {address}: {error}. Choose another port with {flag}."
        ))),
        _ => Ok(()),
    }
}

/// The address of a TCP listener.
fn tcp(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((ip, port).into()),
        _ => None,
    }
}
