//! Carries out what the command line asks for.

use std::{net::TcpListener, sync::Arc};

use sc_cli::SubstrateCli;
use sc_network::config::NetworkBackendType;
use sc_service::{ChainSpec, Configuration, PartialComponents};

use crate::{
    chain_spec::{self, Genesis},
    cli::{Cli, Subcommand},
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
    match &cli.subcommand {
        None => run_node(&cli),
        Some(Subcommand::Key(command)) => command.run(&cli),
        Some(Subcommand::ChainSpec(command)) => command.run(&cli),
        Some(Subcommand::ExportChainSpec(command)) => command.run(cli.load_spec(&command.chain)?),
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

fn run_node(cli: &Cli) -> sc_cli::Result<()> {
    cli.create_runner(&cli.run)?.run_node_until_exit(|mut config| async move {
        if !matches!(config.network.network_backend, NetworkBackendType::Litep2p) {
            return Err(sc_cli::Error::Input(
                "this node speaks litep2p only, which libp2p understands: leave out --network-backend"
                    .into(),
            ));
        }
        insist_on_rpc_ports(&mut config)?;
        Ok(service::start(config)?)
    })
}

/// Where the port is in use the SDK takes a random one, on which nobody would look for the node. Here that is an error.
fn insist_on_rpc_ports(config: &mut Configuration) -> sc_cli::Result<()> {
    for endpoint in config.rpc.addr.iter_mut().flatten() {
        endpoint.retry_random_port = false;
        let address = endpoint.listen_addr;
        match TcpListener::bind(address) {
            Err(error) if !endpoint.is_optional => {
                return Err(sc_cli::Error::Input(format!(
                    "cannot listen for RPC on {address}: {error}. Choose another port with --rpc-port."
                )));
            }
            _ => {}
        }
    }
    Ok(())
}
