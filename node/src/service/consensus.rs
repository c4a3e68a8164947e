//! BABE makes blocks, GRANDPA makes them final.

use std::{sync::Arc, time::Duration};

use sc_basic_authorship::ProposerFactory;
use sc_consensus::DefaultImportQueue;
use sc_consensus_babe::{
    BabeBlockImport, BabeLink, BabeParams, BabeWorkerHandle, ImportQueueParams, SlotProportion,
};
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaBlockImport, GrandpaJustificationStream, GrandpaParams, LinkHalf,
    SharedAuthoritySet, SharedVoterState, VotingRulesBuilder, warp_proof::NetworkProvider,
};
use sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging;
use sc_network::{NotificationService, ProtocolName, service::traits::NetworkService};
use sc_network_sync::SyncingService;
use sc_service::{
    Configuration, Error, TaskManager,
    config::{PrometheusConfig, Role},
};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_babe::inherents::InherentDataProvider as SlotProvider;
use sp_core::H256;
use sp_inherents::CreateInherentDataProviders;
use sp_keystore::KeystorePtr;
use sp_timestamp::InherentDataProvider as TimestampProvider;

use super::{FullBackend, FullClient, FullPool, FullSelectChain};
use crate::runtime_api::{Block, BlockNumber};

/// A proof of finality is stored for at least every so many blocks, for those who catch up.
const JUSTIFICATION_PERIOD: BlockNumber = 512;

/// How long a vote takes to reach everybody. A round of GRANDPA lasts about four of these.
const GOSSIP_DURATION: Duration = Duration::from_millis(333);

/// Which part of a slot goes into filling a block; the rest is for sending and importing it.
const PROPOSAL_PORTION: f32 = 2.0 / 3.0;

type Finality = GrandpaBlockImport<FullBackend, Block, FullClient, FullSelectChain>;
type BlockImport = BabeBlockImport<Block, FullClient, Finality, Inherents, FullSelectChain>;

/// What every block states besides its transactions: its slot and its time.
type Inherents = Arc<
    dyn CreateInherentDataProviders<
            Block,
            (),
            InherentDataProviders = (SlotProvider, TimestampProvider),
        >,
>;

/// Both engines, ready to import blocks, to make them and to finalize them.
pub struct Consensus {
    block_import: BlockImport,
    inherents: Inherents,
    babe_link: BabeLink<Block>,
    babe_worker: BabeWorkerHandle<Block>,
    grandpa_link: LinkHalf<Block, FullClient, FullSelectChain>,
    voter_state: SharedVoterState,
}

/// What making blocks needs.
pub struct Authoring {
    /// The chain to build on.
    pub client: Arc<FullClient>,
    /// Which of its forks.
    pub select_chain: FullSelectChain,
    /// Where the transactions come from.
    pub transaction_pool: Arc<FullPool>,
    /// The keys that may claim slots.
    pub keystore: KeystorePtr,
    /// Tells whether the node is still catching up.
    pub sync_service: Arc<SyncingService<Block>>,
    /// Make blocks without peers and while catching up, too.
    pub force: bool,
    /// Where to count blocks, if anywhere.
    pub prometheus: Option<PrometheusConfig>,
    /// Where to report, if anywhere.
    pub telemetry: Option<TelemetryHandle>,
}

/// What taking part in finality needs.
pub struct Voting {
    /// The network.
    pub network: Arc<dyn NetworkService>,
    /// Fetches blocks that others vote on.
    pub sync_service: Arc<SyncingService<Block>>,
    /// The votes from and to the peers.
    pub notifications: Box<dyn NotificationService>,
    /// The name of the protocol that carries them.
    pub protocol: ProtocolName,
    /// The keys to vote with; none on a full node, which only follows.
    pub keystore: Option<KeystorePtr>,
    /// Validator or full node.
    pub role: Role,
    /// The node's name in reports.
    pub name: String,
    /// Where reports of double votes go.
    pub transaction_pool: Arc<FullPool>,
    /// Where to count rounds, if anywhere.
    pub prometheus: Option<PrometheusConfig>,
    /// Where to report, if anywhere.
    pub telemetry: Option<TelemetryHandle>,
}

