//! Puts the node together: client and database, BABE and GRANDPA, network, transaction pool and RPC.
//!
//! ```text
//! network ──► import queue ──► BABE block import ──► GRANDPA block import ──► client ──► ParityDB
//! BABE authoring ─────────────────▲                        ▲
//!      ▲ transaction pool ◄── RPC             GRANDPA voter ┘ (finality)
//! ```

mod consensus;

use std::sync::Arc;

use sc_consensus::{DefaultImportQueue, LongestChain};
use sc_executor::WasmExecutor;
use sc_network::{Litep2pNetworkBackend, NetworkBackend, config::FullNetworkConfiguration};
use sc_service::{
    BuildNetworkParams, Configuration, Error, PartialComponents, SpawnTasksParams, TFullBackend,
    TFullClient, TaskManager, WarpSyncConfig,
};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus_grandpa::GrandpaApi;
use sp_core::H256;

use crate::{
    chain_spec, rpc,
    runtime_api::{Block, RuntimeApi},
};
use consensus::Consensus;

/// The chain's client, which executes the runtime on the chain.
pub type FullClient = TFullClient<Block, RuntimeApi, WasmExecutor<sp_io::SubstrateHostFunctions>>;
/// Blocks and state on disk.
pub type FullBackend = TFullBackend<Block>;
/// Which fork to build on: the longest.
pub type FullSelectChain = LongestChain<FullBackend, Block>;
/// Pending transactions.
pub type FullPool = TransactionPoolHandle<Block, FullClient>;

/// How many telemetry messages may wait to be sent.
const TELEMETRY_BUFFER: usize = 16;

/// A node without network, as the subcommands need it.
pub type Partial = PartialComponents<
    FullClient,
    FullBackend,
    FullSelectChain,
    DefaultImportQueue<Block>,
    FullPool,
    (Consensus, Option<Telemetry>),
>;

/// Opens the database, building the genesis block where there is none, and what checks and imports blocks.
///
/// # Errors
///
/// The database, the keystore or the chain specification cannot be used, the runtime is not one of this chain, or the chain
/// begins without validators.
pub fn partial(config: &Configuration) -> Result<Partial, Error> {
    let telemetry = config
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty())
        .map(|endpoints| -> Result<_, sc_telemetry::Error> {
            let worker = TelemetryWorker::new(TELEMETRY_BUFFER)?;
            let telemetry = worker.handle().new_telemetry(endpoints);
            Ok((worker, telemetry))
        })
        .transpose()?;

    let (client, backend, keystore_container, task_manager) =
        sc_service::new_full_parts::<Block, RuntimeApi, _>(
            config,
            telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
            sc_service::new_wasm_executor(&config.executor),
            Vec::new(),
        )?;
    let client = Arc::new(client);
    insist_on_validators(&client)?;

    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });

    let select_chain = LongestChain::new(backend.clone());
    let transaction_pool = Arc::new(
        sc_transaction_pool::Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );
    let (consensus, import_queue) = Consensus::new(
        config,
        client.clone(),
        select_chain.clone(),
        transaction_pool.clone(),
        &task_manager,
        telemetry.as_ref().map(Telemetry::handle),
    )?;

    Ok(PartialComponents {
        client,
        backend,
        task_manager,
        keystore_container,
        select_chain,
        import_queue,
        transaction_pool,
        other: (consensus, telemetry),
    })
}

/// GRANDPA would panic over a chain that begins without validators; here it is an error that says what the specification lacks.
fn insist_on_validators(client: &FullClient) -> Result<(), Error> {
    let info = client.info();
    if info.best_number > 0 {
        return Ok(());
    }
    let api = client.runtime_api();
    let voters = api.grandpa_authorities(info.genesis_hash).map_err(sp_blockchain::Error::from)?;
    chain_spec::insist_on_voters(&voters).map_err(Error::Other)
}

/// Starts a node: a validator where the configuration says so, a full node otherwise. It runs as long as the task
/// manager lives.
///
/// # Errors
///
/// As [`partial`], or a port is in use.
pub fn start(config: Configuration) -> Result<TaskManager, Error> {
    let PartialComponents {
        client,
        backend,
        mut task_manager,
        keystore_container,
        select_chain,
        import_queue,
        transaction_pool,
        other: (consensus, mut telemetry),
    } = partial(&config)?;

    let mut net_config = FullNetworkConfiguration::<Block, H256, Litep2pNetworkBackend>::new(
        &config.network,
        config.prometheus_registry().cloned(),
    );
    let metrics =
        <Litep2pNetworkBackend as NetworkBackend<Block, H256>>::register_notification_metrics(
            config.prometheus_registry(),
        );
    let grandpa_protocol = sc_consensus_grandpa::protocol_standard_name(
        &client.info().genesis_hash,
        &config.chain_spec,
    );
    let (grandpa_peers, grandpa_notifications) =
        sc_consensus_grandpa::grandpa_peers_set_config::<Block, Litep2pNetworkBackend>(
            grandpa_protocol.clone(),
            metrics.clone(),
            net_config.peer_store_handle(),
        );
    net_config.add_notification_protocol(grandpa_peers);

    let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
        sc_service::build_network(BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(WarpSyncConfig::WithProvider(
                consensus.warp_sync(backend.clone()),
            )),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;

    let voting = consensus::Voting {
        network: network.clone(),
        sync_service: sync_service.clone(),
        notifications: grandpa_notifications,
        protocol: grandpa_protocol,
        keystore: config.role.is_authority().then(|| keystore_container.keystore()),
        role: config.role,
        name: config.network.node_name.clone(),
        prometheus: config.prometheus_config.clone(),
        transaction_pool: transaction_pool.clone(),
        telemetry: telemetry.as_ref().map(Telemetry::handle),
    };
    let authoring = config.role.is_authority().then(|| consensus::Authoring {
        client: client.clone(),
        select_chain: select_chain.clone(),
        transaction_pool: transaction_pool.clone(),
        keystore: keystore_container.keystore(),
        sync_service: sync_service.clone(),
        force: config.force_authoring,
        prometheus: config.prometheus_config.clone(),
        telemetry: telemetry.as_ref().map(Telemetry::handle),
    });
    let votes = !config.disable_grandpa;

    let dependencies = rpc::Dependencies {
        client: client.clone(),
        pool: transaction_pool.clone(),
        select_chain,
        keystore: keystore_container.keystore(),
        babe_worker: consensus.babe_worker(),
        voter_state: consensus.voter_state(),
        authority_set: consensus.authority_set(),
        justifications: consensus.justifications(),
        finality_proofs: consensus.finality_proofs(backend.clone()),
    };
    sc_service::spawn_tasks(SpawnTasksParams {
        config,
        client,
        backend,
        task_manager: &mut task_manager,
        keystore: keystore_container.keystore(),
        transaction_pool,
        rpc_builder: Box::new(move |executor| Ok(rpc::module(&dependencies, executor)?)),
        network,
        system_rpc_tx,
        tx_handler_controller,
        sync_service,
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    if let Some(authoring) = authoring {
        consensus.author(authoring, &task_manager)?;
    }
    if votes {
        consensus.vote(voting, &task_manager)?;
    }
    Ok(task_manager)
}