impl Consensus {
    /// Sets both engines up on the chain as it is, with the queue through which blocks from the network come in. The
    /// length of a slot is the one that the chain's runtime states.
    ///
    /// # Errors
    ///
    /// The runtime has no BABE or GRANDPA, or the database is broken.
    pub fn new(
        config: &Configuration,
        client: Arc<FullClient>,
        select_chain: FullSelectChain,
        transaction_pool: Arc<FullPool>,
        task_manager: &TaskManager,
        telemetry: Option<TelemetryHandle>,
    ) -> Result<(Self, DefaultImportQueue<Block>), Error> {
        let (finality, grandpa_link) = sc_consensus_grandpa::block_import(
            client.clone(),
            JUSTIFICATION_PERIOD,
            &client,
            select_chain.clone(),
            telemetry.clone(),
        )?;

        let babe_config = sc_consensus_babe::configuration(&*client)?;
        let slot_duration = babe_config.slot_duration();
        let inherents: Inherents = Arc::new(move |_, ()| async move {
            let time = TimestampProvider::from_system_time();
            let slot = SlotProvider::from_timestamp_and_slot_duration(*time, slot_duration);
            Ok((slot, time))
        });
        let (block_import, babe_link) = sc_consensus_babe::block_import(
            babe_config,
            finality.clone(),
            client.clone(),
            inherents.clone(),
            select_chain,
            OffchainTransactionPoolFactory::new(transaction_pool),
        )?;
        let (import_queue, babe_worker) = sc_consensus_babe::import_queue(ImportQueueParams {
            link: babe_link.clone(),
            block_import: block_import.clone(),
            justification_import: Some(Box::new(finality)),
            client,
            slot_duration,
            spawner: &task_manager.spawn_essential_handle(),
            registry: config.prometheus_registry(),
            telemetry,
        })?;

        let consensus = Self {
            block_import,
            inherents,
            babe_link,
            babe_worker,
            grandpa_link,
            voter_state: SharedVoterState::empty(),
        };
        Ok((consensus, import_queue))
    }

    /// Asks BABE for its epochs.
    pub fn babe_worker(&self) -> BabeWorkerHandle<Block> {
        self.babe_worker.clone()
    }

    /// Tells how far GRANDPA's voting is.
    pub fn voter_state(&self) -> SharedVoterState {
        self.voter_state.clone()
    }

    /// Who may vote in GRANDPA, now and formerly.
    pub fn authority_set(&self) -> SharedAuthoritySet<H256, BlockNumber> {
        self.grandpa_link.shared_authority_set().clone()
    }

    /// New proofs of finality as they arise.
    pub fn justifications(&self) -> GrandpaJustificationStream<Block> {
        self.grandpa_link.justification_stream()
    }

    /// Proofs that a stored block is final.
    pub fn finality_proofs(
        &self,
        backend: Arc<FullBackend>,
    ) -> Arc<FinalityProofProvider<FullBackend, Block>> {
        FinalityProofProvider::new_for_service(backend, Some(self.authority_set()))
    }

    /// Proofs with which others reach the newest state without every block in between.
    pub fn warp_sync(&self, backend: Arc<FullBackend>) -> Arc<NetworkProvider<Block, FullBackend>> {
        Arc::new(NetworkProvider::new(backend, self.authority_set(), Vec::new()))
    }

    /// Begins to make blocks. The node stops when this task does.
    ///
    /// # Errors
    ///
    /// BABE's part of the database cannot be read.
    pub fn author(&self, authoring: Authoring, task_manager: &TaskManager) -> Result<(), Error> {
        let Authoring {
            client,
            select_chain,
            transaction_pool,
            keystore,
            sync_service,
            force,
            prometheus,
            telemetry,
        } = authoring;
        let env = ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool,
            prometheus.as_ref().map(|prometheus| &prometheus.registry),
            telemetry.clone(),
        );
        let babe = sc_consensus_babe::start_babe(BabeParams {
            keystore,
            client,
            select_chain,
            env,
            block_import: self.block_import.clone(),
            sync_oracle: sync_service.clone(),
            justification_sync_link: sync_service,
            create_inherent_data_providers: self.inherents.clone(),
            force_authoring: force,
            // Without finality the validators slow down, so that little is lost when it returns elsewhere.
            backoff_authoring_blocks: Some(BackoffAuthoringOnFinalizedHeadLagging::default()),
            babe_link: self.babe_link.clone(),
            block_proposal_slot_portion: SlotProportion::new(PROPOSAL_PORTION),
            max_block_proposal_slot_portion: None,
            telemetry,
        })?;
        task_manager.spawn_essential_handle().spawn_blocking(
            "babe-proposer",
            Some("block-authoring"),
            babe,
        );
        Ok(())
    }

    /// Begins to vote, or to follow the votes of others. The node stops when this task does.
    ///
    /// # Errors
    ///
    /// GRANDPA's part of the database cannot be read.
    pub fn vote(self, voting: Voting, task_manager: &TaskManager) -> Result<(), Error> {
        let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: GOSSIP_DURATION,
                justification_generation_period: JUSTIFICATION_PERIOD,
                name: Some(voting.name),
                observer_enabled: false,
                keystore: voting.keystore,
                local_role: voting.role,
                telemetry: voting.telemetry.clone(),
                protocol_name: voting.protocol,
            },
            link: self.grandpa_link,
            network: voting.network,
            sync: voting.sync_service,
            notification_service: voting.notifications,
            voting_rule: VotingRulesBuilder::default().build(),
            prometheus_registry: voting.prometheus.map(|prometheus| prometheus.registry),
            shared_voter_state: self.voter_state,
            telemetry: voting.telemetry,
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(voting.transaction_pool),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
        Ok(())
    }
}
